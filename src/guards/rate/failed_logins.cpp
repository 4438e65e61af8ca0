#include "guards/rate/failed_logins.hpp"

namespace portcullis::guards {

Task<std::optional<pipeline::Verdict>> FailedLogins::failed(http::Exchange& exchange) const {
  if (is_anothers_doing(exchange)) co_return std::nullopt;
  state::AdmitRequest request;
  charges_.add_auth_failure(request, exchange);
  const auto answer = co_await store_.admit(request);
  if (!answer || answer->admission.admitted) co_return std::nullopt;
  co_return charges_.judge(exchange, request, answer->admission);
}

}  // namespace portcullis::guards
