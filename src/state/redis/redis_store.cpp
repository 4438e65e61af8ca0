#include "state/redis/redis_store.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "base/together.hpp"
#include "state/redis/session_sealer.hpp"
#include "state/redis/words.hpp"

namespace portcullis::state {
namespace {

using redis::Reply;

constexpr Milliseconds kProtectedAfterActivity{15 * 60 * 1000};
constexpr std::string_view kRememberedSends = "64";
constexpr std::size_t kMaxPage = 10'000;

/// What a text is told apart by within its session, without telling anything of it: in another
/// session, whose secret id is another one, the same text looks different.
std::string print_of(const Space& space, const SessionId& session, std::string_view text) {
  std::string own(reinterpret_cast<const char*>(session.data()), session.size());
  own += text;
  return KeyNames::text(key_of(space, own));
}

std::unexpected<Error> failure(const Reply& reply, const char* what) {
  return fail(ErrorCode::unavailable,
              std::string(what) + ": " + std::string(reply.text().substr(0, 200)));
}

}  // namespace

/// The keys of one session in the order in which its scripts take them.
struct RedisStore::SessionKeys {
  SessionKeys(const KeyNames& names, const Key& key)
      : member(KeyNames::text(key)), bucket(names.bucket_of(key)) {
    for (const char* kind : {"session", "history", "sends"}) all.push_back(names.of(kind, key));
    for (const char* kind : {"sessions", "silent"}) all.push_back(names.in_bucket(kind, bucket));
    for (const char* kind : {"session", "history", "sends"}) {
      all.push_back(names.in_bucket(kind, bucket) + ':');
    }
    for (const char* kind : {"events", "event-record"}) all.push_back(names.of(kind, key));
  }
  /// `count` of them: session, history, sends, sessions, silent, the prefixes of the first three,
  /// events and their record.
  std::vector<std::string_view> some(std::size_t first, std::size_t count) const {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

  std::string member;
  std::uint32_t bucket;
  std::vector<std::string> all;
};

RedisStore::RedisStore(RedisStoreOptions options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      session_idle_(options_.session_idle) {}

RedisStore::~RedisStore() = default;

void RedisStore::start(const std::vector<net::Worker*>& workers) {
  for (net::Worker* worker : workers) {
    servers_.push_back(std::make_unique<redis::Servers>(*worker, options_.server, hooks_));
  }
  workers_ = workers;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([&servers = *servers_[i]] { servers.start(); });
  }
}

bool RedisStore::settled() const {
  return std::ranges::all_of(servers_, [](const auto& s) { return s->settled(); });
}

void RedisStore::stop() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([&servers = *servers_[i]] { servers.stop(); });
  }
}

bool RedisStore::stopped() const {
  return std::ranges::all_of(servers_, [](const auto& s) { return s->stopped(); });
}

redis::Servers* RedisStore::here() const {
  const net::Worker* worker = net::Worker::current();
  const auto at = std::ranges::find(workers_, worker);
  return at == workers_.end() ? nullptr
                              : servers_[static_cast<std::size_t>(at - workers_.begin())].get();
}

Result<redis::Servers*> RedisStore::connected() const {
  redis::Servers* servers = here();
  if (servers == nullptr || !servers->up()) {
    return fail(ErrorCode::unavailable, "not connected to Redis");
  }
  return servers;
}

KeyNames RedisStore::names(const redis::Servers& servers) const {
  return {options_.prefix, servers.is_cluster() ? kBuckets : 1};
}

/// Of each bucket.
std::int64_t RedisStore::max_sessions(const redis::Servers& servers) const {
  const std::size_t buckets = names(servers).buckets();
  return static_cast<std::int64_t>((options_.max_sessions + buckets - 1) / buckets);
}

std::string RedisStore::events_channel() const { return options_.prefix + "events:"; }

std::string RedisStore::single_key(std::string_view group, std::string_view kind) const {
  return KeyNames(options_.prefix, 1).single(group, kind);
}

std::string RedisStore::now() const {
  return options_.clock == nullptr ? "0" : std::to_string(epoch_millis(options_.clock->wall()));
}

bool RedisStore::up() const { return connected().has_value(); }

bool RedisStore::all_up() const {
  return std::ranges::all_of(servers_, [](const auto& s) { return s->up(); });
}

Task<Result<Reply>> RedisStore::run(const Script& script, std::span<const std::string_view> keys,
                                    std::span<const std::string_view> values) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  co_return co_await run_over(**servers, script, keys, values);
}

Task<Result<Reply>> RedisStore::run_over(redis::Servers& servers, const Script& script,
                                         std::span<const std::string_view> keys,
                                         std::span<const std::string_view> values) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words{"EVALSHA", script.sha, count};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), values.begin(), values.end());
  const std::string_view key = keys.empty() ? std::string_view() : keys.front();
  auto reply = co_await servers.ask(key, words);
  if (reply && reply->is_error() && reply->text().starts_with("NOSCRIPT")) {
    // The server does not know it (any more): nothing has run, and this teaches it.
    words[0] = "EVAL";
    words[1] = script.text;
    reply = co_await servers.ask(key, words);
  }
  if (reply && reply->is_error()) co_return failure(*reply, script.name.data());
  co_return reply;
}

// ---- limits

Eventual<Result<AdmitAnswer>> RedisStore::admit(const AdmitRequest& request) {
  return admit_there(request);
}

Task<Result<AdmitAnswer>> RedisStore::admit_there(AdmitRequest request) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const KeyNames names = this->names(**servers);
  const std::string time = now();
  std::vector<AdmitCall> calls;
  for (const auto bucket : buckets_of(request, names)) {
    calls.emplace_back(request, names, bucket, time, options_.claim_life);
  }
  Result<void> outcome;
  if (calls.size() == 1) {
    co_await charge(**servers, calls.front(), outcome);
  } else {
    std::vector<Task<void>> flight;
    for (auto& call : calls) flight.push_back(charge(**servers, call, outcome));
    co_await Together(std::move(flight));
  }
  if (!outcome) co_return std::unexpected(outcome.error());
  const AdmitAnswer answer = decision_of(calls);
  if (!answer.admission.admitted) {
    for (const auto& call : calls) {
      if (call.took()) spawn(give_back(call.returned_keys(), call.returned_values(time)));
    }
  }
  co_return answer;
}

/// One call; a failure is left in `outcome`. Nothing is given back then: the request goes on
/// without what is shared, so it counts there as far as it got.
Task<void> RedisStore::charge(redis::Servers& servers, AdmitCall& call, Result<void>& outcome) {
  const auto reply =
      co_await run_over(servers, scripts::admit(), call.keys().views(), call.values().views());
  if (!reply) {
    outcome = std::unexpected(reply.error());
  } else if (!call.take(*reply)) {
    outcome = failure(*reply, "admit");
  }
}

Task<void> RedisStore::give_back(Words keys, Words values) {
  (void)co_await run(scripts::give_back(), keys.views(), values.views());
}

Eventual<Result<double>> RedisStore::note(const Key& subject, double points) {
  return note_there(subject, points);
}

Task<Result<double>> RedisStore::note_there(Key subject, double points) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const std::string name = names(**servers).of("pace", subject);
  const std::array<std::string_view, 1> keys{name};
  const std::string time = now();
  const std::string hundredths = std::to_string(std::llround(points * 100));
  const std::array<std::string_view, 2> values{time, hundredths};
  const auto reply = co_await run(scripts::note(), keys, values);
  if (!reply) co_return std::unexpected(reply.error());
  co_return static_cast<double>(reply->integer()) / 100;
}

// ---- sessions

Eventual<Result<bool>> RedisStore::session_created(const Key& session, WallTime created) {
  return create_there(session, created);
}

Task<Result<bool>> RedisStore::create_there(Key session, WallTime created) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const SessionKeys keys(names(**servers), session);
  Words values;
  values.add(now());
  values.add(epoch_seconds(created));
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(max_sessions(**servers));
  values.add(kProtectedAfterActivity.count());
  const auto reply = co_await run(scripts::create_session(), keys.some(3, 5), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return reply->integer() == 1;
}

Eventual<Result<BeginOutcome>> RedisStore::begin_message(NewMessage message) {
  return begin_there(std::move(message));
}

Task<Result<BeginOutcome>> RedisStore::begin_there(NewMessage message) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const SessionKeys keys(names(**servers), session_key(message.session));
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(epoch_seconds(message.session_created));
  values.add(message.message.client_id.empty()
                 ? std::string()
                 : print_of("send", message.session, message.message.client_id));
  values.add(message.message.id);
  values.add(print_of("text", message.session, message.message.content));
  values.add(message.keep_text ? SessionSealer(message.session).seal(message.message)
                               : std::string());
  values.add(max_sessions(**servers));
  values.add(kProtectedAfterActivity.count());
  values.add(static_cast<std::int64_t>(options_.history_max_messages));
  values.add(static_cast<std::int64_t>(options_.history_max_bytes));
  values.add(kRememberedSends);
  values.add(EventRelay::kAlive.count());
  const auto& sender = message.sender;
  values.add(!sender ? "" : sender->is_owner ? "owner" : "others");
  values.add(sender ? std::to_string(sender->network) : std::string());
  values.add(Milliseconds(SessionUse::kEarly).count());
  const auto reply = co_await run(scripts::begin_message(), keys.some(0, 10), values.views());
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
                           static_cast<std::uint32_t>((*reply)[2].integer()),
                           (*reply)[3].integer() == 1};
  }
  co_return failure(*reply, "begin_message");
}

Eventual<Result<void>> RedisStore::add_answer(const SessionId& session, Message answer) {
  return add_there(session, std::move(answer));
}

Task<Result<void>> RedisStore::add_there(SessionId session, Message answer) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const SessionKeys keys(names(**servers), session_key(session));
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(SessionSealer(session).seal(answer));
  values.add(static_cast<std::int64_t>(options_.history_max_messages));
  values.add(static_cast<std::int64_t>(options_.history_max_bytes));
  const auto reply = co_await run(scripts::add_answer(), keys.some(0, 4), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

Eventual<Result<void>> RedisStore::fail_message(const SessionId& session,
                                                std::string_view message_id) {
  return fail_there(session, std::string(message_id));
}

Task<Result<void>> RedisStore::fail_there(SessionId session, std::string message_id) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const std::string sends = names(**servers).of("sends", session_key(session));
  const std::string record = names(**servers).of("event-record", session_key(session));
  const std::array<std::string_view, 2> keys{sends, record};
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
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  const std::string list = names(**servers).of("history", session_key(session));
  const std::array<std::string_view, 2> count{"LLEN", list};
  const auto total = co_await (*servers)->ask(list, count);
  if (!total) co_return std::unexpected(total.error());
  if (total->is_error()) co_return failure(*total, "LLEN");
  page.total = static_cast<std::uint64_t>(std::max<std::int64_t>(0, total->integer()));
  if (offset >= page.total || limit == 0) co_return page;
  const std::string first = std::to_string(offset);
  const std::string last = std::to_string(offset + std::min(limit, kMaxPage) - 1);
  const std::array<std::string_view, 4> range{"LRANGE", list, first, last};
  const auto reply = co_await (*servers)->ask(list, range);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->is_error()) co_return failure(*reply, "LRANGE");
  const SessionSealer sealer(session);
  for (std::size_t i = 0; i < reply->size(); ++i) {
    if (auto message = sealer.open_message((*reply)[i].text())) {
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
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  co_return co_await end_session_over(**servers, session_key(session), created);
}

Task<Result<void>> RedisStore::end_session_over(redis::Servers& servers, Key session,
                                                WallTime created) {
  const SessionKeys keys(names(servers), session);
  Words values;
  values.add(now());
  values.add(keys.member);
  values.add(Milliseconds(session_idle_.load()).count());
  values.add(epoch_seconds(created));
  values.add(events_channel());
  const auto reply =
      co_await run_over(servers, scripts::end_session(), keys.some(0, 10), values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

// ---- credentials

Eventual<Result<void>> RedisStore::revoke(const Revocation& revocation) {
  return revoke_there(revocation);
}

Task<Result<void>> RedisStore::revoke_there(Revocation revocation) {
  const auto servers = connected();
  if (!servers) co_return std::unexpected(servers.error());
  co_return co_await revoke_over(**servers, revocation);
}

Task<Result<void>> RedisStore::revoke_over(redis::Servers& servers, Revocation revocation) {
  const std::string name = names(servers).of("revoked", revocation.what);
  const std::array<std::string_view, 1> keys{name};
  Words values;
  values.add(now());
  values.add(epoch_millis(revocation.since));
  values.add(epoch_millis(revocation.until));
  const auto reply = co_await run_over(servers, scripts::revoke(), keys, values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return Result<void>{};
}

// ---- nodes

Task<Result<std::size_t>> RedisStore::heartbeat(redis::Servers& servers, std::string_view node,
                                                Seconds gone_after) {
  const std::string nodes = single_key("nodes", "seen");
  const std::array<std::string_view, 1> keys{nodes};
  Words values;
  values.add(now());
  values.add(node);
  values.add(Milliseconds(gone_after).count());
  const auto reply = co_await run_over(servers, scripts::heartbeat(), keys, values.views());
  if (!reply) co_return std::unexpected(reply.error());
  co_return static_cast<std::size_t>(std::max<std::int64_t>(1, reply->integer()));
}

Task<Result<void>> RedisStore::count(redis::Servers& servers) {
  const KeyNames names = this->names(servers);
  StoreFigures found;
  for (std::uint32_t bucket = 0; bucket < names.buckets(); ++bucket) {
    const std::string sessions = names.in_bucket("sessions", bucket);
    const std::string silent = names.in_bucket("silent", bucket);
    const std::array<std::string_view, 2> keys{sessions, silent};
    Words values;
    values.add(now());
    values.add(Milliseconds(session_idle_.load()).count());
    const auto reply = co_await run_over(servers, scripts::count_sessions(), keys, values.views());
    if (!reply) co_return std::unexpected(reply.error());
    const auto number = [&](std::size_t i) {
      return static_cast<std::size_t>(std::max<std::int64_t>(0, (*reply)[i].integer()));
    };
    found.sessions += number(0);
    found.silent_sessions += number(1);
  }
  const std::lock_guard lock(figures_mutex_);
  figures_ = found;
  co_return Result<void>{};
}

StoreFigures RedisStore::figures() const {
  const std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace portcullis::state
