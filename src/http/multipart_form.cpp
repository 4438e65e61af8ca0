#include "http/multipart_form.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

using Kind = FormError::Kind;

constexpr std::size_t kMaxBoundaryBytes = 70;

std::unexpected<FormError> refuse(Kind kind, std::string_view detail) {
  return std::unexpected(FormError{kind, detail});
}

/// Of RFC 2046's characters those at which no reader ends a parameter.
bool is_boundary_char(char c) { return text::is_alnum(c) || std::string_view("'+_-.").contains(c); }

/// Removes `prefix` in any case from the front of `rest`.
bool skip(std::string_view& rest, std::string_view prefix) {
  if (!text::istarts_with(rest, prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

/// A quoted string without escapes: readers disagree about what a backslash means in one.
std::optional<std::string_view> take_quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::nullopt;
  const auto end = rest.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto value = rest.substr(1, end - 1);
  const bool plain = std::ranges::none_of(
      value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; });
  if (!plain || !text::is_utf8(value)) return std::nullopt;
  rest.remove_prefix(end + 1);
  return value;
}

/// `form-data; name="…"` and optionally `; filename="…"`, in that order as every browser writes it.
bool read_disposition(std::string_view rest, FormPart& part) {
  if (!skip(rest, "form-data") || !skip(rest, "; name=")) return false;
  const auto name = take_quoted(rest);
  if (!name || name->empty()) return false;
  part.name = *name;
  if (rest.empty()) return true;
  if (!skip(rest, "; filename=")) return false;
  const auto file_name = take_quoted(rest);
  if (!file_name || !rest.empty()) return false;
  part.file_name = *file_name;
  part.is_file = true;
  return true;
}

bool is_content_type(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// The fields of a part; each line ends with CRLF.
std::expected<FormPart, FormError> read_head(std::string_view head, const FormLimits& limits) {
  FormPart part;
  bool has_disposition = false;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || !text::is_token(name)) {
      return refuse(Kind::malformed, "A part of the form has a malformed header.");
    }
    const auto value = text::trim(line.substr(colon + 1));
    if (text::iequals(name, "content-disposition")) {
      if (std::exchange(has_disposition, true) || !read_disposition(value, part)) {
        return refuse(Kind::malformed, "A part of the form has a malformed Content-Disposition.");
      }
    } else if (text::iequals(name, "content-type")) {
      if (!part.content_type.empty() || !is_content_type(value)) {
        return refuse(Kind::malformed, "A part of the form has a malformed Content-Type.");
      }
      part.content_type = value;
    } else {
      return refuse(Kind::malformed, "A part of the form has a header that forms do not have.");
    }
  }
  if (!has_disposition) return refuse(Kind::malformed, "A part of the form has no name.");
  if (part.name.size() > limits.max_name_bytes ||
      part.file_name.size() > limits.max_file_name_bytes) {
    return refuse(Kind::name, "A name in the form is too long.");
  }
  return part;
}

}  // namespace

const FormPart* MultipartForm::find(std::string_view name) const noexcept {
  const auto at = std::ranges::find(parts, name, &FormPart::name);
  return at == parts.end() ? nullptr : &*at;
}

std::optional<std::string> form_boundary(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (semicolon == std::string_view::npos ||
      !text::iequals(text::trim(content_type.substr(0, semicolon)), "multipart/form-data")) {
    return std::nullopt;
  }
  auto rest = text::trim(content_type.substr(semicolon + 1));
  if (!skip(rest, "boundary=")) return std::nullopt;
  if (rest.size() > 2 && rest.front() == '"' && rest.back() == '"') {
    rest = rest.substr(1, rest.size() - 2);
  }
  if (rest.empty() || rest.size() > kMaxBoundaryBytes ||
      !std::ranges::all_of(rest, is_boundary_char)) {
    return std::nullopt;
  }
  return std::string(rest);
}

std::expected<MultipartForm, FormError> parse_multipart(std::string_view body,
                                                        std::string_view boundary,
                                                        const FormLimits& limits) {
  constexpr std::string_view kMalformed = "The body is no valid multipart/form-data.";
  MultipartForm form;
  const std::string dashed = "--" + std::string(boundary);
  if (!body.starts_with(dashed)) return refuse(Kind::malformed, kMalformed);
  body.remove_prefix(dashed.size());
  while (true) {
    if (body.starts_with("--")) {
      body.remove_prefix(2);
      if (!body.empty() && body != "\r\n") return refuse(Kind::malformed, kMalformed);
      return form;
    }
    if (!body.starts_with("\r\n")) return refuse(Kind::malformed, kMalformed);
    body.remove_prefix(2);
    if (form.parts.size() == limits.max_parts) {
      return refuse(Kind::too_many_parts, "The form has too many parts.");
    }
    const auto head_end = body.substr(0, limits.max_head_bytes + 4).find("\r\n\r\n");
    if (head_end == std::string_view::npos) {
      return body.size() > limits.max_head_bytes
                 ? refuse(Kind::head_too_large, "The header of a part of the form is too long.")
                 : refuse(Kind::malformed, kMalformed);
    }
    const auto head = body.substr(0, head_end + 2);
    if (head.contains(dashed)) return refuse(Kind::malformed, kMalformed);
    auto part = read_head(head, limits);
    if (!part) return std::unexpected(part.error());
    body.remove_prefix(head_end + 4);
    // The line end before a boundary belongs to it.
    const auto end = body.find(dashed);
    if (end == std::string_view::npos || !body.substr(0, end).ends_with("\r\n")) {
      return refuse(Kind::malformed, kMalformed);
    }
    part->value = body.substr(0, end - 2);
    body.remove_prefix(end + dashed.size());
    form.parts.push_back(*part);
  }
}

}  // namespace portcullis::http
