#include "state/redis/session_sealer.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/seal.hpp"

namespace portcullis::state {
namespace {

constexpr std::string_view kMessage = "portcullis message 1";
constexpr std::string_view kEvents = "portcullis events 1";

void put(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
}

std::optional<std::string_view> take(std::string_view& in) {
  const auto colon = in.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto size = text::parse_number<std::size_t>(in.substr(0, colon));
  if (!size || *size > in.size() - colon - 1) return std::nullopt;
  const auto field = in.substr(colon + 1, *size);
  in.remove_prefix(colon + 1 + *size);
  return field;
}

}  // namespace

SessionSealer::SessionSealer(const SessionId& session)
    : key_([&] {
        // The id is as random as a key should be: one digest under a label of its own is enough.
        std::string labelled = "portcullis history";
        labelled.append(reinterpret_cast<const char*>(session.data()), session.size());
        return std::string(crypto::bytes_of(crypto::sha256(labelled)));
      }()) {}

std::string SessionSealer::seal(const Message& message) const {
  std::string plain;
  plain.reserve(message.content.size() + 128);
  plain += message.role == Message::Role::user ? 'u' : 'a';
  put(plain,
      std::to_string(
          std::chrono::duration_cast<Milliseconds>(message.created.time_since_epoch()).count()));
  put(plain, message.id);
  put(plain, message.client_id);
  plain += message.content;
  return crypto::seal(key_, kMessage, plain);
}

std::optional<Message> SessionSealer::open_message(std::string_view sealed) const {
  const auto plain = crypto::open_sealed(key_, kMessage, sealed);
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view rest = *plain;
  Message out;
  out.role = rest.front() == 'u' ? Message::Role::user : Message::Role::assistant;
  rest.remove_prefix(1);
  const auto created = take(rest);
  const auto id = take(rest);
  const auto client_id = take(rest);
  if (!created || !id || !client_id) return std::nullopt;
  out.created = WallTime{Milliseconds{text::parse_number<std::int64_t>(*created).value_or(0)}};
  out.id = *id;
  out.client_id = *client_id;
  out.content = rest;
  return out;
}

std::string SessionSealer::seal(const RelayedPiece& piece) const {
  std::string plain;
  put(plain, std::to_string(piece.behind));
  for (const auto& event : piece.events) {
    plain += event.ends_message ? 'e' : 'm';
    put(plain, std::to_string(event.id));
    put(plain, event.message_id);
    put(plain, event.json);
  }
  return crypto::seal(key_, kEvents, plain);
}

std::optional<RelayedBatch> SessionSealer::open_batch(std::string_view sealed) const {
  const auto plain = crypto::open_sealed(key_, kEvents, sealed);
  if (!plain) return std::nullopt;
  std::string_view rest = *plain;
  const auto behind = take(rest);
  if (!behind) return std::nullopt;
  RelayedBatch out;
  out.behind = text::parse_number<std::uint64_t>(*behind).value_or(0);
  while (!rest.empty()) {
    const bool ends = rest.front() == 'e';
    rest.remove_prefix(1);
    const auto id = take(rest);
    const auto message_id = take(rest);
    const auto json = take(rest);
    if (!id || !message_id || !json) return std::nullopt;
    out.events.push_back({text::parse_number<std::uint64_t>(*id).value_or(0),
                          std::string(*message_id), std::string(*json), ends});
  }
  if (out.events.empty()) return std::nullopt;
  return out;
}

}  // namespace portcullis::state
