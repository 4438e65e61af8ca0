#pragma once
#include <string>

#include "routes/services.hpp"

/// What the faces of the chat refuse alike.
namespace portcullis::routes {

/// No further stream of this session, of this address, or at all.
Task<void> refuse_stream(const Services& services, http::Exchange& exchange);
/// As many answers in the making as one session may have.
Task<void> refuse_turn(const Services& services, http::Exchange& exchange);
/// What an event says where the assistant failed.
pipeline::Incident upstream_incident(std::string reason);

}  // namespace portcullis::routes
