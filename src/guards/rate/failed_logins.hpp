#pragma once
#include "guards/rate/charges.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Counts what handlers find wrong where the rate guard counts what guards do: so many from one
/// address block it.
///
/// Threads: immutable; any worker.
class FailedLogins final : public pipeline::FailedLoginObserver {
 public:
  FailedLogins(const config::Settings& settings, const LimitParts& parts)
      : store_(parts.store), charges_("rate", settings, parts) {}

  Task<std::optional<pipeline::Verdict>> failed(http::Exchange& exchange) const override;

 private:
  state::Store& store_;
  const Charges charges_;
};

}  // namespace portcullis::guards
