#include "base/siphash.hpp"

#include <cstring>
#include <set>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis {
namespace {

constexpr std::array<std::uint64_t, 2> kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

std::string hex_of(const std::array<std::uint64_t, 2>& digest) {
  char bytes[16];
  std::memcpy(bytes, digest.data(), sizeof bytes);
  return text::hex({bytes, sizeof bytes});
}

/// vectors_sip128 of the reference implementation: input 00, 01, 02 … of growing length.
constexpr const char* kVectors[] = {
    "a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45",
    "8177228da4a45dc7fca38bdef60affe4", "9c70b60c5267a94e5f33b6b02985ed51",
    "f88164c12d9c8faf7d0f6e7c7bcd5579", "1368875980776f8854527a07690e9627",
    "14eeca338b208613485ea0308fd7a15e", "a1f1ebbed8dbc153c0b84aa61ff08239",
    "3b62a9ba6258f5610f83e264f31497b4", "264499060ad9baabc47f8b02bb6d71ed",
    "00110dc378146956c95447d3f3d0fbba", "0151c568386b6677a2b4dc6f81e5dc18",
    "d626b266905ef35882634df68532c125", "9869e247e9c08b10d029934fc4b952f7",
    "31fcefac66d7de9c7ec7485fe4494902", "5493e99933b0a8117e08ec0f97cfc3d9",
    "6ee2a4ca67b054bbfd3315bf85230577",
};

TEST(SipHash, AgreesWithTheReferenceVectors) {
  std::string input;
  for (const char* vector : kVectors) {
    EXPECT_EQ(hex_of(siphash128(input, kKey)), vector) << input.size() << " bytes";
    input += static_cast<char>(input.size());
  }
}

TEST(SipHash, DependsOnEveryByteAndOnTheKey) {
  std::set<std::string> seen;
  const std::string input(100, 'x');
  seen.insert(hex_of(siphash128(input, kKey)));
  for (std::size_t i = 0; i < input.size(); ++i) {
    std::string changed = input;
    changed[i] = 'y';
    EXPECT_TRUE(seen.insert(hex_of(siphash128(changed, kKey))).second);
    EXPECT_TRUE(seen.insert(hex_of(siphash128(std::string_view(input).substr(0, i), kKey))).second);
  }
  EXPECT_TRUE(seen.insert(hex_of(siphash128(input, {kKey[0] ^ 1, kKey[1]}))).second);
  EXPECT_TRUE(seen.insert(hex_of(siphash128(input, {kKey[0], kKey[1] ^ 1}))).second);
}

}  // namespace
}  // namespace portcullis
