#include "routes/validation.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/url/parse.hpp>

#include "base/origin.hpp"
#include "base/text.hpp"

namespace portcullis::routes {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxContextBytes = 5000;
constexpr std::size_t kMaxContextString = 1000;
constexpr std::size_t kMaxListItems = 100;
constexpr std::size_t kMaxListString = 500;
constexpr int kMaxContextDepth = 4;
constexpr std::string_view kContextKeys[] = {
    "user_id",      "page_title",  "page_section", "product_id", "category",
    "search_query", "user_intent", "language",     "timezone",   "custom_data"};

/// What of a User-Agent is passed on: no control characters, nothing that HTML would take for
/// itself.
constexpr auto kUserAgentChars = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 256; ++c) {
    table[c] = c != 0x7f && c != '<' && c != '>' && c != '"' && c != '\'';
  }
  return table;
}();

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }
std::string_view view(json::string_view s) { return {s.data(), s.size()}; }

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 &&
         std::ranges::all_of(key, [](char c) { return text::is_alnum(c) || c == '_'; });
}

/// Whether a value of the context is of a form and size that is passed on.
bool fits(const json::value& value, int depth) {
  if (depth > kMaxContextDepth) return false;
  if (const auto* s = value.if_string()) return text::utf8_length(view(*s)) <= kMaxContextString;
  if (const auto* list = value.if_array()) {
    return list->size() <= kMaxListItems &&
           std::ranges::all_of(*list, [&](const json::value& item) {
             if (const auto* s = item.if_string())
               return text::utf8_length(view(*s)) <= kMaxListString;
             return item.is_number() || item.is_bool();
           });
  }
  if (const auto* object = value.if_object()) {
    return std::ranges::all_of(*object, [&](const auto& member) {
      return is_key(view(member.key())) && fits(member.value(), depth + 1);
    });
  }
  return true;
}

}  // namespace

std::optional<std::string> parse_domain(std::string_view text) {
  text = text::trim_unicode(text);
  if (text.size() > kMaxUrlBytes || !text::is_utf8(text)) return std::nullopt;
  // A name in its Unicode form: its structure is checked with a letter for each character outside
  // ASCII.
  std::string shape;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      shape += c;
    else if ((byte & 0xc0) == 0xc0)
      shape += 'x';
  }
  if (shape.find("://") != std::string::npos) {
    const auto origin = Origin::of_url(shape);
    return origin ? std::optional(origin->host) : std::nullopt;
  }
  auto host = HostPort::parse(shape);
  return host ? std::optional(std::move(host->host)) : std::nullopt;
}

std::optional<std::string> page_url_fault(const boost::json::value& value) {
  const std::string_view url(value.get_string().data(), value.get_string().size());
  if (url.empty()) return std::nullopt;
  if (url.size() > kMaxUrlBytes) return "The URL is longer than 2000 characters.";
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return "The URL holds spaces or control characters.";
  }
  const auto origin = Origin::of_url(url);
  if (!origin) return "The URL must be an http or https URL.";
  const auto authority = url.substr(url.find("://") + 3);
  if (authority.substr(0, authority.find_first_of("/?#")).find('@') != std::string_view::npos) {
    return "The URL must not hold a user name or password.";
  }
  // Browsers leave some characters unescaped that RFC 3986 wants escaped; structure is what counts
  // here.
  std::string strict;
  for (const char c : url) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == '|' || c == '^' || c == '`' || c == '{' ||
        c == '}' || c == '"' || c == '<' || c == '>' || c == '[' || c == ']' || c == '\\') {
      strict += "%20";
    } else {
      strict += c;
    }
  }
  if (url.find('[') == std::string_view::npos && !boost::urls::parse_uri(strict))
    return "The URL is malformed.";
  return std::nullopt;
}

std::optional<std::string> message_fault(std::string_view message, std::size_t max_chars) {
  const auto trimmed = text::trim_unicode(message);
  if (trimmed.empty()) return "The message is blank.";
  if (text::utf8_length(trimmed) > max_chars) {
    return "The message is longer than " + std::to_string(max_chars) + " characters.";
  }
  if (trimmed.find('\0') != std::string_view::npos) return "The message holds a NUL character.";
  return std::nullopt;
}

std::optional<std::string> context_fault(const json::value& context) {
  if (json::serialize(context).size() > kMaxContextBytes)
    return "The context is larger than 5000 bytes.";
  return std::nullopt;
}

Context clean_context(const json::value& context, bool only_allowed) {
  Context out;
  json::object kept;
  for (const auto& member : context.get_object()) {
    const auto key = view(member.key());
    const bool known =
        !only_allowed || std::ranges::find(kContextKeys, key) != std::end(kContextKeys);
    if (known && is_key(key) && fits(member.value(), 1)) {
      kept.emplace(member.key(), member.value());
    } else if (out.dropped.size() < 20) {
      out.dropped.emplace_back(text::utf8_prefix(key, 64));
    }
  }
  if (!kept.empty()) out.json = json::serialize(kept);
  return out;
}

std::string clean_user_agent(std::string_view user_agent) {
  std::string out(text::utf8_prefix(user_agent, 500));
  std::erase_if(out, [](char c) { return !kUserAgentChars[static_cast<unsigned char>(c)]; });
  return out;
}

}  // namespace portcullis::routes
