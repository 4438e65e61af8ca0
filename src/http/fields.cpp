#include "http/fields.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

/// A quality value in thousandths; 1000 where it is missing, 0 where it is malformed.
int quality_of(std::string_view parameters) {
  for (const auto parameter : text::split_list(parameters, ';')) {
    if (!text::istarts_with(parameter, "q=")) continue;
    // RFC 9110 section 12.4.2: 0 or 1, then at most three digits behind a point.
    const auto value = parameter.substr(2);
    if (value.empty() || value.size() > 5 || (value[0] != '0' && value[0] != '1')) return 0;
    if (value.size() > 1 && value[1] != '.') return 0;
    int thousandths = (value[0] - '0') * 1000;
    int weight = 100;
    for (std::size_t i = 2; i < value.size(); ++i, weight /= 10) {
      if (!text::is_digit(value[i])) return 0;
      thousandths += (value[i] - '0') * weight;
    }
    return thousandths > 1000 ? 0 : thousandths;
  }
  return 1000;
}

/// 3: the very type; 2: its family; 1: anything; 0: no match.
int specificity(std::string_view range, std::string_view type) {
  if (text::iequals(range, type)) return 3;
  if (range == "*/*") return 1;
  if (range.ends_with("/*") && text::istarts_with(type, range.substr(0, range.size() - 1)))
    return 2;
  return 0;
}

/// `scheme` with the space after it.
std::optional<std::string_view> token_of(const RequestHead& head, std::string_view scheme) {
  if (head.count("authorization") != 1) return std::nullopt;
  const auto value = head.get("authorization");
  if (!text::istarts_with(value, scheme)) return std::nullopt;
  return text::trim(value.substr(scheme.size()));
}

}  // namespace

std::vector<std::string_view> cookie_values(const RequestHead& head, std::string_view name,
                                            std::size_t most) {
  std::vector<std::string_view> out;
  head.for_each("cookie", [&](std::string_view line) {
    while (!line.empty() && out.size() < most) {
      const auto end = line.find(';');
      const auto pair = text::trim(line.substr(0, end));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        out.push_back(pair.substr(equals + 1));
      }
      if (end == std::string_view::npos) break;
      line.remove_prefix(end + 1);
    }
  });
  return out;
}

std::optional<std::string_view> bearer_token(const RequestHead& head) {
  return token_of(head, "Bearer ");
}
std::optional<std::string_view> dpop_token(const RequestHead& head) {
  return token_of(head, "DPoP ");
}

std::optional<std::size_t> negotiate(std::string_view accept,
                                     std::span<const std::string_view> offered) {
  if (text::trim(accept).empty())
    return offered.empty() ? std::nullopt : std::optional<std::size_t>(0);
  struct Range {
    std::string_view type;
    int quality;
  };
  std::vector<Range> ranges;
  for (const auto item : text::split_list(accept)) {
    if (ranges.size() == 32) break;
    const auto semicolon = item.find(';');
    ranges.push_back(
        {text::trim(item.substr(0, semicolon)),
         semicolon == std::string_view::npos ? 1000 : quality_of(item.substr(semicolon + 1))});
  }
  std::optional<std::size_t> best;
  int best_score = 0;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    int matched = 0;
    int quality = 0;
    for (const auto& range : ranges) {
      const int specific = specificity(range.type, offered[i]);
      if (specific > matched) {
        matched = specific;
        quality = range.quality;
      }
    }
    // A type that was named beats one that only a wildcard covers.
    const int score = quality == 0 ? 0 : quality * 4 + matched;
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

std::optional<std::string_view> negotiate_coding(const RequestHead& head,
                                                 std::span<const std::string_view> offered) {
  constexpr int kUnsaid = -1;
  const auto quality = [&](std::string_view wanted) {
    int named = kUnsaid;
    head.for_each("accept-encoding", [&](std::string_view value) {
      for (const auto item : text::split_list(value)) {
        const auto semicolon = item.find(';');
        auto name = text::trim(item.substr(0, semicolon));
        if (text::iequals(name, "x-gzip")) name = "gzip";
        if (named != kUnsaid || !text::iequals(name, wanted)) continue;
        named = semicolon == std::string_view::npos ? 1000 : quality_of(item.substr(semicolon + 1));
      }
    });
    return named;
  };
  const int others = quality("*");
  std::optional<std::string_view> best;
  int best_score = 0;
  for (const auto coding : offered) {
    const bool identity = coding == "identity";
    int score = quality(coding);
    if (score == kUnsaid) score = others;
    // Nobody need name `identity`; one that is named is liked better.
    score = score == kUnsaid ? (identity ? 1 : 0) : score * 2;
    if (score > best_score) {
      best_score = score;
      best = coding;
    }
  }
  return best;
}

std::optional<coding::ContentCoding> answer_coding(const RequestHead& head) {
  constexpr std::string_view kOffered[] = {"br", "gzip", "identity"};
  return coding::content_coding_of(negotiate_coding(head, kOffered).value_or("identity"));
}

bool none_match_names(const RequestHead& head, std::string_view etag) {
  bool found = false;
  head.for_each("if-none-match", [&](std::string_view value) {
    for (auto tag : text::split_list(value)) {
      if (tag.starts_with("W/")) tag.remove_prefix(2);
      found = found || tag == etag || tag == "*";
    }
  });
  return found;
}

std::vector<std::string> languages(std::string_view accept_language) {
  constexpr std::size_t kMostTags = 10;
  constexpr std::size_t kLongestTag = 35;  // RFC 5646 section 4.4.1
  std::vector<std::string> tags;
  std::vector<int> qualities;
  for (const auto item : text::split_list(accept_language)) {
    if (tags.size() == kMostTags) break;
    const auto semicolon = item.find(';');
    const auto tag = text::trim(item.substr(0, semicolon));
    const int quality =
        semicolon == std::string_view::npos ? 1000 : quality_of(item.substr(semicolon + 1));
    if (tag.empty() || tag.size() > kLongestTag || tag == "*" || quality == 0) continue;
    // Behind those that are liked as much: the header's order decides among equals.
    const auto at =
        std::ranges::upper_bound(qualities, quality, std::ranges::greater{}) - qualities.begin();
    qualities.insert(qualities.begin() + at, quality);
    tags.insert(tags.begin() + at, text::to_lower(tag));
  }
  return tags;
}

bool has_token(const HeaderBlock& fields, std::string_view name, std::string_view token) {
  bool found = false;
  fields.for_each([&](std::string_view field, std::string_view value) {
    if (!text::iequals(field, name)) return;
    for (const auto item : text::split_list(value)) found = found || text::iequals(item, token);
  });
  return found;
}

void add_vary(HeaderBlock& fields, std::string_view name) {
  if (!has_token(fields, "Vary", name) && !has_token(fields, "Vary", "*")) fields.add("Vary", name);
}

std::string media_type(std::string_view content_type) {
  return text::to_lower(text::trim(content_type.substr(0, content_type.find(';'))));
}

std::string charset(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (semicolon == std::string_view::npos) return {};
  for (auto parameter : text::split_list(content_type.substr(semicolon + 1), ';')) {
    if (!text::istarts_with(parameter, "charset=")) continue;
    parameter.remove_prefix(8);
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    return text::to_lower(parameter);
  }
  return {};
}

bool has_preference(const RequestHead& head, std::string_view name) {
  bool found = false;
  head.for_each("prefer", [&](std::string_view value) {
    for (const auto item : text::split_list(value)) {
      found = found || text::iequals(text::trim(item.substr(0, item.find_first_of(";="))), name);
    }
  });
  return found;
}

QueryParameter query_parameter(std::string_view query, std::string_view name) {
  QueryParameter out;
  for (const auto pair : text::split_list(query, '&')) {
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    std::string value(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    std::replace(value.begin(), value.end(), '+', ' ');
    auto decoded = text::percent_decode(value);
    if (out.status != QueryParameter::Status::missing || !decoded) {
      return {QueryParameter::Status::malformed, {}};
    }
    out = {QueryParameter::Status::given, *std::move(decoded)};
  }
  return out;
}

std::optional<std::string_view> raw_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string_view> out;
  for (const auto pair : text::split_list(query, '&')) {
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    if (out) return std::nullopt;
    out = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  return out;
}

std::string without_parameter(std::string_view query, std::string_view name) {
  std::string out;
  for (const auto pair : text::split_list(query, '&')) {
    if (pair.substr(0, pair.find('=')) != name) (out += out.empty() ? "" : "&") += pair;
  }
  return out;
}

}  // namespace portcullis::http
