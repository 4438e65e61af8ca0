#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "detect/leak_rule.hpp"
#include "detect/matcher.hpp"
#include "detect/pem_tail.hpp"

namespace portcullis::detect {

/// The rules of answers, ready to be asked.
///
/// Threads: immutable but for the memories; each of these belongs to one worker.
class LeakRules {
 public:
  /// `pack` must outlive it.
  /// @returns unavailable where the database cannot be loaded here.
  static Result<LeakRules> make(const LeakPack& pack, unsigned workers);

  std::span<const LeakRule> rules() const noexcept { return pack_.rules; }
  std::span<const LeakPattern> patterns() const noexcept { return pack_.patterns; }
  /// All but those of these names. @returns invalid_input where there is none of a name.
  Result<RuleSet> all_but(std::span<const std::string> names) const;
  const Matcher& matcher() const noexcept { return matcher_; }
  Matcher::Memory& memory(std::size_t worker) const noexcept { return (*memories_)[worker]; }

 private:
  LeakPack pack_;
  Matcher matcher_;
  std::unique_ptr<std::vector<Matcher::Memory>> memories_;  ///< by worker
};

/// Finds in a text that comes in pieces what must not leave, and puts kMask in its place. What is
/// found is a token, or a line: a match lies within one, and reaches back kReach bytes at most. A
/// JSON string, each line of it, and a stretch between two tags are lines too, so that what is left
/// is JSON, or markup, as it was before; no quote, tag or escape is cut.
///
/// However the text is cut into pieces, what comes out is the same.
///
/// Threads: a value; one at a time.
/// Bounds:  holds back the line that is not complete, of that kReach bytes at most. What goes on
///          behind a match is no longer than kLongestTail.
/// Cost:    linear: one Vectorscan pass and one over line ends; figures in docs/performance.md.
class LeakScanner {
 public:
  using Syntax = LeakSyntax;
  static constexpr std::size_t kReach = 1024;
  static constexpr std::size_t kLongestTail = 16 * 1024;
  static constexpr std::string_view kMask = "[masked]";

  /// Asks these rules.
  LeakScanner(const LeakRules& rules, const RuleSet& asked, Syntax syntax);

  /// Appends to `out` what may go on. `memory`: of the worker that calls.
  Result<void> put(std::string_view piece, Matcher::Memory& memory, std::string& out);
  /// The text has ended.
  Result<void> finish(Matcher::Memory& memory, std::string& out);
  /// What has been masked so far.
  const RuleSet& found() const noexcept { return found_; }

 private:
  /// What a byte is for where a line ends and an escape begins.
  enum class Mark : char {
    plain,
    newline,  ///< also the first byte of an escape that is one
    edge,     ///< a quote of JSON, a bracket of a tag
    escape,   ///< the first byte of one
    rest,     ///< of an escape
  };
  /// Of text_, and the rule that found it.
  struct Span {
    std::size_t begin;
    std::size_t end;
    std::uint16_t rule;
  };

  Result<void> scan(std::size_t until, Matcher::Memory& memory, std::string& out);
  void mark_from(std::size_t at);
  void mark_escaped(std::size_t at);
  std::size_t decided() const noexcept;
  std::optional<Span> span_of(const Matcher::Hit& hit);
  std::optional<Span> token_of(std::size_t begin, std::size_t end, std::uint16_t rule) const;
  std::optional<Span> line_of(std::size_t end, std::uint16_t rule);
  bool follows_word(std::size_t begin) const noexcept;
  void walk(std::size_t until, std::string& out);
  void begin_mask(const Span& span, std::size_t at, std::string& out);
  std::size_t pass_tail(std::size_t at, std::size_t stop, std::string& out);
  PemTail::Byte take(std::size_t at);
  PemTail::Role role_at(std::size_t begin) const noexcept;
  bool tail_takes(std::size_t at);
  void forget();

  const LeakRules& rules_;
  const RuleSet asked_;
  const Syntax syntax_;
  RuleSet found_;

  std::string text_;          ///< what has gone out but may be part of a match, and what has not
  std::vector<Mark> marks_;   ///< of its bytes
  std::size_t done_ = 0;      ///< so much of it has been decided
  std::size_t line_ = 0;      ///< where its last line begins
  unsigned escape_left_ = 0;  ///< bytes of the escape at its end that are still to come
  std::size_t escape_begin_ = 0;  ///< where that begins

  bool masking_ = false;     ///< the last byte that was decided is masked
  std::size_t covered_ = 0;  ///< masked up to here, and then the tail
  LeakTail tail_ = LeakTail::none;
  std::size_t tail_left_ = 0;
  unsigned lines_left_ = 0;
  PemTail pem_;

  /// What has been seen of a line, in the scan that is under way.
  struct Seen {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Seen known_;
  std::vector<Matcher::Hit> hits_;
  std::vector<Span> spans_;
};

}  // namespace portcullis::detect
