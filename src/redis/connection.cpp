#include "redis/connection.hpp"

#include <algorithm>
#include <array>

#include "base/random.hpp"

namespace portcullis::redis {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;

Result<void> accepted(const Result<Reply>& reply, const char* what) {
  if (!reply) return std::unexpected(reply.error());
  if (!reply->is_error()) return {};
  const auto text = reply->text();
  const bool let_in = !text.starts_with("NOAUTH") && !text.starts_with("WRONGPASS") &&
                      !text.starts_with("NOPERM") && !text.starts_with("ERR invalid password");
  return fail(let_in ? ErrorCode::unavailable : ErrorCode::unauthorized,
              std::string(what) + ": " + std::string(text.substr(0, 200)), ErrorOrigin::gateway);
}

}  // namespace

Connection::Connection(net::Worker& worker, ServerOptions options, Hooks hooks)
    : worker_(worker),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      wake_(worker),
      deadline_(worker.deadlines(), &on_deadline, this),
      pause_(worker.deadlines(), &on_pause_over, this) {}

Connection::~Connection() = default;

void Connection::start() { spawn(live()); }

void Connection::stop() {
  stopping_ = true;
  if (open_) close(Error{ErrorCode::cancelled, ErrorOrigin::gateway, Retry::no, "stopped"});
  if (pause_.is_armed()) {
    pause_.disarm();
    wake_.notify();
  }
}

Task<void> Connection::live() {
  while (!stopping_) {
    const auto begun = co_await connect();
    if (begun && !stopping_) {
      failures_ = 0;
      up_.store(true, std::memory_order_release);
      settled_.store(true, std::memory_order_release);
      if (hooks_.changed) hooks_.changed(true, {});
      while (open_) co_await wake_;
      up_.store(false, std::memory_order_release);
    } else if (open_) {
      close(begun ? Error{ErrorCode::cancelled, ErrorOrigin::gateway, Retry::no, "stopped"}
                  : begun.error());
    }
    // What reads and writes still must see that the stream has ended before it goes.
    while (reading_ || writing_) co_await wake_;
    stream_.reset();
    if (!begun) why_ = begun.error();
    settled_.store(true, std::memory_order_release);
    if (stopping_) break;
    if (hooks_.changed) hooks_.changed(false, why_.detail);
    pause_.arm(next_pause());
    while (pause_.is_armed()) co_await wake_;
  }
  stopped_.store(true, std::memory_order_release);
}

Task<Result<void>> Connection::connect() {
  auto stream = co_await net::connect(worker_, hooks_.where(), options_.connect_timeout);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  if (stopping_) {
    (*stream)->close();
    co_return fail(ErrorCode::cancelled, "stopped");
  }
  stream_ = *std::move(stream);
  reader_ = ReplyReader();
  out_.clear();
  open_ = true;
  reading_ = true;
  spawn(read());
  co_return co_await greet();
}

/// Lets itself in, and chooses the database.
Task<Result<void>> Connection::greet() {
  if (!options_.password.empty()) {
    std::vector<std::string_view> words{"AUTH"};
    if (!options_.user.empty()) words.push_back(options_.user);
    words.push_back(options_.password);
    const auto reply = co_await ask(words);
    if (auto ok = accepted(reply, "AUTH"); !ok) co_return ok;
  }
  if (options_.database != 0) {
    const std::string number = std::to_string(options_.database);
    const std::array<std::string_view, 2> words{"SELECT", number};
    const auto reply = co_await ask(words);
    if (auto ok = accepted(reply, "SELECT"); !ok) co_return ok;
  }
  if (!options_.name.empty()) {
    // An ACL may forbid it, which is no reason to go without the server.
    const std::array<std::string_view, 3> words{"CLIENT", "SETNAME", options_.name};
    const auto reply = co_await ask(words);
    if (!reply) co_return std::unexpected(reply.error());
  }
  const std::array<std::string_view, 1> ping{"PING"};
  const auto reply = co_await ask(ping);
  if (auto ok = accepted(reply, "PING"); !ok) co_return ok;
  if (hooks_.prepare) co_return co_await hooks_.prepare(*this);
  co_return Result<void>{};
}

Task<void> Connection::read() {
  const auto buffer = std::make_unique<std::array<char, kReadSize>>();
  while (open_) {
    const auto got = co_await stream_->read_some(*buffer);
    if (!open_) break;
    if (!got) {
      close(got.error());
      break;
    }
    if (!reader_.feed({buffer->data(), *got})) {
      close(Error{ErrorCode::malformed, ErrorOrigin::gateway, Retry::no, "a reply is too long"});
      break;
    }
    Reply reply;
    auto outcome = ReplyReader::Outcome::more;
    while (open_ && (outcome = reader_.next(reply)) == ReplyReader::Outcome::reply) {
      take(std::move(reply));
    }
    if (open_ && outcome == ReplyReader::Outcome::broken) {
      close(Error{ErrorCode::malformed, ErrorOrigin::gateway, Retry::no, "that is no Redis"});
    }
  }
  reading_ = false;
  wake_.notify();
}

Task<void> Connection::write() {
  // In a later turn of the loop: what else is said in this one goes along.
  co_await worker_.yield();
  while (open_ && !out_.empty()) {
    const std::string bytes = std::exchange(out_, {});
    const auto written = co_await stream_->write(bytes);
    if (!written && open_) close(written.error());
  }
  writing_ = false;
  if (!open_) wake_.notify();
}

bool Connection::enqueue(std::span<const std::string_view> words, Ask* ask) {
  if (!open_ || pending_.size() >= kMaxPending || out_.size() >= kMaxUnsent) return false;
  append_command(out_, words);
  pending_.push_back({ask, worker_.clock().monotonic() + options_.deadline});
  if (!deadline_.is_armed()) watch_deadline();
  if (!writing_) {
    writing_ = true;
    spawn(write());
  }
  return true;
}

bool Connection::Ask::await_ready() {
  if (connection_.enqueue(words_, this)) return false;
  result_ = fail(ErrorCode::unavailable,
                 connection_.open_ ? "too many commands wait for Redis" : "not connected to Redis");
  return true;
}

void Connection::tell(std::span<const std::string_view> words) { enqueue(words, nullptr); }

void Connection::take(Reply reply) {
  if (hooks_.pushed && reply.size() == 3 && reply[0].text() == "message") {
    hooks_.pushed(reply[1].text(), reply[2].text());
    return;
  }
  if (pending_.empty()) {
    return close(
        Error{ErrorCode::malformed, ErrorOrigin::gateway, Retry::no, "a reply to no command"});
  }
  Ask* const ask = pending_.front().ask;
  pending_.pop_front();
  watch_deadline();
  if (ask == nullptr) return;
  ask->result_ = std::move(reply);
  ask->waiter_.resume();
}

/// Arms the timer for the command that has waited longest.
void Connection::watch_deadline() {
  overdue_ = false;
  if (pending_.empty()) return deadline_.disarm();
  const auto left = pending_.front().deadline - worker_.clock().monotonic();
  deadline_.arm(std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(left)));
}

void Connection::on_deadline(void* self) {
  auto& me = *static_cast<Connection*>(self);
  if (me.pending_.empty()) return;
  if (me.pending_.front().deadline > me.worker_.clock().monotonic()) return me.watch_deadline();
  if (!std::exchange(me.overdue_, true)) {
    // A worker that was busy itself finds the reply in its next turn: only then is it missing.
    return me.deadline_.arm(net::Deadlines::kTick);
  }
  me.close(Error{ErrorCode::timeout, ErrorOrigin::gateway, Retry::no,
                 "no reply within " + std::to_string(me.options_.deadline.count()) + " ms"});
}

void Connection::on_pause_over(void* self) { static_cast<Connection*>(self)->wake_.notify(); }

void Connection::close(Error why) {
  if (!open_) return;
  open_ = false;
  up_.store(false, std::memory_order_release);
  why_ = std::move(why);
  deadline_.disarm();
  stream_->close();
  fail_all(why_);
  wake_.notify();
}

/// In a later turn of the loop, so that nobody goes on inside of what has just failed.
void Connection::fail_all(const Error& error) {
  for (const auto& pending : std::exchange(pending_, {})) {
    if (pending.ask == nullptr) continue;
    pending.ask->result_ = std::unexpected(error);
    worker_.resume_later(pending.ask->waiter_);
  }
}

/// 50 ms, doubled with each failure up to two seconds, and jittered by half: nodes that lost the
/// server together do not come back together.
Milliseconds Connection::next_pause() {
  const auto longest = std::min(kLongestPause, Milliseconds{50} * (1 << std::min(6, failures_++)));
  return longest / 2 + Milliseconds{static_cast<std::int64_t>(FastRandom::local().below(
                           static_cast<std::uint32_t>(longest.count() / 2 + 1)))};
}

}  // namespace portcullis::redis
