#include "gateway/gateway.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <future>
#include <thread>

#include "config/checks.hpp"
#include "config/reference.hpp"
#include "crypto/digest.hpp"
#include "gateway/accounts.hpp"
#include "gateway/runtime.hpp"
#include "gateway/shared_state.hpp"
#include "net/connection_limits.hpp"
#include "net/listener.hpp"
#include "state/memory_store.hpp"
#include "state/recent_figures.hpp"
#include "state/simulated_store.hpp"

namespace portcullis::gateway {
namespace {

/// What scrapes and probes may have open at a time on the operations listener.
constexpr std::size_t kMaxOperationsConnections = 64;

/// How often streams that nobody uses are looked for.
constexpr timespec kSweepStreamsEvery{5, 0};

observe::LogFormat log_format(const config::Settings& s) {
  if (s.log_format == config::LogFormatChoice::text) return observe::LogFormat::text;
  if (s.log_format == config::LogFormatChoice::json) return observe::LogFormat::json;
  return s.development() ? observe::LogFormat::text : observe::LogFormat::json;
}

state::MemoryStoreOptions store_options(const config::Settings& s) {
  state::MemoryStoreOptions o;
  o.max_limiter_keys = static_cast<std::size_t>(s.state_max_keys);
  o.max_sessions = static_cast<std::size_t>(s.max_sessions);
  o.session_idle = s.session_idle;
  o.history_max_messages = static_cast<std::size_t>(s.history_max_messages);
  o.history_max_bytes = static_cast<std::size_t>(s.history_max_bytes);
  o.history_total_bytes = static_cast<std::size_t>(s.history_total_bytes);
  return o;
}

std::unique_ptr<state::Store> make_store(const config::Settings& s) {
  auto store = std::make_unique<state::MemoryStore>(store_options(s));
  using Behaviour = state::SimulatedStore::Behaviour;
  switch (s.state_simulate) {
    case config::StateSimulation::none:
      return store;
    case config::StateSimulation::slow:
      return std::make_unique<state::SimulatedStore>(std::move(store), Behaviour::slow);
    case config::StateSimulation::failing:
      return std::make_unique<state::SimulatedStore>(std::move(store), Behaviour::failing);
  }
  return store;
}

chat::StreamHub::Options hub_options(const config::Settings& s) {
  chat::StreamHub::Options o;
  o.max_streams = static_cast<std::size_t>(s.max_streams);
  o.max_per_session = static_cast<std::size_t>(s.max_streams_per_session);
  o.max_per_address = static_cast<std::size_t>(s.max_streams_per_address);
  o.buffer_bytes = static_cast<std::size_t>(s.stream_buffer_bytes);
  o.total_bytes = static_cast<std::size_t>(s.ring_total_bytes);
  return o;
}

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

/// Signals are waited for on the main thread. Every other thread inherits the mask, so this must
/// come before the first of them, the log's, is made.
struct BlockedSignals {
  BlockedSignals() {
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  sigset_t set{};
};

/// One worker thread with its listeners and connections.
class Lane {
 public:
  explicit Lane(unsigned index, std::shared_ptr<const Runtime> first)
      : worker(index),
        runtime(std::move(first)),
        entrance_(*this, false),
        operations_entrance_(*this, true),
        server(worker, entrance_),
        operations_server(worker, operations_entrance_) {}

 private:
  /// Hands each exchange to the pipeline of the configuration in force when it began.
  class Entrance final : public http::Handler {
   public:
    Entrance(Lane& lane, bool operations) : lane_(lane), operations_(operations) {}
    Task<void> handle(http::Exchange& exchange) override {
      const auto kept = lane_.runtime;
      const auto& pipeline = operations_ ? kept->operations() : kept->pipeline();
      std::string failure;
      try {
        co_await pipeline.handle(exchange);
        co_return;
      } catch (const std::exception& error) {
        failure = error.what();
      }
      co_await pipeline.answer_exception(exchange, std::move(failure));
    }

   private:
    Lane& lane_;
    const bool operations_;
  };

 public:
  net::Worker worker;
  std::shared_ptr<const Runtime> runtime;  ///< read and replaced on the worker's thread only

 private:
  Entrance entrance_;
  Entrance operations_entrance_;

 public:
  http::Http1Server server;
  http::Http1Server operations_server;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Listener> operations_listener;
  std::thread thread;
};

}  // namespace

class Gateway::Impl {
 public:
  Impl(const config::Loaded& loaded, config::Sources sources)
      : sources_(std::move(sources)),
        log_(loaded.settings.log_level, log_format(loaded.settings)),
        sink_(log_, metrics_),
        blocks_(static_cast<std::size_t>(loaded.settings.max_blocks)),
        figures_([this] { return store_->figures(); }, Clock::system()),
        hub_(hub_options(loaded.settings)),
        connections_(static_cast<std::size_t>(loaded.settings.max_connections),
                     static_cast<std::size_t>(loaded.settings.max_connections_per_address)),
        forwarding_(log_),
        started_(Clock::system().wall()),
        version_(loaded.settings.app_version.empty()
                     ? version()
                     : std::string_view(loaded.settings.app_version)) {}

  Result<void> start(const config::Loaded& loaded) {
    unsigned workers = static_cast<unsigned>(loaded.settings.workers);
    if (workers == 0) workers = std::max(1U, std::thread::hardware_concurrency());
    workers_ = workers;
    if (!loaded.settings.redis_url.empty()) {
      // Before the first key is made: all nodes must make the same ones.
      state::share_keys(crypto::hkdf(loaded.settings.session_secrets.front(), "portcullis keys"));
      TRY(shared_, SharedState::make(loaded.settings, store_options(loaded.settings), blocks_,
                                     sockets_, log_, metrics_, sink_));
      store_ = &shared_->store();
      hub_.share(shared_->events());
    } else {
      own_store_ = make_store(loaded.settings);
      store_ = own_store_.get();
    }
    if (auto opened = open_accounts(loaded.settings); !opened) return opened;
    TRY(auto runtime, Runtime::make(loaded.settings, lasting(), vitals()));
    runtime_ = std::move(runtime);
    assistants_.replace(runtime_->assistants());
    captchas_.replace(runtime_->captchas());
    groups_.replace(runtime_->groups());
    register_gauges();
    for (unsigned i = 0; i < workers; ++i) {
      lanes_.push_back(std::make_unique<Lane>(i, runtime_));
    }
    start_checks();
    if (auto opened = open_listeners(loaded.settings); !opened) return opened;
    if (shared_) {
      std::vector<net::Worker*> all;
      all.reserve(lanes_.size());
      for (auto& lane : lanes_) all.push_back(&lane->worker);
      shared_->on_back([this] {
        if (accounts_) accounts_->retell();
      });
      shared_->connect(all);
    }
    for (auto& lane : lanes_) {
      lane->listener->start();
      if (lane->operations_listener) lane->operations_listener->start();
      lane->thread = std::thread([&worker = lane->worker] { worker.run(); });
    }
    if (shared_) shared_->wait_until_tried();
    announce(loaded);
    return watch_accounts(loaded.settings);
  }

  int wait_and_stop() {
    while (true) {
      const int signal = sigtimedwait(&signals_.set, nullptr, &kSweepStreamsEvery);
      if (signal == SIGTERM || signal == SIGINT) break;
      if (signal == SIGHUP) {
        reload();
      } else {
        hub_.sweep();
        if (shared_) shared_->beat();
      }
    }
    drain();
    return 0;
  }

  ~Impl() {
    if (accounts_) accounts_->stop();
    if (shared_) shared_->stop();
    settle();
    for (auto& lane : lanes_) {
      lane->worker.stop();
      if (lane->thread.joinable()) lane->thread.join();
    }
    // Pools hold sockets and timers of the workers, so they go first.
    for (auto& lane : lanes_) {
      retire(assistants_.living(), lane->worker);
      retire(captchas_.living(), lane->worker);
      retire(groups_.living(), lane->worker);
    }
    runtime_.reset();
    for (auto& lane : lanes_) lane->runtime.reset();
    assistants_.replace({});
    captchas_.replace({});
    groups_.replace({});
    shared_.reset();  // its connections belong to the workers, too
  }

 private:
  /// Waits until workers have run what was handed back to them before.
  void settle() {
    for (auto& lane : lanes_) {
      if (!lane->thread.joinable()) continue;
      std::promise<void> settled;
      lane->worker.post([&settled] { settled.set_value(); });
      settled.get_future().wait();
    }
  }

  Lasting lasting() {
    return {log_,
            metrics_,
            sink_,
            *store_,
            blocks_,
            in_flight_,
            sockets_,
            trails_,
            hub_,
            forwarding_,
            assistants_.in_force(),
            captchas_.in_force(),
            groups_.in_force(),
            runtime_ ? runtime_->provider() : nullptr,
            accounts_.get(),
            workers_};
  }

  http::websocket::Census::Figures sockets_now() const {
    return sockets_.figures(Clock::system().wall());
  }

  routes::Vitals vitals() {
    return {
        version_,
        started_,
        [this] { return draining_.load(); },
        [this] {
          return std::string_view(!shared_ ? "disabled" : shared_->up() ? "connected" : "degraded");
        },
        [this] {
          if (!accounts_ || !accounts_->is_elsewhere()) return std::string_view("disabled");
          return std::string_view(accounts_->up() ? "connected" : "degraded");
        },
        [this] { return figures_.get(); },
        [this](routes::Audience audience) {
          std::vector<std::string> notices;
          if (forwarding_.seen()) {
            const bool named = audience == routes::Audience::operators;
            notices.push_back((named ? "the peer " + forwarding_.peer() : "a peer") +
                              " sends forwarding headers but is not in TRUSTED_PROXIES: every "
                              "visitor behind it counts as one address");
          }
          return notices;
        }};
  }

  void register_gauges() {
    metrics_.gauge("portcullis_connections_open",
                   [this] { return static_cast<double>(connections_.open()); });
    metrics_.gauge("portcullis_streams_open",
                   [this] { return static_cast<double>(hub_.open_streams()); });
    metrics_.gauge("portcullis_websockets_open",
                   [this] { return static_cast<double>(sockets_now().open); });
    metrics_.gauge("portcullis_websockets_authenticated",
                   [this] { return static_cast<double>(sockets_now().authenticated); });
    metrics_.gauge("portcullis_websocket_addresses",
                   [this] { return static_cast<double>(sockets_now().addresses); });
    metrics_.gauge("portcullis_websocket_age_seconds",
                   [this] { return sockets_now().average_seconds; });
    metrics_.gauge("portcullis_sessions_active", [this] {
      const auto figures = store_->figures();
      return static_cast<double>(figures.sessions + figures.silent_sessions);
    });
    metrics_.gauge("portcullis_state_sessions",
                   [this] { return static_cast<double>(store_->figures().sessions); });
    metrics_.gauge("portcullis_state_keys",
                   [this] { return static_cast<double>(store_->figures().limiter_keys); });
    metrics_.gauge("portcullis_state_shared",
                   [this] { return shared_ && shared_->up() ? 1.0 : 0.0; });
    (void)metrics_.counter("portcullis_state_fallbacks_total").cell({});
    metrics_.gauge("portcullis_accounts_up",
                   [this] { return accounts_ && accounts_->up() ? 1.0 : 0.0; });
    metrics_.gauge("portcullis_blocked_addresses",
                   [this] { return static_cast<double>(blocks_.size()); });
    metrics_.gauge("portcullis_upstream_connections_open", [this] {
      std::size_t open = 0;
      for (const auto& assistant : assistants_.living()) open += assistant->open_connections();
      for (const auto& group : groups_.living()) open += group->open_connections();
      return static_cast<double>(open);
    });
    metrics_.gauge("portcullis_service_targets_away", [this] {
      std::size_t away = 0;
      for (const auto& group : groups_.living()) away += group->targets() - group->available();
      return static_cast<double>(away);
    });
    metrics_.gauge("portcullis_upstream_breaker_open", [this] {
      return assistants_.count([](const auto& a) { return a.breaker_open(); }) > 0 ? 1.0 : 0.0;
    });
    metrics_.gauge("portcullis_challenge_providers_away", [this] {
      return static_cast<double>(captchas_.count([](const auto& c) { return c.away(); }));
    });
    metrics_.gauge("portcullis_build_info", [] { return 1.0; });
    metrics_.gauge("portcullis_start_time_seconds",
                   [this] { return static_cast<double>(epoch_seconds(started_)); });
    accepted_ = &metrics_.counter("portcullis_connections_accepted_total");
    refused_ = &metrics_.counter("portcullis_connections_refused_total");
    accepted_cell_ = accepted_->cell({});
    refused_total_ = refused_->cell({"total"});
    refused_address_ = refused_->cell({"address"});
    refused_operations_ = refused_->cell({"operations"});
  }

  Result<void> open_listeners(const config::Settings& s) {
    // SO_REUSEPORT would let a second gateway share the port in silence; a plain bind first finds
    // it taken.
    std::uint16_t port = s.server_port;
    if (port != 0) {
      TRY([[maybe_unused]] const bool free, net::Listener::probe(s.server_host, port));
    }
    for (auto& lane : lanes_) {
      TRY(lane->listener, net::Listener::open(lane->worker, s.server_host, port,
                                              [this, &lane = *lane](auto stream) {
                                                accept(lane, std::move(stream));
                                              }));
      port = lane->listener->port();
    }
    port_ = port;
    if (s.ops_listen == "off") return {};
    const auto colon = s.ops_listen.rfind(':');
    std::string host = s.ops_listen.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    const auto ops_port = static_cast<std::uint16_t>(std::stoi(s.ops_listen.substr(colon + 1)));
    // One lane serves operations: nobody asks for much there.
    Lane& lane = *lanes_.front();
    auto opened = [&]() -> Result<std::unique_ptr<net::Listener>> {
      if (ops_port != 0) {
        TRY([[maybe_unused]] const bool free, net::Listener::probe(host, ops_port));
      }
      return net::Listener::open(lane.worker, host, ops_port, [this, &lane](auto stream) {
        accept_operations(lane, std::move(stream));
      });
    }();
    if (!opened) {
      log_.write(observe::Level::warning, "no operations listener",
                 {{"reason", opened.error().detail}});
      return {};
    }
    lane.operations_listener = *std::move(opened);
    ops_url_ = "http://" + host + ":" + std::to_string(lane.operations_listener->port());
    return {};
  }

  void accept(Lane& lane, std::unique_ptr<net::Stream> stream) {
    const IpAddress address = stream->peer_address();
    const auto& runtime = lane.runtime;
    // A trusted proxy carries many visitors on its one address.
    const bool counted = !any_contains(runtime->settings().trusted_proxies, address);
    const auto outcome = connections_.admit(address, counted);
    if (outcome != net::ConnectionLimits::Outcome::admitted) {
      refused_->add(outcome == net::ConnectionLimits::Outcome::total_reached ? refused_total_
                                                                             : refused_address_);
      stream->abort();
      return;
    }
    accepted_->add(accepted_cell_);
    lane.server.serve(std::move(stream), runtime->connection_limits(),
                      [this, address, counted] { connections_.release(address, counted); });
  }

  void accept_operations(Lane& lane, std::unique_ptr<net::Stream> stream) {
    if (lane.operations_server.open() >= kMaxOperationsConnections) {
      refused_->add(refused_operations_);
      stream->abort();
      return;
    }
    lane.operations_server.serve(std::move(stream), lane.runtime->connection_limits(), [] {});
  }

  static void retire(const auto& parts, net::Worker& worker) {
    for (const auto& part : parts) part->retire(worker);
  }

  void announce(const config::Loaded& loaded) {
    const auto& s = loaded.settings;
    log_.write(observe::Level::info, "starting",
               {{"version", version()},
                {"profile", config::name_of(s.profile)},
                {"because", s.profile_reason},
                {"workers", std::int64_t{workers_}},
                {"operations", ops_url_}});
    for (const auto& note : loaded.notes) log_.write(observe::Level::info, note);
    for (const auto& warning : loaded.warnings) {
      log_.write(observe::Level::warning, warning.message, {{"setting", warning.place}});
    }
    std::string host = s.server_host;
    if (host == "0.0.0.0" || host == "::" || host == "localhost") host = "127.0.0.1";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    say("portcullis: listening on http://" + host + ":" + std::to_string(port_));
    if (!ops_url_.empty()) say("portcullis: operations on " + ops_url_);
  }

  /// Where users have keys; who has none needs no place for accounts either.
  Result<void> open_accounts(const config::Settings& s) {
    if (!s.has_users() || accounts_) return {};
    TRY(accounts_, Accounts::open(s, *store_, log_));
    if (!lanes_.empty()) accounts_->start(lanes_.front()->worker);
    return {};
  }

  /// The first user is made at once, or when the database is there.
  Result<void> watch_accounts(const config::Settings& s) {
    if (!accounts_) return {};
    const bool wanted = s.development() && s.first_admin;
    const bool known = accounts_->is_known();
    std::function<void()> when_read;
    if (wanted && !known) {
      when_read = [this] {
        if (const auto made = welcome_first_admin(); !made) {
          log_.write(observe::Level::error, "the first user cannot be made",
                     {{"reason", made.error().detail}});
        }
      };
    }
    accounts_->start(lanes_.front()->worker, std::move(when_read));
    return wanted && known ? welcome_first_admin() : Result<void>{};
  }

  /// The one time that a password is shown: where nobody has one yet, in development.
  Result<void> welcome_first_admin() {
    TRY(const auto password, accounts_->make_first_admin());
    if (password) {
      say("portcullis: first start: the user admin has the password " + *password +
          " (shown once; `portcullis user passwd admin` sets another)");
    }
    return {};
  }

  void reload() {
    auto& reloads = metrics_.counter("portcullis_config_reloads_total");
    auto loaded = config::load(sources_);
    if (loaded.errors.empty()) config::ensure_development_secrets(loaded);
    std::string reason;
    if (!loaded.errors.empty()) {
      for (const auto& error : loaded.errors) reason += (reason.empty() ? "" : "; ") + error.text();
    } else if (auto opened = open_accounts(loaded.settings); !opened) {
      reason = opened.error().detail;
    } else if (auto made = Runtime::make(loaded.settings, lasting(), vitals()); !made) {
      reason = made.error().detail;
    } else {
      log_.set_level(loaded.settings.log_level);
      store_->set_session_idle(loaded.settings.session_idle);
      connections_.set(static_cast<std::size_t>(loaded.settings.max_connections),
                       static_cast<std::size_t>(loaded.settings.max_connections_per_address));
      for (const auto& path :
           config::changes_that_need_restart(runtime_->settings(), loaded.settings)) {
        log_.write(observe::Level::warning, "a changed setting takes effect after a restart only",
                   {{"setting", path}});
      }
      replace_runtime(*std::move(made));
    }
    if (!reason.empty()) {
      reloads.add(reloads.cell({"failed"}));
      log_.write(observe::Level::error, "the configuration was not reloaded; the old one stays",
                 {{"reason", reason}});
      return;
    }
    reloads.add(reloads.cell({"ok"}));
    log_.write(observe::Level::info, "configuration reloaded");
    for (const auto& warning : loaded.warnings) {
      log_.write(observe::Level::warning, warning.message, {{"setting", warning.place}});
    }
  }

  void replace_runtime(std::shared_ptr<const Runtime> fresh) {
    const auto assistants = assistants_.replace(fresh->assistants());
    const auto captchas = captchas_.replace(fresh->captchas());
    const auto groups = groups_.replace(fresh->groups());
    runtime_ = std::move(fresh);
    start_checks();
    for (auto& lane : lanes_) {
      lane->worker.post([&lane = *lane, fresh = runtime_, assistants, captchas, groups] {
        lane.runtime = fresh;
        retire(assistants, lane.worker);
        retire(captchas, lane.worker);
        retire(groups, lane.worker);
      });
    }
  }

  /// Of the services in force, by the first lane.
  void start_checks() {
    auto& worker = lanes_.front()->worker;
    for (const auto& [identity, group] : groups_.in_force()) {
      worker.post([&worker, group] { group->start_checks(worker); });
    }
  }

  bool is_busy() const {
    return open_connections() > 0 || hub_.turns() > 0 ||
           groups_.count([](const auto& group) { return group.is_asking(); }) > 0;
  }

  std::size_t open_connections() const {
    std::size_t open = 0;
    for (const auto& lane : lanes_) open += lane->server.open() + lane->operations_server.open();
    return open;
  }

  void drain() {
    draining_ = true;
    const auto timeout = runtime_->settings().drain_timeout;
    log_.write(observe::Level::info, "draining",
               {{"connections", static_cast<std::int64_t>(connections_.open())}});
    for (auto& lane : lanes_) {
      lane->worker.post([&lane = *lane] {
        lane.listener->stop();
        lane.server.drain();
      });
    }
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (connections_.open() > 0 && std::chrono::steady_clock::now() < deadline) {
      // A second signal ends the wait.
      const timespec pause{0, 20'000'000};
      const int signal = sigtimedwait(&signals_.set, nullptr, &pause);
      if (signal == SIGTERM || signal == SIGINT) break;
    }
    const auto left = connections_.open();
    hub_.stop_turns();
    for (auto& lane : lanes_) {
      lane->worker.post([&lane = *lane, groups = groups_.living()] {
        if (lane.operations_listener) lane.operations_listener->stop();
        lane.server.abort_all();
        lane.operations_server.abort_all();
        retire(groups, lane.worker);
      });
    }
    // Give cancelled coroutines a moment to run to their ends.
    const auto grace = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    while (is_busy() && std::chrono::steady_clock::now() < grace) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    log_.write(observe::Level::info, "stopped",
               {{"cut_connections", static_cast<std::int64_t>(left)}});
  }

  BlockedSignals signals_;
  config::Sources sources_;
  observe::Log log_;
  observe::Metrics metrics_;
  audit::LogSink sink_;
  std::unique_ptr<state::Store> own_store_;
  state::BlockTable blocks_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<SharedState> shared_;  ///< where Redis is configured
  state::Store* store_ = nullptr;        ///< one of the two
  http::InFlight in_flight_;
  http::websocket::Census sockets_;
  guards::Trails trails_;
  const state::RecentFigures figures_;
  chat::StreamHub hub_;
  net::ConnectionLimits connections_;
  guards::ForwardingWarning forwarding_;
  Kept<upstream::Assistant> assistants_;
  Kept<upstream::Siteverify> captchas_;
  Kept<upstream::ServiceGroup> groups_;
  const WallTime started_;
  const std::string version_;  ///< as /health shows it
  std::atomic<bool> draining_{false};
  unsigned workers_ = 1;
  std::uint16_t port_ = 0;
  std::string ops_url_;
  observe::CounterFamily* accepted_ = nullptr;
  observe::CounterFamily* refused_ = nullptr;
  observe::CounterFamily::Cell accepted_cell_ = 0, refused_total_ = 0, refused_address_ = 0,
                               refused_operations_ = 0;
  std::shared_ptr<const Runtime> runtime_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>> Gateway::make(config::Loaded loaded, config::Sources sources) {
  config::ensure_development_secrets(loaded);
  auto impl = std::make_unique<Impl>(loaded, std::move(sources));
  if (auto started = impl->start(loaded); !started) return std::unexpected(started.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

int Gateway::run() { return impl_->wait_and_stop(); }

std::string describe_routes(const config::Settings& given, std::vector<std::string>& problems) {
  config::Settings settings = given;
  // Tokens are not made here, but the parts want keys.
  if (settings.jwt_secrets.empty()) settings.jwt_secrets.emplace_back(64, 'j');
  if (settings.session_secrets.empty()) settings.session_secrets.emplace_back(64, 's');
  if (settings.development() && !settings.has_users()) settings.auth_secrets.emplace_back(64, 'u');
  observe::Log log(observe::Level::critical, observe::LogFormat::text);
  observe::Metrics metrics;
  audit::LogSink sink(log, metrics);
  state::MemoryStore store({.max_limiter_keys = 1000});
  chat::StreamHub hub({});
  guards::ForwardingWarning forwarding(log);
  const Assistants assistants;
  const Captchas captchas;
  const ServiceGroups groups;
  state::BlockTable blocks(1);
  http::InFlight in_flight;
  http::websocket::Census sockets;
  guards::Trails trails;
  const Lasting lasting{log, metrics,    sink,       store,    blocks, in_flight, sockets, trails,
                        hub, forwarding, assistants, captchas, groups, nullptr,   nullptr, 1};
  auto runtime = Runtime::make(
      settings, lasting,
      {std::string(version()), WallTime{}, [] { return false; },
       [] { return std::string_view("disabled"); }, [] { return std::string_view("disabled"); },
       [] { return state::StoreFigures{}; },
       [](routes::Audience) { return std::vector<std::string>{}; }});
  if (!runtime) {
    problems.push_back(runtime.error().detail);
    return {};
  }
  return (*runtime)->pipeline().routes().text();
}

std::string_view version() noexcept { return PORTCULLIS_VERSION; }

}  // namespace portcullis::gateway
