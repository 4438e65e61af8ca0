#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "routes/services.hpp"

namespace portcullis::routes {

/// Who reads an answer: anyone on the public listener, or operators on theirs.
enum class Audience : std::uint8_t { anyone, operators };

/// What the probes tell; measured when they are asked.
struct Vitals {
  std::string version;
  WallTime started;
  std::function<bool()> draining;
  /// The state that nodes share: `disabled`, `connected` or `degraded`.
  std::function<std::string_view()> redis;
  /// That of accounts, in the same words.
  std::function<std::string_view()> database;
  std::function<state::StoreFigures()> figures;  ///< cheap: probes ask without a limit
  /// Things an operator should mend; what is for anyone names no address.
  std::function<std::vector<std::string>(Audience)> notices;
};

/// `/`, `/health`, `/health/live`, `/health/ready`, `/metrics` and `/api/health`.
class OpsRoutes {
 public:
  /// `open_metrics`: the operations listener, where no credential is asked for.
  OpsRoutes(Services services, Vitals vitals, bool open_metrics);
  ~OpsRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  class Root;
  class Health;
  class Probe;
  class MetricsPage;
  Services services_;
  Vitals vitals_;
  bool open_metrics_;
  std::vector<std::unique_ptr<pipeline::RouteHandler>> handlers_;
};

}  // namespace portcullis::routes
