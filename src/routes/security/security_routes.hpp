#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "routes/object_schema.hpp"
#include "routes/security/broadcast.hpp"
#include "routes/security/end_sessions.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// `/api/security/*`: what operators do while the gateway runs. So far: blocks of addresses,
/// `threat-response`, which does the same in the words of the platform guide, ends of sessions, and
/// what is told to visitors.
///
/// Threads: any worker; immutable.
class SecurityRoutes {
 public:
  explicit SecurityRoutes(Services services);
  ~SecurityRoutes();
  /// Nothing where users have no keys.
  void add_to(pipeline::RouteTable& table);

 private:
  class Desk;
  class ListBlocks;
  class AddBlock;
  class LiftBlock;
  class ThreatResponse;

  Services services_;
  ObjectSchema block_schema_;
  ObjectSchema response_schema_;
  std::unique_ptr<ListBlocks> list_;
  std::unique_ptr<AddBlock> add_;
  std::unique_ptr<LiftBlock> lift_;
  std::unique_ptr<ThreatResponse> response_;
  std::unique_ptr<EndSessions> end_sessions_;
  std::unique_ptr<Broadcast> broadcast_;
};

}  // namespace portcullis::routes
