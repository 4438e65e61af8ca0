#pragma once
#include "config/settings.hpp"
#include "guards/rate/caller.hpp"
#include "pipeline/guard.hpp"
#include "pipeline/reporter.hpp"

namespace portcullis::guards {

/// Keeps the reputation of callers: every refusal costs points by how grave it was (1, 5, 10, 25),
/// and one that falls below `reputation.alert` is reported once.
///
/// Threads: immutable; any worker.
class Conduct final : public pipeline::RefusalObserver {
 public:
  Conduct(const config::Settings& settings, state::Store& store, const pipeline::Reporter& reporter)
      : enabled_(settings.reputation_enabled),
        alert_(-static_cast<double>(settings.reputation_alert)),
        trusted_(settings.never_blocked),
        store_(store),
        reporter_(reporter) {}

  Task<void> refused(const http::Exchange& exchange,
                     const pipeline::Incident& incident) const override;

 private:
  const bool enabled_;
  const double alert_;
  const AddressSet trusted_;
  state::Store& store_;
  const pipeline::Reporter& reporter_;
};

}  // namespace portcullis::guards
