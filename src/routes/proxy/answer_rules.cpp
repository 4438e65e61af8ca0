#include "routes/proxy/answer_rules.hpp"

#include <algorithm>
#include <array>
#include <span>

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

bool is_any_of(std::string_view type, std::span<const std::string_view> ones) {
  return std::ranges::find(ones, type) != ones.end();
}

/// Types of which no reader makes text.
bool is_binary(std::string_view type) {
  static constexpr std::array<std::string_view, 4> kFamilies = {"image/", "audio/", "video/",
                                                                "font/"};
  static constexpr std::array<std::string_view, 22> kOnes = {
      "application/octet-stream",
      "application/pdf",
      "application/zip",
      "application/gzip",
      "application/x-gzip",
      "application/zstd",
      "application/x-bzip2",
      "application/x-xz",
      "application/x-7z-compressed",
      "application/x-rar-compressed",
      "application/vnd.rar",
      "application/x-tar",
      "application/java-archive",
      "application/wasm",
      "application/protobuf",
      "application/x-protobuf",
      "application/grpc",
      "application/cbor",
      "application/msgpack",
      "application/msword",
      "application/vnd.ms-excel",
      "application/vnd.ms-fontobject",
  };
  const bool of_family =
      std::ranges::any_of(kFamilies, [&](auto one) { return type.starts_with(one); });
  return of_family || is_any_of(type, kOnes) || type.ends_with("+zip") ||
         type.starts_with("application/vnd.openxmlformats-officedocument.") ||
         type.starts_with("application/vnd.oasis.opendocument.");
}

bool is_media_type(std::string_view type) {
  const auto slash = type.find('/');
  return slash != std::string_view::npos && text::is_token(type.substr(0, slash)) &&
         text::is_token(type.substr(slash + 1));
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
  static constexpr std::array<std::string_view, 9> kJson = {
      "application/json",    "text/json",
      "text/x-json",         "application/x-json",
      "application/ndjson",  "application/x-ndjson",
      "application/jsonl",   "application/x-jsonlines",
      "application/json-seq"};
  static constexpr std::array<std::string_view, 4> kMarkup = {"text/html", "text/xml",
                                                              "application/xml", "text/xsl"};
  if (is_any_of(type, kJson) || type.ends_with("+json") || type.ends_with("+json-seq")) {
    return Syntax::json;
  }
  if (is_any_of(type, kMarkup) || type.ends_with("+xml")) return Syntax::markup;
  if (is_binary(type)) return std::nullopt;
  // What says nothing, or is unknown, may be shown as text.
  return Syntax::text;
}

std::optional<std::string_view> AnswerRules::fault_of(const http::ResponseHeadView& head) {
  if (head.status == 206) return "a part, which nobody had asked for";
  bool packed = false;
  std::size_t types = 0;
  head.fields.for_each([&](std::string_view name, std::string_view value) {
    types += text::iequals(name, "content-type") ? 1 : 0;
    packed |= text::iequals(name, "content-encoding") && !text::trim(value).empty() &&
              !text::iequals(text::trim(value), "identity");
  });
  if (types > 1) return "of two types";
  // Browsers read the last of several with commas between them.
  const auto type = http::media_type(head.content_type);
  const bool is_one = is_media_type(type) && !head.content_type.contains(',');
  if (!type.empty() && !is_one) return "of a type that is none";
  if (!syntax_of(head)) return std::nullopt;
  if (packed) return "compressed, though that was not asked for";
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
