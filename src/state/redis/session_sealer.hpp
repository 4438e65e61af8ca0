#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

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

  std::string seal(std::span<const RelayedEvent> events) const;
  std::optional<std::vector<RelayedEvent>> open_events(std::string_view sealed) const;

 private:
  std::string key_;
};

}  // namespace portcullis::state
