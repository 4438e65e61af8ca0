#include "routes/chat/chat_socket.hpp"

#include <algorithm>

#include "routes/chat/conversation.hpp"
#include "routes/chat_api_route.hpp"

namespace portcullis::routes {
namespace {

constexpr std::string_view kProtocol = "portcullis.v1";

}  // namespace

class ChatSocket::Handler final : public pipeline::RouteHandler {
 public:
  explicit Handler(const Services& services)
      : s_(services), door_(services, "ws_chat"), options_(socket_options(*services.settings)) {}

  Task<void> serve(http::Exchange& exchange) override {
    const auto offered = http::websocket::offered_protocols(exchange.head());
    const bool ours = std::ranges::find(offered, kProtocol) != offered.end();
    const auto socket = co_await door_.open(exchange, ours ? kProtocol : "", options_);
    if (!socket) co_return;
    Conversation conversation(s_, exchange, *socket);
    co_await conversation.run();
  }

 private:
  const Services& s_;
  const SocketDoor door_;
  const http::websocket::ConnectionOptions options_;
};

ChatSocket::ChatSocket(Services services)
    : services_(std::move(services)), handler_(std::make_unique<Handler>(services_)) {}

ChatSocket::~ChatSocket() = default;

void ChatSocket::add_to(pipeline::RouteTable& table) {
  auto route = chat_api_route("ws_chat", "/ws", http::Method::get, handler_.get());
  // Whoever shows no session here may name one in a first message.
  route.session = pipeline::SessionNeed::none;
  route.subscription = true;
  route.websocket = true;
  auto look = look_route(route, admitted_);
  look.session = pipeline::SessionNeed::required;
  table.add(std::move(route));
  table.add(std::move(look));
}

}  // namespace portcullis::routes
