#include "routes/websocket/socket.hpp"

#include <algorithm>

#include "base/json_text.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::Problem;
using http::websocket::Census;
using http::websocket::Connection;
using http::websocket::ConnectionOptions;
namespace close_code = http::websocket::close_code;

constexpr std::size_t kKiB = 1024;
constexpr std::int64_t kTryAgain = 30;

/// What the gateway itself may say, and what browsers say.
constexpr std::array kCounted = {
    close_code::kNormal,          close_code::kGoingAway,       close_code::kProtocolError,
    close_code::kUnsupportedData, close_code::kNoStatus,        close_code::kAbnormal,
    close_code::kInvalidData,     close_code::kPolicyViolation, close_code::kTooBig,
    close_code::kInternalError,   close_code::kServiceRestart,  close_code::kBadGateway,
    close_code::kUnauthorized,    close_code::kTimeout,         close_code::kTooManyMessages};

}  // namespace

ConnectionOptions socket_options(const config::Settings& settings) {
  ConnectionOptions out;
  out.limits.bytes = static_cast<std::size_t>(settings.websocket_message_kib) * kKiB;
  out.ping_every = settings.websocket_ping;
  out.idle_timeout = settings.websocket_idle;
  out.write_timeout = settings.write_timeout;
  return out;
}

std::string socket_statistics(const Services& services, WallTime now) {
  const auto figures = services.sockets->figures(now);
  const auto& s = *services.settings;
  std::string out = "{";
  text::append_json_member(out, "total_connections", figures.open);
  text::append_json_member(out, "authenticated_connections", figures.authenticated);
  text::append_json_member(out, "unauthenticated_connections",
                           figures.open - figures.authenticated);
  text::append_json_member(out, "unique_ips", figures.addresses);
  text::append_json_member(out, "average_duration_seconds",
                           static_cast<std::int64_t>(figures.average_seconds));
  out += R"(,"connection_limits":{)";
  text::append_json_member(out, "max_connections_per_ip", s.websocket_max_per_address);
  text::append_json_member(out, "max_total_connections", s.websocket_max);
  text::append_json_member(out, "max_messages_per_minute", s.websocket_messages_minute);
  text::append_json_member(out, "max_message_size_kb", s.websocket_message_kib);
  out += '}';
  text::append_json_member(out, "total_messages_processed", figures.messages);
  return out += '}';
}

Socket::Socket(const SocketDoor& door, http::Exchange& exchange, http::Exchange::Upgraded upgraded,
               const ConnectionOptions& options)
    : connection(exchange.worker(), *upgraded.stream, std::move(upgraded.leftover), options),
      door_(door),
      exchange_(exchange),
      looked_(exchange.worker()) {}

Task<std::optional<Connection::Message>> Socket::receive() {
  auto message = co_await connection.receive();
  if (message) {
    place.count_message();
    door_.messages_.add(door_.messages_cell_);
  }
  co_return message;
}

void Socket::watch() {
  connection.set_tick([this] {
    if (look_ == nullptr) spawn(look());
  });
}

/// What is not known now the next look will tell.
Task<void> Socket::look() {
  MessageRequest request(exchange_, message_head(exchange_, "GET", exchange_.head().path(), {}), {},
                         MessageRequest::Vouched{});
  look_ = &request;
  co_await exchange_.road()->handle(request);
  if (request.status() == 401) {
    connection.close_after(request.refusal, close_code::kUnauthorized, "the credential is void");
  } else if (request.status() == 403 &&
             request.error_code != http::info_of(Code::challenge_required).name) {
    connection.close_after(request.refusal, close_code::kPolicyViolation, "not allowed any more");
  } else if (request.status() == 404 || request.status() == 405) {
    connection.close(close_code::kServiceRestart, "the route has changed");
  }
  look_ = nullptr;
  looked_.notify();
}

Task<void> Socket::finish() {
  exchange_.set_hook({});
  connection.set_tick({});
  if (look_ != nullptr) look_->leave();
  while (look_ != nullptr) co_await looked_;
  co_await connection.finish();
  if (!connection.fault().empty()) {
    door_.s_.reporter->report(exchange_,
                              {audit::EventType::network_security, audit::ThreatLevel::medium,
                               "WS_003", std::string(connection.fault())},
                              audit::EventDecision::refused);
  }
  door_.count_close(connection.closed_with());
}

SocketDoor::SocketDoor(const Services& services, const std::string& route)
    : s_(services),
      messages_(services.metrics->counter("portcullis_websocket_messages_total")),
      closed_(services.metrics->counter("portcullis_websocket_closed_total")),
      messages_cell_(messages_.cell({route})),
      other_cell_(closed_.cell({"other"})) {
  for (const auto code : kCounted) {
    closed_cells_.emplace_back(code, closed_.cell({std::to_string(code)}));
  }
}

Task<std::unique_ptr<Socket>> SocketDoor::open(http::Exchange& exchange, std::string_view protocol,
                                               ConnectionOptions options,
                                               bool offers_deflate) const {
  Census::Place place;
  auto handshake = co_await admit(exchange, place);
  if (!handshake) co_return nullptr;
  if (!offers_deflate) handshake->deflate.reset();
  co_return co_await open(exchange, *std::move(handshake), place, protocol, options);
}

Task<std::optional<http::websocket::Handshake>> SocketDoor::admit(http::Exchange& exchange,
                                                                  Census::Place& place) const {
  auto handshake = http::websocket::read_handshake(exchange);
  if (!handshake) {
    const std::string reason = handshake.error().detail;
    co_await s_.reporter->refuse(
        exchange, std::move(handshake).error(),
        {audit::EventType::input_validation, audit::ThreatLevel::low, "WS_001", reason});
    co_return std::nullopt;
  }
  const Census::Limits limits{static_cast<std::size_t>(s_.settings->websocket_max),
                              static_cast<std::size_t>(s_.settings->websocket_max_per_address)};
  const auto outcome =
      s_.sockets->admit(exchange.client.address, limits, exchange.worker().clock().wall(), place);
  if (outcome != Census::Outcome::admitted) {
    co_await refuse_full(exchange, outcome);
    co_return std::nullopt;
  }
  co_return *std::move(handshake);
}

Task<std::unique_ptr<Socket>> SocketDoor::open(http::Exchange& exchange,
                                               http::websocket::Handshake handshake,
                                               Census::Place& place, std::string_view protocol,
                                               ConnectionOptions options) const {
  options.deflate = handshake.deflate;
  auto upgraded = co_await exchange.upgrade(http::websocket::handshake_answer(handshake, protocol));
  if (!upgraded) co_return nullptr;
  exchange.places.give_back();  // a place among WebSockets is what it has from now on
  std::unique_ptr<Socket> socket(new Socket(*this, exchange, *std::move(upgraded), options));
  socket->place.take(place);
  co_return socket;
}

Task<void> SocketDoor::refuse_full(http::Exchange& exchange, Census::Outcome outcome) const {
  const bool of_address = outcome == Census::Outcome::address_reached;
  return s_.reporter->refuse(
      exchange,
      of_address ? Problem(Code::rate_limited, "Too many WebSockets of this address.", kTryAgain)
                 : Problem(Code::stream_limit, "Too many WebSockets.", kTryAgain),
      {audit::EventType::rate_limiting, audit::ThreatLevel::low, "WS_002",
       of_address ? "all WebSockets of the address are open" : "all WebSockets are open"});
}

void SocketDoor::count_close(std::uint16_t code) const {
  const auto known = std::ranges::find(closed_cells_, code, [](const auto& c) { return c.first; });
  closed_.add(known == closed_cells_.end() ? other_cell_ : known->second);
}

}  // namespace portcullis::routes
