#include "http/json_body.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cmath>
#include <span>
#include <vector>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

namespace json = boost::json;

/// A number as it stands in the text, and which of the document's doubles it is.
struct InexactDouble {
  std::size_t ordinal;
  std::string_view literal;
};

/// Whether the shortest number that is read as this double has the same value: always with 15
/// digits, where the parser's only rounding is that of one division or multiplication.
bool is_kept(std::string_view literal) {
  constexpr std::size_t kExactDigits = 15;
  constexpr int kExactPower = 22 - static_cast<int>(kExactDigits);
  const auto e = std::min(literal.find_first_of("eE"), literal.size());
  const auto digits =
      static_cast<std::size_t>(std::ranges::count_if(literal.substr(0, e), text::is_digit));
  if (digits > kExactDigits) return false;
  auto power = literal.substr(std::min(e + 1, literal.size()));
  if (power.empty()) return true;
  if (power.starts_with('+')) power.remove_prefix(1);
  const auto number = text::parse_number<int>(power);
  return number && *number >= -kExactPower && *number <= kExactPower;
}

/// Builds a value from parser events, as Boost.JSON's own handler does, and watches keys on the
/// way.
class StrictHandler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = 64 * 1024;
  static constexpr std::size_t max_string_size = json::string::max_size();

  StrictHandler(const JsonLimits& limits, json::storage_ptr memory,
                std::vector<InexactDouble>* inexact)
      : limits_(limits), memory_(std::move(memory)), inexact_(inexact) {}

  json::value release() { return stack_.release(); }
  JsonError::Kind kind() const { return kind_; }

  bool on_document_begin(json::error_code&) {
    stack_.reset(memory_);
    return true;
  }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& error) {
    keys_.emplace_back().few.reserve(8);
    return count(error);
  }
  bool on_object_end(std::size_t n, json::error_code&) {
    keys_.pop_back();
    stack_.push_object(n);
    return true;
  }
  bool on_array_begin(json::error_code& error) { return count(error); }
  bool on_array_end(std::size_t n, json::error_code&) {
    stack_.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    stack_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key_.append(part.data(), part.size());
    if (++key_count_ > limits_.max_keys) return stop(JsonError::Kind::too_many_keys, error);
    auto& seen = keys_.back();
    for (const auto& known : seen.few) {
      if (known == key_) return stop(JsonError::Kind::duplicate_key, error);
    }
    if (seen.few.size() < kFew) {
      seen.few.push_back(std::move(key_));
    } else if (!seen.many.insert(std::move(key_)).second) {
      return stop(JsonError::Kind::duplicate_key, error);
    }
    key_.clear();
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& error) {
    stack_.push_string(part);
    return count(error);
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t n, json::string_view, json::error_code& error) {
    stack_.push_int64(n);
    return count(error);
  }
  bool on_uint64(std::uint64_t n, json::string_view, json::error_code& error) {
    stack_.push_uint64(n);
    return count(error);
  }
  bool on_double(double n, json::string_view part, json::error_code& error) {
    if (!std::isfinite(n)) return stop(JsonError::Kind::malformed, error);  // 1e400
    const std::string_view literal(part.data(), part.size());
    if (inexact_ != nullptr && !is_kept(literal)) inexact_->push_back({doubles_, literal});
    ++doubles_;
    stack_.push_double(n);
    return count(error);
  }
  bool on_bool(bool b, json::error_code& error) {
    stack_.push_bool(b);
    return count(error);
  }
  bool on_null(json::error_code& error) {
    stack_.push_null();
    return count(error);
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  static constexpr std::size_t kFew = 16;
  struct Keys {
    std::vector<std::string> few;
    boost::unordered_flat_set<std::string> many;
  };

  bool count(json::error_code& error) {
    return ++value_count_ <= limits_.max_values || stop(JsonError::Kind::too_many_values, error);
  }

  bool stop(JsonError::Kind kind, json::error_code& error) {
    kind_ = kind;
    error = json::error::exception;
    return false;
  }

  const JsonLimits& limits_;
  json::storage_ptr memory_;
  json::value_stack stack_;
  std::vector<Keys> keys_;
  std::string key_;
  std::size_t key_count_ = 0;
  std::size_t value_count_ = 0;
  std::size_t doubles_ = 0;
  std::vector<InexactDouble>* inexact_;  ///< null: nobody asks
  JsonError::Kind kind_ = JsonError::Kind::malformed;
};

std::string detail_of(JsonError::Kind kind, std::size_t offset) {
  switch (kind) {
    case JsonError::Kind::duplicate_key:
      return "The JSON has a duplicate key.";
    case JsonError::Kind::too_deep:
      return "The JSON is nested too deeply.";
    case JsonError::Kind::too_many_keys:
      return "The JSON has too many keys.";
    case JsonError::Kind::too_many_values:
      return "The JSON has too many values.";
    case JsonError::Kind::not_utf8:
      return "The body is not valid UTF-8.";
    case JsonError::Kind::malformed:
      break;
  }
  return "The body is not valid JSON (near byte " + std::to_string(offset) + ").";
}

std::expected<json::value, JsonError> parse(std::string_view text, const JsonLimits& limits,
                                            json::storage_ptr memory,
                                            std::vector<InexactDouble>* inexact) {
  const auto refuse = [](JsonError::Kind kind, std::size_t offset) {
    return std::unexpected(JsonError{kind, detail_of(kind, offset)});
  };
  if (!text::is_utf8(text)) return refuse(JsonError::Kind::not_utf8, 0);
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<StrictHandler> parser(options, limits, std::move(memory), inexact);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error == json::error::too_deep) return refuse(JsonError::Kind::too_deep, used);
  if (error) return refuse(parser.handler().kind(), used);
  if (!parser.done() || text.substr(used).find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return refuse(JsonError::Kind::malformed, used);
  }
  return parser.handler().release();
}

}  // namespace

/// Finds the values of literals: they lie elsewhere until the document is where it stays.
class LiteralFinder {
 public:
  LiteralFinder(std::span<const InexactDouble> inexact, NumberLiterals& out)
      : rest_(inexact), out_(out.literals_) {
    out_.reserve(inexact.size());
  }

  void run(const json::value& document) {
    look_at(document);
    std::ranges::sort(out_);
  }

 private:
  /// In the order of the text. Depth: that of the document, which is bounded.
  void look_at(const json::value& value) {  // NOLINT(misc-no-recursion)
    if (rest_.empty()) return;
    if (value.is_double()) {
      if (rest_.front().ordinal == doubles_++) {
        out_.emplace_back(&value, rest_.front().literal);
        rest_ = rest_.subspan(1);
      }
    } else if (const auto* array = value.if_array()) {
      for (const auto& item : *array) look_at(item);
    } else if (const auto* object = value.if_object()) {
      for (const auto& member : *object) look_at(member.value());
    }
  }

  std::span<const InexactDouble> rest_;
  std::vector<std::pair<const json::value*, std::string_view>>& out_;
  std::size_t doubles_ = 0;
};

std::string_view NumberLiterals::of(const json::value& number) const noexcept {
  const auto at =
      std::ranges::lower_bound(literals_, &number, {}, &decltype(literals_)::value_type::first);
  return at == literals_.end() || at->first != &number ? std::string_view() : at->second;
}

std::expected<json::value, JsonError> parse_json(std::string_view text, const JsonLimits& limits,
                                                 json::storage_ptr memory) {
  return parse(text, limits, std::move(memory), nullptr);
}

std::expected<void, JsonError> parse_json(std::string_view text, const JsonLimits& limits,
                                          JsonBody& out) {
  std::vector<InexactDouble> inexact;
  auto parsed = parse(text, limits, out.value.storage(), &inexact);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  out.value = *std::move(parsed);
  if (!inexact.empty()) LiteralFinder(inexact, out.literals).run(out.value);
  return {};
}

namespace {

std::size_t skip_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

/// One past the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

/// One past the value that begins at `at`, without the space behind it.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      --depth;
      ++at;
    } else if (depth == 0 && (c == ',' || text::is_space(c))) {
      return at;
    } else {
      ++at;
      continue;
    }
    if (depth == 0) return at;
  }
  return at;
}

}  // namespace

std::string_view raw_member(std::string_view object, std::string_view name) {
  std::size_t at = skip_space(object, 0) + 1;
  while (true) {
    at = skip_space(object, at);
    if (at >= object.size() || object[at] != '"') return {};
    const std::size_t start = at;
    at = skip_string(object, at);
    const auto written = object.substr(start, at - start);
    at = skip_space(object, skip_space(object, at) + 1);  // behind the colon
    const std::size_t value = at;
    at = skip_value(object, at);
    // A key may be written with escapes.
    const auto plain = parse_json(written);
    const auto* key = plain ? plain->if_string() : nullptr;
    if (key != nullptr && *key == json::string_view(name.data(), name.size())) {
      return object.substr(value, at - value);
    }
    at = skip_space(object, at) + 1;  // behind the comma
  }
}

}  // namespace portcullis::http
