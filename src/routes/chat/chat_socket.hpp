#pragma once
#include <memory>

#include "routes/websocket/socket.hpp"

namespace portcullis::routes {

/// The chat as a WebSocket, `/ws`: docs/websocket.md.
///
/// Threads: any worker; immutable.
class ChatSocket {
 public:
  explicit ChatSocket(Services services);
  ~ChatSocket();
  void add_to(pipeline::RouteTable& table);

 private:
  class Handler;
  Services services_;
  std::unique_ptr<pipeline::RouteHandler> handler_;
  Admitted admitted_;
};

}  // namespace portcullis::routes
