#include "routes/proxy/answer_rules.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/fields.hpp"

namespace portcullis::routes {
namespace {

using detect::LeakTail;
using Syntax = detect::LeakScanner::Syntax;

/// Charsets in which what the rules look for has the bytes of ASCII.
bool keeps_ascii(std::string_view charset) {
  static constexpr std::array<std::string_view, 6> kOnes = {"",         "utf-8", "utf8",
                                                            "us-ascii", "ascii", "gb18030"};
  static constexpr std::array<std::string_view, 2> kFamilies = {"iso-8859-", "windows-125"};
  return std::ranges::find(kOnes, charset) != kOnes.end() ||
         std::ranges::any_of(kFamilies, [&](auto one) { return charset.starts_with(one); });
}

/// What speaks of the bytes of a body.
constexpr std::array<std::string_view, 6> kOfBytes = {
    "etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"};

}  // namespace

Result<AnswerRules> AnswerRules::make(const detect::LeakRules& rules,
                                      const config::ProtectedRoute& route) {
  AnswerRules out;
  out.rules_ = &rules;
  out.mode_ = route.leaks;
  TRY(out.asked_, rules.all_but(route.leaks_except));
  return out;
}

std::optional<Syntax> AnswerRules::syntax_of(const http::ResponseHeadView& head) {
  const auto type = http::media_type(head.content_type);
  if (type == "application/json" || type.ends_with("+json") || type == "application/x-ndjson" ||
      type == "application/jsonl") {
    return Syntax::json;
  }
  if (type == "text/html" || type == "text/xml" || type == "application/xml" ||
      type.ends_with("+xml")) {
    return Syntax::markup;
  }
  // What says nothing may be shown as text.
  if (type.empty() || type.starts_with("text/")) return Syntax::text;
  return std::nullopt;
}

std::optional<std::string_view> AnswerRules::fault_of(const http::ResponseHeadView& head) {
  if (head.status == 206) return "a part, which nobody had asked for";
  if (!syntax_of(head)) return std::nullopt;
  bool packed = false;
  std::size_t types = 0;
  head.fields.for_each([&](std::string_view name, std::string_view value) {
    types += text::iequals(name, "content-type") ? 1 : 0;
    packed |= text::iequals(name, "content-encoding") && !text::trim(value).empty() &&
              !text::iequals(text::trim(value), "identity");
  });
  if (packed) return "compressed, though that was not asked for";
  if (types > 1) return "of two types";
  if (!keeps_ascii(http::charset(head.content_type))) return "in a charset that is not read";
  return std::nullopt;
}

http::HeaderBlock AnswerRules::without_digests(const http::HeaderBlock& fields) {
  http::HeaderBlock out;
  fields.for_each([&](std::string_view name, std::string_view value) {
    const bool of_bytes =
        std::ranges::any_of(kOfBytes, [&](auto one) { return text::iequals(one, name); });
    if (!of_bytes) out.add(name, value);
  });
  return out;
}

pipeline::Incident AnswerRules::incident(const detect::RuleSet& found,
                                         const std::string& service) const {
  std::string names;
  bool secret = false;
  for (std::size_t i = 0; i < rules_->rules().size(); ++i) {
    if (!found.test(i)) continue;
    const auto& rule = rules_->rules()[i];
    (names += names.empty() ? "" : ",") += rule.id;
    secret |= rule.tail != LeakTail::line && rule.tail != LeakTail::two_lines;
  }
  pipeline::Incident out{audit::EventType::data_access,
                         secret ? audit::ThreatLevel::high : audit::ThreatLevel::medium, "RSP_001",
                         service + ": an answer held what must not leave: " + names};
  out.details = {{"rules", std::move(names)}, {"leaks", masks() ? "masked" : "withheld"}};
  return out;
}

}  // namespace portcullis::routes
