#include "routes/security/security_routes.hpp"

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "http/fields.hpp"
#include "routes/security/reason.hpp"

namespace portcullis::routes {
namespace {

using audit::EventDecision;
using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;

constexpr std::string_view kBlocksPath = "/api/security/blocks";
constexpr std::uint64_t kMaxBody = 16 * 1024;
constexpr std::int64_t kDefaultMinutes = 30;
constexpr std::int64_t kMostMinutes = 365 * 24 * 60;
constexpr std::size_t kDefaultPage = 100;
constexpr std::size_t kMostPage = 1000;
/// What "dismiss" gives a caller back of its reputation.
constexpr double kDismissed = 20;

std::optional<std::string> minutes_fault(const boost::json::value& value) {
  const auto minutes = value.to_number<std::int64_t>();
  if (minutes >= 1 && minutes <= kMostMinutes) return std::nullopt;
  return "The duration_minutes must be from 1 to 525600.";
}

std::int64_t minutes_of(const boost::json::value& body) {
  const auto* minutes = body.get_object().if_contains("duration_minutes");
  return minutes == nullptr || minutes->is_null() ? kDefaultMinutes
                                                  : minutes->to_number<std::int64_t>();
}

void append_block(std::string& out, const IpAddress& network, const state::Block& block) {
  out += '{';
  text::append_json_member(out, "address", network.text());
  text::append_json_member(out, "since", text::iso8601(block.since));
  text::append_json_member(out, "until", text::iso8601(block.until));
  text::append_json_member(out, "by",
                           block.by == state::Block::By::operator_ ? "operator" : "rule");
  text::append_json_member(out, "reason", block.reason);
  text::append_json_member(out, "offences", std::int64_t{block.offences});
  out += '}';
}

}  // namespace

/// What the handlers do to addresses, each time with an event that says who and what.
class SecurityRoutes::Desk : public pipeline::RouteHandler {
 public:
  explicit Desk(const Services& services)
      : s_(services), never_blocked_(services.settings->never_blocked) {}

 protected:
  Task<void> refuse(http::Exchange& exchange, Code code, std::string detail) const {
    co_await s_.reporter->refuse(
        exchange, Problem(code, detail),
        {EventType::input_validation, ThreatLevel::low, "MGT_001", std::move(detail)});
  }

  /// Why an address must not be blocked; empty where it may.
  std::string hindrance(const http::Exchange& exchange, const IpAddress& address) const {
    if (address.network() == exchange.client.address.network()) {
      return "This is the address that you come from.";
    }
    if (never_blocked_.contains(address)) return "The address is on the list blocks.never.";
    return {};
  }

  std::optional<state::Block> block(http::Exchange& exchange, const IpAddress& address,
                                    std::int64_t minutes, std::string_view reason) const {
    const WallTime now = exchange.worker().clock().wall();
    const auto made = s_.blocks->impose(address, now + std::chrono::minutes{minutes}, reason);
    if (made) {
      record(exchange, "MGT_002", "blocked an address until " + text::iso8601(made->until), address,
             reason);
    }
    return made;
  }

  /// @returns whether there was anything to lift.
  bool lift(http::Exchange& exchange, const IpAddress& address, std::string_view reason) const {
    if (!s_.blocks->find(address)) return false;
    s_.blocks->impose(address, exchange.worker().clock().wall(), reason);
    record(exchange, "MGT_003", "lifted the block of an address", address, reason);
    return true;
  }

  void record(const http::Exchange& exchange, std::string code, std::string what,
              const IpAddress& address, std::string_view reason) const {
    pipeline::Incident incident{EventType::configuration, ThreatLevel::medium, std::move(code),
                                std::move(what)};
    incident.details = {{"target", address.text()}, {"reason", std::string(reason)}};
    s_.reporter->report(exchange, incident, EventDecision::acted);
  }

  const Services& s_;
  const AddressSet never_blocked_;
};

class SecurityRoutes::ListBlocks final : public Desk {
 public:
  using Desk::Desk;
  Task<void> serve(http::Exchange& exchange) override {
    const auto query = exchange.head().query();
    std::size_t limit = kDefaultPage;
    if (const auto given = http::query_parameter(query, "limit"); given.given()) {
      const auto number = text::parse_number<std::size_t>(given.value);
      if (!number || *number < 1 || *number > kMostPage) {
        co_return co_await refuse(exchange, Code::schema_invalid, "The limit must be 1 to 1000.");
      }
      limit = *number;
    }
    std::optional<IpAddress> after;
    if (const auto given = http::query_parameter(query, "after"); given.given()) {
      after = IpAddress::parse(given.value);
      if (!after) {
        co_return co_await refuse(exchange, Code::schema_invalid, "'after' is no address.");
      }
    }
    const auto all = s_.blocks->lasting();
    auto at = after ? std::ranges::upper_bound(all, *after, {},
                                               &std::pair<IpAddress, state::Block>::first)
                    : all.begin();
    std::string body = "{\"blocks\":[";
    std::string next;
    for (; at != all.end() && limit > 0; ++at, --limit) {
      if (body.back() != '[') body += ',';
      append_block(body, at->first, at->second);
      next = at->first.text();
    }
    body += ']';
    text::append_json_member(body, "total", static_cast<std::int64_t>(all.size()));
    if (at != all.end()) text::append_json_member(body, "next", next);
    body += '}';
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }
};

class SecurityRoutes::AddBlock final : public Desk {
 public:
  using Desk::Desk;
  Task<void> serve(http::Exchange& exchange) override {
    const auto& body = exchange.json->value;  // the body guard is enforced on this route
    const auto address = IpAddress::parse(string_member(body, "address"));
    if (!address) {
      co_return co_await refuse(exchange, Code::schema_invalid, "'address' is no IP address.");
    }
    if (auto why = hindrance(exchange, *address); !why.empty()) {
      co_return co_await refuse(exchange, Code::conflict, std::move(why));
    }
    const auto made = block(exchange, *address, minutes_of(body), string_member(body, "reason"));
    if (!made)
      co_return co_await refuse(exchange, Code::conflict, "As many are blocked as may be.");
    std::string out;
    append_block(out, address->network(), *made);
    co_await exchange.send(http::Response::json(201, std::move(out)));
  }
};

class SecurityRoutes::LiftBlock final : public Desk {
 public:
  using Desk::Desk;
  Task<void> serve(http::Exchange& exchange) override {
    const auto named = exchange.head().path().substr(exchange.route->path.size());
    const auto text = text::percent_decode(named);
    const auto address = text ? IpAddress::parse(*text) : std::nullopt;
    if (!address) {
      co_return co_await refuse(exchange, Code::schema_invalid,
                                "The path ends with no IP address.");
    }
    if (!lift(exchange, *address, "lifted by an operator")) {
      co_return co_await refuse(exchange, Code::not_found, "The address is not blocked.");
    }
    co_await exchange.send(http::Response::json(200, R"({"message":"Block lifted"})"));
  }
};

class SecurityRoutes::ThreatResponse final : public Desk {
 public:
  using Desk::Desk;
  Task<void> serve(http::Exchange& exchange) override {
    const auto& body = exchange.json->value;  // the body guard is enforced on this route
    const auto action = string_member(body, "action");
    const std::string target(string_member(body, "target"));
    const auto reason = string_member(body, "reason");
    if (action == "escalate") co_return co_await escalate(exchange, target, reason);
    if (action != "block_ip" && action != "unblock_ip" && action != "dismiss") {
      co_return co_await refuse(exchange, Code::validation_failed,
                                "The action must be block_ip, unblock_ip, escalate or dismiss.");
    }
    const auto address = IpAddress::parse(target);
    if (!address) {
      co_return co_await refuse(exchange, Code::schema_invalid, "The target is no IP address.");
    }
    if (action == "block_ip") {
      if (auto why = hindrance(exchange, *address); !why.empty()) {
        co_return co_await refuse(exchange, Code::conflict, std::move(why));
      }
      if (!block(exchange, *address, minutes_of(body), reason)) {
        co_return co_await refuse(exchange, Code::conflict, "As many are blocked as may be.");
      }
      co_return co_await answer(exchange, "Address blocked", target);
    }
    if (action == "unblock_ip") {
      const bool was_blocked = lift(exchange, *address, reason);
      co_return co_await answer(
          exchange, was_blocked ? "Block lifted" : "The address is not blocked", target);
    }
    const IpAddress network = address->network();
    const auto score =
        co_await s_.store->note(state::key_of("address", network.octets()), kDismissed);
    if (!score) co_return co_await s_.reporter->refuse_without_state(exchange, score.error());
    record(exchange, "MGT_004", "dismissed what an address did", *address, reason);
    co_await answer(exchange, "Dismissed", target);
  }

 private:
  /// The target is an event, which an operator wants others to see.
  Task<void> escalate(http::Exchange& exchange, const std::string& event,
                      std::string_view reason) const {
    if (!Ulid::parse(event)) {
      co_return co_await refuse(exchange, Code::schema_invalid, "The target is no id of an event.");
    }
    pipeline::Incident incident{EventType::configuration, ThreatLevel::critical, "MGT_005",
                                "an operator escalated an event"};
    incident.details = {{"target", event}, {"reason", std::string(reason)}};
    s_.reporter->report(exchange, incident, EventDecision::acted);
    co_await answer(exchange, "Escalated", event);
  }

  static Task<void> answer(http::Exchange& exchange, std::string_view message,
                           std::string_view target) {
    std::string body = "{\"success\":true";
    text::append_json_member(body, "message", message);
    text::append_json_member(body, "target", target);
    text::append_json_member(body, "timestamp", text::iso8601(exchange.worker().clock().wall()));
    body += '}';
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }
};

namespace {

using Type = ObjectSchema::Type;

}  // namespace

SecurityRoutes::SecurityRoutes(Services services)
    : services_(std::move(services)),
      block_schema_({{"address", Type::string, true, {}},
                     {"reason", Type::string, true, {}, reason_fault},
                     {"duration_minutes", Type::integer, false, {}, minutes_fault}}),
      response_schema_({{"action", Type::string, true, {}},
                        {"target", Type::string, true, {}},
                        {"reason", Type::string, true, {}, reason_fault},
                        {"duration_minutes", Type::integer, false, {}, minutes_fault}}),
      list_(std::make_unique<ListBlocks>(services_)),
      add_(std::make_unique<AddBlock>(services_)),
      lift_(std::make_unique<LiftBlock>(services_)),
      response_(std::make_unique<ThreatResponse>(services_)),
      end_sessions_(std::make_unique<EndSessions>(services_)),
      broadcast_(std::make_unique<Broadcast>(services_)) {}

SecurityRoutes::~SecurityRoutes() = default;

void SecurityRoutes::add_to(pipeline::RouteTable& table) {
  if (!services_.settings->has_users()) return;
  const auto add = [&table](std::string name, std::string path, http::Method method,
                            http::Role least, pipeline::RouteHandler* handler,
                            const pipeline::BodySchema* schema = nullptr, bool every_site = true) {
    pipeline::Route route;
    route.name = std::move(name);
    route.prefix = path.ends_with('/');
    route.path = std::move(path);
    route.methods = {method};
    route.cls = pipeline::RouteClass::admin;
    // Addresses are no site's alone; its visitors are.
    route.access = {.needed = true,
                    .roles = http::Roles::from(least),
                    .every_site = every_site,
                    .user_only = true,
                    .needs_shared_state = true,
                    .always_guarded = true};
    if (schema != nullptr) {
      route.takes_body = true;
      route.max_body_bytes = kMaxBody;
      route.schema = schema;
      route.prose = {"reason", "message"};
    }
    route.handler = handler;
    table.add(std::move(route));
  };
  const std::string blocks(kBlocksPath);
  add("blocks_list", blocks, http::Method::get, http::Role::viewer, list_.get());
  add("blocks_add", blocks, http::Method::post, http::Role::operator_, add_.get(), &block_schema_);
  add("blocks_lift", blocks + '/', http::Method::delete_, http::Role::operator_, lift_.get());
  add("threat_response", "/api/security/threat-response", http::Method::post, http::Role::admin,
      response_.get(), &response_schema_);
  add("sessions_end", "/api/security/sessions/end", http::Method::post, http::Role::operator_,
      end_sessions_.get(), &end_sessions_->schema());
  add("broadcast", "/api/security/broadcast", http::Method::post, http::Role::operator_,
      broadcast_.get(), &broadcast_->schema(), false);
}

}  // namespace portcullis::routes
