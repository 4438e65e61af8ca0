#pragma once
#include <memory>

#include "upstream/assistant.hpp"
#include "upstream/http_service.hpp"

namespace portcullis::upstream {

/// An assistant behind an HTTP service: what /health and a reload want to know of it is the
/// service's to say.
class HttpAssistant : public Assistant {
 public:
  explicit HttpAssistant(std::shared_ptr<HttpService> service) : service_(std::move(service)) {}

  void retire(net::Worker& worker) override { service_->retire(worker); }
  Health health() const override {
    if (breaker_open()) return Health::unhealthy;
    const auto good = service_->last_success();
    const auto bad = service_->last_failure();
    if (good == 0 && bad == 0) return Health::unknown;
    return good >= bad ? Health::healthy : Health::unhealthy;
  }
  std::int64_t retry_after() const override {
    return (service_->breaker().retry_after().count() + 999) / 1000;
  }
  std::size_t open_connections() const override { return service_->open_connections(); }
  bool breaker_open() const override {
    return service_->breaker().state() != Breaker::State::closed;
  }

 protected:
  const std::shared_ptr<HttpService> service_;
};

}  // namespace portcullis::upstream
