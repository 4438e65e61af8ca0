#include "routes/proxy/form_rules.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "http/field_names.hpp"
#include "http/fields.hpp"
#include "http/file_name.hpp"
#include "http/media_sniffer.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::FormPart;
using http::Problem;

/// Another reader must not see other characters than were judged, nor cut a part once more: there
/// is no parameter but one charset, UTF-8.
bool is_utf8_or_unsaid(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (semicolon == std::string_view::npos) return true;
  const auto set = http::charset(content_type);
  return (set == "utf-8" || set == "utf8") && !content_type.substr(semicolon + 1).contains(';');
}

/// A part without a file, whose type means nothing.
std::optional<Problem> check_unchosen(const FormPart& part) {
  const auto type = http::media_type(part.content_type);
  const bool has_parts = type.starts_with("multipart/") || type.starts_with("message/");
  if (!has_parts && is_utf8_or_unsaid(part.content_type)) return std::nullopt;
  return Problem(Code::unsupported_media_type, "The type of a file that is none has parameters.");
}

std::optional<Problem> check_field(const FormPart& part) {
  const bool is_text =
      part.content_type.empty() ||
      (http::media_type(part.content_type) == "text/plain" && is_utf8_or_unsaid(part.content_type));
  if (!is_text) {
    return Problem(Code::unsupported_media_type, "A field of the form is no plain text in UTF-8.");
  }
  // RFC 7578 section 4.6: it would name the charset of the others.
  if (part.name == "_charset_" && !text::iequals(part.value, "utf-8")) {
    return Problem(Code::unsupported_media_type, "The charset must be UTF-8.");
  }
  if (!text::is_utf8(part.value)) {
    return Problem(Code::validation_failed, "A field of the form is not valid UTF-8.");
  }
  return std::nullopt;
}

}  // namespace

bool is_unchosen(const FormPart& part) noexcept {
  return part.is_file && part.file_name.empty() && part.value.empty();
}

std::optional<Problem> FormRules::check(const http::MultipartForm& form) const {
  http::FieldNames names;
  std::int64_t files = 0;
  for (const auto& part : form.parts) {
    const bool is_file = part.is_file && !is_unchosen(part);
    const auto fault = is_file ? names.add_file(part.name) : names.add_field(part.name);
    if (fault) return Problem(Code::validation_failed, std::string(*fault));
    if (is_file && ++files > files_.count) {
      return Problem(Code::validation_failed,
                     "At most " + std::to_string(files_.count) + " files are taken.");
    }
    auto problem = is_file             ? check_file(part)
                   : is_unchosen(part) ? check_unchosen(part)
                                       : check_field(part);
    if (problem) return problem;
  }
  return std::nullopt;
}

std::optional<Problem> FormRules::check_file(const FormPart& part) const {
  if (!http::is_safe_file_name(part.file_name)) {
    return Problem(Code::validation_failed, "The name of a file is not acceptable.");
  }
  if (files_.size && std::cmp_greater(part.value.size(), *files_.size)) {
    return Problem(Code::payload_too_large,
                   "A file may have at most " + std::to_string(*files_.size) + " bytes.");
  }
  const auto type = http::sniff_media_type(part.value);
  if (std::ranges::find(files_.types, type) == files_.types.end()) {
    return Problem(Code::unsupported_media_type, "Files of this kind are not taken.");
  }
  if (!http::extension_fits(part.file_name, type)) {
    return Problem(Code::unsupported_media_type, "The name of a file does not fit its content.");
  }
  if (!http::declaration_fits(http::media_type(part.content_type), type) ||
      !is_utf8_or_unsaid(part.content_type)) {
    return Problem(Code::unsupported_media_type, "The type of a file does not fit its content.");
  }
  return std::nullopt;
}

void read_fields(const http::MultipartForm& form, http::JsonBody& out) {
  auto& fields = out.value.emplace_object();
  for (const auto& part : form.parts) {
    if (!part.is_file || is_unchosen(part)) fields.emplace(part.name, part.value);
  }
}

}  // namespace portcullis::routes
