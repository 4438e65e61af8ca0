#include "guards/origin/origin_guard.hpp"

#include <algorithm>

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using pipeline::RouteKind;
using pipeline::Verdict;

Verdict refuse(std::string reason) {
  return Verdict::refuse(
      http::Problem(http::Code::invalid_origin),
      {EventType::network_security, ThreatLevel::medium, "NET_005", std::move(reason)});
}

/// Names the origin, whose form has been checked, so that an operator sees which one is missing.
Verdict refuse_foreign(std::string_view header, const std::optional<Origin>& origin) {
  return refuse(std::string(header) + (origin ? ": " + origin->text() + " is" : " is") +
                " not allowed");
}

class OriginGuard final : public pipeline::Guard {
 public:
  OriginGuard(const config::Settings& settings, const std::vector<pipeline::Site>& sites)
      : sites_(sites),
        own_(Origin::of_url(settings.public_url)),
        loopback_is_own_(settings.development() && !own_) {}
  std::string_view name() const noexcept override { return "origin"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    if (route.cls == pipeline::RouteClass::probe || route.kind == RouteKind::token)
      return Verdict::pass();
    const auto& head = exchange.head();
    const std::size_t origins = head.count("origin");
    if (origins > 1) return refuse("several Origin headers");
    // Where users log in, a page has its cookie, too.
    if (route.kind == RouteKind::browser ||
        (origins == 1 && route.cls == pipeline::RouteClass::auth)) {
      // A navigation or a subresource is not how a page calls an API.
      const auto mode = head.get("sec-fetch-mode");
      const auto destination = head.get("sec-fetch-dest");
      const bool fits = destination.empty() || destination == "empty" ||
                        (route.websocket && destination == "websocket");
      if (mode == "navigate" || !fits) {
        return refuse("the browser says that this is a navigation or a subresource");
      }
    }
    if (origins == 1) {
      const auto origin = Origin::parse(head.get("origin"));
      if (!origin || !accept(exchange, *origin)) return refuse_foreign("Origin", origin);
      return Verdict::pass();
    }
    if (route.kind != RouteKind::browser) return Verdict::pass();
    if (const auto referer = head.find("referer")) {
      const auto origin = Origin::of_url(*referer);
      if (!origin || !accept(exchange, *origin)) return refuse_foreign("Referer", origin);
      return Verdict::pass();
    }
    if (head.get("sec-fetch-site") == "same-origin") {
      if (const auto self = exchange.requested_origin()) {
        exchange.origin = own_ ? *own_ : *self;
        return Verdict::pass();
      }
    }
    return refuse("neither Origin nor Referer");
  }

 private:
  /// Notes the origin and its site; false where it belongs to none.
  bool accept(http::Exchange& exchange, const Origin& origin) const {
    const auto& of_route = exchange.route->site;
    for (const auto& site : sites_) {
      if (of_route && *of_route != site.index) continue;
      if (std::ranges::any_of(site.origins,
                              [&](const OriginPattern& p) { return p.matches(origin); })) {
        exchange.site = &site;
        exchange.origin = origin;
        return true;
      }
    }
    const bool is_own = own_ ? origin == *own_
                             : loopback_is_own_ && is_loopback_host(origin.host) &&
                                   exchange.requested_origin() == origin;
    if (is_own) {
      exchange.site = &sites_[of_route.value_or(0)];
      exchange.origin = origin;
    }
    return is_own;
  }

  const std::vector<pipeline::Site>& sites_;
  const std::optional<Origin> own_;
  const bool loopback_is_own_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_origin_guard(const config::Settings& settings,
                                                   const std::vector<pipeline::Site>& sites) {
  return std::make_unique<OriginGuard>(settings, sites);
}

}  // namespace portcullis::guards
