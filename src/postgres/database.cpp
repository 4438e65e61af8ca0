#include "postgres/database.hpp"

#include <algorithm>

namespace portcullis::postgres {
namespace {

/// How often a call is tried that lost against others, or whose connection had been lost before.
constexpr int kTries = 4;
/// The server gives a statement up before we do, so that it can say so.
constexpr Milliseconds kEarlier{250};
constexpr Milliseconds kLeast{50};
/// Ends the locks of a node that vanished within a transaction: no call lasts as long.
constexpr const char* kAbandonedAfter = "5s";
/// Of those who migrate: "portcull".
constexpr std::int64_t kMigrationLock = 0x706f'7274'6375'6c6c;

/// All that a transaction needs is set within it: another may have the connection before the next.
/// The search path is ours alone, so that nobody else's table or function is taken for ours.
std::string begin(std::string_view mode, Milliseconds time_left) {
  const auto patience = std::max(time_left - kEarlier, kLeast);
  return "BEGIN " + std::string(mode) + "; SET LOCAL search_path = portcullis, pg_temp; " +
         "SET LOCAL statement_timeout = " + std::to_string(patience.count()) +
         "; SET LOCAL idle_in_transaction_session_timeout = '" + kAbandonedAfter + "'";
}

}  // namespace

Result<std::int64_t> Database::version() {
  return read([this](sql::Connection& connection) -> Result<std::int64_t> {
    auto row = connection.query("SELECT changes FROM parts WHERE part = ?1", schema_.part);
    return row.step() ? row.number(0) : 0;
  });
}

Result<void> Database::transact(Access access, const Step& step) {
  const auto deadline = Clock::system().monotonic() + pool_.options().deadline;
  if (auto ready = prepare(deadline); !ready) return std::unexpected(named(ready.error()));
  for (int tries = 1;; ++tries) {
    auto done = attempt(access, step, deadline);
    if (done) return {};
    if (!done.error().again || tries == kTries) return std::unexpected(named(done.error().error));
  }
}

std::expected<void, Database::Failed> Database::attempt(Access access, const Step& step,
                                                        MonotonicTime deadline) {
  auto lease = pool_.take(deadline);
  if (!lease) return std::unexpected(Failed{lease.error()});
  (*lease)->set_deadline(deadline);
  auto phase = Phase::beginning;
  try {
    run(**lease, access, step, phase);
    lease->keep();
    return {};
  } catch (const Failure& failure) {
    return std::unexpected(failed(*lease, failure, phase));
  }
}

void Database::run(Session& session, Access access, const Step& step, Phase& phase) const {
  const bool writes = access == Access::write;
  session.command(begin(
      writes ? "ISOLATION LEVEL READ COMMITTED" : "ISOLATION LEVEL REPEATABLE READ, READ ONLY",
      session.time_left()));
  phase = Phase::working;
  sql::Connection& connection = session;
  if (writes) {
    // From here on each statement sees all that was committed, and nobody else commits.
    auto row = connection.query("SELECT 1 FROM parts WHERE part = ?1 FOR UPDATE", schema_.part);
    if (!row.step()) {
      throw Failure(Failure::Kind::refused,
                    {.code = ErrorCode::malformed, .detail = "its tables have been taken away"});
    }
  }
  (void)session.take_changes();
  if (!step(session)) return session.command("ROLLBACK");
  if (session.take_changes() > 0) {
    connection.run("UPDATE parts SET changes = changes + 1 WHERE part = ?1", schema_.part);
  }
  phase = Phase::committing;
  session.command("COMMIT");
}

Database::Failed Database::failed(Pool::Lease& lease, const Failure& failure, Phase phase) {
  Failed out{failure.error()};
  switch (failure.kind()) {
    case Failure::Kind::silent:
      pool_.mark_away(failure.error());
      break;
    case Failure::Kind::lost:
      // A server that restarted has ended all of them.
      pool_.drop_idle();
      out.again = lease.used() && phase == Phase::beginning;
      break;
    case Failure::Kind::conflict:
    case Failure::Kind::refused:
      out.again = failure.kind() == Failure::Kind::conflict;
      try {
        lease->command("ROLLBACK");
        lease.keep();
      } catch (const Failure&) {
        out.again = false;  // it is closed, which ends the transaction as well
      }
      return out;
  }
  if (phase == Phase::committing) {
    out.error.retry = Retry::no;
    out.error.detail += "; whether it was committed is not known";
  }
  return out;
}

/// Once in the life of a process; at the first call that reaches the server.
Result<void> Database::prepare(MonotonicTime deadline) {
  if (prepared_) return {};
  const std::unique_lock lock(preparing_, deadline);
  if (!lock) {
    return fail(ErrorCode::unavailable, "its tables are being looked at", ErrorOrigin::gateway,
                Retry::safe);
  }
  if (prepared_) return {};
  auto migrated = migrate();
  prepared_ = migrated.has_value();
  return migrated;
}

Result<std::int64_t> Database::installed(sql::Connection& connection) const {
  auto there = connection.query("SELECT to_regclass('portcullis.parts') IS NOT NULL");
  if (!there.step() || there.number(0) == 0) return 0;
  auto row = connection.query("SELECT schema_version FROM parts WHERE part = ?1", schema_.part);
  const auto version = row.step() ? row.number(0) : 0;
  const auto newest = static_cast<std::int64_t>(schema_.migrations.size());
  if (version > newest) {
    return fail(ErrorCode::malformed,
                "the schema of its " + schema_.part + " has version " + std::to_string(version) +
                    ", and this program knows none after " + std::to_string(newest) +
                    ": run a newer one, or restore the database from before it was changed");
  }
  return version;
}

Result<void> Database::migrate() {
  const auto start = Clock::system().monotonic();
  TRY(auto lease, pool_.take(start + pool_.options().deadline));
  lease->set_deadline(start + pool_.options().deadline);
  sql::Connection& connection = *lease;
  const auto newest = static_cast<std::int64_t>(schema_.migrations.size());
  try {
    // Whoever finds all as it should be needs no right to change it.
    lease->command(begin("READ ONLY", lease->time_left()));
    TRY(auto version, installed(connection));
    lease->command("ROLLBACK");
    if (version < newest) {
      lease->set_deadline(start + pool_.options().migration_deadline);
      lease->command(begin("ISOLATION LEVEL READ COMMITTED", lease->time_left()));
      // Several nodes may start at once.
      (void)connection.query("SELECT pg_advisory_xact_lock(?1)", kMigrationLock);
      auto schema = connection.query("SELECT 1 FROM pg_namespace WHERE nspname = 'portcullis'");
      if (!schema.step()) lease->command("CREATE SCHEMA portcullis");
      lease->command(
          "CREATE TABLE IF NOT EXISTS portcullis.parts (part TEXT PRIMARY KEY, "
          "schema_version BIGINT NOT NULL, changes BIGINT NOT NULL DEFAULT 0)");
      TRY(version, installed(connection));
      for (const auto* step : schema_.migrations.subspan(static_cast<std::size_t>(version))) {
        lease->command(step);
      }
      connection.run(
          "INSERT INTO parts (part, schema_version) VALUES (?1, ?2) "
          "ON CONFLICT (part) DO UPDATE SET schema_version = excluded.schema_version",
          schema_.part, newest);
      lease->command("COMMIT");
    }
    lease.keep();
    return {};
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::silent) pool_.mark_away(failure.error());
    return std::unexpected(failure.error());
  }
}

Error Database::named(Error error) const {
  error.detail = pool_.options().name + ": " + error.detail;
  return error;
}

}  // namespace portcullis::postgres
