#include "schema/pattern_syntax.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "base/text.hpp"

namespace portcullis::schema {
namespace {

constexpr std::size_t kMaxSourceBytes = 4096;
constexpr int kMaxGroups = 32;  ///< inside each other
constexpr std::uint32_t kMaxRepeats = 1000;

using Range = std::pair<std::uint32_t, std::uint32_t>;
constexpr Range kDigits[] = {{'0', '9'}};
constexpr Range kWords[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
constexpr Range kSpaces[] = {{0x09, 0x0d},     {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680},
                             {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                             {0x3000, 0x3000}, {0xfeff, 0xfeff}};
constexpr Range kLineEnds[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
constexpr std::string_view kSyntaxCharacters = "^$\\.*+?()[]{}|/";

CodePointSet sorted(CodePointSet set) {
  std::ranges::sort(set);
  CodePointSet out;
  for (const auto& range : set) {
    if (!out.empty() && range.first <= out.back().second + 1) {
      out.back().second = std::max(out.back().second, range.second);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

/// REQUIRES: sorted.
CodePointSet all_but(std::span<const Range> set) {
  CodePointSet out;
  std::uint32_t from = 0;
  for (const auto& [first, last] : set) {
    if (first > from) out.emplace_back(from, first - 1);
    from = last + 1;
  }
  if (from <= kLastCodePoint) out.emplace_back(from, kLastCodePoint);
  return out;
}

/// The sets that have a letter, and their opposites in upper case.
std::optional<CodePointSet> set_of_letter(char letter) {
  const auto of = [&](std::span<const Range> ranges) {
    return letter >= 'a' ? CodePointSet(ranges.begin(), ranges.end()) : all_but(ranges);
  };
  switch (text::lower(letter)) {
    case 'd':
      return of(kDigits);
    case 'w':
      return of(kWords);
    case 's':
      return of(kSpaces);
    default:
      return std::nullopt;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<Expression> run() {
    TRY(auto out, choice(0));
    if (!at_end()) return wrong("a closing parenthesis without an opening one");
    return out;
  }

 private:
  using Kind = Expression::Kind;

  bool at_end() const { return at_ == source_.size(); }
  char here() const { return at_end() ? '\0' : source_[at_]; }
  bool take(std::string_view text) {
    if (!source_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  std::uint32_t next_code_point() {
    const auto point = text::code_point_at(source_, at_);
    at_ += point.bytes;
    return point.value;
  }
  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorCode::invalid_input,
                std::string(what) + " (at byte " + std::to_string(at_) + ")");
  }

  Result<Expression> choice(int depth) {
    if (depth > kMaxGroups) return wrong("groups are nested too deeply");
    Expression out{.kind = Kind::choice};
    do {
      TRY(auto part, sequence(depth));
      out.parts.push_back(std::move(part));
    } while (take("|"));
    if (out.parts.size() > 1) return out;
    return std::move(out.parts.front());
  }

  Result<Expression> sequence(int depth) {
    Expression out{.kind = Kind::sequence};
    while (!at_end() && here() != '|' && here() != ')') {
      TRY(auto part, term(depth));
      out.parts.push_back(std::move(part));
    }
    return out;
  }

  Result<Expression> term(int depth) {
    if (take("^")) return Expression{.kind = Kind::begin};
    if (take("$")) return Expression{.kind = Kind::end};
    TRY(auto out, atom(depth));
    return quantified(std::move(out));
  }

  Result<Expression> atom(int depth) {
    if (here() == '(') return group(depth);
    if (take("[")) return bracket();
    if (take(".")) return Expression{.kind = Kind::set, .set = all_but(kLineEnds)};
    if (here() == '\\') return escaped();
    if (std::string_view("*+?{").contains(here())) return wrong("nothing to repeat");
    if (std::string_view("]}").contains(here())) return wrong("a bracket that must be escaped");
    const auto point = next_code_point();
    return Expression{.kind = Kind::set, .set = {{point, point}}};
  }

  Result<Expression> group(int depth) {
    for (const std::string_view look : {"(?=", "(?!", "(?<=", "(?<!"}) {
      if (source_.substr(at_).starts_with(look)) return wrong("look-around is not supported");
    }
    if (!take("(?:")) {
      take("(");
      if (here() == '?') return wrong("this kind of group is not supported");
    }
    TRY(auto out, choice(depth + 1));
    if (!take(")")) return wrong("a group is not closed");
    return out;
  }

  Result<Expression> escaped() {
    ++at_;
    if (auto set = set_of_letter(here())) {
      ++at_;
      return Expression{.kind = Kind::set, .set = *std::move(set)};
    }
    TRY(const auto point, escaped_code_point());
    return Expression{.kind = Kind::set, .set = {{point, point}}};
  }

  /// Behind a backslash.
  Result<std::uint32_t> escaped_code_point() {
    if (at_end()) return wrong("a backslash at the end");
    const char c = source_[at_++];
    if (kSyntaxCharacters.contains(c)) return static_cast<std::uint32_t>(c);
    switch (c) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'v':
        return '\v';
      case 'f':
        return '\f';
      case 'r':
        return '\r';
      case 'c':
        if (!text::is_alpha(here())) return wrong("\\c without a letter");
        return static_cast<std::uint32_t>(source_[at_++] & 31);
      case '0':
        if (!text::is_digit(here())) return 0;
        break;
      case 'x':
        return hex(2);
      case 'u':
        return unicode();
      default:
        break;
    }
    --at_;
    return wrong("an escape that is not supported");
  }

  Result<std::uint32_t> hex(std::size_t digits) {
    const auto text = source_.substr(at_, digits);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || text.size() != digits || end != text.data() + digits) {
      return wrong("hexadecimal digits are expected");
    }
    at_ += digits;
    return value;
  }

  Result<std::uint32_t> unicode() {
    if (take("{")) {
      const auto close = source_.find('}', at_);
      if (close == std::string_view::npos || close - at_ > 6) return wrong("\\u{ is not closed");
      TRY(const auto value, hex(close - at_));
      ++at_;
      if (value > kLastCodePoint) return wrong("there is no such code point");
      return value;
    }
    TRY(const auto high, hex(4));
    if (high < 0xd800 || high > 0xdbff || !take("\\u")) return high;
    TRY(const auto low, hex(4));
    if (low < 0xdc00 || low > 0xdfff) return wrong("half of a surrogate pair");
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }

  Result<Expression> bracket() {
    const bool negated = take("^");
    CodePointSet set;
    while (!take("]")) {
      if (at_end()) return wrong("a bracket is not closed");
      std::optional<CodePointSet> whole;
      TRY(const auto first, member(whole));
      if (whole) {
        set.insert(set.end(), whole->begin(), whole->end());
        if (here() == '-' && !source_.substr(at_).starts_with("-]")) {
          return wrong("a range from a set of characters");
        }
        continue;
      }
      if (here() != '-' || source_.substr(at_).starts_with("-]")) {
        set.emplace_back(first, first);
        continue;
      }
      ++at_;
      TRY(const auto last, member(whole));
      if (whole) return wrong("a range to a set of characters");
      if (last < first) return wrong("a range that ends before it begins");
      set.emplace_back(first, last);
    }
    set = sorted(std::move(set));
    return Expression{.kind = Kind::set, .set = negated ? all_but(set) : std::move(set)};
  }

  /// One character of a bracket, or a set of several in `whole`.
  Result<std::uint32_t> member(std::optional<CodePointSet>& whole) {
    if (at_end()) return wrong("a bracket is not closed");
    if (!take("\\")) return next_code_point();
    whole = set_of_letter(here());
    if (whole) {
      ++at_;
      return 0;
    }
    if (take("-")) return '-';
    if (take("b")) return '\b';
    return escaped_code_point();
  }

  Result<Expression> quantified(Expression part) {
    std::uint32_t least = 0;
    std::uint32_t most = Expression::kUnbounded;
    if (take("+")) {
      least = 1;
    } else if (take("?")) {
      most = 1;
    } else if (take("{")) {
      TRY(least, count());
      most = least;
      if (take(",")) {
        most = Expression::kUnbounded;
        if (here() != '}') {
          TRY(most, count());
        }
      }
      if (!take("}")) return wrong("a repetition is not closed");
      if (most < least) return wrong("a repetition whose bounds are the wrong way round");
    } else if (!take("*")) {
      return part;
    }
    take("?");  // whether the longest or the shortest is taken does not change whether there is one
    if (!at_end() && std::string_view("*+?{").contains(here())) return wrong("nothing to repeat");
    Expression out{.kind = Kind::repeat, .least = least, .most = most};
    out.parts.push_back(std::move(part));
    return out;
  }

  Result<std::uint32_t> count() {
    const auto from = at_;
    while (text::is_digit(here())) ++at_;
    const auto number = text::parse_number<std::uint32_t>(source_.substr(from, at_ - from));
    if (!number) return wrong("a number of repetitions is expected");
    if (*number > kMaxRepeats) return wrong("more than 1000 repetitions");
    return *number;
  }

  std::string_view source_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Expression> parse_pattern(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return fail(ErrorCode::invalid_input, "a pattern of more than 4096 bytes");
  }
  return Parser(source).run();
}

}  // namespace portcullis::schema
