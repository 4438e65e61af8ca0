#include "postgres/session.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/text.hpp"

namespace portcullis::postgres {
namespace {

// Of pg_type.
constexpr Oid kBytes = 17;
constexpr Oid kTruth = 16;

/// Waits for a socket. @returns false where the deadline passes first.
bool wait_for(int socket, short events, MonotonicTime deadline) {
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::system().monotonic());
    if (left.count() <= 0) return false;
    pollfd one{.fd = socket, .events = events, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Values as libpq takes them; what they point to lives as long as this and the values do.
struct Bound {
  explicit Bound(std::span<const sql::Value> all) {
    numbers.reserve(all.size());  // so that no text of a number moves
    for (const auto& value : all) std::visit([this](const auto& one) { add(one); }, value);
  }
  void add(std::monostate) { add(nullptr, 0, 0); }
  void add(std::int64_t value) {
    const auto& text = numbers.emplace_back(std::to_string(value));
    add(text.c_str(), text.size(), 0);
  }
  // With its length, so that a NUL within it is refused and not taken for the end.
  void add(std::string_view value) { add(value.empty() ? "" : value.data(), value.size(), 1); }
  void add(sql::Blob value) { add(value.bytes); }
  void add(const char* data, std::size_t size, int format) {
    data_.push_back(data);
    lengths.push_back(static_cast<int>(size));
    formats.push_back(format);
  }

  std::vector<std::string> numbers;
  std::vector<const char*> data_;
  std::vector<int> lengths;
  std::vector<int> formats;
};

/// `?1` is `$1` here. No text of ours has a question mark for anything else.
std::string in_dialect(std::string_view sql) {
  std::string out(sql);
  for (char& c : out) {
    if (c == '?') c = '$';
  }
  return out;
}

std::int64_t tuples_of(PGresult& result) {
  return text::parse_number<std::int64_t>(PQcmdTuples(&result)).value_or(0);
}

}  // namespace

class Session::Fetched final : public sql::Cursor {
 public:
  explicit Fetched(Rows rows) noexcept : rows_(std::move(rows)) {}
  bool step() override { return ++row_ < PQntuples(rows_.get()); }
  bool is_null(int column) const override { return PQgetisnull(rows_.get(), row_, column) != 0; }
  std::int64_t number(int column) const override {
    const auto value = raw(column);
    if (PQftype(rows_.get(), column) == kTruth) return value == "t" ? 1 : 0;
    return text::parse_number<std::int64_t>(value).value_or(0);
  }
  std::string text(int column) const override {
    if (PQftype(rows_.get(), column) != kBytes) return std::string(raw(column));
    std::size_t size = 0;
    const std::unique_ptr<unsigned char, decltype(&PQfreemem)> bytes(
        PQunescapeBytea(reinterpret_cast<const unsigned char*>(raw(column).data()), &size),
        &PQfreemem);
    if (!bytes) throw std::bad_alloc();
    return {reinterpret_cast<const char*>(bytes.get()), size};
  }

 private:
  std::string_view raw(int column) const {
    return {PQgetvalue(rows_.get(), row_, column),
            static_cast<std::size_t>(PQgetlength(rows_.get(), row_, column))};
  }

  Rows rows_;
  int row_ = -1;
};

Result<std::unique_ptr<Session>> Session::open(const Options& options, MonotonicTime deadline) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : options.parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  Handle connection(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection) return fail(ErrorCode::exhausted, "no memory is left");
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  for (auto step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK;) {
    if (step == PGRES_POLLING_FAILED || PQstatus(connection.get()) == CONNECTION_BAD) {
      return std::unexpected(connect_error(connection.get()));
    }
    const short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(PQsocket(connection.get()), events, deadline)) {
      return fail(ErrorCode::unavailable, "it does not answer", ErrorOrigin::gateway, Retry::safe);
    }
    step = PQconnectPoll(connection.get());
  }
  if (PQsetnonblocking(connection.get(), 1) != 0) {
    return std::unexpected(connect_error(connection.get()));
  }
  return std::unique_ptr<Session>(new Session(std::move(connection)));
}

bool Session::is_quiet() const {
  pollfd one{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, 0) == 0;
}

Milliseconds Session::time_left() const noexcept {
  return std::chrono::floor<Milliseconds>(deadline_ - Clock::system().monotonic());
}

void Session::command(const std::string& statements) {
  if (PQsendQuery(connection_.get(), statements.c_str()) == 0) lose();
  (void)outcome();
}

std::unique_ptr<sql::Cursor> Session::start(std::string_view sql,
                                            std::span<const sql::Value> values) {
  return std::make_unique<Fetched>(send(sql, values));
}

std::int64_t Session::execute(std::string_view sql, std::span<const sql::Value> values) {
  return tuples_of(*send(sql, values));
}

Session::Rows Session::send(std::string_view sql, std::span<const sql::Value> values) {
  const Bound bound(values);
  if (PQsendQueryParams(connection_.get(), in_dialect(sql).c_str(), static_cast<int>(values.size()),
                        nullptr, bound.data_.data(), bound.lengths.data(), bound.formats.data(),
                        0) == 0) {
    lose();
  }
  auto done = outcome();
  if (!std::string_view(PQcmdStatus(done.get())).starts_with("SELECT")) {
    changes_ += tuples_of(*done);
  }
  return done;
}

/// Of all that was sent: the last result, or the first failure.
Session::Rows Session::outcome() {
  flush();
  Rows last;
  std::optional<Failure> failure;
  while (true) {
    while (PQisBusy(connection_.get()) != 0) {
      wait(POLLIN);
      if (PQconsumeInput(connection_.get()) == 0) lose();
    }
    Rows next(PQgetResult(connection_.get()));
    if (!next) break;
    const auto status = PQresultStatus(next.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && !failure) {
      failure = failure_of(next.get());
    }
    last = std::move(next);
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD && !failure) lose();
  if (PQstatus(connection_.get()) == CONNECTION_BAD) {
    throw Failure(
        Failure::Kind::lost,
        {.code = ErrorCode::unavailable, .retry = Retry::safe, .detail = failure->error().detail});
  }
  if (failure) throw *failure;
  return last;
}

void Session::flush() {
  while (true) {
    const int left = PQflush(connection_.get());
    if (left == 0) return;
    if (left < 0) lose();
    wait(POLLIN | POLLOUT);
    if (PQconsumeInput(connection_.get()) == 0) lose();
  }
}

void Session::wait(short events) {
  if (wait_for(PQsocket(connection_.get()), events, deadline_)) return;
  throw Failure(Failure::Kind::silent, {.code = ErrorCode::unavailable,
                                        .retry = Retry::safe,
                                        .detail = "it does not answer in time"});
}

void Session::lose() const { throw Failure(Failure::Kind::lost, connect_error(connection_.get())); }

}  // namespace portcullis::postgres
