// A form of a stranger's: what is taken can be written down again part by part, and is then the
// same form.
#include <string>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "http/media_sniffer.hpp"
#include "http/multipart_form.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::http::FormLimits;
using portcullis::http::FormPart;
using portcullis::http::MultipartForm;

std::string write(const MultipartForm& form, std::string_view boundary) {
  std::string out;
  for (const FormPart& part : form.parts) {
    out += "--" + std::string(boundary) + "\r\nContent-Disposition: form-data; name=\"";
    out += part.name;
    out += '"';
    if (part.is_file) {
      out += "; filename=\"";
      out += part.file_name;
      out += '"';
    }
    if (!part.content_type.empty()) out += "\r\nContent-Type: " + std::string(part.content_type);
    out += "\r\n\r\n";
    out += part.value;
    out += "\r\n";
  }
  return out + "--" + std::string(boundary) + "--";
}

void check(const MultipartForm& form, std::string_view body, const FormLimits& limits) {
  require(form.parts.size() <= limits.max_parts, "the number of parts is bounded");
  for (const FormPart& part : form.parts) {
    require(!part.name.empty() && part.name.size() <= limits.max_name_bytes, "a name fits");
    require(part.file_name.size() <= limits.max_file_name_bytes, "a file name fits");
    require(portcullis::text::is_utf8(part.name) && portcullis::text::is_utf8(part.file_name),
            "names are valid UTF-8");
    for (const auto view : {part.name, part.value}) {
      require(view.data() >= body.data() && view.data() + view.size() <= body.data() + body.size(),
              "a part lies inside of the body");
    }
    const auto type = portcullis::http::sniff_media_type(part.value);
    require(type.empty() || !part.value.empty(), "nothing has no kind");
    (void)portcullis::http::extension_fits(part.file_name, type);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  // The first line is a Content-Type, the rest the body.
  const auto text = portcullis::fuzz::text_of(data, size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto boundary = portcullis::http::form_boundary(text.substr(0, line));
  if (!boundary) return 0;
  require(!boundary->empty() && boundary->size() <= 70, "a boundary has its length");
  const auto body = text.substr(line + 1);
  const FormLimits limits{.max_parts = 8};
  const auto form = portcullis::http::parse_multipart(body, *boundary, limits);
  if (!form) {
    require(!form.error().detail.empty(), "a refusal has words");
    return 0;
  }
  check(*form, body, limits);
  // Written by us a header may be a little longer: a space behind each colon.
  const FormLimits wider{.max_parts = 8, .max_head_bytes = 2 * limits.max_head_bytes};
  const std::string written = write(*form, *boundary);
  const auto again = portcullis::http::parse_multipart(written, *boundary, wider);
  require(again.has_value(), "what was taken is taken again");
  require(again->parts.size() == form->parts.size(), "with as many parts");
  for (std::size_t i = 0; i < form->parts.size(); ++i) {
    const auto& a = form->parts[i];
    const auto& b = again->parts[i];
    require(a.name == b.name && a.file_name == b.file_name && a.is_file == b.is_file &&
                a.content_type == b.content_type && a.value == b.value,
            "each the same");
  }
  return 0;
}
