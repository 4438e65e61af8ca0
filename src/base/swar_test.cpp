#include "base/swar.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::swar {
namespace {

/// Each byte value at each place, between bytes that are themselves at the edges.
template <class Check>
void for_each_word(Check check) {
  for (const char around : {'\x00', '\x1f', ' ', '"', '~', '\x7f', '\x80', '\xff'}) {
    for (std::size_t at = 0; at < 8; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string bytes(8, around);
        bytes[at] = static_cast<char>(c);
        check(bytes);
      }
    }
  }
}

TEST(Swar, AgreesWithALoopOverBytes) {
  for_each_word([](const std::string& bytes) {
    const auto any = [&](auto rule) {
      return std::ranges::any_of(bytes,
                                 [&](char c) { return rule(static_cast<unsigned char>(c)); });
    };
    const auto word = load(bytes.data());
    for (const unsigned n : {1U, 0x20U, 0x80U}) {
      ASSERT_EQ(any_below(word, n), any([&](unsigned c) { return c < n; })) << text::hex(bytes);
    }
    for (const unsigned char wanted : {'\0', '"', '\\', '\x7f'}) {
      ASSERT_EQ(any_equal(word, wanted), any([&](unsigned c) { return c == wanted; }))
          << text::hex(bytes);
    }
    ASSERT_EQ(any_beyond_ascii(word), any([](unsigned c) { return c >= 0x80; }));
  });
}

TEST(Swar, TextFunctionsGiveTheSameAtEveryOffset) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string s(size, 'a');
        s[at] = static_cast<char>(c);
        ASSERT_EQ(text::is_utf8(s), c < 0x80) << size << " " << at << " " << c;
        std::string json;
        text::append_json_string(json, s);
        std::string alone;
        text::append_json_string(alone, std::string_view(&s[at], 1));
        const std::string inner = alone.substr(1, alone.size() - 2);
        ASSERT_EQ(json,
                  "\"" + std::string(at, 'a') + inner + std::string(size - at - 1, 'a') + "\"");
      }
    }
  }
}

}  // namespace
}  // namespace portcullis::swar
