#pragma once
#include <string>
#include <string_view>

#include "upstream/assistant.hpp"

namespace portcullis::upstream {

/// Appends `{"role":…,"content":…}`, as the APIs of language models write what was said, and before
/// it a comma where it is not the first of its array.
void append_chat_message(std::string& out, std::string_view role, std::string_view content);
void append_chat_message(std::string& out, const PastMessage& said);

}  // namespace portcullis::upstream
