#include "http/media_sniffer.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)

struct Signature {
  std::string_view at_start;
  std::size_t offset;  ///< of `further`
  std::string_view further;
  std::string_view type;
};

constexpr Signature kSignatures[] = {
    {"\x89PNG\r\n\x1a\n"sv, 0, {}, "image/png"},
    {"\xff\xd8\xff"sv, 0, {}, "image/jpeg"},
    {"GIF87a"sv, 0, {}, "image/gif"},
    {"GIF89a"sv, 0, {}, "image/gif"},
    {"RIFF"sv, 8, "WEBPVP"sv, "image/webp"},
    {"RIFF"sv, 8, "WAVE"sv, "audio/wav"},
    {"%PDF-"sv, 0, {}, "application/pdf"},
    {"PK\x03\x04"sv, 0, {}, "application/zip"},
    {"ID3"sv, 0, {}, "audio/mpeg"},
    {"OggS\0"sv, 0, {}, "audio/ogg"},
    {"\x1a\x45\xdf\xa3"sv, 0, {}, "video/webm"},
    {{}, 4, "ftyp"sv, "video/mp4"},
};

/// What else files of a type are called. Names stand between spaces.
struct Names {
  std::string_view type;
  std::string_view extensions;
  std::string_view declarations;  ///< beside the type
};

constexpr Names kNames[] = {
    {"image/png", " png ", ""},
    {"image/jpeg", " jpg jpeg jfif ", " image/jpg image/pjpeg "},
    {"image/gif", " gif ", ""},
    {"image/webp", " webp ", ""},
    {"application/pdf", " pdf ", ""},
    {"application/zip", " zip docx xlsx pptx odt ods odp ",
     " application/x-zip-compressed "
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document "
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet "
     "application/vnd.openxmlformats-officedocument.presentationml.presentation "
     "application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet "
     "application/vnd.oasis.opendocument.presentation "},
    {"audio/mpeg", " mp3 ", " audio/mp3 "},
    {"audio/wav", " wav ", " audio/wave audio/x-wav audio/vnd.wave "},
    {"audio/ogg", " ogg oga opus ", " audio/opus application/ogg "},
    {"video/mp4", " mp4 m4v m4a mov ",
     " audio/mp4 audio/x-m4a audio/m4a video/x-m4v video/quicktime "},
    {"video/webm", " webm weba mkv ", " audio/webm video/x-matroska "},
    {"text/html", " html htm svg xml ", " image/svg+xml text/xml application/xml "},
    {"text/plain", " txt text md csv tsv json log yaml yml ",
     " text/markdown text/csv text/tab-separated-values application/json text/yaml "
     "application/yaml application/x-yaml "},
};

bool is_among(std::string_view name, std::string_view names) noexcept {
  for (std::size_t start = 1; start < names.size();) {
    const auto end = names.find(' ', start);
    if (text::iequals(names.substr(start, end - start), name)) return true;
    start = end + 1;
  }
  return false;
}

const Names* names_of(std::string_view media_type) noexcept {
  const auto* at = std::ranges::find(kNames, media_type, &Names::type);
  return at == std::end(kNames) ? nullptr : at;
}

bool is_text(std::string_view bytes) noexcept {
  return std::ranges::none_of(bytes,
                              [](char c) {
                                const auto byte = static_cast<unsigned char>(c);
                                return byte == 0x7f ||
                                       (byte < 0x20 && c != '\t' && c != '\n' && c != '\r');
                              }) &&
         text::is_utf8(bytes);
}

/// Markup by its first tag, behind white space, a byte order mark and comments' opening.
bool is_markup(std::string_view bytes) noexcept {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const auto start = text::trim(bytes);
  if (start.size() < 2 || start[0] != '<') return false;
  return text::is_alpha(start[1]) || start[1] == '!' || start[1] == '?' || start[1] == '/';
}

}  // namespace

std::string_view sniff_media_type(std::string_view bytes) noexcept {
  for (const auto& signature : kSignatures) {
    if (bytes.starts_with(signature.at_start) &&
        (signature.further.empty() ||
         (bytes.size() >= signature.offset &&
          bytes.substr(signature.offset).starts_with(signature.further)))) {
      return signature.type;
    }
  }
  if (bytes.empty() || !is_text(bytes)) return {};
  return is_markup(bytes) ? "text/html" : "text/plain";
}

bool extension_fits(std::string_view file_name, std::string_view media_type) noexcept {
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return true;
  const auto* names = names_of(media_type);
  return names != nullptr && is_among(file_name.substr(dot + 1), names->extensions);
}

bool declaration_fits(std::string_view declared, std::string_view media_type) noexcept {
  if (declared.empty() || declared == "application/octet-stream" || declared == media_type) {
    return true;
  }
  const auto* names = names_of(media_type);
  return names != nullptr && is_among(declared, names->declarations);
}

}  // namespace portcullis::http
