#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "routes/proxy/forwarding.hpp"
#include "routes/services.hpp"
#include "upstream/service_group.hpp"

namespace portcullis::routes {

/// The handler of a protected route: its requests go on to a target of the service, and what that
/// says comes back, each way as fast as the slower side takes it.
///
/// Threads: any worker; immutable. `services` and `forwarding` outlive it.
std::unique_ptr<pipeline::RouteHandler> make_request_proxy(
    const Services& services, const Forwarding& forwarding, const config::RouteSettings& route,
    std::shared_ptr<upstream::ServiceGroup> group);

}  // namespace portcullis::routes
