#include "guards/protocol/protocol_guard.hpp"

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using pipeline::Verdict;

class ProtocolGuard final : public pipeline::Guard {
 public:
  explicit ProtocolGuard(const config::Settings& settings)
      : require_https_(settings.require_https) {}
  std::string_view name() const noexcept override { return "protocol"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (const auto& error = exchange.framing_error()) {
      const bool slow = error->code == http::Code::request_timeout;
      return Verdict::refuse(
          http::Problem(error->code),
          {EventType::network_security, slow ? ThreatLevel::low : ThreatLevel::medium, "NET_001",
           std::string(error->reason)});
    }
    const auto& head = exchange.head();
    if (head.method == http::Method::other || head.method == http::Method::trace ||
        head.method == http::Method::connect) {
      return Verdict::refuse(
          http::Problem(http::Code::not_implemented),
          {EventType::network_security, ThreatLevel::low, "NET_002", "method not supported"});
    }
    if (require_https_ && !exchange.client.https &&
        exchange.route->cls != pipeline::RouteClass::probe && !exchange.route->ops_only) {
      return refuse_plain(exchange);
    }
    return Verdict::pass();
  }

 private:
  static Verdict refuse_plain(const http::Exchange& exchange) {
    const auto& head = exchange.head();
    const pipeline::Incident incident{EventType::network_security, ThreatLevel::low, "NET_003",
                                      "plain http"};
    const bool safe = head.method == http::Method::get || head.method == http::Method::head;
    const auto host = HostPort::parse(head.get("host"));
    // Redirect only to a host that can be ours in form; the host guard has not run yet, and a
    // redirect to the visitor's own Host header leads nowhere else than the visitor asked for.
    if (!safe || !host) return Verdict::refuse(http::Problem(http::Code::https_required), incident);
    http::Problem problem(http::Code::permanent_redirect);
    problem.location = "https://" + host->host + std::string(head.path());
    if (!head.query().empty()) problem.location += "?" + std::string(head.query());
    return Verdict::refuse(std::move(problem), incident);
  }

  const bool require_https_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_protocol_guard(const config::Settings& settings) {
  return std::make_unique<ProtocolGuard>(settings);
}

}  // namespace portcullis::guards
