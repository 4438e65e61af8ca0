#include "upstream/health_check.hpp"

#include <algorithm>

namespace portcullis::upstream {

Result<std::shared_ptr<HealthCheck>> HealthCheck::make(std::shared_ptr<HttpService> target,
                                                       HttpServiceOptions options,
                                                       const HealthOptions& health,
                                                       observe::Metrics& metrics) {
  options.connect_timeout = std::min(options.connect_timeout, health.timeout);
  options.total_timeout = health.timeout;
  options.max_connections = options.workers;
  TRY(auto door, HttpService::make(std::move(options), metrics, target->log()));
  door->keep_nothing();
  return std::shared_ptr<HealthCheck>(new HealthCheck(std::move(target), std::move(door), health));
}

void HealthCheck::start(net::Worker& worker) {
  if (worker_ != nullptr) return;
  worker_ = &worker;
  timer_.emplace(worker.deadlines(), &on_time, this);
  timer_->arm(Milliseconds{1});
}

void HealthCheck::stop_on(const net::Worker& worker) {
  if (&worker != worker_) return;
  timer_.reset();
  if (channel_ != nullptr) channel_->cancel();
}

void HealthCheck::on_time(void* self) {
  spawn(ask(static_cast<HealthCheck*>(self)->shared_from_this()));
}

Task<void> HealthCheck::ask(std::shared_ptr<HealthCheck> self) {
  self->asking_ = true;
  {
    HttpChannel channel(self->door_, *self->worker_);
    self->channel_ = &channel;
    const bool good = co_await self->is_good(channel);
    self->channel_ = nullptr;
    if (!channel.cancelled()) self->note(good);
  }
  if (self->timer_) self->timer_->arm(self->options_.interval);
  self->asking_ = false;
}

Task<bool> HealthCheck::is_good(HttpChannel& channel) const {
  if (!co_await channel.connect()) co_return false;
  const auto head = door_->head_to("GET", options_.path) + "Connection: close\r\n\r\n";
  if (!co_await channel.send(head)) co_return false;
  std::string body;
  if (!co_await channel.read_head(body)) co_return false;
  co_return channel.head().status >= 200 && channel.head().status < 400;
}

void HealthCheck::note(bool good) {
  streak_ = good == well_ ? 0 : streak_ + 1;
  if (streak_ < (good ? kSuccesses : kFailures)) return;
  streak_ = 0;
  well_ = good;
  if (good) target_->breaker().reset();
  target_->log().write(
      good ? observe::Level::info : observe::Level::warning,
      good ? "a target of a service is well again" : "a target of a service is unwell",
      {{"service", target_->options().name}, {"target", target_->host()}});
}

}  // namespace portcullis::upstream
