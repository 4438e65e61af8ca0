#include "upstream/chat_messages.hpp"

#include "base/text.hpp"

namespace portcullis::upstream {

void append_chat_message(std::string& out, std::string_view role, std::string_view content) {
  if (!out.ends_with('[')) out += ',';
  out += R"({"role":")";
  out += role;
  out += R"(","content":)";
  text::append_json_string(out, content);
  out += '}';
}

void append_chat_message(std::string& out, const PastMessage& said) {
  append_chat_message(out, said.role == PastMessage::Role::user ? "user" : "assistant", said.text);
}

}  // namespace portcullis::upstream
