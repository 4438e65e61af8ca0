#include "state/redis/sealed_message.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/seal.hpp"

namespace portcullis::state {
namespace {

constexpr std::string_view kContext = "portcullis message 1";

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

MessageSealer::MessageSealer(const SessionId& session)
    : key_([&] {
        // The id is as random as a key should be: one digest under a label of its own is enough.
        std::string labelled = "portcullis history";
        labelled.append(reinterpret_cast<const char*>(session.data()), session.size());
        return std::string(crypto::bytes_of(crypto::sha256(labelled)));
      }()) {}

std::string MessageSealer::seal(const Message& message) const {
  std::string plain;
  plain.reserve(message.content.size() + 128);
  plain += message.role == Message::Role::user ? 'u' : 'a';
  put(plain,
      std::to_string(
          std::chrono::duration_cast<Milliseconds>(message.created.time_since_epoch()).count()));
  put(plain, message.id);
  put(plain, message.client_id);
  plain += message.content;
  return crypto::seal(key_, kContext, plain);
}

std::optional<Message> MessageSealer::open(std::string_view sealed) const {
  const auto plain = crypto::open_sealed(key_, kContext, sealed);
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

}  // namespace portcullis::state
