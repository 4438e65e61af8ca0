#pragma once
#include <span>
#include <string_view>

namespace portcullis::routes {

/// A file of the web build, embedded into the program (cmake/assets.cmake makes the table).
struct Asset {
  std::string_view path;  ///< below /widget/
  std::string_view type;
  std::string_view content;
  std::string_view brotli;  ///< the same, packed by the web build; empty: that is no shorter
  std::string_view gzip;
  bool immutable;    ///< its name holds a hash of its content
  bool is_template;  ///< holds placeholders that are filled in for each answer
};

std::span<const Asset> embedded_assets();

}  // namespace portcullis::routes
