#pragma once
#include <libpq-fe.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "postgres/failure.hpp"
#include "postgres/options.hpp"
#include "sql/database.hpp"

namespace portcullis::postgres {

/// One connection to the server.
///
/// libpq is used without blocking, so that each wait ends at the deadline whatever the server does.
/// Nothing of it outlives a transaction, on either side: statements have their values beside them
/// and no name, and settings are local to the transaction. So a pooler may stand between.
///
/// Threads: one at a time.  Errors: throws Failure; a session that was lost serves no more.
class Session final : public sql::Connection {
 public:
  /// Only the look-up of names may take longer: as long as the C library waits for it.
  static Result<std::unique_ptr<Session>> open(const Options& options, MonotonicTime deadline);

  /// Of all that follows.
  void set_deadline(MonotonicTime deadline) noexcept { deadline_ = deadline; }
  Milliseconds time_left() const noexcept;
  /// Statements without values, such as BEGIN, in one flight.
  void command(const std::string& statements);
  /// How many rows have been changed since this was last asked.
  std::int64_t take_changes() noexcept { return std::exchange(changes_, 0); }
  /// False where the server has something to say though nothing was asked: as a rule that it ends.
  bool is_quiet() const;

 private:
  struct Close {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  using Handle = std::unique_ptr<PGconn, Close>;
  using Rows = std::unique_ptr<PGresult, Clear>;
  class Fetched;

  explicit Session(Handle connection) noexcept : connection_(std::move(connection)) {}
  std::unique_ptr<sql::Cursor> start(std::string_view sql,
                                     std::span<const sql::Value> values) override;
  std::int64_t execute(std::string_view sql, std::span<const sql::Value> values) override;
  Rows send(std::string_view sql, std::span<const sql::Value> values);
  Rows outcome();
  void flush();
  void wait(short events);
  [[noreturn]] void lose() const;

  Handle connection_;
  MonotonicTime deadline_;
  std::int64_t changes_ = 0;
};

}  // namespace portcullis::postgres
