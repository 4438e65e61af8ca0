#pragma once
#include <string>

#include "config/settings.hpp"
#include "pipeline/route.hpp"

namespace portcullis::routes {

/// A route of the chat API: for pages of a site, within the limits of the chat, with a session.
pipeline::Route chat_api_route(std::string name, std::string path, http::Method method,
                               pipeline::RouteHandler* handler);

/// Lets it take a JSON body of this form, as long as the chat's may be.
void take_chat_body(pipeline::Route& route, const config::Settings& settings,
                    const pipeline::BodySchema& schema);

}  // namespace portcullis::routes
