#include "redis/servers.hpp"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>

#include "base/random.hpp"
#include "base/text.hpp"

namespace portcullis::redis {
namespace {

/// While something is missing: how long until the cluster is looked at again.
constexpr Milliseconds kRetry{250};
/// A connection that a redirection opened is kept so long without another one.
constexpr Seconds kKept{60};

/// `MOVED 3999 127.0.0.1:6381`, `ASK …`: where a key is instead.
struct Redirection {
  bool once = false;  ///< this command only: the slot is on its way there
  std::string host;   ///< empty: the one that said so
  std::uint16_t port = 0;
};

std::optional<Redirection> redirection_of(std::string_view error) {
  Redirection out;
  out.once = error.starts_with("ASK ");
  if (!out.once && !error.starts_with("MOVED ")) return std::nullopt;
  const auto place = error.substr(error.rfind(' ') + 1);
  const auto colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = text::parse_number<std::uint16_t>(place.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  out.host = place.substr(0, colon);
  out.port = *port;
  return out;
}

/// Errors that mean that nothing can be kept there for now, whatever is asked.
bool is_out_of_service(std::string_view error) {
  static constexpr std::string_view kErrors[] = {
      "CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "NOAUTH"};
  return std::ranges::any_of(kErrors, [&](auto begin) { return error.starts_with(begin); });
}

}  // namespace

Servers::Servers(net::Worker& worker, ServerOptions options, Hooks hooks)
    : worker_(worker),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      retry_(worker.deadlines(), &on_retry, this) {}

Servers::~Servers() = default;

unsigned Servers::slot_of(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  boost::crc_optimal<16, 0x1021, 0, 0, false, false> crc;  // XMODEM's
  crc.process_bytes(key.data(), key.size());
  return crc.checksum() % kSlots;
}

void Servers::start() {
  for (const auto& seed : options_.seeds) node_at(seed.host, seed.port).seed = true;
}

void Servers::stop() {
  stopping_ = true;
  up_.store(false, std::memory_order_release);
  retry_.disarm();
  for (const auto& node : nodes_) node->connection->stop();
  spawn(end());
}

/// Nothing of it is touched any more once it is stopped.
Task<void> Servers::end() {
  const auto gone = [](const auto& node) { return node->connection->stopped(); };
  while (refreshing_ || preparing_ || waiting_ > 0 || !std::ranges::all_of(nodes_, gone) ||
         !std::ranges::all_of(leaving_, gone)) {
    co_await worker_.sleep(Milliseconds{1});
  }
  stopped_.store(true, std::memory_order_release);
}

/// The one at this place; connects to it where it is new.
Servers::Node& Servers::node_at(const std::string& host, std::uint16_t port) {
  for (const auto& node : nodes_) {
    if (node->target.port == port && node->target.host == host) return *node;
  }
  auto& node = *nodes_.emplace_back(std::make_unique<Node>());
  node.target = {host, port, options_.seeds.front().tls};
  node.connection = std::make_unique<Connection>(
      worker_, options_,
      Connection::Hooks{.where = [&node] { return node.target; },
                        .prepare =
                            [this, &node](Connection& connection) {
                              return look_round(connection, node.target.host);
                            },
                        .changed = [this](bool, const std::string& reason) { update(reason); },
                        .pushed = nullptr});
  node.connection->start();
  return node;
}

Servers::Node* Servers::serving(std::string_view key) {
  if (ranges_.empty()) return nullptr;
  if (!cluster_) return ranges_.front().node;
  const auto at = std::ranges::lower_bound(ranges_, slot_of(key), {}, &Range::last);
  return at == ranges_.end() ? nullptr : at->node;
}

net::Target Servers::any() {
  const auto connected = [](const auto& node) { return node->connection->up(); };
  if (const auto at = std::ranges::find_if(nodes_, connected); at != nodes_.end()) {
    return (*at)->target;
  }
  return options_.seeds[next_seed_++ % options_.seeds.size()];
}

// ---- what there is

/// The first word on each connection: what the server knows of a cluster.
Task<Result<void>> Servers::look_round(Connection& connection, const std::string& host) {
  const std::array<std::string_view, 2> words{"CLUSTER", "SLOTS"};
  const auto reply = co_await connection.ask(words);
  if (!reply) co_return std::unexpected(reply.error());
  if (!reply->is_error()) co_return learn(*reply, host);
  // A user who may not ask is told apart from a server by itself when something has moved.
  if (cluster_ || options_.seeds.size() > 1) {
    co_return fail(ErrorCode::unavailable,
                   "CLUSTER SLOTS: " + std::string(reply->text().substr(0, 200)));
  }
  Node& only = *nodes_.front();
  only.serves = true;
  ranges_ = {{kSlots - 1, &only}};
  co_return Result<void>{};
}

Result<void> Servers::learn(const Reply& slots, const std::string& host) {
  struct Part {
    unsigned first = 0;
    unsigned last = 0;
    std::string host;
    std::uint16_t port = 0;
  };
  std::vector<Part> parts;
  for (std::size_t i = 0; i < std::min<std::size_t>(slots.size(), kSlots); ++i) {
    const auto entry = slots[i];
    const auto master = entry[2];
    // A server that does not know its own address says none: then it is the one that was asked.
    const auto name = master[0].text();
    parts.push_back({static_cast<unsigned>(entry[0].integer()),
                     static_cast<unsigned>(entry[1].integer()),
                     name.empty() || name == "?" ? host : std::string(name),
                     static_cast<std::uint16_t>(master[1].integer())});
  }
  std::ranges::sort(parts, {}, &Part::first);
  unsigned next = 0;
  for (const auto& part : parts) {
    if (part.first != next || part.last < part.first || part.last >= kSlots || part.port == 0) {
      break;
    }
    next = part.last + 1;
  }
  if (next != kSlots) {
    return fail(ErrorCode::unavailable,
                "slot " + std::to_string(next) + " of the cluster has no server");
  }
  cluster_ = true;
  for (const auto& node : nodes_) node->serves = false;
  ranges_.clear();
  for (const auto& part : parts) {
    if (nodes_.size() >= kMostNodes) {
      ranges_.clear();
      return fail(ErrorCode::unavailable, "the cluster has too many servers");
    }
    Node& node = node_at(part.host, part.port);
    node.serves = true;
    ranges_.push_back({part.last, &node});
  }
  discard_unused();
  return {};
}

/// Lets go of what serves nothing any more; what is gone for good is freed the next time.
void Servers::discard_unused() {
  std::erase_if(leaving_, [](const auto& node) { return node->connection->stopped(); });
  const auto now = worker_.clock().monotonic();
  for (auto& node : nodes_) {
    if (node->seed || node->serves || node->wanted_until > now) continue;
    node->connection->stop();
    leaving_.push_back(std::move(node));
  }
  std::erase(nodes_, nullptr);
}

Task<void> Servers::refresh() {
  if (refreshing_ || stopping_) co_return;
  refreshing_ = true;
  std::vector<Node*> connected;
  for (const auto& node : nodes_) {
    if (node->connection->up()) connected.push_back(node.get());
  }
  std::string reason;
  if (!connected.empty()) {
    const auto choice = FastRandom::local().below(static_cast<std::uint32_t>(connected.size()));
    Node& node = *connected[choice];
    const std::string host = node.target.host;
    const auto seen = co_await look_round(*node.connection, host);
    if (!seen) reason = seen.error().detail;
  }
  refreshing_ = false;
  update(reason);
}

// ---- up and down

bool Servers::whole() const {
  return !ranges_.empty() && std::ranges::all_of(nodes_, [](const auto& node) {
    return !node->serves || node->connection->up();
  });
}

/// Something has changed: what follows from it.
void Servers::update(const std::string& reason) {
  if (stopping_) return;
  if (whole()) {
    if (!up() && !preparing_) spawn(come_up());
    return;
  }
  const bool tried =
      std::ranges::all_of(nodes_, [](const auto& node) { return node->connection->settled(); });
  if (tried) settled_.store(true, std::memory_order_release);
  if (up() || tried) go_down(reason);
}

void Servers::go_down(const std::string& reason) {
  up_.store(false, std::memory_order_release);
  if (!retry_.is_armed()) retry_.arm(kRetry);
  if (hooks_.changed) hooks_.changed(false, reason);
}

Task<void> Servers::come_up() {
  preparing_ = true;
  const auto prepared = hooks_.prepare ? co_await hooks_.prepare(*this) : Result<void>{};
  preparing_ = false;
  if (stopping_) co_return;
  if (!prepared) go_down(prepared.error().detail);
  if (prepared && whole()) {
    up_.store(true, std::memory_order_release);
    if (hooks_.changed) hooks_.changed(true, {});
  }
  settled_.store(true, std::memory_order_release);
}

void Servers::on_retry(void* self) {
  auto& me = *static_cast<Servers*>(self);
  if (me.up()) return;
  me.retry_.arm(kRetry);
  if (me.cluster_) return spawn(me.refresh());
  if (me.whole()) me.update({});
}

// ---- commands

/// One that a redirection named may be connected in a moment.
Task<bool> Servers::wait_for(Node& node) {
  ++waiting_;
  node.wanted_until = worker_.clock().monotonic() + kKept;
  const auto deadline = worker_.clock().monotonic() + options_.deadline;
  while (!node.connection->up() && !stopping_ && worker_.clock().monotonic() < deadline) {
    co_await worker_.sleep(Milliseconds{5});
  }
  --waiting_;
  co_return node.connection->up();
}

Task<Result<Reply>> Servers::ask(std::string_view key, std::span<const std::string_view> words) {
  static constexpr std::array<std::string_view, 1> kAsking{"ASKING"};
  Node* node = serving(key);
  if (node == nullptr) co_return fail(ErrorCode::unavailable, "no server has this key");
  bool once = false;
  for (int hops = 0;; ++hops) {
    if (once) node->connection->tell(kAsking);
    const std::string host = cluster_ ? node->target.host : std::string();
    auto reply = co_await node->connection->ask(words);
    if (!reply || !reply->is_error()) co_return reply;
    const auto elsewhere = cluster_ ? redirection_of(reply->text()) : std::nullopt;
    if (!elsewhere) {
      if (up() && is_out_of_service(reply->text())) {
        go_down(std::string(reply->text().substr(0, 200)));
      }
      co_return reply;
    }
    if (hops == kMostHops || nodes_.size() >= kMostNodes) {
      co_return fail(ErrorCode::unavailable, "redirected too often");
    }
    once = elsewhere->once;
    node = &node_at(elsewhere->host.empty() ? host : elsewhere->host, elsewhere->port);
    if (!once) spawn(refresh());
    if (!co_await wait_for(*node)) {
      co_return fail(ErrorCode::unavailable, "a server of the cluster is not connected");
    }
  }
}

}  // namespace portcullis::redis
