#include "schema/pattern.hpp"

#include <algorithm>
#include <map>
#include <span>

#include "base/text.hpp"
#include "schema/pattern_syntax.hpp"

namespace portcullis::schema {
namespace {

constexpr std::size_t kMaxNodes = 8192;        ///< of the automaton that may be in many of them
constexpr std::size_t kMaxStates = 8192;       ///< of the one that is in one
constexpr std::size_t kMaxCells = 1 << 20;     ///< of its table
constexpr std::size_t kMaxWork = 100'000'000;  ///< about half a second

std::unexpected<Error> too_complex() {
  return fail(ErrorCode::invalid_input, "the pattern is too complex to be matched in one pass");
}

/// The automaton of a tree. What follows a part is made before it.
class Automaton {
 public:
  struct Node {
    enum class Kind : std::uint8_t { matched, set, split, begin, end };
    Kind kind = Kind::matched;
    std::uint32_t next = 0;
    std::uint32_t other = 0;  ///< of a split; of a set its number
  };

  static Result<Automaton> make(const Expression& expression) {
    Automaton out;
    out.add({});
    TRY(out.first_, out.emit(expression, 0));
    return out;
  }

  std::uint32_t first() const { return first_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<CodePointSet>& sets() const { return sets_; }

 private:
  using Kind = Expression::Kind;

  std::uint32_t add(Node node) {
    nodes_.push_back(node);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  std::uint32_t number_of(const CodePointSet& set) {
    const auto [at, is_new] = numbers_.emplace(set, static_cast<std::uint32_t>(sets_.size()));
    if (is_new) sets_.push_back(set);
    return at->second;
  }

  /// @returns the node at which the expression begins, of which `next` follows.
  Result<std::uint32_t> emit(const Expression& e, std::uint32_t next) {
    if (nodes_.size() > kMaxNodes) return too_complex();
    switch (e.kind) {
      case Kind::set:
        return add({Node::Kind::set, next, number_of(e.set)});
      case Kind::begin:
        return add({Node::Kind::begin, next});
      case Kind::end:
        return add({Node::Kind::end, next});
      case Kind::sequence:
        for (std::size_t i = e.parts.size(); i > 0; --i) {
          TRY(next, emit(e.parts[i - 1], next));
        }
        return next;
      case Kind::choice: {
        TRY(auto first, emit(e.parts.back(), next));
        for (std::size_t i = e.parts.size() - 1; i > 0; --i) {
          TRY(const auto other, emit(e.parts[i - 1], next));
          first = add({Node::Kind::split, other, first});
        }
        return first;
      }
      case Kind::repeat:
        return repeat(e, next);
    }
    return next;
  }

  Result<std::uint32_t> repeat(const Expression& e, std::uint32_t next) {
    const auto& part = e.parts.front();
    auto first = next;
    if (e.most == Expression::kUnbounded) {
      first = add({Node::Kind::split, 0, next});
      TRY(const auto again, emit(part, first));
      nodes_[first].next = again;
    } else {
      for (auto i = e.least; i < e.most; ++i) {
        TRY(const auto one, emit(part, first));
        first = add({Node::Kind::split, one, next});
      }
    }
    for (std::uint32_t i = 0; i < e.least; ++i) {
      TRY(first, emit(part, first));
      if (nodes_.size() > kMaxNodes) return too_complex();
    }
    return first;
  }

  std::vector<Node> nodes_;
  std::vector<CodePointSet> sets_;
  std::map<CodePointSet, std::uint32_t> numbers_;
  std::uint32_t first_ = 0;
};

}  // namespace

/// Makes the table of a pattern: its states are sets of nodes of the automaton.
class PatternTable {
 public:
  explicit PatternTable(const Automaton& automaton)
      : automaton_(automaton), seen_(automaton.nodes().size()) {}

  Result<Pattern> make() {
    make_classes();
    add_state(closure(std::vector{automaton_.first()}, true, false), true);
    for (std::size_t state = 0; state < states_.size(); ++state) {
      const std::size_t row = state * out_.classes_;
      if (row + out_.classes_ > kMaxCells || states_.size() > kMaxStates) return too_complex();
      out_.next_.resize(row + out_.classes_);
      if (out_.flags_[state] & (Pattern::kMatched | Pattern::kDead)) continue;
      for (std::size_t cls = 0; cls < out_.classes_; ++cls) {
        if (work_ > kMaxWork) return too_complex();
        out_.next_[row + cls] = successor(state, cls);
      }
    }
    return std::move(out_);
  }

 private:
  using Node = Automaton::Node;
  using Nodes = std::vector<std::uint32_t>;

  /// Code points that no set tells apart have one class.
  void make_classes() {
    std::vector<std::uint32_t> cuts{0};
    for (const auto& set : automaton_.sets()) {
      for (const auto& [first, last] : set) {
        cuts.push_back(first);
        cuts.push_back(last + 1);
      }
    }
    std::ranges::sort(cuts);
    cuts.erase(std::ranges::unique(cuts).begin(), cuts.end());
    std::map<std::vector<bool>, std::uint16_t> classes;
    for (const auto cut : cuts) {
      if (cut > kLastCodePoint) continue;
      std::vector<bool> members;
      for (const auto& set : automaton_.sets()) members.push_back(holds(set, cut));
      const auto [at, is_new] =
          classes.emplace(members, static_cast<std::uint16_t>(classes.size()));
      if (is_new) members_.push_back(std::move(members));
      out_.bounds_.push_back(cut);
      out_.bound_classes_.push_back(at->second);
    }
    out_.classes_ = members_.size();
    for (std::uint32_t c = 0; c < out_.ascii_.size(); ++c) out_.ascii_[c] = out_.class_of(c);
  }

  static bool holds(const CodePointSet& set, std::uint32_t code_point) {
    const auto after =
        std::ranges::upper_bound(set, code_point, {}, &CodePointSet::value_type::first);
    return after != set.begin() && std::prev(after)->second >= code_point;
  }

  /// What is reached from `nodes` without a character: what waits for one, for the end, or has
  /// matched.
  Nodes closure(Nodes open, bool at_begin, bool at_end) {
    Nodes out;
    ++round_;
    while (!open.empty()) {
      const auto index = open.back();
      open.pop_back();
      ++work_;
      if (seen_[index] == round_) continue;
      seen_[index] = round_;
      const auto& node = automaton_.nodes()[index];
      switch (node.kind) {
        case Node::Kind::split:
          open.push_back(node.other);
          open.push_back(node.next);
          break;
        case Node::Kind::begin:
          if (at_begin) open.push_back(node.next);
          break;
        case Node::Kind::end:
          if (at_end) {
            open.push_back(node.next);
          } else {
            out.push_back(index);
          }
          break;
        case Node::Kind::set:
        case Node::Kind::matched:
          out.push_back(index);
          break;
      }
    }
    std::ranges::sort(out);
    return out;
  }

  std::uint16_t successor(std::size_t state, std::size_t cls) {
    Nodes next{automaton_.first()};  // a match may begin anywhere
    for (const auto index : states_[state]) {
      const auto& node = automaton_.nodes()[index];
      ++work_;
      if (node.kind == Node::Kind::set && members_[cls][node.other]) next.push_back(node.next);
    }
    auto nodes = closure(std::move(next), false, false);
    // The beginning stays alone: only there "^" holds.
    if (const auto known = numbers_.find(nodes); known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint16_t>(states_.size());
    numbers_.emplace(nodes, number);
    add_state(std::move(nodes), false);
    return number;
  }

  void add_state(Nodes nodes, bool is_begin) {
    const auto has_match = [](const Nodes& set) { return !set.empty() && set.front() == 0; };
    std::uint8_t flags = 0;
    if (has_match(nodes)) flags |= Pattern::kMatched;
    if (has_match(closure(nodes, is_begin, true))) flags |= Pattern::kMatchesAtEnd;
    if (nodes.empty() && !is_begin) flags |= Pattern::kDead;
    out_.flags_.push_back(flags);
    states_.push_back(std::move(nodes));
  }

  const Automaton& automaton_;
  Pattern out_;
  std::vector<std::vector<bool>> members_;  ///< by class, by set
  std::vector<Nodes> states_;
  std::map<Nodes, std::uint16_t> numbers_;
  std::vector<std::size_t> seen_;  ///< by node: in which round
  std::size_t round_ = 0;
  std::size_t work_ = 0;
};

Result<Pattern> Pattern::compile(std::string_view source) {
  TRY(const auto expression, parse_pattern(source));
  TRY(const auto automaton, Automaton::make(expression));
  return PatternTable(automaton).make();
}

std::uint16_t Pattern::class_of(std::uint32_t code_point) const noexcept {
  const auto after = std::ranges::upper_bound(bounds_, code_point);
  return bound_classes_[static_cast<std::size_t>(after - bounds_.begin()) - 1];
}

bool Pattern::matches(std::string_view text) const noexcept {
  std::size_t state = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (flags_[state] & kMatched) return true;
    if (flags_[state] & kDead) return false;
    const auto byte = static_cast<unsigned char>(text[i]);
    std::size_t cls = 0;
    if (byte < 128) {
      cls = ascii_[byte];
      ++i;
    } else {
      const auto point = text::code_point_at(text, i);
      cls = class_of(point.value);
      i += point.bytes;
    }
    state = next_[state * classes_ + cls];
  }
  return (flags_[state] & (kMatched | kMatchesAtEnd)) != 0;
}

}  // namespace portcullis::schema
