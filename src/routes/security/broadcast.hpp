#pragma once
#include "pipeline/route.hpp"
#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// `POST /api/security/broadcast`: tells everybody something who has a WebSocket of the chat open,
/// at the site that the request is of.
///
/// Threads: any worker; immutable.
class Broadcast final : public pipeline::RouteHandler {
 public:
  explicit Broadcast(const Services& services);
  const ObjectSchema& schema() const noexcept { return schema_; }
  Task<void> serve(http::Exchange& exchange) override;

 private:
  const Services& s_;
  const ObjectSchema schema_;
};

}  // namespace portcullis::routes
