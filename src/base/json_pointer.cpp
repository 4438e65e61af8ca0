#include "base/json_pointer.hpp"

namespace portcullis::text {

void append_pointer_step(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

std::string take_pointer_step(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const auto step = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(step.size());
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const auto escape = step.substr(i, 2);
    if (escape == "~0" || escape == "~1") {
      out += escape == "~0" ? '~' : '/';
      ++i;
    } else {
      out += step[i];
    }
  }
  return out;
}

}  // namespace portcullis::text
