#pragma once
#include <array>
#include <memory>
#include <string>

#include "http/websocket/connection.hpp"
#include "http/websocket/handshake.hpp"
#include "routes/services.hpp"
#include "routes/websocket/message_request.hpp"

namespace portcullis::routes {

/// How the WebSockets of a configuration behave, where their route says nothing else.
http::websocket::ConnectionOptions socket_options(const config::Settings& settings);

/// What operators ask of WebSockets, as one JSON object: seven figures.
std::string socket_statistics(const Services& services, WallTime now);

class SocketDoor;

/// One open WebSocket and its place among all; given back when it is destroyed.
class Socket {
 public:
  http::websocket::Connection connection;
  http::websocket::Census::Place place;

  /// The next message, counted; nullopt at the end.
  Task<std::optional<http::websocket::Connection::Message>> receive();
  /// From now on asks the guards at each ping whether who opened it may still have it, by a request
  /// of the class `look` on its own path, and closes it where they refuse.
  void watch();
  /// Last of all: waits for the end of the connection, and counts how it ended.
  Task<void> finish();

 private:
  friend class SocketDoor;
  Socket(const SocketDoor& door, http::Exchange& exchange, http::Exchange::Upgraded upgraded,
         const http::websocket::ConnectionOptions& options);

  Task<void> look();

  const SocketDoor& door_;
  http::Exchange& exchange_;
  MessageRequest* look_ = nullptr;  ///< under way
  net::Signal looked_;
};

/// Opens the WebSockets of one route: the handshake, the caps, the figures.
///
/// Threads: any worker; immutable.
class SocketDoor {
 public:
  SocketDoor(const Services& services, const std::string& route);

  /// The first half of open(), for who has something to do before it is answered: reads the
  /// handshake and takes a place. @returns nullopt where the request was refused.
  Task<std::optional<http::websocket::Handshake>> admit(
      http::Exchange& exchange, http::websocket::Census::Place& place) const;
  /// The second half.
  Task<std::unique_ptr<Socket>> open(http::Exchange& exchange, http::websocket::Handshake handshake,
                                     http::websocket::Census::Place& place,
                                     std::string_view protocol,
                                     http::websocket::ConnectionOptions options) const;
  /// Answers the handshake. `protocol`: the subprotocol to accept, empty for none. Compression is
  /// accepted where `options` say `offers_deflate`.
  /// @returns null where the request was refused, or the client has gone.
  Task<std::unique_ptr<Socket>> open(http::Exchange& exchange, std::string_view protocol,
                                     http::websocket::ConnectionOptions options,
                                     bool offers_deflate = false) const;

 private:
  friend class Socket;
  Task<void> refuse_full(http::Exchange& exchange, http::websocket::Census::Outcome outcome) const;
  void count_close(std::uint16_t code) const;

  const Services& s_;
  observe::CounterFamily& messages_;
  observe::CounterFamily& closed_;
  observe::CounterFamily::Cell messages_cell_;
  observe::CounterFamily::Cell other_cell_;
  std::vector<std::pair<std::uint16_t, observe::CounterFamily::Cell>> closed_cells_;
};

}  // namespace portcullis::routes
