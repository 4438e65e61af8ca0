#include "sqlite/database.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace portcullis::sqlite {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::int64_t kPageBytes = 4096;
/// Of the log of writes, once it has been copied into the file.
constexpr const char* kKeepOfLog = "PRAGMA journal_size_limit=4194304";
constexpr Milliseconds kRetryWal{5};

std::unexpected<Error> file_fault(const std::filesystem::path& file, const char* what, int error) {
  return fail(ErrorCode::unavailable,
              file.string() + ": " + what + ": " + std::generic_category().message(error));
}

/// Before SQLite sees the file: a regular one that only its owner may read. Its journals get the
/// mode of the file from SQLite. It is made without being opened: to close it again would end the
/// locks that another connection of this process may hold on it by then.
Result<void> make_private(const std::filesystem::path& file) {
  if (::mknod(file.c_str(), S_IFREG | kMode, 0) == 0) return {};
  if (errno != EEXIST) return file_fault(file, "cannot be made", errno);
  struct stat found{};
  if (::lstat(file.c_str(), &found) != 0) return file_fault(file, "cannot be looked at", errno);
  if (!S_ISREG(found.st_mode)) {
    return fail(ErrorCode::unavailable, file.string() + ": is not a regular file");
  }
  if ((found.st_mode & 0077) != 0 && ::chmod(file.c_str(), kMode) != 0) {
    return file_fault(file, "others may read it, and its mode cannot be changed", errno);
  }
  return {};
}

/// What SQLite reports, in our terms.
Error translated(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {.code = ErrorCode::unavailable,
              .retry = Retry::safe,
              .detail = "another process holds its lock"};
    case SQLITE_FULL:
      return {.code = ErrorCode::exhausted, .detail = "no space is left"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {.code = ErrorCode::malformed, .detail = "it is damaged or no database"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {.code = ErrorCode::unavailable, .detail = "it cannot be opened or written"};
    case SQLITE_IOERR:
      return {.code = ErrorCode::unavailable, .detail = "the disk fails"};
    default:
      return {.code = ErrorCode::internal, .detail = "SQLite refuses"};
  }
}

}  // namespace

Database::Transaction::Transaction(SQLite::Database& database) : database_(database) {
  database_.exec("BEGIN IMMEDIATE");
}
Database::Transaction::~Transaction() {
  // Where it fails SQLite has rolled back already.
  if (open_) (void)database_.tryExec("ROLLBACK");
}
void Database::Transaction::commit() {
  database_.exec("COMMIT");
  open_ = false;
}

Database::Lane::Lane(const Options& options)
    : database(options.file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX,
               static_cast<int>(options.busy_timeout.count())) {
  database.exec("PRAGMA trusted_schema=OFF");
}

Database::Database(const Options& options)
    : name_(options.file.string()), writer_(options), reader_(options) {
  configure(options);
}

Result<std::unique_ptr<Database>> Database::open(const Options& options, const Schema& schema) {
  if (auto made = make_private(options.file); !made) return std::unexpected(made.error());
  try {
    std::unique_ptr<Database> out(new Database(options));
    if (auto sound = out->check(); !sound) return std::unexpected(sound.error());
    if (auto migrated = out->migrate(schema); !migrated) return std::unexpected(migrated.error());
    return out;
  } catch (const SQLite::Exception& error) {
    return std::unexpected(error_of(options.file.string(), error));
  }
}

Result<void> Database::transact(Access access, const Step& step) {
  auto& lane = access == Access::write ? writer_ : reader_;
  const std::scoped_lock lock(lane.mutex);
  try {
    if (access == Access::read) {
      (void)step(lane.connection);
    } else {
      Transaction transaction(lane.database);
      if (step(lane.connection)) transaction.commit();
    }
    return {};
  } catch (const SQLite::Exception& error) {
    return std::unexpected(error_of(name_, error));
  }
}

Result<std::int64_t> Database::version() {
  return read([](sql::Connection& connection) -> Result<std::int64_t> {
    auto row = connection.query("PRAGMA data_version");
    return row.step() ? row.number(0) : 0;
  });
}

void Database::configure(const Options& options) {
  turn_on_wal(options.busy_timeout);
  auto& writer = writer_.database;
  // FULL: a token that was revoked must not be valid again after a power loss.
  writer.exec("PRAGMA synchronous=FULL");
  writer.exec("PRAGMA foreign_keys=ON");
  writer.exec("PRAGMA secure_delete=ON");
  writer.exec(kKeepOfLog);
  writer.exec("PRAGMA max_page_count=" + std::to_string(options.max_bytes / kPageBytes));
  reader_.database.exec("PRAGMA query_only=ON");
}

/// Of two that open a new file at once SQLite tells one that it is busy without waiting.
void Database::turn_on_wal(Milliseconds patience) {
  for (auto waited = Milliseconds{0};; waited += kRetryWal) {
    try {
      const std::string mode = writer_.database.execAndGet("PRAGMA journal_mode=WAL").getString();
      if (mode != "wal") throw SQLite::Exception("no WAL", SQLITE_CANTOPEN);
      return;
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() != SQLITE_BUSY || waited >= patience) throw;
    }
    std::this_thread::sleep_for(kRetryWal);
  }
}

std::int64_t Database::number_of(const char* pragma) const {
  SQLite::Statement statement(writer_.database, pragma);
  (void)statement.executeStep();
  return statement.getColumn(0).getInt64();
}

Result<void> Database::check() const {
  // SQLite opens what it may not write for reading, and would tell only at the first write.
  if (sqlite3_db_readonly(writer_.database.getHandle(), "main") != 0) {
    return fail(ErrorCode::unavailable, name_ + ": it may not be written");
  }
  SQLite::Statement statement(writer_.database, "PRAGMA quick_check(1)");
  (void)statement.executeStep();
  const std::string found = statement.getColumn(0).getString();
  if (found == "ok") return {};
  return fail(ErrorCode::malformed, name_ + ": it is damaged (" + found + ")");
}

Result<void> Database::migrate(const Schema& schema) {
  // Several may start at once: what is there is read when nobody else can change it.
  Transaction transaction(writer_.database);
  const auto application = number_of("PRAGMA application_id");
  const auto version = number_of("PRAGMA user_version");
  const bool empty = number_of("SELECT count(*) FROM sqlite_schema") == 0;
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  if (!(empty && application == 0) && application != schema.application) {
    return fail(ErrorCode::malformed, name_ + ": it is a database of another program");
  }
  if (version < 0 || version > newest) {
    return fail(ErrorCode::malformed,
                name_ + ": its schema has version " + std::to_string(version) +
                    ", and this program knows none after " + std::to_string(newest) +
                    ": run a newer one, or restore the file from before it was changed");
  }
  if (version == newest) return {};
  for (const char* const step : schema.migrations.subspan(static_cast<std::size_t>(version))) {
    writer_.database.exec(step);
  }
  writer_.database.exec("PRAGMA application_id=" + std::to_string(schema.application));
  writer_.database.exec("PRAGMA user_version=" + std::to_string(newest));
  transaction.commit();
  return {};
}

Error Database::error_of(const std::string& name, const SQLite::Exception& error) {
  auto out = translated(error.getErrorCode() & 0xff);
  out.detail = name + ": " + out.detail + " (" + error.what() + ")";
  return out;
}

}  // namespace portcullis::sqlite
