#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "postgres/pool.hpp"
#include "sql/database.hpp"

namespace portcullis::postgres {

/// The tables of one part of the program in a PostgreSQL database, in the schema `portcullis`.
///
/// Its writers go one at a time, of all nodes: each takes the lock of the part's row in
/// `portcullis.parts` first, and counts its `changes` up last. So one of several that try the same
/// wins, numbers that tables give out are committed in their order, and version() is one row.
///
/// Threads:   any; Options::connections calls at a time, the others wait.
/// Errors:    of sql::Database; unauthorized where a role may not do what it must. One who loses
///            the connection while COMMIT is under way cannot know what became of it: unavailable,
///            and Retry::no.
/// Deadlines: a call ends within Options::deadline, whatever the server does; the first one, which
///            migrates, within migration_deadline.
/// Cost:      a read takes three flights to the server and back, a write five and an fsync.
/// Source:    PostgreSQL documentation, chapters 13 (concurrency) and 34 (libpq).
class Database final : public sql::Database {
 public:
  /// Connects to nothing yet: the server may come later. `schema`: static.
  Database(Options options, Schema schema)
      : schema_(std::move(schema)), pool_(std::move(options)) {}

  Result<std::int64_t> version() override;

 private:
  /// How far a transaction has come: what a lost connection means depends on it.
  enum class Phase : std::uint8_t { beginning, working, committing };
  struct Failed {
    Error error;
    bool again = false;  ///< the same may be tried once more
  };

  Result<void> transact(Access access, const Step& step) override;
  std::expected<void, Failed> attempt(Access access, const Step& step, MonotonicTime deadline);
  void run(Session& session, Access access, const Step& step, Phase& phase) const;
  Failed failed(Pool::Lease& lease, const Failure& failure, Phase phase);
  Result<void> prepare(MonotonicTime deadline);
  Result<void> migrate();
  Result<std::int64_t> installed(sql::Connection& connection) const;
  Error named(Error error) const;

  const Schema schema_;
  Pool pool_;
  std::timed_mutex preparing_;
  std::atomic<bool> prepared_{false};
};

}  // namespace portcullis::postgres
