#pragma once
#include <memory>

#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// `POST /api/v1/session/create`, `GET /api/v1/session/validate`, `DELETE /api/v1/session/destroy`.
class SessionRoutes {
 public:
  explicit SessionRoutes(Services services);
  ~SessionRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  class Create;
  class Validate;
  class Destroy;
  Services services_;
  ObjectSchema create_schema_;
  std::unique_ptr<pipeline::RouteHandler> create_, validate_, destroy_;
};

}  // namespace portcullis::routes
