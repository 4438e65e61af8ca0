#include "routes/security/reason.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::routes {
namespace {

constexpr std::size_t kMaxReason = 200;

}  // namespace

std::optional<std::string> reason_fault(const boost::json::value& value) {
  const std::string_view text(value.get_string().data(), value.get_string().size());
  if (text::trim(text).empty()) return "The reason is blank.";
  if (text.size() > kMaxReason) return "The reason has more than 200 bytes.";
  const bool plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!plain) return "The reason has control characters.";
  return std::nullopt;
}

}  // namespace portcullis::routes
