#pragma once
#include <memory>

#include "routes/services.hpp"

namespace portcullis::routes {

/// `POST /api/test`, in the development profile only: answers with the JSON that it was sent, so
/// that the guards of an API route can be tried before there is an API.
class EchoRoutes {
 public:
  explicit EchoRoutes(Services services);
  ~EchoRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  Services services_;
  std::unique_ptr<pipeline::RouteHandler> echo_;
};

}  // namespace portcullis::routes
