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

struct Extensions {
  std::string_view type;
  std::string_view names;  ///< each between spaces
};

constexpr Extensions kExtensions[] = {
    {"image/png", " png "},
    {"image/jpeg", " jpg jpeg jfif "},
    {"image/gif", " gif "},
    {"image/webp", " webp "},
    {"application/pdf", " pdf "},
    {"application/zip", " zip docx xlsx pptx odt ods odp "},
    {"audio/mpeg", " mp3 "},
    {"audio/wav", " wav "},
    {"audio/ogg", " ogg oga opus "},
    {"video/mp4", " mp4 m4v m4a mov "},
    {"video/webm", " webm weba mkv "},
    {"text/html", " html htm svg xml "},
    {"text/plain", " txt text md csv tsv json log yaml yml "},
};

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
  const auto extension = file_name.substr(dot + 1);
  if (extension.empty() || extension.size() > 8) return false;
  for (const auto& known : kExtensions) {
    if (known.type != media_type) continue;
    std::size_t start = 1;
    while (start < known.names.size()) {
      const auto end = known.names.find(' ', start);
      if (text::iequals(known.names.substr(start, end - start), extension)) return true;
      start = end + 1;
    }
  }
  return false;
}

}  // namespace portcullis::http
