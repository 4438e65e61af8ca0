#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::config {

/// The JSON that a plain webhook is sent, as its operator writes it: with placeholders such as
/// `{{message}}` inside of strings for what differs from message to message.
///
/// The template is JSON itself, so placeholders can stand nowhere but in strings; whoever fills one
/// in writes JSON string content, and the result is JSON again, whatever a visitor said.
/// `"{{history}}"` alone is replaced with its quotes: it stands for a list.
///
/// Threads: any; immutable.
/// Errors:  what an operator is told, without the place.
/// Cost:    parse() once at load; parts() is what a message costs.
class RequestTemplate {
 public:
  enum class Slot : std::uint8_t {
    message,
    message_id,
    session_id,
    origin_domain,
    page_url,
    user_id,
    history,
  };
  /// Text as it is, and what comes after it; the last part has no slot.
  struct Part {
    std::string text;
    std::optional<Slot> slot;
  };

  /// @returns what is wrong: no JSON, an unknown placeholder, one in a name, no `{{message}}`.
  static std::expected<RequestTemplate, std::string> parse(std::string_view text);

  const std::vector<Part>& parts() const noexcept { return parts_; }
  bool has(Slot slot) const noexcept;

 private:
  std::vector<Part> parts_;
};

}  // namespace portcullis::config
