#pragma once
#include <memory>

#include "routes/services.hpp"

namespace portcullis::routes {

/// In the development profile only: `POST /api/test` answers with the JSON that it was sent, so
/// that the guards of an API route can be tried before there is an API; the WebSocket `/ws/echo`
/// sends every message back, for the test suites of others.
class EchoRoutes {
 public:
  explicit EchoRoutes(Services services);
  ~EchoRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  Services services_;
  std::unique_ptr<pipeline::RouteHandler> echo_;
  std::unique_ptr<pipeline::RouteHandler> socket_;
};

}  // namespace portcullis::routes
