#include "base/base32.hpp"

#include <gtest/gtest.h>

namespace portcullis::text {
namespace {

TEST(Base32, AgreesWithRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "MY"},
                                                       {"fo", "MZXQ"},
                                                       {"foo", "MZXW6"},
                                                       {"foob", "MZXW6YQ"},
                                                       {"fooba", "MZXW6YTB"},
                                                       {"foobar", "MZXW6YTBOI"}};
  for (const auto& [bytes, encoded] : cases) {
    EXPECT_EQ(base32(bytes), encoded);
    EXPECT_EQ(base32_decode(encoded), bytes);
  }
  EXPECT_EQ(base32_decode("mzxw6ytboi"), "foobar");
}

TEST(Base32, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto part = bytes.substr(size);
    EXPECT_EQ(base32_decode(base32(part)), part);
  }
}

TEST(Base32, RefusesOtherCharactersLengthsAndBits) {
  for (const char* bad : {"M", "MZX", "MZXW6Y", "MZ0Q", "MZ1Q", "M8", "MY======", " MY", "M-", "MZ",
                          "MZXR", "\xc3\xa4MY"}) {
    EXPECT_EQ(base32_decode(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace portcullis::text
