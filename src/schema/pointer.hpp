#pragma once
#include <string>
#include <string_view>

namespace portcullis::schema {

/// Appends one step of a JSON pointer (RFC 6901).
void append_step(std::string& pointer, std::string_view name);

/// Takes the first step off a pointer. REQUIRES: it begins with "/".
std::string take_step(std::string_view& pointer);

}  // namespace portcullis::schema
