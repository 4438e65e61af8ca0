#pragma once
#include <string>
#include <string_view>

namespace portcullis::text {

/// Appends one step of a JSON pointer (RFC 6901).
void append_pointer_step(std::string& pointer, std::string_view name);

/// Takes the first step off a pointer. REQUIRES: it begins with "/".
std::string take_pointer_step(std::string_view& pointer);

}  // namespace portcullis::text
