#include "guards/host/host_guard.hpp"

#include <algorithm>

namespace portcullis::guards {
namespace {

using pipeline::Verdict;

class HostGuard final : public pipeline::Guard {
 public:
  explicit HostGuard(const config::Settings& settings)
      : hosts_(settings.allowed_hosts), loopback_(settings.development()) {
    if (const auto own = Origin::of_url(settings.public_url)) hosts_.push_back(own->host);
    for (const auto& site : settings.sites) {
      for (const auto& origin : site.origins) {
        if (!origin.is_any()) patterns_.push_back(origin);
      }
    }
  }
  std::string_view name() const noexcept override { return "host"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (exchange.route->cls == pipeline::RouteClass::probe || exchange.route->ops_only)
      return Verdict::pass();
    const auto host = HostPort::parse(exchange.head().get("host"));
    if (host && allowed(host->host)) return Verdict::pass();
    return Verdict::refuse(http::Problem(http::Code::invalid_host),
                           {audit::EventType::network_security, audit::ThreatLevel::medium,
                            "NET_004", "Host names no host of this gateway"});
  }

 private:
  bool allowed(const std::string& host) const {
    return std::ranges::find(hosts_, host) != hosts_.end() ||
           (loopback_ && is_loopback_host(host)) ||
           std::ranges::any_of(patterns_,
                               [&](const OriginPattern& p) { return p.matches_host(host); });
  }

  std::vector<std::string> hosts_;
  std::vector<OriginPattern> patterns_;
  const bool loopback_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_host_guard(const config::Settings& settings) {
  return std::make_unique<HostGuard>(settings);
}

}  // namespace portcullis::guards
