#include "guards/protocol/protocol_guard.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using pipeline::Verdict;

class ProtocolGuard final : public pipeline::Guard {
 public:
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
    return Verdict::pass();
  }
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_protocol_guard() { return std::make_unique<ProtocolGuard>(); }

}  // namespace portcullis::guards
