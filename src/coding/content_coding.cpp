#include "coding/content_coding.hpp"

#include "base/text.hpp"

namespace portcullis::coding {

std::string_view name_of(ContentCoding coding) noexcept {
  switch (coding) {
    case ContentCoding::gzip:
      return "gzip";
    case ContentCoding::brotli:
      return "br";
    case ContentCoding::zstd:
      return "zstd";
  }
  return {};
}

std::optional<ContentCoding> content_coding_of(std::string_view name) noexcept {
  for (const auto coding : {ContentCoding::gzip, ContentCoding::brotli, ContentCoding::zstd}) {
    if (text::iequals(name, name_of(coding))) return coding;
  }
  if (text::iequals(name, "x-gzip")) return ContentCoding::gzip;
  return std::nullopt;
}

}  // namespace portcullis::coding
