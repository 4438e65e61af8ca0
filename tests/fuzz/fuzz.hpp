#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

/// What the targets share.
namespace portcullis::fuzz {

/// A promise of the code under test; its breach is a crash that libFuzzer keeps.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Cuts `text` at places that follow from `seed`: 0 cuts after every byte.
inline std::vector<std::string_view> split(std::string_view text, std::uint8_t seed) {
  std::vector<std::string_view> out;
  std::uint32_t state = seed;
  while (!text.empty()) {
    state = state * 1664525U + 1013904223U;
    std::size_t size = seed == 0 ? 1 : state >> 28;  // empty pieces are ordinary input too
    size = size < text.size() ? size : text.size();
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace portcullis::fuzz
