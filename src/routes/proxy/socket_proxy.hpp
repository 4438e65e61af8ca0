#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "routes/proxy/forwarding.hpp"
#include "routes/websocket/socket.hpp"
#include "upstream/service_group.hpp"

namespace portcullis::routes {

/// A protected WebSocket: messages that the guards let pass go on to a service, and its messages
/// come back, each way as fast as the slower side takes them.
///
/// Threads: any worker; immutable.
class SocketProxy {
 public:
  SocketProxy(const Services& services, const Forwarding& forwarding,
              const config::RouteSettings& route, std::shared_ptr<upstream::ServiceGroup> group);
  ~SocketProxy();

  pipeline::RouteHandler* opening() const noexcept;
  const pipeline::BodySchema* schema() const noexcept;

 private:
  class Opening;
  class TypeSchema;
  std::unique_ptr<TypeSchema> schema_;
  std::unique_ptr<Opening> opening_;
};

}  // namespace portcullis::routes
