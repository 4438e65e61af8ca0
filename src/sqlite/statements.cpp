#include "sqlite/statements.hpp"

namespace portcullis::sqlite {
namespace {

void bind(SQLite::Statement& statement, int at, const sql::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind(at, *number);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    statement.bind(at, std::string(*text));
  } else if (const auto* blob = std::get_if<sql::Blob>(&value)) {
    // A null pointer would bind NULL.
    const char* const data = blob->bytes.empty() ? "" : blob->bytes.data();
    statement.bind(at, static_cast<const void*>(data), static_cast<int>(blob->bytes.size()));
  } else {
    statement.bind(at);
  }
}

}  // namespace

class Statements::Loan final : public sql::Cursor {
 public:
  explicit Loan(SQLite::Statement& statement) noexcept : statement_(statement) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() override {
    (void)statement_.tryReset();
    statement_.clearBindings();  // never fails
  }
  bool step() override { return statement_.executeStep(); }
  bool is_null(int column) const override { return statement_.isColumnNull(column); }
  std::int64_t number(int column) const override { return statement_.getColumn(column).getInt64(); }
  std::string text(int column) const override { return statement_.getColumn(column).getString(); }

 private:
  SQLite::Statement& statement_;
};

SQLite::Statement& Statements::bound(std::string_view sql, std::span<const sql::Value> values) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(database_, std::string(sql));
  int at = 0;
  for (const auto& value : values) bind(*statement, ++at, value);
  return *statement;
}

std::unique_ptr<sql::Cursor> Statements::start(std::string_view sql,
                                               std::span<const sql::Value> values) {
  return std::make_unique<Loan>(bound(sql, values));
}

std::int64_t Statements::execute(std::string_view sql, std::span<const sql::Value> values) {
  Loan loan(bound(sql, values));
  while (loan.step()) {
  }
  return database_.getChanges();
}

}  // namespace portcullis::sqlite
