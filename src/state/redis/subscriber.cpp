#include "state/redis/subscriber.hpp"

#include <algorithm>
#include <array>

namespace portcullis::state {
namespace {

/// A subscriber waits for news and not for replies; only probes have a deadline.
constexpr Milliseconds kProbeDeadline{2000};

}  // namespace

void Subscriber::listen(std::string channel, Heard heard, std::function<void()> connected) {
  channels_.push_back({std::move(channel), std::move(heard), std::move(connected)});
}

void Subscriber::start(net::Worker& worker, redis::ServerOptions server) {
  worker_ = &worker;
  server.deadline = kProbeDeadline;
  server.name += "-news";
  connection_ = std::make_unique<redis::Connection>(
      worker, std::move(server),
      redis::Connection::Hooks{
          // Any server of a cluster passes news on.
          .where = [this] { return store_.here()->any(); },
          .prepare = [this](redis::Connection& connection) { return subscribe(connection); },
          .changed =
              [this](bool up, const std::string&) {
                if (!up) return;
                for (const auto& channel : channels_) channel.connected();
              },
          .pushed =
              [this](std::string_view name, std::string_view payload) {
                const auto at = std::ranges::find(channels_, name, &Channel::name);
                if (at != channels_.end()) at->heard(payload);
              }});
  worker.post([this] { connection_->start(); });
}

void Subscriber::stop() {
  if (connection_) worker_->post([this] { connection_->stop(); });
}

void Subscriber::check() {
  if (!connection_) return;
  worker_->post([this] {
    const std::array<std::string_view, 1> words{"PING"};
    if (connection_->up()) connection_->tell(words);
  });
}

Task<Result<void>> Subscriber::subscribe(redis::Connection& connection) {
  for (const auto& channel : channels_) {
    const std::array<std::string_view, 2> words{"SUBSCRIBE", channel.name};
    const auto reply = co_await connection.ask(words);
    if (!reply) co_return std::unexpected(reply.error());
    if (reply->is_error()) {
      co_return fail(ErrorCode::unavailable, "SUBSCRIBE: " + std::string(reply->text()));
    }
  }
  co_return Result<void>{};
}

}  // namespace portcullis::state
