#pragma once
#include "pipeline/route.hpp"
#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// `POST /api/security/sessions/end`: ends all sessions of visitors that were created from an
/// address until now, or all of one user of a site, whom its server named.
///
/// Threads: any worker; immutable.
class EndSessions final : public pipeline::RouteHandler {
 public:
  explicit EndSessions(const Services& services);
  const ObjectSchema& schema() const noexcept { return schema_; }
  Task<void> serve(http::Exchange& exchange) override;

 private:
  Task<void> refuse(http::Exchange& exchange, std::string detail) const;

  const Services& s_;
  const ObjectSchema schema_;
};

}  // namespace portcullis::routes
