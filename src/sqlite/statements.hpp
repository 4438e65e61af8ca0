#pragma once
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <memory>
#include <string_view>
#include <unordered_map>

#include "sql/database.hpp"

namespace portcullis::sqlite {

/// The prepared statements of a connection, by their text. One that is on loan is reset when its
/// cursor goes, so that no read lasts longer than its reader.
///
/// Errors: throws SQLite::Exception.
class Statements final : public sql::Connection {
 public:
  explicit Statements(SQLite::Database& database) noexcept : database_(database) {}

 private:
  class Loan;
  std::unique_ptr<sql::Cursor> start(std::string_view sql,
                                     std::span<const sql::Value> values) override;
  std::int64_t execute(std::string_view sql, std::span<const sql::Value> values) override;
  SQLite::Statement& bound(std::string_view sql, std::span<const sql::Value> values);

  SQLite::Database& database_;
  std::unordered_map<std::string_view, std::unique_ptr<SQLite::Statement>> statements_;
};

}  // namespace portcullis::sqlite
