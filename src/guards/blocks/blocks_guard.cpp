#include "guards/blocks/blocks_guard.hpp"

#include <algorithm>

#include "guards/blocks/country_database.hpp"
#include "http/fields.hpp"

namespace portcullis::guards {
namespace {

using pipeline::Verdict;

class BlocksGuard final : public pipeline::Guard {
 public:
  BlocksGuard(const config::Settings& settings, const state::BlockTable& blocks,
              std::unique_ptr<CountryDatabase> countries)
      : countries_(std::move(countries)),
        blocked_countries_(settings.geo_blocked_countries),
        never_(settings.never_blocked),
        always_(settings.always_blocked),
        cookie_name_(settings.cookie_name),
        blocks_(blocks) {}
  std::string_view name() const noexcept override { return "blocks"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    if (route.cls == pipeline::RouteClass::probe) return Verdict::pass();
    const IpAddress& address = exchange.client.address;
    if (always_.contains(address))
      return refuse_blocked(std::nullopt, "address on the list of blocked ones");
    if (is_of_blocked_country(address) && !never_.contains(address)) {
      return refuse_blocked(std::nullopt, "address of a blocked country");
    }
    const auto block = blocks_.find(address);
    if (!block || never_.contains(address)) return Verdict::pass();
    // Without the answer to its preflight a page is not told that it was refused, nor for how long.
    if (is_preflight(exchange)) return Verdict::pass();
    // An office behind one address is not one visitor: who was there before may go on, if the
    // guards behind this one find that it is so; and users and programs are none of the address's.
    if (block->by == state::Block::By::rule && route.enforces(name()) &&
        route.enforces("credentials") && (may_be_visitor(exchange) || may_be_user(exchange))) {
      exchange.client.blocked_since = block->since;
      return Verdict::pass();
    }
    const auto left = std::chrono::ceil<Seconds>(block->until - exchange.started_wall()).count();
    return refuse_blocked(std::max<std::int64_t>(1, left), "blocked address: " + block->reason);
  }

 private:
  /// Whether there is anything that could be a session; its signature is looked at later.
  bool may_be_visitor(const http::Exchange& exchange) const {
    const auto& route = *exchange.route;
    return route.session == pipeline::SessionNeed::required && route.enforces("session") &&
           (exchange.vouched || http::bearer_token(exchange.head()) ||
            http::dpop_token(exchange.head()) ||
            !http::cookie_values(exchange.head(), cookie_name_).empty());
  }
  /// The same of users and programs.
  static bool may_be_user(const http::Exchange& exchange) {
    const auto& route = *exchange.route;
    if (route.access.by_handler) return true;
    return route.access.needed && route.enforces("access") &&
           (exchange.vouched || http::bearer_token(exchange.head()) ||
            exchange.head().find("x-api-key"));
  }

  /// An address that no database knows is of no country.
  bool is_of_blocked_country(const IpAddress& address) const {
    if (countries_ == nullptr) return false;
    const auto country = countries_->country_of(address);
    return std::ranges::find(blocked_countries_, country) != blocked_countries_.end();
  }

  static bool is_preflight(const http::Exchange& exchange) {
    const auto& head = exchange.head();
    return head.method == http::Method::options && head.find("access-control-request-method");
  }

  const std::unique_ptr<CountryDatabase> countries_;  ///< null: countries do not matter
  const std::vector<std::string> blocked_countries_;
  const AddressSet never_;
  const AddressSet always_;
  const std::string cookie_name_;
  const state::BlockTable& blocks_;
};

}  // namespace

bool is_from_before_block(const http::Exchange& exchange) {
  const auto& session = exchange.principal.session;
  return session && session->created < *exchange.client.blocked_since &&
         session->expires > exchange.started_wall();
}

Verdict refuse_blocked(std::optional<std::int64_t> seconds, std::string why) {
  return Verdict::refuse(
      http::Problem(http::Code::address_blocked, {}, seconds),
      {audit::EventType::network_security, audit::ThreatLevel::medium, "RATE_001", std::move(why)});
}

Result<std::unique_ptr<pipeline::Guard>> make_blocks_guard(const config::Settings& settings,
                                                           const state::BlockTable& blocks) {
  std::unique_ptr<CountryDatabase> countries;
  if (settings.geo_enabled) {
    TRY(countries, CountryDatabase::open(settings.geo_database));
  }
  return std::make_unique<BlocksGuard>(settings, blocks, std::move(countries));
}

}  // namespace portcullis::guards
