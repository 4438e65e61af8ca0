#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::guards {

enum class AgentClass : std::uint8_t { unknown, library, tool, crawler, headless, scanner };

/// Knows programs by the tokens of their User-Agent (agents.txt).
///
/// Threads: immutable.
/// Cost:    a look-up for each token, about 0.3 us for a browser's line.
class AgentTable {
 public:
  /// Longest User-Agent that is looked at to its end.
  static constexpr std::size_t kLongest = 1024;

  /// Reads a table. REQUIRES: it is one.
  explicit AgentTable(std::string_view table = builtin());
  /// The table that is part of the program.
  static std::string_view builtin() noexcept;

  /// What the gravest of the tokens stands for. `allowed`: names in lower case that an operator
  /// expects; a line with one of them is never suspicious.
  AgentClass classify(std::string_view user_agent, std::span<const std::string> allowed = {}) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Ending {
    std::string text;
    AgentClass cls;
  };

  AgentClass class_of(std::string_view token, bool versioned) const;

  boost::unordered_flat_map<std::string, AgentClass, Hash, std::equal_to<>> names_;
  std::vector<Ending> endings_;
};

}  // namespace portcullis::guards
