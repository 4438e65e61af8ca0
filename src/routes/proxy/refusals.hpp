#pragma once
#include "http/exchange.hpp"
#include "routes/services.hpp"
#include "upstream/service_group.hpp"

/// How protected routes answer what does not go on, requests and WebSockets alike.
namespace portcullis::routes {

/// @returns whether the path must not go on, which has been answered then.
Task<bool> refuse_path(const Services& services, http::Exchange& exchange);

/// A service did not answer, or was not to be asked: by whose doing, `why` says.
Task<void> refuse_without_service(const Services& services, http::Exchange& exchange,
                                  const upstream::ServiceGroup& group, Error why);

}  // namespace portcullis::routes
