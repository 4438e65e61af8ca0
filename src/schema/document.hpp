#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace portcullis::schema {

/// A YAML document as the JSON that it means: plain scalars that are JSON's literals or numbers are
/// those, all others strings.
///
/// Errors: the detail has line and column.
Result<std::string> json_of_yaml(const std::string& yaml);

/// A file of at most 1 MiB.
Result<std::string> read_document(const std::string& file);

}  // namespace portcullis::schema
