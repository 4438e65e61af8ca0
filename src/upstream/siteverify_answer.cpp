#include "upstream/siteverify_answer.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "http/json_body.hpp"

namespace portcullis::upstream {
namespace {

namespace json = boost::json;

constexpr http::JsonLimits kLimits{.max_depth = 8, .max_keys = 64};

/// What is our operator's to mend: no token can be the reason.
constexpr std::string_view kOfSecret[] = {"missing-input-secret", "invalid-input-secret"};
constexpr std::string_view kOfProvider = "internal-error";

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

/// A member that is a text, or is not there. False where it is something else.
bool take_text(const json::object& object, std::string_view name, std::string& out) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_string()) return false;
  out = view(value->get_string());
  return true;
}

/// What the codes of a failed check say of the provider and of us; of the token they say nothing
/// that matters here.
Result<identity::CaptchaAnswer> judge_codes(const json::object& object) {
  const auto* codes = object.if_contains("error-codes");
  if (codes == nullptr || codes->is_null()) return identity::CaptchaAnswer{};
  if (!codes->is_array()) return unusable("the provider's error codes are no list");
  for (const auto& code : codes->get_array()) {
    if (!code.is_string()) return unusable("an error code of the provider is no text");
    const auto name = view(code.get_string());
    if (std::ranges::find(kOfSecret, name) != std::end(kOfSecret)) {
      return fail(ErrorCode::unauthorized, "the provider does not accept the secret",
                  ErrorOrigin::upstream);
    }
    if (name == kOfProvider) {
      return fail(ErrorCode::unavailable, "the provider failed", ErrorOrigin::upstream);
    }
  }
  return identity::CaptchaAnswer{};
}

}  // namespace

Result<identity::CaptchaAnswer> parse_siteverify_answer(std::string_view text) {
  const auto parsed = http::parse_json(text, kLimits);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return unusable("the provider's answer is no JSON object");
  const auto* success = object->if_contains("success");
  if (success == nullptr || !success->is_bool()) {
    return unusable("the provider's answer does not say whether the token is good");
  }
  if (!success->get_bool()) return judge_codes(*object);
  identity::CaptchaAnswer out;
  out.success = true;
  std::string solved_at;
  if (!take_text(*object, "challenge_ts", solved_at) ||
      !take_text(*object, "hostname", out.hostname) || !take_text(*object, "action", out.action) ||
      !take_text(*object, "cdata", out.cdata)) {
    return unusable("a member of the provider's answer is no text");
  }
  const auto time = text::parse_iso8601(solved_at);
  if (!time) return unusable("the provider does not say when the captcha was solved");
  out.solved_at = *time;
  return out;
}

Result<void> SiteverifyDecoder::finish(std::vector<std::string>& pieces) {
  (void)pieces;
  TRY(out_, parse_siteverify_answer(held_));
  return {};
}

}  // namespace portcullis::upstream
