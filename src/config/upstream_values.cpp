#include "config/upstream_values.hpp"

#include <algorithm>
#include <charconv>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "config/request_template.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kLongestModel = 200;
constexpr std::size_t kLongestPrompt = 64 * 1024;
constexpr std::size_t kLongestPointer = 500;
constexpr std::size_t kMostDecimals = 6;
constexpr std::size_t kLongestHeader = 8 * 1024;

/// Fields that say how the request itself is sent and read.
constexpr std::string_view kOwnFields[] = {"host",
                                           "content-length",
                                           "transfer-encoding",
                                           "connection",
                                           "keep-alive",
                                           "te",
                                           "trailer",
                                           "upgrade",
                                           "expect",
                                           "content-type",
                                           "user-agent",
                                           "proxy-authorization",
                                           "accept-encoding",
                                           "accept",
                                           "idempotency-key"};

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

std::optional<std::string> protected_url_fault(std::string_view url) {
  if (auto fault = upstream_url_fault(url)) return fault;
  const auto origin = Origin::of_url(url);
  if (!origin || origin->scheme == "https" || is_loopback_host(origin->host)) return std::nullopt;
  return "'" + std::string(url) + "' is not https";
}

std::optional<std::string> api_key_fault(std::string_view key) {
  if (is_visible(key)) return std::nullopt;
  return "a key has visible ASCII characters only";
}

std::optional<std::string> model_fault(std::string_view model) {
  if (is_visible(model) && model.size() <= kLongestModel) return std::nullopt;
  return "the name of a model has at most 200 visible ASCII characters";
}

std::optional<std::string> temperature_fault(std::string_view temperature) {
  // 0.7 as JSON writes it: one digit, and a point only between digits.
  const auto rest = temperature.substr(std::min<std::size_t>(1, temperature.size()));
  const bool number =
      temperature.empty() ||
      (text::is_digit(temperature.front()) &&
       (rest.empty() || (rest.size() > 1 && rest.size() <= kMostDecimals + 1 && rest[0] == '.' &&
                         std::ranges::all_of(rest.substr(1), text::is_digit))));
  if (number && temperature_of(temperature) <= 2) return std::nullopt;
  return "'" + std::string(temperature) + "' is no number from 0 to 2";
}

double temperature_of(std::string_view temperature) noexcept {
  double value = 0;
  std::from_chars(temperature.data(), temperature.data() + temperature.size(), value);
  return value;
}

std::optional<std::string> request_fault(std::string_view request) {
  if (request.empty()) return std::nullopt;
  const auto parsed = RequestTemplate::parse(request);
  return parsed ? std::nullopt : std::optional(parsed.error());
}

std::optional<std::string> answer_fault(std::string_view answer) {
  bool good = answer.size() <= kLongestPointer && (answer.empty() || answer.front() == '/') &&
              text::is_utf8(answer);
  for (std::size_t i = 0; good && i < answer.size(); ++i) {
    if (answer[i] == '~') good = i + 1 < answer.size() && (answer[i + 1] | 1) == '1';
  }
  if (good) return std::nullopt;
  return "'" + std::string(answer) + "' is no JSON pointer, such as /data/0/text";
}

std::optional<std::string> header_fault(std::string_view header) {
  const auto name = header.substr(0, header.find(':'));
  if (name.size() == header.size() || !text::is_token(name)) {
    return "a header is written as `Name: value`";
  }
  if (std::ranges::find(kOwnFields, text::to_lower(name)) != std::end(kOwnFields)) {
    return "the header " + std::string(name) + " is the gateway's own";
  }
  const auto value = header.substr(name.size() + 1);
  const bool printable =
      std::ranges::all_of(value, [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
  if (printable && !text::trim(value).empty() && header.size() <= kLongestHeader)
    return std::nullopt;
  return "the value of the header " + std::string(name) + " is empty, too long or not ASCII";
}

std::optional<std::string> identity_text_fault(std::string_view text) {
  const bool plain = std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (plain && text.size() <= 256 && text::is_utf8(text)) return std::nullopt;
  return "is no text of at most 256 bytes";
}

std::optional<std::string> prompt_fault(std::string_view prompt) {
  const bool plain = std::ranges::none_of(prompt, [](char c) {
    return c == 0x7f || (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t');
  });
  if (plain && prompt.size() <= kLongestPrompt && text::is_utf8(prompt)) return std::nullopt;
  return "a prompt is UTF-8 text of at most 64 KiB";
}

}  // namespace portcullis::config
