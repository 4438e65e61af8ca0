#include "gateway/shared_state.hpp"

#include <thread>

#include "base/text.hpp"
#include "config/redis_url.hpp"
#include "crypto/digest.hpp"
#include "gateway/integrity_event.hpp"

namespace portcullis::gateway {
namespace {

/// A node that was silent for three beats is gone.
constexpr Seconds kGoneAfter{15};
/// All kept events of a session are one reply, which must come within the deadline like any other.
constexpr std::size_t kMostEventBytes = 1 << 20;
/// How long a start waits for a first connection, and an end for the last coroutine.
constexpr Milliseconds kPatience{1500};

template <class Condition>
void wait_for(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(Milliseconds{2});
  }
}

state::FallbackPolicy policy_of(config::StateFallback fallback) {
  switch (fallback) {
    case config::StateFallback::open:
      return state::FallbackPolicy::open;
    case config::StateFallback::closed:
      return state::FallbackPolicy::closed;
    case config::StateFallback::local:
      break;
  }
  return state::FallbackPolicy::local;
}

using http::websocket::Notice;

/// Between nodes: the site, for whom it is, and what is sent.
std::string text_of(const Notice& notice) {
  return notice.site + (notice.everybody ? " all " : " known ") + notice.text;
}

std::optional<Notice> parse_notice(std::string_view text) {
  Notice out;
  out.site = state::take_word(text);
  const auto whom = state::take_word(text);
  if (whom != "all" && whom != "known") return std::nullopt;
  out.everybody = whom == "all";
  out.text = text;
  return out;
}

}  // namespace

Result<std::unique_ptr<SharedState>> SharedState::make(const config::Settings& settings,
                                                       state::MemoryStoreOptions local,
                                                       state::BlockTable& blocks,
                                                       http::websocket::Census& sockets,
                                                       observe::Log& log, observe::Metrics& metrics,
                                                       audit::Sink& sink) {
  const auto url = config::RedisUrl::parse(settings.redis_url);
  if (!url) return fail(ErrorCode::invalid_input, "REDIS_URL: " + url.error());
  state::RedisStoreOptions options;
  std::shared_ptr<net::TlsClientContext> tls;
  if (url->tls || settings.redis_tls) {
    TRY(tls, net::TlsClientContext::make({.authorities = settings.redis_ca_file}));
  }
  for (const auto& server : url->servers) {
    options.server.seeds.push_back({server.host, server.port, tls});
  }
  options.server.user = url->user;
  options.server.password =
      settings.redis_password.empty() ? url->password : settings.redis_password;
  options.server.database = url->database;
  options.server.name = "portcullis";
  options.server.deadline = settings.redis_deadline;
  options.prefix = settings.redis_prefix;
  options.max_sessions = local.max_sessions;
  options.session_idle = local.session_idle;
  options.claim_life = settings.session_life;
  options.history_max_messages = local.history_max_messages;
  // A conversation is read in one reply, of which the reader takes twice as much.
  options.history_max_bytes = std::min(local.history_max_bytes, redis::ReplyReader::kMaxReply / 2);
  return std::unique_ptr<SharedState>(
      new SharedState(settings, std::move(options), local, blocks, sockets, log, metrics, sink));
}

SharedState::SharedState(const config::Settings& settings, state::RedisStoreOptions options,
                         state::MemoryStoreOptions local, state::BlockTable& blocks,
                         http::websocket::Census& sockets, observe::Log& log,
                         observe::Metrics& metrics, audit::Sink& sink)
    : log_(log),
      sink_(sink),
      server_(options.server),
      node_(text::hex(crypto::random_bytes(8))),
      least_nodes_(static_cast<std::size_t>(settings.state_nodes)),
      redis_(std::move(options), {[this](redis::Servers& servers) { return prepare(servers); },
                                  [this](bool, const std::string& reason) { changed(reason); }}),
      local_(local),
      fallbacks_(metrics.counter("portcullis_state_fallbacks_total")),
      fallback_(
          redis_, local_, policy_of(settings.state_fallback), [this] { return redis_.up(); },
          [this] { fallbacks_.add(fallbacks_.cell({})); }),
      subscriber_(redis_),
      blocks_(redis_, subscriber_, blocks, static_cast<std::size_t>(settings.max_blocks)),
      notices_(redis_, subscriber_, node_,
               [&sockets](std::string_view text) {
                 if (auto notice = parse_notice(text)) sockets.tell_here(*notice);
               }),
      events_(redis_, subscriber_, node_,
              {.max_bytes = std::min<std::size_t>(
                   kMostEventBytes, static_cast<std::size_t>(settings.stream_buffer_bytes))}) {
  fallback_.set_nodes(least_nodes_);
  blocks.on_made([this](const IpAddress& network, const state::Block& block) {
    blocks_.made(network, block);
  });
  sockets.on_tell([this](const Notice& notice) { notices_.tell(text_of(notice)); });
}

SharedState::~SharedState() = default;

void SharedState::connect(const std::vector<net::Worker*>& workers) {
  first_ = workers.front();
  running_ = true;
  redis_.start(workers);
  blocks_.start(*first_);
  subscriber_.start(*first_, server_);
}

void SharedState::wait_until_tried() {
  wait_for([this] { return redis_.settled(); });
  beat();
}

void SharedState::stop() {
  if (!std::exchange(running_, false)) return;
  subscriber_.stop();
  redis_.stop();
  wait_for([this] { return redis_.stopped() && subscriber_.stopped(); });
}

void SharedState::beat() {
  if (!running_) return;
  first_->post([this] { spawn(beat_there()); });
  subscriber_.check();
  blocks_.check();
}

Task<void> SharedState::beat_there() {
  redis::Servers& servers = *redis_.here();
  if (!servers.up()) co_return;
  const auto nodes = co_await redis_.heartbeat(servers, node_, kGoneAfter);
  if (!nodes) co_return;
  fallback_.set_nodes(std::max(*nodes, least_nodes_));
  // A single call may fail while Redis is there.
  (void)co_await tell_pending(servers);
  (void)co_await redis_.count(servers);
}

/// The first words show whether scripts can run at all, which a user may not be allowed to. Then
/// what was ended or revoked while Redis was away is so there, before anybody asks it again.
Task<Result<void>> SharedState::prepare(redis::Servers& servers) {
  const auto nodes = co_await redis_.heartbeat(servers, node_, kGoneAfter);
  if (!nodes) co_return std::unexpected(nodes.error());
  fallback_.set_nodes(std::max(*nodes, least_nodes_));
  co_return co_await tell_pending(servers);
}

Task<Result<void>> SharedState::tell_pending(redis::Servers& servers) {
  auto revoked = fallback_.take_revoked();
  while (!revoked.empty()) {
    const auto done = co_await redis_.revoke_over(servers, revoked.back());
    if (!done) {
      fallback_.give_back(std::move(revoked));
      co_return done;
    }
    revoked.pop_back();
  }
  auto ended = fallback_.take_ended();
  while (!ended.empty()) {
    const auto done =
        co_await redis_.end_session_over(servers, ended.back().session, ended.back().created);
    if (!done) {
      fallback_.give_back(std::move(ended));
      co_return done;
    }
    ended.pop_back();
  }
  co_return Result<void>{};
}

/// One event for each turn of fortune, however many workers notice it.
void SharedState::changed(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const State before = state_;
  const State now = redis_.all_up() ? State::up : State::degraded;
  if (now == before) return;
  if (now == State::degraded) fallback_.set_away_since(Clock::system().wall());
  // While workers connect for the first time, one that is not there yet is no news.
  if (before == State::starting && now == State::degraded && reason.empty()) return;
  state_ = now;
  log_.write(now == State::up ? observe::Level::info : observe::Level::error,
             now == State::up ? "connected to Redis"
                              : "Redis does not answer: this node goes on with a state of its own",
             {{"reason", reason}});
  // Whoever starts has missed all that was told before.
  if (now == State::up) blocks_.renew();
  if (now == State::up && back_) back_();
  if (before == State::starting && now == State::up) return;  // as it should be
  record(now == State::up);
}

void SharedState::record(bool up) {
  if (up) {
    record_integrity(sink_, "SYS_005", audit::ThreatLevel::low, "the shared state is there");
  } else {
    record_integrity(sink_, "SYS_004", audit::ThreatLevel::high,
                     "the shared state is away: limits hold for each node by itself");
  }
}

}  // namespace portcullis::gateway
