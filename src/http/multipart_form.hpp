#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http {

/// One part of a multipart/form-data body. Views into the body.
struct FormPart {
  std::string_view name;
  std::string_view file_name;  ///< as sent: browsers write a quote as %22, a line end as %0D%0A
  std::string_view content_type;
  std::string_view value;
  bool is_file = false;  ///< it has a file name, be it an empty one
};

/// A parsed multipart/form-data body.
///
/// Ownership: its views end with the body that they point into.
struct MultipartForm {
  std::vector<FormPart> parts;

  /// The first part of this name; null where there is none.
  const FormPart* find(std::string_view name) const noexcept;
};

/// What a form may hold at most.
struct FormLimits {
  std::size_t max_parts = 32;
  std::size_t max_head_bytes = 1024;  ///< of one part
  std::size_t max_name_bytes = 64;
  std::size_t max_file_name_bytes = 255;
};

/// Why a form was refused.
struct FormError {
  enum class Kind : std::uint8_t { malformed, too_many_parts, head_too_large, name };
  Kind kind = Kind::malformed;
  std::string_view detail;  ///< static text, fit for the client
};

/// The boundary of a multipart/form-data Content-Type; nullopt where it is none, has no boundary or
/// two, another parameter, or a boundary of other characters than letters, digits and "'+_-.".
std::optional<std::string> form_boundary(std::string_view content_type);

/// Parses a complete body strictly: whatever two readers could cut differently is malformed.
/// Nothing before the first boundary or behind the last, no padding behind a boundary, no boundary
/// anywhere else (some readers end a part at one behind a bare line feed), one Content-Disposition
/// a part with plain quoted strings, no field but that and Content-Type, no
/// Content-Transfer-Encoding, no `filename*`.
///
/// Threads: any.  Cost: one search over the body.
/// Source:  RFC 7578, RFC 2046 section 5.1.1, and the encoding of names in the HTML standard
///          ("multipart/form-data encoding algorithm").
std::expected<MultipartForm, FormError> parse_multipart(std::string_view body,
                                                        std::string_view boundary,
                                                        const FormLimits& limits = {});

}  // namespace portcullis::http
