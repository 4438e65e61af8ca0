#include "routes/proxy/refusals.hpp"

#include <algorithm>

#include "routes/proxy/forwarding.hpp"
#include "routes/turn_refusals.hpp"

namespace portcullis::routes {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;

/// What the body guard says of bodies that it reads.
Task<void> refuse_body(const Services& services, http::Exchange& exchange, const Error& why) {
  const auto code = why.code == ErrorCode::too_large ? Code::payload_too_large
                    : why.code == ErrorCode::timeout ? Code::request_timeout
                                                     : Code::bad_request;
  co_await services.reporter->refuse(
      exchange, Problem(code),
      {EventType::input_validation, ThreatLevel::low,
       why.code == ErrorCode::too_large ? "VAL_001" : "VAL_006", why.detail});
}

}  // namespace

Task<bool> refuse_path(const Services& services, http::Exchange& exchange) {
  if (exchange.head().path().size() < exchange.route->path.size()) {
    co_await services.reporter->answer(exchange, Problem(Code::not_found));
    co_return true;
  }
  const auto fault = path_fault(exchange.head().path());
  if (!fault) co_return false;
  co_await services.reporter->refuse(exchange,
                                     Problem(Code::bad_request, "The path is not acceptable."),
                                     {EventType::input_validation, ThreatLevel::medium, "VAL_004",
                                      "a path with " + std::string(*fault)});
  co_return true;
}

Task<void> refuse_without_service(const Services& services, http::Exchange& exchange,
                                  const upstream::ServiceGroup& group, Error why) {
  if (exchange.gone()) co_return;
  if (why.origin == ErrorOrigin::client && why.code == ErrorCode::exhausted) {
    co_return co_await services.reporter->refuse(
        exchange, Problem(Code::rate_limited, "Too many requests are being answered.", 1),
        {EventType::rate_limiting, ThreatLevel::low, "RATE_004", why.detail});
  }
  if (why.origin == ErrorOrigin::client) co_return co_await refuse_body(services, exchange, why);
  const bool timed_out = why.code == ErrorCode::timeout;
  const bool away = why.code == ErrorCode::unavailable || why.code == ErrorCode::exhausted ||
                    why.code == ErrorCode::refused;
  const auto wait = std::chrono::ceil<Seconds>(group.retry_after()).count();
  Problem problem =
      timed_out ? Problem(Code::upstream_timeout)
      : away    ? Problem(Code::upstream_unavailable, {}, std::clamp<std::int64_t>(wait, 1, 3600))
                : Problem(Code::upstream_error);
  co_await services.reporter->refuse(exchange, std::move(problem),
                                     upstream_incident(group.name() + ": " + why.detail));
}

}  // namespace portcullis::routes
