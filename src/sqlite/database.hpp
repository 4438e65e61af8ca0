#pragma once
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sqlite/statements.hpp"

/// An SQLite file as this program wants it: private, durable, of a known schema, and with errors as
/// Results.
namespace portcullis::sqlite {

/// How the tables of a program came to be.
struct Schema {
  /// In the header of the file: says whose it is, so that no other database is taken for it.
  std::int32_t application = 0;
  /// Statement lists; the first makes version 1 of an empty file, each further one the next
  /// version. What has been released is never changed.
  std::span<const char* const> migrations;
};

struct Options {
  std::filesystem::path file;        ///< made with mode 0600 where it is missing
  Milliseconds busy_timeout{5'000};  ///< how long to wait for another process to finish its write
  std::int64_t max_bytes = std::int64_t{1} << 30;
};

/// One file, in WAL mode: one at a time writes, of all processes, and readers go on meanwhile. What
/// has been committed outlives kill -9 and a power loss.
///
/// Threads:   any; one read and one write at a time, on a connection each, the others wait. A call
///            blocks on the disk and, for busy_timeout at most, on other processes: never on a
///            worker. Of several queries of a read those that are open at the same time see the
///            same.
/// Ownership: several may be open on one file, in one process or several on one machine. A network
///            file system will not do: WAL wants shared memory.
/// Errors:    of sql::Database; exhausted where the disk or max_bytes is full.
/// Cost:      a short read about 3 us, a write 70 us and an fsync; open() reads the whole file once
///            (quick_check), about 2 ms a megabyte.
/// Source:    sqlite.org/wal.html, sqlite.org/pragma.html.
class Database final : public sql::Database {
 public:
  static Result<std::unique_ptr<Database>> open(const Options& options, const Schema& schema);

  /// Of the reading connection: it changes with every commit of another one, in whichever process.
  Result<std::int64_t> version() override;

 private:
  /// BEGIN IMMEDIATE, so that it waits for its turn before it has read anything.
  class Transaction {
   public:
    explicit Transaction(SQLite::Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

   private:
    SQLite::Database& database_;
    bool open_ = true;
  };

  /// A connection, and the lock of whoever uses it.
  struct Lane {
    explicit Lane(const Options& options);

    std::mutex mutex;
    SQLite::Database database;
    Statements connection{database};
  };

  explicit Database(const Options& options);
  Result<void> transact(Access access, const Step& step) override;
  void configure(const Options& options);
  void turn_on_wal(Milliseconds patience);
  Result<void> check() const;
  Result<void> migrate(const Schema& schema);
  static Error error_of(const std::string& name, const SQLite::Exception& error);
  std::int64_t number_of(const char* pragma) const;

  const std::string name_;  ///< of the file, for errors
  Lane writer_;
  Lane reader_;
};

}  // namespace portcullis::sqlite
