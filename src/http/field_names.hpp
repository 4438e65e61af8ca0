#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http {

/// The names that the fields and files of one form have had so far, and whether a further one would
/// be another field to every reader: many make a list or a map of `a[]` and `a[x]`, take a space or
/// a dot in a name for `_`, cut off space at its ends, and do not tell the case of ASCII letters.
///
/// Refused are a name twice, `a` beside `a[]`, `a[]` beside `a[x]`, `a[x]` beside `a[x][y]`, a
/// field beside a file of its name, and brackets that do not close. Files may have one name
/// together.
///
/// Threads: a value.  Cost: linear in the names before; how many there are is the caller's bound.
class FieldNames {
 public:
  /// @returns what is wrong, static text fit for the client; nullopt where it has been added.
  std::optional<std::string_view> add_field(std::string_view name);
  std::optional<std::string_view> add_file(std::string_view name);

 private:
  struct Name {
    std::string base;         ///< without brackets, and without space at its ends
    std::string underscored;  ///< that as PHP and those after it have it
    std::vector<std::string> keys;
    bool is_file;
  };

  std::optional<std::string_view> add(std::string_view name, bool is_file);

  std::vector<Name> names_;
};

}  // namespace portcullis::http
