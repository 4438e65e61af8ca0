#include "state/redis/redis_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "state/redis/sealed_message.hpp"

namespace portcullis::state {
namespace {

using redis::Reply;

constexpr Milliseconds kProtectedAfterActivity{15 * 60 * 1000};
constexpr std::string_view kRememberedSends = "64";
constexpr std::size_t kMaxPage = 10'000;

std::string name_of(const Key& key) {
  return text::hex({reinterpret_cast<const char*>(key.data()), sizeof(key)});
}

std::string_view bytes_of(const Key& key) {
  return {reinterpret_cast<const char*>(key.data()), sizeof(key)};
}

/// What a text is told apart by, without telling anything of it.
std::string print_of(const Space& space, std::string_view text) {
  return name_of(key_of(space, text));
}

std::unexpected<Error> failure(const Reply& reply, const char* what) {
  return fail(ErrorCode::unavailable,
              std::string(what) + ": " + std::string(reply.text().substr(0, 200)));
}

/// The words of a command in one piece of memory.
class Words {
 public:
  Words() { text_.reserve(512); }
  template <class... Part>
  void add(const Part&... parts) {
    (text_.append(parts), ...);
    ends_.push_back(text_.size());
  }
  void add(std::int64_t number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    add(std::string_view(digits.data(), end));
  }
  std::vector<std::string_view> views() const {
    std::vector<std::string_view> out;
    out.reserve(ends_.size());
    std::size_t from = 0;
    for (const auto end : ends_) {
      out.push_back(std::string_view(text_).substr(from, end - from));
      from = end;
    }
    return out;
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace

/// The keys of one session in the order in which its scripts take them.
struct RedisStore::SessionKeys {
  SessionKeys(const RedisStore& store, const Key& key)
      : member(name_of(key)),
        names{store.key("session:") + member,
              store.key("history:") + member,
              store.key("sends:") + member,
              store.key("sessions"),
              store.key("silent"),
              store.key("session:"),
              store.key("history:"),
              store.key("sends:")} {}
  /// The first `count` of them: session, history, sends, sessions, silent, and three prefixes.
  std::vector<std::string_view> first(std::size_t count) const {
    return {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  std::string member;
  std::array<std::string, 8> names;
};

RedisStore::RedisStore(RedisStoreOptions options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      session_idle_(options_.session_idle) {}

RedisStore::~RedisStore() = default;

void RedisStore::start(const std::vector<net::Worker*>& workers) {
  for (net::Worker* worker : workers) {
    connections_.push_back(std::make_unique<redis::Connection>(
        *worker, options_.server,
        redis::Connection::Hooks{hooks_.prepare, hooks_.changed, nullptr}));
  }
  workers_ = workers;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([&connection = *connections_[i]] { connection.start(); });
  }
}

bool RedisStore::settled() const {
  return std::ranges::all_of(connections_, [](const auto& c) { return c->settled(); });
}

void RedisStore::stop() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([&connection = *connections_[i]] { connection.stop(); });
  }
}

bool RedisStore::stopped() const {
  return std::ranges::all_of(connections_, [](const auto& c) { return c->stopped(); });
}

redis::Connection* RedisStore::here() const {
  const net::Worker* worker = net::Worker::current();
  const auto at = std::ranges::find(workers_, worker);
  return at == workers_.end() ? nullptr
                              : connections_[static_cast<std::size_t>(at - workers_.begin())].get();
}

/// The first value of every script: zero lets it read the server's own clock.
std::string RedisStore::now() const {
  return options_.clock == nullptr ? "0" : std::to_string(epoch_millis(options_.clock->wall()));
}

bool RedisStore::up() const {
  const redis::Connection* connection = here();
  return connection != nullptr && connection->up();
}

bool RedisStore::all_up() const {
  return std::ranges::all_of(connections_, [](const auto& c) { return c->up(); });
}

Task<Result<Reply>> RedisStore::run(const Script& script, std::span<const std::string_view> keys,
                                    std::span<const std::string_view> values) {
  redis::Connection* connection = here();
  if (connection == nullptr || !connection->up()) {
    co_return fail(ErrorCode::unavailable, "not connected to Redis");
  }
  co_return co_await run_over(*connection, script, keys, values);
}

Task<Result<Reply>> RedisStore::run_over(redis::Connection& connection, const Script& script,
                                         std::span<const std::string_view> keys,
                                         std::span<const std::string_view> values) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words{"EVALSHA", script.sha, count};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), values.begin(), values.end());
  auto reply = co_await connection.ask(words);
  if (reply && reply->is_error() && reply->text().starts_with("NOSCRIPT")) {
    // The server does not know it (any more): nothing has run, and this teaches it.
    words[0] = "EVAL";
    words[1] = script.text;
    reply = co_await connection.ask(words);
  }
  if (reply && reply->is_error()) co_return failure(*reply, script.name.data());
  co_return reply;
}

// ---- limits

Eventual<Result<AdmitAnswer>> RedisStore::admit(const AdmitRequest& request) {
  return admit_there(request);
}

Task<Result<AdmitAnswer>> RedisStore::admit_there(AdmitRequest request) {
  Words keys;
  for (std::size_t i = 0; i < request.count; ++i) {
    keys.add(options_.prefix, "window:", name_of(request.charges[i].key));
  }
  for (std::size_t i = 0; i < request.subject_count; ++i) {
    keys.add(options_.prefix, "pace:", name_of(request.subjects[i].key));
  }
  if (request.session) keys.add(options_.prefix, "session:", name_of(*request.session));
  if (request.claim) keys.add(options_.prefix, "claim:", name_of(request.claim->session));
  Words values;
  values.add(now());
  values.add(static_cast<std::int64_t>(request.count));
  values.add(static_cast<std::int64_t>(request.subject_count));
  values.add(request.session ? "1" : "0");
  values.add(!request.claim ? "0" : request.claim->use == Claim::Use::look ? "1" : "2");
  values.add(request.claim ? bytes_of(request.claim->presenter) : std::string_view());
  values.add(Milliseconds(options_.claim_life).count());
  for (std::size_t i = 0; i < request.count; ++i) {
    const Charge& charge = request.charges[i];
    values.add(std::int64_t{charge.limit});
    values.add(Milliseconds(charge.window).count());
    values.add(std::int64_t{charge.cost});
    values.add(std::int64_t{charge.subject});
  }
  for (std::size_t i = 0; i < request.subject_count; ++i) {
    values.add(request.subjects[i].hold_back ? "1" : "0");
  }
  const auto reply = co_await run(scripts::admit(), keys.views(), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->size() != 11) co_return failure(*reply, "admit");
  const Reply& r = *reply;
  AdmitAnswer out;
  out.admission.admitted = r[0].integer() != 0;
  const auto decided = r[1].integer();
  out.admission.decided_by =
      decided >= 0 && static_cast<std::size_t>(decided) < std::max<std::size_t>(1, request.count)
          ? static_cast<std::size_t>(decided)
          : 0;
  out.admission.remaining = r[2].integer();
  out.admission.reset = Seconds{r[3].integer()};
  out.admission.paced = r[4].integer() != 0;
  out.admission.offence = r[5].integer() != 0;
  using Status = SessionView::Status;
  out.session.status = r[6].integer() == 2   ? Status::ended
                       : r[6].integer() == 1 ? Status::live
                                             : Status::unknown;
  out.session.last_active = from_epoch_seconds(r[7].integer());
  out.session.message_count = static_cast<std::uint32_t>(r[8].integer());
  out.claim = r[9].integer() == 2   ? ClaimStanding::foreign
              : r[9].integer() == 1 ? ClaimStanding::own
                                    : ClaimStanding::unknown;
  out.admission.limit = static_cast<std::uint32_t>(r[10].integer());
  co_return out;
}

Eventual<Result<double>> RedisStore::note(const Key& subject, double points) {
  return note_there(subject, points);
}

Task<Result<double>> RedisStore::note_there(Key subject, double points) {
  const std::string name = key("pace:") + name_of(subject);
  const std::array<std::string_view, 1> keys{name};
  const std::string time = now();
  const std::string hundredths = std::to_string(std::llround(points * 100));
  const std::array<std::string_view, 2> values{time, hundredths};
  const auto reply = co_await run(scripts::note(), keys, values);
  if (!reply) co_return std::unexpected(reply.error());
  co_return static_cast<double>(reply->integer()) / 100;
}

// ---- sessions

Eventual<Result<bool>> RedisStore::session_created(WallTime created) {
  return create_there(created);
}

Task<Result<bool>> RedisStore::create_there(WallTime created) {
  Words keys;
  for (const char* kind : {"sessions", "silent", "session:", "history:", "sends:"}) {
    keys.add(options_.prefix, kind);
  }
  Words values;
  values.add(now());
  values.add(epoch_seconds(created));
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(static_cast<std::int64_t>(options_.max_sessions));
  values.add(kProtectedAfterActivity.count());
  const auto reply = co_await run(scripts::create_session(), keys.views(), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return reply->integer() == 1;
}

Eventual<Result<BeginOutcome>> RedisStore::begin_message(NewMessage message) {
  return begin_there(std::move(message));
}

Task<Result<BeginOutcome>> RedisStore::begin_there(NewMessage message) {
  const SessionKeys keys(*this, session_key(message.session));
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(epoch_seconds(message.session_created));
  values.add(message.message.client_id.empty() ? std::string()
                                               : print_of("send", message.message.client_id));
  values.add(message.message.id);
  values.add(print_of("text", message.message.content));
  values.add(message.keep_text ? MessageSealer(message.session).seal(message.message)
                               : std::string());
  values.add(static_cast<std::int64_t>(options_.max_sessions));
  values.add(kProtectedAfterActivity.count());
  values.add(static_cast<std::int64_t>(options_.history_max_messages));
  values.add(static_cast<std::int64_t>(options_.history_max_bytes));
  values.add(kRememberedSends);
  const auto reply = co_await run(scripts::begin_message(), keys.first(8), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  using Kind = BeginOutcome::Kind;
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {{"started", Kind::started},
                                                                 {"duplicate", Kind::duplicate},
                                                                 {"conflict", Kind::conflict},
                                                                 {"full", Kind::store_full},
                                                                 {"ended", Kind::ended}};
  for (const auto& [name, kind] : kKinds) {
    if ((*reply)[0].text() != name) continue;
    co_return BeginOutcome{kind, std::string((*reply)[1].text()),
                           static_cast<std::uint32_t>((*reply)[2].integer())};
  }
  co_return failure(*reply, "begin_message");
}

Eventual<Result<void>> RedisStore::add_answer(const SessionId& session, Message answer) {
  return add_there(session, std::move(answer));
}

Task<Result<void>> RedisStore::add_there(SessionId session, Message answer) {
  const SessionKeys keys(*this, session_key(session));
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(MessageSealer(session).seal(answer));
  values.add(static_cast<std::int64_t>(options_.history_max_messages));
  values.add(static_cast<std::int64_t>(options_.history_max_bytes));
  const auto reply = co_await run(scripts::add_answer(), keys.first(4), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

Eventual<Result<void>> RedisStore::fail_message(const SessionId& session,
                                                std::string_view message_id) {
  return fail_there(session, std::string(message_id));
}

Task<Result<void>> RedisStore::fail_there(SessionId session, std::string message_id) {
  const std::string sends = key("sends:") + name_of(session_key(session));
  const std::array<std::string_view, 1> keys{sends};
  const std::string time = now();
  const std::array<std::string_view, 2> values{time, message_id};
  const auto reply = co_await run(scripts::fail_message(), keys, values);
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

Eventual<Result<HistoryPage>> RedisStore::history(const SessionId& session, std::size_t limit,
                                                  std::size_t offset) {
  return read_history(session, limit, offset);
}

Task<Result<HistoryPage>> RedisStore::read_history(SessionId session, std::size_t limit,
                                                   std::size_t offset) {
  HistoryPage page;
  redis::Connection* connection = here();
  if (connection == nullptr || !connection->up()) {
    co_return fail(ErrorCode::unavailable, "not connected to Redis");
  }
  const std::string list = key("history:") + name_of(session_key(session));
  const std::array<std::string_view, 2> count{"LLEN", list};
  const auto total = co_await connection->ask(count);
  if (!total) co_return std::unexpected(total.error());
  if (total->is_error()) co_return failure(*total, "LLEN");
  page.total = static_cast<std::uint64_t>(std::max<std::int64_t>(0, total->integer()));
  if (offset >= page.total || limit == 0) co_return page;
  const std::string first = std::to_string(offset);
  const std::string last = std::to_string(offset + std::min(limit, kMaxPage) - 1);
  const std::array<std::string_view, 4> range{"LRANGE", list, first, last};
  const auto reply = co_await connection->ask(range);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->is_error()) co_return failure(*reply, "LRANGE");
  const MessageSealer sealer(session);
  for (std::size_t i = 0; i < reply->size(); ++i) {
    if (auto message = sealer.open((*reply)[i].text())) {
      page.messages.push_back(*std::move(message));
    }
  }
  co_return page;
}

Eventual<Result<std::optional<Message>>> RedisStore::find_answer(const SessionId& session,
                                                                 std::string_view message_id) {
  return find_there(session, std::string(message_id));
}

Task<Result<std::optional<Message>>> RedisStore::find_there(SessionId session,
                                                            std::string message_id) {
  auto page = co_await read_history(session, kMaxPage, 0);
  if (!page) co_return std::unexpected(page.error());
  for (auto& message : page->messages) {
    if (message.role == Message::Role::assistant && message.client_id == message_id) {
      co_return std::optional<Message>(std::move(message));
    }
  }
  co_return std::optional<Message>();
}

Eventual<Result<void>> RedisStore::end_session(const SessionId& session, WallTime created) {
  return end_there(session, created);
}

Task<Result<void>> RedisStore::end_there(SessionId session, WallTime created) {
  redis::Connection* connection = here();
  if (connection == nullptr || !connection->up()) {
    co_return fail(ErrorCode::unavailable, "not connected to Redis");
  }
  co_return co_await end_session_over(*connection, session_key(session), created);
}

Task<Result<void>> RedisStore::end_session_over(redis::Connection& connection, Key session,
                                                WallTime created) {
  const SessionKeys keys(*this, session);
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(epoch_seconds(created));
  const auto reply =
      co_await run_over(connection, scripts::end_session(), keys.first(5), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

// ---- nodes

Task<Result<std::size_t>> RedisStore::heartbeat(std::string_view node, Seconds gone_after) {
  redis::Connection* connection = here();
  if (connection == nullptr || !connection->up()) {
    co_return fail(ErrorCode::unavailable, "not connected to Redis");
  }
  co_return co_await heartbeat_over(*connection, node, gone_after);
}

Task<Result<std::size_t>> RedisStore::heartbeat_over(redis::Connection& connection,
                                                     std::string_view node, Seconds gone_after) {
  Words keys;
  for (const char* kind : {"nodes", "sessions", "silent"}) keys.add(options_.prefix, kind);
  Words values;
  values.add(now());
  values.add(node);
  values.add(Milliseconds(gone_after).count());
  values.add(Milliseconds(session_idle_.load()).count());
  const auto reply =
      co_await run_over(connection, scripts::heartbeat(), keys.views(), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  const auto number = [&](std::size_t i) {
    return static_cast<std::size_t>(std::max<std::int64_t>(0, (*reply)[i].integer()));
  };
  {
    const std::lock_guard lock(figures_mutex_);
    figures_.sessions = number(1);
    figures_.silent_sessions = number(2);
  }
  co_return std::max<std::size_t>(1, number(0));
}

StoreFigures RedisStore::figures() const {
  const std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace portcullis::state
