#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.hpp"
#include "http/websocket/deflate.hpp"

namespace portcullis::http::websocket {

/// What a client's opening handshake asks for.
struct Handshake {
  std::string accept;  ///< the value of Sec-WebSocket-Accept
  std::optional<Deflate> deflate;
};

/// Checks a request for a WebSocket: GET by HTTP/1.1 without a body, the two tokens that say so,
/// version 13 and one key of 16 bytes.
///
/// Source: RFC 6455 section 4.2.1.
std::expected<Handshake, Problem> read_handshake(const Exchange& exchange);

/// The value of Sec-WebSocket-Accept for a key (section 4.2.2).
std::string accept_of(std::string_view key);

/// The subprotocols that a client offers, in its order.
std::vector<std::string_view> offered_protocols(const RequestHead& head);

/// The token of the protocol `bearer.TOKEN`, the one place where a browser can put a credential
/// beside cookies; empty, which is none, where several are offered. nullopt: none is.
std::optional<std::string_view> offered_bearer(const RequestHead& head);
/// Likewise of `dpop.PROOF`.
std::optional<std::string_view> offered_proof(const RequestHead& head);

/// The head that a handshake is answered with. `protocol`: the one chosen, empty for none.
ResponseHead handshake_answer(const Handshake& handshake, std::string_view protocol);

/// What a client says to open a connection of its own: fields for a request head, `key` in them.
std::string client_handshake(std::string_view key);
/// A key for one connection.
std::string new_key();

}  // namespace portcullis::http::websocket
