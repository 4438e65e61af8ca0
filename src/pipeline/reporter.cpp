#include "pipeline/reporter.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::pipeline {
namespace {

constexpr std::size_t kMaxUserAgent = 200;
constexpr std::size_t kMaxEndpoint = 200;

std::string printable(std::string_view text, std::size_t most) {
  std::string out(text::utf8_prefix(text, most));
  return text::is_utf8(out) ? out : text::to_valid_utf8(out);
}

/// RFC 6750 section 3, RFC 9449 section 7.1.
std::string challenge_of(const http::Problem& problem) {
  if (problem.code == http::Code::proof_required) return R"(DPoP algs="ES256")";
  if (problem.code == http::Code::proof_invalid) {
    return R"(DPoP error="invalid_dpop_proof", algs="ES256")";
  }
  std::string out = "Bearer realm=\"portcullis\"";
  if (!problem.bearer_error.empty()) out += ", error=\"" + problem.bearer_error + '"';
  return out;
}

/// Bad input where the business is told of more urgently.
Incident on_critical_route(Incident incident) {
  incident.level = std::max(incident.level, audit::ThreatLevel::high);
  incident.further_codes.emplace_back("VAL_007");
  return incident;
}

}  // namespace

Reporter::Subject Reporter::subject_of(const http::Exchange& exchange) const {
  Subject out;
  out.address = exchange.client.address;
  out.endpoint = printable(exchange.head().path(), kMaxEndpoint);
  out.method = printable(exchange.head().method_text(), 16);
  out.user_agent = printable(exchange.head().get("user-agent"), kMaxUserAgent);
  out.user_id = exchange.principal.id;
  const auto& principal = exchange.principal;
  if (principal.session) {
    out.session = session_handle_(*principal.session);
  } else if (principal.unproven) {
    out.session = session_handle_(*principal.unproven);
  }
  out.request_id = exchange.request_id.view();
  out.site = exchange.site == nullptr ? "" : exchange.site->id;
  out.tier = exchange.limit_state.tier;
  return out;
}

Ulid Reporter::report(const http::Exchange& exchange, const Incident& incident,
                      audit::EventDecision decision, std::string_view guard) const {
  const WallTime now = exchange.worker().clock().wall();
  if (sink_ == nullptr) return Ulid::make(now);
  Subject subject = subject_of(exchange);
  subject.guard = guard;
  const bool raised = exchange.route != nullptr && exchange.route->critical &&
                      incident.type == audit::EventType::input_validation;
  return report(subject, now, raised ? on_critical_route(incident) : incident, decision);
}

Ulid Reporter::report(const Subject& subject, WallTime now, const Incident& incident,
                      audit::EventDecision decision) const {
  const Ulid id = Ulid::make(now);
  if (sink_ == nullptr) return id;
  audit::Event event;
  event.event_id = id;
  event.event_type = incident.type;
  event.threat_level = incident.level;
  event.timestamp = now;
  event.source_ip = subject.address;
  event.user_id = subject.user_id;
  event.endpoint = subject.endpoint;
  event.method = subject.method;
  event.description = incident.description;
  if (!subject.guard.empty()) event.details.emplace("guard", subject.guard);
  if (!subject.tier.empty() && incident.type == audit::EventType::rate_limiting) {
    event.details.emplace("tier", subject.tier);
  }
  event.user_agent = subject.user_agent;
  event.session_id = subject.session;
  event.request_id = subject.request_id;
  event.site = subject.site;
  event.decision = decision;
  if (!incident.code.empty()) event.codes.push_back(incident.code);
  event.codes.insert(event.codes.end(), incident.further_codes.begin(),
                     incident.further_codes.end());
  event.details.insert(incident.details.begin(), incident.details.end());
  sink_->record(event);
  return id;
}

Task<void> Reporter::refuse(http::Exchange& exchange, http::Problem problem, Incident incident,
                            std::string_view guard) const {
  const Ulid id = report(exchange, incident, audit::EventDecision::refused, guard);
  exchange.refused_by = guard;
  co_await send(exchange, problem, id, incident.description);
}

Task<void> Reporter::refuse_without_state(http::Exchange& exchange, const Error& failure) const {
  return refuse(
      exchange, http::Problem(http::Code::state_unavailable, {}, 1),
      {audit::EventType::system_integrity, audit::ThreatLevel::medium, "SYS_002", failure.detail});
}

Task<void> Reporter::answer(http::Exchange& exchange, http::Problem problem,
                            std::optional<Ulid> event, std::string_view reason) const {
  const Ulid id = event ? *event : Ulid::make(exchange.worker().clock().wall());
  co_await send(exchange, problem, id, reason);
}

Task<void> Reporter::send(http::Exchange& exchange, const http::Problem& problem, const Ulid& id,
                          std::string_view reason) const {
  const auto& info = http::info_of(problem.code);
  exchange.event_id = id;
  exchange.error_code = info.name;
  const auto* form = exchange.route == nullptr ? nullptr : exchange.route->refusals;
  if (form != nullptr) {
    if (auto response = form->render(exchange, problem, id.text())) {
      if (problem.retry_after) response->headers.add_number("Retry-After", *problem.retry_after);
      co_return co_await exchange.send(*std::move(response));
    }
  }
  std::string body = http::problem_body(problem, id.text(), exchange.head().path());
  if (debug_ && !reason.empty()) {
    body.pop_back();
    body += ",\"debug\":";
    text::append_json_string(body, reason);
    body += "}";
  }
  auto response = http::Response::text(info.status, "application/problem+json", std::move(body));
  if (problem.retry_after) response.headers.add_number("Retry-After", *problem.retry_after);
  if (!problem.allow.empty()) response.headers.add("Allow", problem.allow);
  if (!problem.location.empty()) response.headers.add("Location", problem.location);
  if (!problem.accept_encoding.empty()) {
    // RFC 9110 section 15.5.16: so that nobody takes it for a matter of the Content-Type.
    response.headers.add("Accept-Encoding", problem.accept_encoding);
  }
  if (problem.code == http::Code::upgrade_required) {
    // RFC 9110 section 15.5.22, RFC 6455 section 4.4.
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Sec-WebSocket-Version", "13");
  }
  if (info.status == 401) response.headers.add("WWW-Authenticate", challenge_of(problem));
  co_await exchange.send(std::move(response));
}

}  // namespace portcullis::pipeline
