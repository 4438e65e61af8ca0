#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "detect/finding.hpp"

struct hs_database;
struct hs_scratch;

namespace portcullis::detect {

/// All patterns in one pass over a text.
///
/// Threads: immutable; any thread, each with a Memory of its own.
/// Cost:    linear in the text, whatever it contains; no allocation.
/// Source:  Vectorscan (Hyperscan's automata); no pattern can backtrack.
class Matcher {
 public:
  struct FreeDatabase {
    void operator()(hs_database* database) const noexcept;
  };
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const noexcept;
  };
  using Memory = std::unique_ptr<hs_scratch, FreeScratch>;

  /// @returns unavailable where this processor or this library cannot run the database.
  static Result<Matcher> make(std::span<const char> serialised,
                              std::span<const std::uint16_t> pattern_rules);
  Result<Memory> make_memory() const;
  /// Adds the rules whose patterns match.
  Result<void> scan(std::string_view text, Memory& memory, RuleSet& rules) const;
  /// A place in a text where a match of a pattern ends.
  struct Hit {
    std::uint32_t pattern;  ///< by its place in the database
    std::size_t end;
  };
  /// Appends all of them.
  Result<void> find(std::string_view text, Memory& memory, std::vector<Hit>& hits) const;

 private:
  Result<void> run(std::string_view text, Memory& memory,
                   int (*on_match)(unsigned, unsigned long long, unsigned long long, unsigned,
                                   void*),
                   void* context) const;

  std::unique_ptr<hs_database, FreeDatabase> database_;
  std::span<const std::uint16_t> pattern_rules_;
};

}  // namespace portcullis::detect
