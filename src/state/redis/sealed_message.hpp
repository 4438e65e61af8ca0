#pragma once
#include <optional>
#include <string>

#include "state/store.hpp"

namespace portcullis::state {

/// Messages of one session on their way out of the process and back.
///
/// Cost: a key derivation when made, an encryption a message.
class MessageSealer {
 public:
  explicit MessageSealer(const SessionId& session);

  std::string seal(const Message& message) const;
  /// @returns nullopt where it was sealed for another session, or changed.
  std::optional<Message> open(std::string_view sealed) const;

 private:
  std::string key_;
};

}  // namespace portcullis::state
