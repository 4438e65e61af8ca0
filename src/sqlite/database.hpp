#pragma once
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"

/// An SQLite file as this program wants it: private, durable, of a known schema, and with errors as
/// Results.
namespace portcullis::sqlite {

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement on loan from its connection, with its values bound. When it goes out of
/// scope it is reset, so that no read lasts longer than its reader.
///
/// Threads: within the work that it was made in.  Errors: throws SQLite::Exception.
class Query {
 public:
  explicit Query(SQLite::Statement& statement) noexcept : statement_(&statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  void bind(int at, std::int64_t value) { statement_->bind(at, value); }
  void bind(int at, std::string_view value) { statement_->bind(at, std::string(value)); }
  void bind(int at, Blob value);
  void bind(int at, std::optional<std::int64_t> value);

  /// Goes to the next row. @returns whether there is one.
  bool step() { return statement_->executeStep(); }
  /// Columns of the row at hand, from 0; a number that is NULL reads as 0, a text as "".
  std::int64_t number(int column) const { return statement_->getColumn(column).getInt64(); }
  std::optional<std::int64_t> maybe_number(int column) const;
  std::string text(int column) const { return statement_->getColumn(column).getString(); }

 private:
  SQLite::Statement* statement_;
};

/// What the work of a read or write sees of the database.
class Connection {
 public:
  explicit Connection(SQLite::Database& database) noexcept : database_(database) {}

  /// `sql`: static text, prepared once. One loan of a text at a time.
  template <class... Values>
  Query query(std::string_view sql, const Values&... values) {
    Query out(prepared(sql));
    int at = 0;
    (out.bind(++at, values), ...);
    return out;
  }
  /// Runs a statement that yields no rows. @returns how many it changed.
  template <class... Values>
  int run(std::string_view sql, const Values&... values) {
    auto query = this->query(sql, values...);
    while (query.step()) {
    }
    return database_.getChanges();
  }

 private:
  SQLite::Statement& prepared(std::string_view sql);

  SQLite::Database& database_;
  std::unordered_map<std::string_view, std::unique_ptr<SQLite::Statement>> statements_;
};

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
///            worker.
/// Ownership: several may be open on one file, in one process or several on one machine. A network
///            file system will not do: WAL wants shared memory.
/// Errors:    unavailable (to be tried again) while others hold the lock too long; exhausted where
///            the disk or max_bytes is full; malformed where the file is damaged, no database, not
///            ours or of a newer schema; unavailable where it cannot be read or written. After any
///            of them nothing of the work has been done.
/// Cost:      a short read about 3 us, a write 70 us and an fsync; open() reads the whole file once
///            (quick_check), about 2 ms a megabyte.
/// Source:    sqlite.org/wal.html, sqlite.org/pragma.html.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const Options& options, const Schema& schema);

  /// Runs `work(Connection&)`, which returns a Result, within one transaction: all of it or, on an
  /// error or exception, nothing.
  template <class Work>
  auto write(const Work& work) -> decltype(work(std::declval<Connection&>())) {
    const std::scoped_lock lock(writer_.mutex);
    try {
      Transaction transaction(writer_.database);
      auto result = work(writer_.connection);
      if (result) transaction.commit();
      return result;
    } catch (const SQLite::Exception& error) {
      return std::unexpected(error_of(name_, error));
    }
  }
  /// The same for what only reads. It sees all that write() has committed before; of several
  /// queries those that are open at the same time see the same.
  template <class Work>
  auto read(const Work& work) -> decltype(work(std::declval<Connection&>())) {
    const std::scoped_lock lock(reader_.mutex);
    try {
      return work(reader_.connection);
    } catch (const SQLite::Exception& error) {
      return std::unexpected(error_of(name_, error));
    }
  }

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
    Connection connection{database};
  };

  explicit Database(const Options& options);
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
