#include "http/websocket/handshake.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::http::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kKeyText = 24;

std::string base64(std::string_view bytes) {
  std::string out = text::base64url(bytes);
  std::ranges::replace(out, '-', '+');
  std::ranges::replace(out, '_', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

bool has_token(const RequestHead& head, std::string_view field, std::string_view token) {
  bool found = false;
  head.for_each(field, [&](std::string_view value) {
    found = found || std::ranges::any_of(text::split_list(value),
                                         [&](auto part) { return text::iequals(part, token); });
  });
  return found;
}

bool is_key(std::string_view key) {
  if (key.size() != kKeyText || !key.ends_with("==")) return false;
  std::string url(key.substr(0, kKeyText - 2));
  if (url.find_first_of("-_") != std::string::npos) return false;
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  const auto bytes = text::base64url_decode(url);
  return bytes && bytes->size() == kKeyBytes;
}

std::unexpected<Problem> refuse(Code code, const char* detail) {
  return std::unexpected(Problem(code, detail));
}

}  // namespace

std::expected<Handshake, Problem> read_handshake(const Exchange& exchange) {
  const auto& head = exchange.head();
  if (head.method != Method::get || head.version < 11) {
    return refuse(Code::bad_request, "A WebSocket is opened by GET and HTTP/1.1.");
  }
  if (!has_token(head, "upgrade", "websocket") || !has_token(head, "connection", "upgrade")) {
    return refuse(Code::upgrade_required, "Here is a WebSocket.");
  }
  if (exchange.framing().body != Framing::Body::none) {
    return refuse(Code::bad_request, "A handshake has no body.");
  }
  if (head.count("sec-websocket-version") != 1 || head.get("sec-websocket-version") != "13") {
    return refuse(Code::upgrade_required, "The version of the protocol is 13.");
  }
  if (head.count("sec-websocket-key") != 1 || !is_key(head.get("sec-websocket-key"))) {
    return refuse(Code::bad_request, "Sec-WebSocket-Key is not one key of 16 bytes.");
  }
  std::string extensions;
  head.for_each("sec-websocket-extensions",
                [&](std::string_view value) { (extensions += value) += ','; });
  return Handshake{accept_of(head.get("sec-websocket-key")), choose_deflate(extensions)};
}

std::string accept_of(std::string_view key) {
  return base64(crypto::sha1(std::string(key).append(kGuid)));
}

std::vector<std::string_view> offered_protocols(const RequestHead& head) {
  std::vector<std::string_view> out;
  head.for_each("sec-websocket-protocol", [&](std::string_view value) {
    for (const auto protocol : text::split_list(value)) {
      if (text::is_token(protocol)) out.push_back(protocol);
    }
  });
  return out;
}

namespace {

std::optional<std::string_view> offered_with(const RequestHead& head, std::string_view prefix) {
  std::optional<std::string_view> out;
  for (const auto protocol : offered_protocols(head)) {
    if (!protocol.starts_with(prefix)) continue;
    out = out ? std::string_view{} : protocol.substr(prefix.size());
  }
  return out;
}

}  // namespace

std::optional<std::string_view> offered_bearer(const RequestHead& head) {
  return offered_with(head, "bearer.");
}

std::optional<std::string_view> offered_proof(const RequestHead& head) {
  return offered_with(head, "dpop.");
}

ResponseHead handshake_answer(const Handshake& handshake, std::string_view protocol) {
  ResponseHead head;
  head.status = 101;
  head.headers.add("Upgrade", "websocket");
  head.headers.add("Sec-WebSocket-Accept", handshake.accept);
  if (!protocol.empty()) head.headers.add("Sec-WebSocket-Protocol", protocol);
  if (handshake.deflate) {
    head.headers.add("Sec-WebSocket-Extensions", deflate_answer(*handshake.deflate));
  }
  return head;
}

std::string client_handshake(std::string_view key) {
  std::string out = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  ((out += "Sec-WebSocket-Key: ") += key) += "\r\n";
  return out;
}

std::string new_key() { return base64(crypto::random_bytes(kKeyBytes)); }

}  // namespace portcullis::http::websocket
