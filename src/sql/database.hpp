#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.hpp"

/// What the databases of this program have in common, so that SQL is written once for all of them.
namespace portcullis::sql {

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// What stands for a `?N` of a statement; monostate is NULL.
using Value = std::variant<std::monostate, std::int64_t, std::string_view, Blob>;

inline Value value_of(std::int64_t value) { return value; }
inline Value value_of(std::string_view value) { return value; }
inline Value value_of(Blob value) { return value; }
inline Value value_of(std::optional<std::int64_t> value) { return value ? Value(*value) : Value(); }

/// What a statement yields, row by row. Columns count from 0.
class Cursor {
 public:
  virtual ~Cursor();
  virtual bool step() = 0;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t number(int column) const = 0;
  virtual std::string text(int column) const = 0;
};

/// A statement that has been begun, with its values bound.
///
/// Threads: within the work that it was made in.  Errors: as Connection.
class Query {
 public:
  explicit Query(std::unique_ptr<Cursor> cursor) noexcept : cursor_(std::move(cursor)) {}

  /// Goes to the next row. @returns whether there is one.
  bool step() { return cursor_->step(); }
  /// Of the row at hand: a number that is NULL reads as 0, a text as "", a truth as 0 or 1.
  std::int64_t number(int column) const { return cursor_->number(column); }
  std::optional<std::int64_t> maybe_number(int column) const {
    if (cursor_->is_null(column)) return std::nullopt;
    return cursor_->number(column);
  }
  std::string text(int column) const { return cursor_->text(column); }

 private:
  std::unique_ptr<Cursor> cursor_;
};

/// What the work of a read or write sees of the database.
///
/// SQL is static text of the part of the language that all of them speak: `?1` for the first value,
/// `CASE` where their functions differ, TRUE and FALSE for what is one or the other, `ON CONFLICT`.
/// Threads: within the work.  Errors: throws what Database::read() and write() catch.
class Connection {
 public:
  virtual ~Connection();

  /// One loan of a text at a time.
  template <class... Values>
  Query query(std::string_view sql, const Values&... values) {
    const std::initializer_list<Value> bound{value_of(values)...};
    return Query(start(sql, {bound.begin(), bound.size()}));
  }
  /// Runs a statement that yields no rows. @returns how many it changed.
  template <class... Values>
  std::int64_t run(std::string_view sql, const Values&... values) {
    const std::initializer_list<Value> bound{value_of(values)...};
    return execute(sql, {bound.begin(), bound.size()});
  }

 private:
  virtual std::unique_ptr<Cursor> start(std::string_view sql, std::span<const Value> values) = 0;
  virtual std::int64_t execute(std::string_view sql, std::span<const Value> values) = 0;
};

/// A database, in transactions. Of writers one at a time is at work, of all processes and nodes: a
/// write sees all that was written before it, and what it reads stays so until it has ended.
///
/// Threads: any. A call blocks: it belongs on a net::Background.
/// Errors:  unavailable (to be tried again) while others hold a lock too long; exhausted where it
///          is full; malformed where it is damaged, not ours or of a newer schema; invalid_input
///          for a value that it cannot keep; unavailable where it cannot be reached or written.
///          After any of them nothing of the work has been done.
class Database {
 public:
  virtual ~Database();

  /// Runs `work(Connection&)`, which returns a Result, within one transaction: all of it or, on an
  /// error or exception, nothing. It may be run again where the database asks for that.
  template <class Work>
  auto write(const Work& work) -> decltype(work(std::declval<Connection&>())) {
    return run(Access::write, work);
  }
  /// The same for what only reads. It sees all that write() has committed before.
  template <class Work>
  auto read(const Work& work) -> decltype(work(std::declval<Connection&>())) {
    return run(Access::read, work);
  }

  /// Another number whenever anybody has changed anything. Cheap: it may be asked twice a second.
  virtual Result<std::int64_t> version() = 0;

 protected:
  enum class Access : std::uint8_t { read, write };
  /// Work in a transaction. @returns whether it is to be committed.
  using Step = std::function<bool(Connection&)>;

 private:
  virtual Result<void> transact(Access access, const Step& step) = 0;

  template <class Work>
  auto run(Access access, const Work& work) -> decltype(work(std::declval<Connection&>())) {
    std::optional<decltype(work(std::declval<Connection&>()))> out;
    auto done = transact(access, [&](Connection& connection) {
      out.emplace(work(connection));
      return out->has_value();
    });
    if (!done) return std::unexpected(std::move(done).error());
    return *std::move(out);
  }
};

}  // namespace portcullis::sql
