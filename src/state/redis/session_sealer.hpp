#pragma once
#include <optional>
#include <string>

#include "state/event_relay.hpp"
#include "state/store.hpp"

namespace portcullis::state {

/// What visitors and assistants said in one session, on its way out of the process and back. What
/// was sealed for another session, or changed, does not open.
///
/// Cost: a key derivation when made, an encryption a text.
class SessionSealer {
 public:
  explicit SessionSealer(const SessionId& session);

  std::string seal(const Message& message) const;
  std::optional<Message> open_message(std::string_view sealed) const;

  std::string seal(const RelayedPiece& piece) const;
  /// All but the node.
  std::optional<RelayedBatch> open_batch(std::string_view sealed) const;

 private:
  std::string key_;
};

}  // namespace portcullis::state
