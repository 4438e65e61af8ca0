#include "config/upstream_values.hpp"

#include <algorithm>

#include "base/origin.hpp"
#include "base/text.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kLongestModel = 200;
constexpr std::size_t kLongestPrompt = 64 * 1024;

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<std::string> upstream_url_fault(std::string_view url) {
  if (url.find('@') != std::string_view::npos)
    return "user and password do not belong into the URL";
  if (url.empty() || Origin::of_url(url)) return std::nullopt;
  return "'" + std::string(url) + "' is no http or https URL";
}

std::optional<std::string> api_key_fault(std::string_view key) {
  if (is_visible(key)) return std::nullopt;
  return "a key has visible ASCII characters only";
}

std::optional<std::string> model_fault(std::string_view model) {
  if (is_visible(model) && model.size() <= kLongestModel) return std::nullopt;
  return "the name of a model has at most 200 visible ASCII characters";
}

std::optional<std::string> prompt_fault(std::string_view prompt) {
  const bool plain = std::ranges::none_of(prompt, [](char c) {
    return c == 0x7f || (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t');
  });
  if (plain && prompt.size() <= kLongestPrompt && text::is_utf8(prompt)) return std::nullopt;
  return "a prompt is UTF-8 text of at most 64 KiB";
}

}  // namespace portcullis::config
