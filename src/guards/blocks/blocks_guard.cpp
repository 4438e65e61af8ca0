#include "guards/blocks/blocks_guard.hpp"

namespace portcullis::guards {
namespace {

class BlocksGuard final : public pipeline::Guard {
 public:
  explicit BlocksGuard(const BlockList* blocks) : blocks_(blocks) {}
  std::string_view name() const noexcept override { return "blocks"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (blocks_ == nullptr || exchange.route->cls == pipeline::RouteClass::probe)
      return pipeline::Verdict::pass();
    const std::int64_t seconds = blocks_->remaining(exchange.client.address);
    if (seconds == 0) return pipeline::Verdict::pass();
    return pipeline::Verdict::refuse(http::Problem(http::Code::address_blocked, {}, seconds),
                                     {audit::EventType::network_security,
                                      audit::ThreatLevel::medium, "RATE_001", "blocked address"});
  }

 private:
  const BlockList* blocks_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_blocks_guard(const BlockList* blocks) {
  return std::make_unique<BlocksGuard>(blocks);
}

}  // namespace portcullis::guards
