#include "guards/host/host_guard.hpp"

#include <algorithm>

namespace portcullis::guards {
namespace {

using pipeline::Verdict;

constexpr std::size_t kLongestNotedHost = 100;

class HostGuard final : public pipeline::Guard {
 public:
  explicit HostGuard(const config::Settings& settings)
      : hosts_(settings.allowed_hosts),
        loopback_(settings.development()),
        require_https_(settings.require_https) {
    if (const auto own = Origin::of_url(settings.public_url)) hosts_.push_back(own->host);
    for (const auto& route : settings.routes) {
      if (route.proxy && !route.proxy->host.empty()) hosts_.push_back(route.proxy->host);
    }
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
    if (host && allowed(host->host)) {
      return require_https_ && !exchange.client.https ? refuse_plain(exchange, host->host)
                                                      : Verdict::pass();
    }
    pipeline::Incident incident{
        audit::EventType::network_security, audit::ThreatLevel::medium, "NET_004",
        "Host names no host of this gateway: not that of PUBLIC_URL, of ALLOWED_HOSTS or of an "
        "allowed origin"};
    incident.details.emplace("host", exchange.head().get("host").substr(0, kLongestNotedHost));
    return Verdict::refuse(http::Problem(http::Code::invalid_host), std::move(incident));
  }

 private:
  static Verdict refuse_plain(const http::Exchange& exchange, const std::string& host) {
    const auto& head = exchange.head();
    const pipeline::Incident incident{audit::EventType::network_security, audit::ThreatLevel::low,
                                      "NET_003", "plain http"};
    const bool safe = head.method == http::Method::get || head.method == http::Method::head;
    if (!safe) return Verdict::refuse(http::Problem(http::Code::https_required), incident);
    http::Problem problem(http::Code::permanent_redirect);
    problem.location = "https://" + host + std::string(head.path());
    if (!head.query().empty()) problem.location += "?" + std::string(head.query());
    return Verdict::refuse(std::move(problem), incident);
  }

  bool allowed(const std::string& host) const {
    return std::ranges::find(hosts_, host) != hosts_.end() ||
           (loopback_ && is_loopback_host(host)) ||
           std::ranges::any_of(patterns_,
                               [&](const OriginPattern& p) { return p.matches_host(host); });
  }

  std::vector<std::string> hosts_;
  std::vector<OriginPattern> patterns_;
  const bool loopback_;
  const bool require_https_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_host_guard(const config::Settings& settings) {
  return std::make_unique<HostGuard>(settings);
}

}  // namespace portcullis::guards
