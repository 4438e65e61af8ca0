#pragma once
#include <memory>
#include <vector>

#include "http/exchange.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "pipeline/reporter.hpp"
#include "pipeline/response_filters.hpp"
#include "pipeline/route.hpp"

namespace portcullis::pipeline {

/// The road that every request takes: route, guards in their order, handler, finish().
///
/// Threads:   one object for all workers; immutable after the constructor.
/// Ownership: guards, table and sites live as long as the pipeline; a reload makes a new one, and
///            exchanges under way keep theirs.
/// Promise:   nothing but a guard refuses a request, and every request ends in finish() exactly
/// once.
class Pipeline {
 public:
  struct Parts {
    std::vector<std::unique_ptr<Guard>> guards;  ///< in the order of config::kGuardNames
    RouteTable routes;
    std::vector<Site> sites;  ///< the default site first
    std::unique_ptr<RouteHandler> not_found;
    std::unique_ptr<RouteHandler> preflight;
    const Reporter* reporter = nullptr;
    std::unique_ptr<ResponseFilters> filters;
    std::unique_ptr<const RefusalObserver> refusals;  ///< null: nobody learns of them
    bool log_access = true;
    bool operations = false;  ///< the operations listener: nothing on it is limited or redirected
  };

  Pipeline(Parts parts, observe::Log& log, observe::Metrics& metrics);

  Task<void> handle(http::Exchange& exchange) const;
  /// Answers an exchange whose guard or handler threw: 500, where nothing has been sent yet.
  Task<void> answer_exception(http::Exchange& exchange, std::string what) const;
  const RouteTable& routes() const noexcept { return parts_.routes; }
  const std::vector<Site>& sites() const noexcept { return parts_.sites; }

 private:
  enum class Outcome : std::uint8_t { passed, refused, would_refuse, challenged, error };

  void number(Route& route);
  void choose_route(http::Exchange& exchange) const;
  const Route& preflight_route(RouteKind kind, std::optional<std::size_t> site) const {
    return preflight_routes_[(site ? 1 + *site : 0) * 3 + static_cast<std::size_t>(kind)];
  }
  Task<void> run_guards(http::Exchange& exchange, std::size_t first) const;
  Task<void> wait_for_guard(http::Exchange& exchange, std::size_t guard, Decision decision) const;
  Task<void> serve(http::Exchange& exchange) const;
  Task<void> answer_for_handler(http::Exchange& exchange) const;
  bool settle(http::Exchange& exchange, std::size_t guard, Result<Verdict>& result) const;
  Task<void> refuse(http::Exchange& exchange, std::size_t guard, Result<Verdict> result) const;
  void count(std::size_t guard, Outcome outcome) const noexcept {
    decisions_->add(cells_[guard * 5 + static_cast<std::size_t>(outcome)]);
  }
  /// Counts and logs the exchange, however it ended.
  void finish(const http::Exchange& exchange) const;

  Parts parts_;
  observe::Log& log_;
  Route not_found_route_;
  /// By kind, for no site and then for each: a preflight is judged as what it announces.
  std::vector<Route> preflight_routes_;
  observe::CounterFamily* decisions_;
  observe::CounterFamily* requests_;
  observe::CounterFamily* guard_time_;
  observe::Histogram* duration_;
  std::vector<observe::CounterFamily::Cell> cells_;       ///< guard × outcome
  std::vector<observe::CounterFamily::Cell> time_cells_;  ///< by guard
  std::vector<std::array<observe::CounterFamily::Cell, 6>>
      request_cells_;  ///< by route and status class
};

}  // namespace portcullis::pipeline
