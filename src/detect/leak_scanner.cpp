#include "detect/leak_scanner.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

/// Before what is not decided: what a match there can look back at, and a little.
constexpr std::size_t kContext = kLongestLeakPattern + 8;
/// So much is scanned at once.
constexpr std::size_t kSlice = 16 * 1024;
/// So much that is decided may lie around before it is taken away.
constexpr std::size_t kDecidedRoom = 4096;

bool is_token_byte(char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; }

bool is_hex(char c) { return text::is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/// Whether a text ends in an escape of a text within it: `\n`, `\x22`, `\u0022`, `%22`, `%2522`.
bool ends_in_escape(std::string_view text) {
  const auto cut = [&](std::size_t digits) {
    const auto last = text.substr(text.size() - std::min(text.size(), digits));
    return last.size() == digits && std::ranges::all_of(last, is_hex)
               ? text.substr(0, text.size() - digits)
               : std::string_view();
  };
  if (cut(4).ends_with("\\u") || cut(2).ends_with("\\x")) return true;
  if (text.ends_with("\\n") || text.ends_with("\\r") || text.ends_with("\\t")) return true;
  auto before = cut(2);
  for (int i = 0; i < 3 && before.ends_with("25"); ++i) before.remove_suffix(2);
  return before.ends_with('%');
}

/// Bytes that end a line or begin an escape, in some syntax.
constexpr auto kRemarkable = [] {
  std::array<bool, 256> table{};
  for (const unsigned char c : {'\n', '\r', '"', '\\', '<', '>'}) table[c] = true;
  return table;
}();

}  // namespace

Result<LeakRules> LeakRules::make(const LeakPack& pack, unsigned workers) {
  LeakRules out;
  out.pack_ = pack;
  TRY(out.matcher_, Matcher::make(pack.database, {}));
  out.memories_ = std::make_unique<std::vector<Matcher::Memory>>(std::max(workers, 1U));
  for (auto& memory : *out.memories_) {
    TRY(memory, out.matcher_.make_memory());
  }
  return out;
}

Result<RuleSet> LeakRules::all_but(std::span<const std::string> names) const {
  RuleSet out;
  for (std::size_t i = 0; i < pack_.rules.size(); ++i) out.set(i);
  for (const auto& name : names) {
    const auto at = std::ranges::find(pack_.rules, name, &LeakRule::id);
    if (at == pack_.rules.end()) {
      return fail(ErrorCode::invalid_input, "there is no rule of answers '" + name + "'");
    }
    out.reset(static_cast<std::size_t>(at - pack_.rules.begin()));
  }
  return out;
}

LeakScanner::LeakScanner(const LeakRules& rules, const RuleSet& asked, Syntax syntax)
    : rules_(rules), asked_(asked), syntax_(syntax) {}

Result<void> LeakScanner::put(std::string_view piece, Matcher::Memory& memory, std::string& out) {
  while (!piece.empty()) {
    const auto slice = piece.substr(0, kSlice);
    piece.remove_prefix(slice.size());
    const std::size_t at = text_.size();
    text_ += slice;
    mark_from(at);
    if (auto scanned = scan(decided(), memory, out); !scanned) return scanned;
  }
  return {};
}

Result<void> LeakScanner::finish(Matcher::Memory& memory, std::string& out) {
  return scan(text_.size(), memory, out);
}

/// Where lines end, and where escapes are.
void LeakScanner::mark_from(std::size_t at) {
  marks_.resize(text_.size(), Mark::plain);
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (escape_left_ > 0) {
      const bool is_first = escape_begin_ + 1 == at;
      if (is_first || is_hex(c)) {
        mark_escaped(at);
        continue;
      }
      escape_left_ = 0;
    }
    if (!kRemarkable[static_cast<unsigned char>(c)]) continue;
    if (c == '\n' || c == '\r') {
      marks_[at] = Mark::newline;
    } else if ((syntax_ == Syntax::json && c == '"') ||
               (syntax_ == Syntax::markup && (c == '<' || c == '>'))) {
      marks_[at] = Mark::edge;
    } else {
      if (syntax_ != Syntax::json || c != '\\') continue;
      marks_[at] = Mark::escape;
      escape_begin_ = at;
      escape_left_ = 1;
      continue;
    }
    line_ = at + 1;
  }
}

/// A byte behind the backslash of an escape: the letter, or a digit behind `u`.
void LeakScanner::mark_escaped(std::size_t at) {
  const char c = text_[at];
  marks_[at] = Mark::rest;
  --escape_left_;
  if (escape_begin_ + 1 != at) return;
  if (c == 'u') escape_left_ = 4;
  if (c == 'n' || c == 'r') {
    marks_[escape_begin_] = Mark::newline;
    line_ = at + 1;
  }
}

/// Up to where nothing that is still to come changes what is found.
std::size_t LeakScanner::decided() const noexcept {
  const std::size_t reach = text_.size() - std::min(text_.size(), kReach);
  return std::max({line_, reach, done_});  // an escape that is not complete lies behind
}

Result<void> LeakScanner::scan(std::size_t until, Matcher::Memory& memory, std::string& out) {
  if (until == done_) return {};
  const std::size_t from = done_ - std::min(done_, kContext);
  hits_.clear();
  if (auto scanned = rules_.matcher().find(std::string_view(text_).substr(from), memory, hits_);
      !scanned) {
    return scanned;
  }
  spans_.clear();
  known_ = {};
  for (auto hit : hits_) {
    hit.end += from;
    if (hit.end <= done_) continue;
    const auto span = span_of(hit);
    if (span && span->begin >= done_ && span->begin < until) spans_.push_back(*span);
  }
  std::ranges::sort(spans_, [](const Span& a, const Span& b) {
    return std::tuple(a.begin, b.end, a.rule) < std::tuple(b.begin, a.end, b.rule);
  });
  walk(until, out);
  forget();
  return {};
}

std::optional<LeakScanner::Span> LeakScanner::span_of(const Matcher::Hit& hit) {
  const auto& pattern = rules_.patterns()[hit.pattern];
  if (!asked_.test(pattern.rule)) return std::nullopt;
  if (pattern.token_width == 0) return line_of(hit.end, pattern.rule);
  if (hit.end < pattern.token_width) return std::nullopt;
  return token_of(hit.end - pattern.token_width, hit.end, pattern.rule);
}

std::optional<LeakScanner::Span> LeakScanner::token_of(std::size_t begin, std::size_t end,
                                                       std::uint16_t rule) const {
  for (std::size_t at = begin; at < end; ++at) {
    if (marks_[at] != Mark::plain) return std::nullopt;
  }
  if (follows_word(begin)) return std::nullopt;
  return Span{begin, end, rule};
}

bool LeakScanner::follows_word(std::size_t begin) const noexcept {
  if (begin == 0 || marks_[begin - 1] != Mark::plain) return false;
  const char before = text_[begin - 1];
  if (!text::is_alnum(before) && before != '_' && before != '-') return false;
  return !ends_in_escape(std::string_view(text_).substr(0, begin));
}

std::optional<LeakScanner::Span> LeakScanner::line_of(std::size_t end, std::uint16_t rule) {
  const auto ends_line = [&](std::size_t at) {
    if (marks_[at] == Mark::newline || marks_[at] == Mark::edge) return true;
    return marks_[at] == Mark::rest && at > 0 && marks_[at - 1] == Mark::newline;
  };
  while (end > 0 && ends_line(end - 1)) --end;
  const std::size_t reach = end - std::min(end, kReach);
  // Where another match was found in the line, only what lies between them is new.
  const std::size_t seen = known_.end <= end ? known_.end : 0;
  std::size_t begin = end;
  while (begin > reach && begin != seen && !ends_line(begin - 1)) --begin;
  if (begin == seen) begin = std::clamp(known_.begin, reach, end);
  known_ = {begin, end};
  while (begin < end && marks_[begin] == Mark::rest) ++begin;
  if (begin == end) return std::nullopt;
  return Span{begin, end, rule};
}

/// Passes on what is not masked of what has been decided.
void LeakScanner::walk(std::size_t until, std::string& out) {
  std::size_t at = done_;
  auto next = spans_.begin();
  while (at < until) {
    for (; next != spans_.end() && next->begin == at; ++next) begin_mask(*next, at, out);
    const std::size_t stop = next == spans_.end() ? until : std::min(until, next->begin);
    if (at < covered_) {
      at = std::min(covered_, stop);
      continue;
    }
    if (tail_ != LeakTail::none) {
      at = pass_tail(at, stop, out);
      if (tail_ != LeakTail::none || at == stop) continue;
    }
    out.append(text_, at, stop - at);
    masking_ = false;
    at = stop;
  }
  done_ = until;
}

void LeakScanner::begin_mask(const Span& span, std::size_t at, std::string& out) {
  if (!std::exchange(masking_, true)) out += kMask;
  found_.set(span.rule);
  const bool goes_on = at < covered_ || tail_ != LeakTail::none;
  const LeakTail tail = rules_.rules()[span.rule].tail;
  covered_ = std::max(covered_, span.end);
  // What goes on further does so, whatever is found inside of it.
  if (goes_on && tail < tail_) return;
  tail_ = tail;
  tail_left_ = kLongestTail;
  lines_left_ = tail == LeakTail::two_lines ? 1 : 0;
  if (tail == LeakTail::pem) pem_ = PemTail(syntax_, role_at(span.begin));
}

/// @returns the first byte that the tail does not take, with the tail ended; or `stop`.
std::size_t LeakScanner::pass_tail(std::size_t at, std::size_t stop, std::string& out) {
  for (; at < stop; ++at) {
    const auto taken = tail_left_ > 0 ? take(at) : PemTail::Byte::beyond;
    const bool is_rest = marks_[at] == Mark::rest;
    if (taken == PemTail::Byte::beyond && !is_rest) {
      tail_ = LeakTail::none;
      return at;
    }
    if (tail_left_ > 0) --tail_left_;
    if (taken == PemTail::Byte::structure) {
      out += text_[at];
      masking_ = false;
    } else if (!std::exchange(masking_, true)) {
      out += kMask;
    }
  }
  return at;
}

PemTail::Byte LeakScanner::take(std::size_t at) {
  if (tail_ == LeakTail::pem) return pem_.take(text_[at], marks_[at] == Mark::edge);
  return tail_takes(at) ? PemTail::Byte::key : PemTail::Byte::beyond;
}

/// Of the JSON string that a match at `begin` lies in; an element where that cannot be seen.
PemTail::Role LeakScanner::role_at(std::size_t begin) const noexcept {
  const std::size_t reach = begin - std::min(begin, kContext / 2);
  while (begin > reach && marks_[begin - 1] != Mark::edge) --begin;
  if (begin == reach) return PemTail::Role::element;
  --begin;
  while (begin > reach && text::is_space(text_[begin - 1])) --begin;
  const bool is_value = begin > reach && text_[begin - 1] == ':';
  return is_value ? PemTail::Role::value : PemTail::Role::element;
}

bool LeakScanner::tail_takes(std::size_t at) {
  const Mark mark = marks_[at];
  switch (tail_) {
    case LeakTail::none:
    case LeakTail::pem:
      return false;
    case LeakTail::token:
      return mark == Mark::plain && is_token_byte(text_[at]);
    case LeakTail::line:
    case LeakTail::two_lines: {
      if (mark != Mark::newline) return mark != Mark::edge;
      if (lines_left_ == 0) return false;
      const bool is_return = text_[at] == '\r' || (text_[at] == '\\' && text_[at + 1] == 'r');
      if (!is_return) --lines_left_;
      return true;
    }
  }
  return false;
}

/// Of what has been decided only the end is looked at again.
void LeakScanner::forget() {
  if (done_ < kContext + kDecidedRoom) return;
  const std::size_t gone = done_ - kContext;
  text_.erase(0, gone);
  marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(gone));
  done_ = kContext;
  for (auto* at : {&line_, &covered_, &escape_begin_}) *at -= std::min(*at, gone);
}

}  // namespace portcullis::detect
