#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/decimal.hpp"
#include "schema/format.hpp"
#include "schema/pattern.hpp"

namespace portcullis::schema {

/// The types of values, of which a schema allows some.
enum class Type : std::uint8_t { null, boolean, object, array, number, string, integer };

inline constexpr std::string_view kTypeNames[] = {"null",   "boolean", "object", "array",
                                                  "number", "string",  "integer"};

class Types {
 public:
  void add(Type type) noexcept { bits_ |= bit(type); }
  bool has(Type type) const noexcept { return (bits_ & bit(type)) != 0; }
  bool any() const noexcept { return bits_ == 0; }

 private:
  static std::uint8_t bit(Type type) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(type));
  }
  std::uint8_t bits_ = 0;
};

/// The place of a schema among those of its document.
using NodeIndex = std::uint32_t;

/// A bound of numbers.
struct Bound {
  Decimal limit;
  std::string text;  ///< as the schema writes it
};

/// One schema, compiled. What it does not say it does not ask for.
struct Node {
  struct Size {
    std::optional<std::size_t> least;
    std::optional<std::size_t> most;
  };
  struct Matched {
    Pattern name;
    NodeIndex schema;
  };

  bool never = false;  ///< the schema `false`
  Types types{};
  /// Canonical texts, sorted.
  std::optional<std::vector<std::string>> one_of_values{};  ///< enum
  std::optional<std::string> only_value{};                  ///< const

  std::optional<Bound> minimum{}, exclusive_minimum{}, maximum{}, exclusive_maximum{};
  std::optional<Bound> multiple_of{};

  Size length{};  ///< in code points
  std::optional<Pattern> pattern{};
  std::optional<Format> format{};

  Size items_count{};
  bool unique_items = false;
  std::vector<NodeIndex> prefix_items{};
  std::optional<NodeIndex> items{};

  Size members_count{};
  std::vector<std::string> required{};
  std::map<std::string, NodeIndex, std::less<>> properties{};
  std::vector<Matched> pattern_properties{};
  std::optional<NodeIndex> additional{};

  std::optional<NodeIndex> ref{};
  std::vector<NodeIndex> all_of{}, any_of{}, one_of{};
  std::optional<NodeIndex> none_of{};  ///< not

  bool asks_numbers() const noexcept {
    return minimum || exclusive_minimum || maximum || exclusive_maximum || multiple_of;
  }
};

}  // namespace portcullis::schema
