#include "routes/proxy/socket_proxy.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "base/together.hpp"
#include "http/json_body.hpp"
#include "routes/object_schema.hpp"
#include "routes/proxy/refusals.hpp"
#include "routes/websocket/conduct.hpp"
#include "routes/websocket/message_request.hpp"
#include "upstream/http_channel.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::Problem;
using http::websocket::Connection;
using http::websocket::Opcode;
using upstream::HttpChannel;
using upstream::ServiceGroup;
namespace close_code = http::websocket::close_code;
namespace websocket = http::websocket;

/// The code that one side is told of how the other one ended.
std::uint16_t passed_on(std::uint16_t code, std::uint16_t instead_of_none) {
  return websocket::is_sendable(code)    ? code
         : code == close_code::kNoStatus ? close_code::kNormal
                                         : instead_of_none;
}

/// Until when what the opening has shown is good; nullopt: for ever, or nothing was shown.
std::optional<WallTime> expiry_of(const http::Principal& principal) {
  if (principal.is_verified() && principal.expires != WallTime{}) return principal.expires;
  if (principal.session) return principal.session->expires;
  return std::nullopt;
}

}  // namespace

/// An object, of one of the types that the route names.
class SocketProxy::TypeSchema final : public pipeline::BodySchema {
 public:
  explicit TypeSchema(std::vector<std::string> types) : types_(std::move(types)) {}
  std::optional<Problem> check(const http::JsonBody& body) const override {
    if (!body.value.is_object()) {
      return Problem(Code::validation_failed, "A message is a JSON object.");
    }
    if (types_.empty() ||
        std::ranges::find(types_, string_member(body.value, "type")) != types_.end()) {
      return std::nullopt;
    }
    return Problem(Code::schema_invalid, "Messages of this type are not passed on.");
  }

 private:
  const std::vector<std::string> types_;
};

class SocketProxy::Opening final : public pipeline::RouteHandler {
 public:
  Opening(const Services& services, const Forwarding& forwarding,
          const config::RouteSettings& route, std::shared_ptr<ServiceGroup> group)
      : s_(services),
        forwarding_(forwarding),
        rewrite_(route.proxy->rewrite.value_or(route.path)),
        inspected_(route.proxy->inspected),
        compresses_(route.proxy->compress),
        group_(std::move(group)),
        door_(services, route.proxy->service),
        options_(socket_options(*services.settings)),
        own_fields_(fields_of(*services.settings, route.proxy->service)) {}

  Task<void> serve(http::Exchange& exchange) override {
    if (co_await refuse_path(s_, exchange)) co_return;
    websocket::Census::Place place;
    auto handshake = co_await door_.admit(exchange, place);
    if (!handshake) co_return;
    auto lease = ServiceGroup::choose(group_, 0, caller_number(exchange), true);
    std::optional<HttpChannel> channel;
    Result<std::string> protocol = fail(ErrorCode::unavailable, "no target takes requests");
    if (!lease) {
      protocol = std::unexpected(lease.error());
    } else {
      channel.emplace(lease->service(), exchange.worker(),
                      http::ResponseParser::Wants{.fields = true, .upgrade = true});
      exchange.set_hook([&exchange, &channel] {
        if (exchange.gone()) channel->cancel();
      });
      protocol = co_await ask(exchange, *channel);
      exchange.set_hook({});
      if (protocol || protocol.error().origin == ErrorOrigin::upstream) {
        lease->record(protocol.has_value());
      }
    }
    if (!protocol) {
      co_return co_await refuse_without_service(s_, exchange, *group_, std::move(protocol).error());
    }
    if (!compresses_) handshake->deflate.reset();
    const auto socket =
        co_await door_.open(exchange, *std::move(handshake), place, *protocol, options_);
    if (!socket) co_return;
    if (exchange.principal.is_verified() || exchange.principal.session) {
      socket->place.set_authenticated();
    }
    std::string leftover;
    auto& stream = channel->upgraded(leftover);
    auto options = options_;
    options.role = websocket::Role::client;
    Connection service(exchange.worker(), stream, std::move(leftover), options);
    Passage passage{*socket, service};
    socket->watch();
    const auto end = [&exchange, &passage] {
      if (exchange.gone()) {
        // Whoever waits for the other side must not wait any longer.
        passage.client.connection.abort();
        passage.service.abort();
      } else {
        passage.client.connection.close(close_code::kServiceRestart, "the gateway restarts");
      }
    };
    exchange.set_hook(end);
    if (exchange.gone() || exchange.draining()) end();
    net::DeadlineTimer expiry(
        exchange.worker().deadlines(),
        [](void* client) {
          static_cast<Connection*>(client)->close(close_code::kUnauthorized,
                                                  "the credential has expired");
        },
        &socket->connection);
    if (const auto expires = expiry_of(exchange.principal)) {
      const auto left = *expires - exchange.worker().clock().wall();
      expiry.arm(std::max(std::chrono::ceil<Milliseconds>(left), Milliseconds{1}));
    }
    std::vector<Task<void>> both;
    both.push_back(pass_on(exchange, passage));
    both.push_back(pass_back(passage));
    co_await Together(std::move(both));
    co_await socket->finish();
    co_await service.finish();
    channel->drop();
  }

 private:
  struct Passage {
    Socket& client;
    Connection& service;
  };

  /// @returns the subprotocol that the service has chosen; empty for none.
  Task<Result<std::string>> ask(const http::Exchange& exchange, HttpChannel& channel) const {
    if (auto there = co_await channel.connect(); !there) co_return std::unexpected(there.error());
    const auto key = websocket::new_key();
    auto head =
        forwarding_.request_head(exchange, path_on(channel.service().path(), rewrite_, exchange),
                                 channel.service().host(), own_fields_);
    head += websocket::client_handshake(key);
    std::string offered;
    for (const auto protocol : websocket::offered_protocols(exchange.head())) {
      // These hold credentials for the gateway.
      if (protocol.starts_with("bearer.") || protocol.starts_with("dpop.")) continue;
      (offered += offered.empty() ? "" : ", ") += protocol;
    }
    if (!offered.empty()) ((head += "Sec-WebSocket-Protocol: ") += offered) += "\r\n";
    head += "\r\n";
    if (auto sent = co_await channel.send(head); !sent) co_return std::unexpected(sent.error());
    std::string body;
    if (auto got = co_await channel.read_head(body); !got) co_return std::unexpected(got.error());
    const auto wrong = [](const char* what) {
      return fail(ErrorCode::malformed, what, ErrorOrigin::upstream);
    };
    const auto& answer = channel.head();
    // A visitor may ask for what there is not: that says nothing about the service.
    if (answer.status != 101) {
      co_return fail(ErrorCode::malformed, "the service does not open a WebSocket",
                     answer.status < 500 ? ErrorOrigin::gateway : ErrorOrigin::upstream);
    }
    const auto chosen = answer.fields.find("Sec-WebSocket-Protocol");
    const auto all = text::split_list(offered);
    if (answer.fields.find("Sec-WebSocket-Accept") != websocket::accept_of(key) ||
        !text::iequals(answer.fields.find("Upgrade"), "websocket") ||
        answer.fields.contains("Sec-WebSocket-Extensions") ||
        (!chosen.empty() && std::ranges::find(all, chosen) == all.end())) {
      co_return wrong("the service's handshake is wrong");
    }
    co_return std::string(chosen);
  }

  Task<void> pass_back(Passage& passage) const {
    while (auto message = co_await passage.service.receive()) {
      if (!co_await passage.client.connection.send(message->kind, std::move(message->data))) break;
    }
    const auto& service = passage.service;
    passage.client.connection.close(passed_on(service.closed_with(), close_code::kBadGateway),
                                    service.peer_reason());
    while (co_await passage.service.receive()) {
    }
  }

  Task<void> pass_on(http::Exchange& exchange, Passage& passage) const {
    SocketConduct conduct(s_.settings->websocket_messages_minute);
    auto& client = passage.client.connection;
    while (auto message = co_await passage.client.receive()) {
      if (inspected_ && message->kind != Opcode::text) {
        client.close(close_code::kUnsupportedData, "messages are text");
        continue;
      }
      const std::string refusal = co_await judge(exchange, client, conduct, *message);
      if (refusal.empty()) {
        (void)co_await passage.service.send(message->kind, std::move(message->data));
        continue;
      }
      (void)co_await client.send(Opcode::text, refusal);
      if (conduct.note_bad(exchange.worker().clock().monotonic())) {
        client.close(close_code::kPolicyViolation, "too many bad messages");
      }
    }
    passage.service.close(passed_on(client.closed_with(), close_code::kGoingAway),
                          client.peer_reason());
  }

  /// @returns the error frame for a message that must not go on.
  Task<std::string> judge(const http::Exchange& exchange, Connection& client,
                          SocketConduct& conduct, const Connection::Message& message) const {
    const auto now = exchange.worker().clock().monotonic();
    if (const auto refused = conduct.admit(message.frames, now)) {
      const auto id = s_.reporter->report(exchange,
                                          {audit::EventType::rate_limiting, audit::ThreatLevel::low,
                                           "RATE_003", "messages of a WebSocket come too fast"},
                                          audit::EventDecision::refused);
      std::string frame;
      append_error(frame, http::info_of(refused->code).name, refused->detail, id.text(),
                   refused->retry_after.value_or(0));
      co_return frame;
    }
    if (!inspected_) co_return std::string();
    std::string fields = "Content-Type: application/json\r\nContent-Length: ";
    text::append_number(fields, message.data.size());
    fields += "\r\n";
    MessageRequest judged(exchange, message_head(exchange, "POST", exchange.head().path(), fields),
                          message.data, MessageRequest::Vouched{});
    co_await exchange.road()->handle(judged);
    if (judged.status() == 401) {  // revoked, or the session is over
      client.close_after(judged.refusal, close_code::kUnauthorized, "the credential is void");
    }
    if (judged.refusal.empty() && !judged.may_go_on) {
      // The route has gone with a reload: nobody has judged this one.
      client.close(close_code::kServiceRestart, "the route has changed");
      append_error(judged.refusal, http::info_of(Code::not_found).name, "This route has changed.",
                   {}, 0);
    }
    co_return judged.refusal;
  }

  const Services& s_;
  const Forwarding& forwarding_;
  const std::string rewrite_;
  const bool inspected_;
  const bool compresses_;  ///< to the client; the service is offered none
  const std::shared_ptr<ServiceGroup> group_;
  const SocketDoor door_;
  const websocket::ConnectionOptions options_;
  const http::HeaderBlock own_fields_;
};

SocketProxy::SocketProxy(const Services& services, const Forwarding& forwarding,
                         const config::RouteSettings& route, std::shared_ptr<ServiceGroup> group)
    : schema_(std::make_unique<TypeSchema>(route.proxy->types)),
      opening_(std::make_unique<Opening>(services, forwarding, route, std::move(group))) {}

SocketProxy::~SocketProxy() = default;

pipeline::RouteHandler* SocketProxy::opening() const noexcept { return opening_.get(); }
const pipeline::BodySchema* SocketProxy::schema() const noexcept { return schema_.get(); }

}  // namespace portcullis::routes
