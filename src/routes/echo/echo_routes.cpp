#include "routes/echo/echo_routes.hpp"

#include "base/text.hpp"
#include "detect/sanitised_copy.hpp"
#include "routes/object_schema.hpp"
#include "routes/websocket/socket.hpp"

namespace portcullis::routes {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
/// A member whose string is answered with its copy without tags.
constexpr std::string_view kSanitise = "sanitise";

class Echo final : public pipeline::RouteHandler {
 public:
  explicit Echo(const pipeline::Reporter& reporter) : reporter_(reporter) {}

  Task<void> serve(http::Exchange& exchange) override {
    // The body guard has read it, so this gives the same bytes again.
    const auto body = co_await exchange.read_body(exchange.route->max_body_bytes);
    if (!body) {
      co_return co_await reporter_.answer(exchange, http::Problem(http::Code::bad_request));
    }
    const auto text =
        exchange.json ? string_member(exchange.json->value, kSanitise) : std::string_view{};
    if (text.empty()) {
      co_return co_await exchange.send(http::Response::json(200, std::string(*body)));
    }
    std::string answer = "{\"sanitised\":";
    text::append_json_string(answer, detect::sanitised_copy(text));
    co_await exchange.send(http::Response::json(200, answer + "}"));
  }

 private:
  const pipeline::Reporter& reporter_;
};

/// Sends back what comes, text or binary, as long as the longest message of the Autobahn suite and
/// in as many fragments.
class EchoSocket final : public pipeline::RouteHandler {
 public:
  explicit EchoSocket(const Services& services)
      : door_(services, "ws_echo"), options_(socket_options(*services.settings)) {
    options_.limits.bytes = 16 * kMiB;
    options_.limits.fragments = 1 << 20;
    options_.limits.deflate_ratio = 2000;
  }

  Task<void> serve(http::Exchange& exchange) override {
    const auto socket = co_await door_.open(exchange, {}, options_, true);
    if (!socket) co_return;
    auto& connection = socket->connection;
    exchange.set_hook([&exchange, &connection] {
      if (exchange.draining()) connection.close(http::websocket::close_code::kServiceRestart);
    });
    while (auto message = co_await socket->receive()) {
      if (!co_await connection.send(message->kind, std::move(message->data))) break;
    }
    while (co_await socket->receive()) {
    }
    co_await socket->finish();
  }

 private:
  const SocketDoor door_;
  http::websocket::ConnectionOptions options_;
};

}  // namespace

EchoRoutes::EchoRoutes(Services services)
    : services_(std::move(services)),
      echo_(std::make_unique<Echo>(*services_.reporter)),
      socket_(std::make_unique<EchoSocket>(services_)) {}

EchoRoutes::~EchoRoutes() = default;

void EchoRoutes::add_to(pipeline::RouteTable& table) {
  if (!services_.settings->development()) return;
  pipeline::Route route;
  route.name = "api_test";
  route.path = "/api/test";
  route.methods = {http::Method::post};
  route.cls = pipeline::RouteClass::api;
  route.takes_body = true;
  route.max_body_bytes = static_cast<std::uint64_t>(services_.settings->api_body_megabytes) * kMiB;
  route.prose = {std::string(kSanitise)};
  route.handler = echo_.get();
  table.add(std::move(route));

  pipeline::Route socket;
  socket.name = "ws_echo";
  socket.path = "/ws/echo";
  socket.methods = {http::Method::get};
  socket.cls = pipeline::RouteClass::api;
  socket.websocket = true;
  socket.handler = socket_.get();
  table.add(std::move(socket));
}

}  // namespace portcullis::routes
