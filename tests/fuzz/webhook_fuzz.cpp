// A webhook's template (before the first zero byte) and what a visitor says (behind it): whatever
// both are, what is posted is JSON, and what was said is text in it and nothing else.
#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "upstream/webhook.hpp"

namespace {

using portcullis::fuzz::require;
namespace upstream = portcullis::upstream;
namespace json = boost::json;

constexpr std::size_t kHistory = 2;

/// The same value but for the content of strings and the length of one list.
bool same_shape(const json::value& a, const json::value& b) {
  if (a.is_string() && b.is_array()) return b.get_array().size() == kHistory;  // "{{history}}"
  if (a.kind() != b.kind()) return a.is_number() && b.is_number();
  if (a.is_array()) {
    const auto& [x, y] = std::tie(a.get_array(), b.get_array());
    return std::ranges::equal(x, y, same_shape);
  }
  if (a.is_object()) {
    const auto& [x, y] = std::tie(a.get_object(), b.get_object());
    return std::ranges::equal(x, y, [](const auto& p, const auto& q) {
      return p.key() == q.key() && same_shape(p.value(), q.value());
    });
  }
  return true;
}

json::value parsed(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  auto value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  require(!error, "the body is JSON");
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const auto input = portcullis::fuzz::text_of(data, size);
  const auto written = input.substr(0, input.find('\0'));
  const auto request = portcullis::config::RequestTemplate::parse(written);
  if (!request) {
    require(!request.error().empty(), "an operator is told what is wrong");
    return 0;
  }
  upstream::Question question;
  question.message = input.substr(std::min(input.size(), written.size() + 1));
  question.page_url = question.message;
  question.history = {{upstream::PastMessage::Role::user, question.message},
                      {upstream::PastMessage::Role::assistant, "said"}};
  static_assert(kHistory == 2);
  const std::string body = upstream::Webhook::payload(*request, question);
  require(portcullis::text::is_utf8(body), "the body is UTF-8");
  require(same_shape(parsed(written), parsed(body)), "the body has the template's shape");
  return 0;
}
