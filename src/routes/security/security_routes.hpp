#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "routes/object_schema.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// `/api/security/*`: what operators do while the gateway runs. So far: blocks of addresses, and
/// `threat-response`, which does the same in the words of the platform guide.
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
};

}  // namespace portcullis::routes
