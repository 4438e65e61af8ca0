#pragma once
#include <span>
#include <string_view>

namespace portcullis::config {

/// The known name that is nearest to a misspelt one: at most `most` letters added, left out or
/// changed. Empty where none is, or the name is longer than any of ours.
///
/// Source: Levenshtein's distance, by Wagner and Fischer, "The String-to-String Correction
/// Problem", 1974.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known,
                              std::size_t most);

}  // namespace portcullis::config
