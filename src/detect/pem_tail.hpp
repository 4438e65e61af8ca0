#pragma once
#include <cstddef>
#include <cstdint>

namespace portcullis::detect {

/// What stands around the texts of an answer.
enum class LeakSyntax : std::uint8_t { text, markup, json };

/// What goes on behind the head of a private key, byte by byte, up to the end of its block: the key
/// in whatever layout and encoding (lines that are quoted, between tags, strings of JSON of their
/// own, references to characters), and what stands around the texts, which stays.
///
/// A head alone hides little of what follows: the key has ended, too, where kLongestGap bytes hold
/// no stretch that could be one of it.
///
/// Threads: a value.
class PemTail {
 public:
  static constexpr unsigned kLongestGap = 256;
  static constexpr unsigned kKeyStretch = 48;

  enum class Byte : std::uint8_t {
    key,        ///< or what is hidden with it
    structure,  ///< a tag but for its values, a name or what stands between strings
    beyond,     ///< the key has ended before
  };
  /// Of a JSON string.
  enum class Role : std::uint8_t { element, value, name };

  PemTail() = default;
  /// Begins in a text; in JSON, in a string of this role.
  PemTail(LeakSyntax syntax, Role role) : syntax_(syntax), role_(role) {}

  /// `is_edge`: a quote of JSON, a bracket in markup.
  Byte take(char c, bool is_edge);

 private:
  /// Of markup, where a byte stands.
  enum class Place : std::uint8_t {
    unknown,  ///< before the first bracket: in a text, or in the value of an attribute
    text,
    opening,  ///< right behind `<`
    tag,
    section,  ///< a comment, CDATA
  };

  bool is_structure(char c, bool is_edge);
  bool is_around_strings(char c, bool is_edge);
  bool is_of_markup(char c, bool is_edge);
  bool is_of_tag(char c);
  bool is_of_section(char c);
  void enter(char c);

  LeakSyntax syntax_ = LeakSyntax::text;
  Role role_ = Role::element;
  bool outside_ = false;  ///< of a string of JSON
  Place place_ = Place::unknown;
  char quote_ = 0;           ///< around the value of an attribute
  std::size_t section_ = 0;  ///< bytes of what begins one
  unsigned stretch_ = 0;     ///< bytes in a row that could be the key's
  unsigned gap_ = 0;         ///< bytes since it was long enough
  unsigned dashes_ = 0;      ///< in a row
  unsigned dash_groups_ = 0;
};

}  // namespace portcullis::detect
