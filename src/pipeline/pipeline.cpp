#include "pipeline/pipeline.hpp"

#include "base/text.hpp"
#include "http/json_body.hpp"

namespace portcullis::pipeline {
namespace {

constexpr std::string_view kOutcomes[] = {"passed", "refused", "would_refuse", "challenged",
                                          "error"};
constexpr std::uint32_t kTimedEvery = 16;

constexpr std::string_view kStatusClasses[] = {"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

Pipeline::Pipeline(Parts parts, observe::Log& log, observe::Metrics& metrics)
    : parts_(std::move(parts)),
      log_(log),
      decisions_(&metrics.counter("portcullis_guard_decisions_total")),
      requests_(&metrics.counter("portcullis_requests_total")),
      guard_time_(&metrics.counter("portcullis_guard_duration_seconds_total")),
      duration_(&metrics.histogram("portcullis_request_duration_seconds")) {
  for (const auto& guard : parts_.guards) {
    for (const auto outcome : kOutcomes) {
      cells_.push_back(decisions_->cell({std::string(guard->name()), std::string(outcome)}));
    }
    time_cells_.push_back(guard_time_->cell({std::string(guard->name())}));
  }
  not_found_route_.name = "not_found";
  not_found_route_.kind = RouteKind::anonymous;
  not_found_route_.handler = parts_.not_found.get();
  not_found_route_.guards = parts_.routes.default_guards();
  for (std::size_t site = 0; site <= parts_.sites.size(); ++site) {
    for (const auto kind : {RouteKind::browser, RouteKind::token, RouteKind::anonymous}) {
      Route route;
      route.name = "preflight";
      route.kind = kind;
      if (site > 0) route.site = site - 1;
      route.cls = RouteClass::light;
      route.handler = parts_.preflight.get();
      route.guards = not_found_route_.guards;
      preflight_routes_.push_back(std::move(route));
    }
  }
  const auto adapt = [&](Route& route) {
    if (parts_.operations) {
      route.ops_only = true;
      route.cls = RouteClass::probe;
    }
    number(route);
  };
  for (auto& route : parts_.routes.routes()) adapt(route);
  for (auto& route : preflight_routes_) adapt(route);
  adapt(not_found_route_);
}

void Pipeline::number(Route& route) {
  route.index = request_cells_.size();
  auto& cells = request_cells_.emplace_back();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = requests_->cell({route.name, std::string(kStatusClasses[i])});
  }
}

void Pipeline::choose_route(http::Exchange& exchange) const {
  exchange.route = &not_found_route_;
  if (exchange.framing_error()) return;
  const auto& head = exchange.head();
  if (head.method == http::Method::options) {
    if (head.path() == "*") {  // about the server as a whole (RFC 9110 section 9.3.7)
      exchange.route = &preflight_route(RouteKind::anonymous, {});
      return;
    }
    // A preflight is judged as the request that it announces.
    http::Method announced = http::Method::options;
    const auto wanted = head.get("access-control-request-method");
    for (const auto m : {http::Method::get, http::Method::head, http::Method::post,
                         http::Method::put, http::Method::delete_, http::Method::patch}) {
      if (wanted == http::name_of(m)) announced = m;
    }
    const auto match = parts_.routes.find(exchange, announced);
    if (match.route != nullptr || !match.allow.empty()) {
      const RouteKind kind = match.route != nullptr ? match.route->kind : RouteKind::anonymous;
      exchange.route =
          &preflight_route(kind, match.route != nullptr ? match.route->site : std::nullopt);
    }
    return;
  }
  const auto match = parts_.routes.find(exchange, head.method);
  if (match.route == nullptr) return;
  exchange.route = match.route;
  if (match.route->site) exchange.site = &parts_.sites[*match.route->site];
}

Task<void> Pipeline::handle(http::Exchange& exchange) const {
  exchange.set_filter(parts_.filters.get());
  exchange.site = parts_.sites.data();
  choose_route(exchange);
  return run_guards(exchange, 0);
}

/// Runs guards for as long as they answer at once. No coroutine of its own: what waits long, a
/// stream above all, keeps none of this alive.
Task<void> Pipeline::run_guards(http::Exchange& exchange, std::size_t first) const {
  thread_local std::uint32_t sampled = 0;
  const bool timed = ++sampled % kTimedEvery == 0;
  const Clock& clock = exchange.worker().clock();
  MonotonicTime before = timed ? clock.monotonic() : MonotonicTime{};
  for (std::size_t g = first; g < parts_.guards.size(); ++g) {
    if (exchange.route->guards[g].mode == config::Mode::off) continue;
    Decision decision = parts_.guards[g]->on_request(exchange);
    if (!decision.ready()) return wait_for_guard(exchange, g, std::move(decision));
    const bool passed = settle(exchange, g, decision.value());
    if (timed) {
      const auto now = clock.monotonic();
      guard_time_->add(time_cells_[g],
                       kTimedEvery * static_cast<std::uint64_t>((now - before).count()));
      before = now;
    }
    if (!passed) return refuse(exchange, g, std::move(decision.value()));
  }
  return serve(exchange);
}

Task<void> Pipeline::wait_for_guard(http::Exchange& exchange, std::size_t guard,
                                    Decision decision) const {
  Result<Verdict> result = co_await decision;
  if (!settle(exchange, guard, result)) {
    co_await refuse(exchange, guard, std::move(result));
  } else if (exchange.gone()) {
    finish(exchange);  // nobody would read the answer
  } else {
    co_await run_guards(exchange, guard + 1);
  }
}

Task<void> Pipeline::serve(http::Exchange& exchange) const {
  co_await exchange.route->handler->serve(exchange);
  if (!exchange.answered() && !exchange.gone()) co_await answer_for_handler(exchange);
  finish(exchange);
}

Task<void> Pipeline::answer_for_handler(http::Exchange& exchange) const {
  return parts_.reporter->refuse(exchange, http::Problem(http::Code::internal_error),
                                 {audit::EventType::system_integrity, audit::ThreatLevel::medium,
                                  "SYS_001", "a handler ended without an answer"});
}

Task<void> Pipeline::answer_exception(http::Exchange& exchange, std::string what) const {
  exchange.set_hook({});  // what it refers to is gone
  const Incident incident{audit::EventType::system_integrity, audit::ThreatLevel::high, "SYS_003",
                          "exception: " + what};
  if (exchange.answered()) {
    parts_.reporter->report(exchange, incident, audit::EventDecision::passed);
  } else {
    co_await parts_.reporter->refuse(exchange, http::Problem(http::Code::internal_error), incident);
  }
  finish(exchange);
}

/// Counts a guard's result; false where the request ends here.
bool Pipeline::settle(http::Exchange& exchange, std::size_t guard, Result<Verdict>& result) const {
  const auto& settings = exchange.route->guards[guard];
  const std::string_view name = parts_.guards[guard]->name();
  const bool monitor = settings.mode == config::Mode::monitor;
  if (!result) {
    count(guard, Outcome::error);
    if (exchange.gone()) return false;
    const Incident incident{audit::EventType::system_integrity, audit::ThreatLevel::medium,
                            "SYS_002", "the guard could not decide: " + result.error().detail};
    if (settings.on_error == config::OnError::pass || monitor) {
      parts_.reporter->report(exchange, incident, audit::EventDecision::passed, name);
      return true;
    }
    result = Verdict::refuse(http::Problem(http::Code::state_unavailable, {}, 1), incident);
    return false;
  }
  if (result->kind == Verdict::Kind::pass) {
    count(guard, Outcome::passed);
    return true;
  }
  // Bytes that are no request cannot go on, whatever the mode.
  if (monitor && !exchange.framing_error()) {
    count(guard, Outcome::would_refuse);
    parts_.reporter->report(exchange, result->incident, audit::EventDecision::would_refuse, name);
    return true;
  }
  count(guard, result->kind == Verdict::Kind::challenge ? Outcome::challenged : Outcome::refused);
  return false;
}

Task<void> Pipeline::refuse(http::Exchange& exchange, std::size_t guard,
                            Result<Verdict> result) const {
  if (exchange.gone()) {
    finish(exchange);
    co_return;
  }
  exchange.error_code = http::info_of(result->problem.code).name;
  if (parts_.refusals) co_await parts_.refusals->refused(exchange, result->incident);
  co_await parts_.reporter->refuse(exchange, std::move(result->problem),
                                   std::move(result->incident), parts_.guards[guard]->name());
  finish(exchange);
}

void Pipeline::finish(const http::Exchange& exchange) const {
  const auto elapsed = exchange.worker().clock().monotonic() - exchange.started_at();
  const std::string& route = exchange.route->name;
  const std::size_t status_class = std::min<std::size_t>(exchange.status() / 100, 5);
  requests_->add(request_cells_[exchange.route->index][status_class]);
  duration_->observe(std::chrono::duration<double>(elapsed).count());

  const bool failed = exchange.status() >= 500;
  const auto cls = exchange.route->cls;
  const bool quiet =
      (cls == RouteClass::probe && !failed) || (cls == RouteClass::look && exchange.status() < 400);
  const auto level = quiet    ? observe::Level::debug
                     : failed ? observe::Level::warning
                              : observe::Level::info;
  if (!parts_.log_access || !log_.enabled(level)) return;
  const auto& head = exchange.head();
  const std::string address = exchange.client.address.text();
  const std::string id = exchange.event_id.empty() ? "" : exchange.event_id.text();
  log_.write(level, "request",
             {{"request_id", exchange.request_id.view()},
              {"address", address},
              {"site", exchange.site->id},
              {"route", route},
              {"method", head.method_text().substr(0, 16)},
              {"path", head.path().substr(0, 200)},
              {"status", std::int64_t{exchange.status()}},
              {"bytes", static_cast<std::int64_t>(exchange.bytes_sent())},
              {"ms", std::chrono::duration<double, std::milli>(elapsed).count()},
              {"code", exchange.error_code},
              {"error_id", id}});
}

}  // namespace portcullis::pipeline
