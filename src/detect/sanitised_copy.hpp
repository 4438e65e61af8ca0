#pragma once
#include <string>
#include <string_view>

namespace portcullis::detect {

/// A copy of `text` without HTML tags, for a route that asks for one. What is passed on is the text
/// as it came; this is for where it cannot be encoded when it is shown.
///
/// Promise: neither the copy, nor what decoding its escapes again and again yields, has a tag. Text
///          such as `a < b` stays; escapes stay unless they hide a tag.
/// Threads: any; pure.
/// Cost:    linear for text without escapes; at most Views::kDepth passes more.
std::string sanitised_copy(std::string_view text);

}  // namespace portcullis::detect
