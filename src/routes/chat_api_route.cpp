#include "routes/chat_api_route.hpp"

namespace portcullis::routes {

pipeline::Route chat_api_route(std::string name, std::string path, http::Method method,
                               pipeline::RouteHandler* handler) {
  pipeline::Route route;
  route.name = std::move(name);
  route.path = std::move(path);
  route.methods = {method};
  route.kind = pipeline::RouteKind::browser;
  route.cls = pipeline::RouteClass::chat;
  route.session = pipeline::SessionNeed::required;
  route.handler = handler;
  return route;
}

void take_chat_body(pipeline::Route& route, const config::Settings& settings,
                    const pipeline::BodySchema& schema) {
  route.takes_body = true;
  route.max_body_bytes = static_cast<std::uint64_t>(settings.chat_body_bytes);
  route.schema = &schema;
}

}  // namespace portcullis::routes
