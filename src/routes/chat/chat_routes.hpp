#pragma once
#include <memory>

#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// The chat API: `POST /api/v1/chat/message`, `POST` and `GET /api/v1/chat/stream`,
/// `GET /api/v1/chat/history`.
class ChatRoutes {
 public:
  explicit ChatRoutes(Services services);
  ~ChatRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  class Send;
  class Subscribe;
  class History;
  Services services_;
  ObjectSchema message_schema_;
  std::unique_ptr<pipeline::RouteHandler> message_, stream_, subscribe_, history_;
};

}  // namespace portcullis::routes
