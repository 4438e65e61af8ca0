// A form of fields: what is taken, written down again, is the same form.
#include "http/form_fields.hpp"

#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using portcullis::fuzz::require;

void append_encoded(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (portcullis::text::is_alnum(c)) {
      out += c;
    } else {
      ((out += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const auto form = portcullis::http::parse_form_fields(portcullis::fuzz::text_of(data, size));
  if (!form) {
    require(!form.error().empty(), "a refusal has words");
    return 0;
  }
  const auto& fields = form->get_object();
  require(fields.size() <= portcullis::http::kMaxFormFields, "the number of fields is bounded");
  std::string written;
  for (const auto& field : fields) {
    const std::string_view name(field.key().data(), field.key().size());
    const std::string_view value(field.value().get_string());
    require(!name.empty() && portcullis::text::is_utf8(name) && portcullis::text::is_utf8(value),
            "names and values are UTF-8");
    if (!written.empty()) written += '&';
    append_encoded(written, name);
    written += '=';
    append_encoded(written, value);
  }
  const auto again = portcullis::http::parse_form_fields(written);
  require(again && *again == *form, "what was taken is taken again, the same");
  return 0;
}
