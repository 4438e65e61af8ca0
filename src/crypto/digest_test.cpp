#include "crypto/digest.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "crypto/hmac_sha1.hpp"
#include "crypto/wipe.hpp"
#include "proves.hpp"

namespace portcullis::crypto {
namespace {

std::string from_hex(std::string_view hex) {
  std::string escaped;
  for (std::size_t i = 0; i < hex.size(); i += 2) escaped.append("%").append(hex.substr(i, 2));
  return text::percent_decode(escaped).value();
}
std::string hex_of(const Sha256& digest) { return text::hex(bytes_of(digest)); }

TEST(Sha256, AgreesWithFips180) {
  EXPECT_EQ(hex_of(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex_of(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct Rfc4231Case {
  std::string key, data;
  const char* mac;
};

TEST(Hmac, AgreesWithRfc4231) {
  const Rfc4231Case cases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& c : cases) {
    const HmacKey key(c.key);
    EXPECT_EQ(hex_of(key.sign(c.data)), c.mac);
    EXPECT_EQ(hex_of(key.sign(c.data)), c.mac) << "the key is set up once and used again";
    EXPECT_TRUE(key.verify(c.data, from_hex(c.mac)));
  }
  // Case 5: truncated to 128 bits.
  const HmacKey key(std::string(20, '\x0c'));
  EXPECT_TRUE(key.verify("Test With Truncation", from_hex("a3b6167473100ee06e0c796c2955552b")));
}

TEST(Hmac, VerifyRefusesEveryOtherMac) {
  const HmacKey key("a key");
  const std::string mac(bytes_of(key.sign("data")));
  EXPECT_TRUE(key.verify("data", mac));
  EXPECT_FALSE(key.verify("data!", mac));
  EXPECT_FALSE(HmacKey("another").verify("data", mac));
  for (std::size_t bit = 0; bit < mac.size() * 8; ++bit) {
    std::string changed = mac;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(key.verify("data", changed)) << bit;
  }
  for (std::size_t size = 0; size < 16; ++size)
    EXPECT_FALSE(key.verify("data", std::string_view(mac).substr(0, size))) << size;
  EXPECT_TRUE(key.verify("data", std::string_view(mac).substr(0, 16)));
  EXPECT_FALSE(key.verify("data", mac + "x"));
}

TEST(Hmac, ThreadsShareAKey) {
  const HmacKey key("shared");
  const auto expected = key.sign("x");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(key.sign("x"), expected);
        const HmacKey own(std::to_string(i));
        EXPECT_TRUE(own.verify("y", bytes_of(own.sign("y"))));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Hkdf, AgreesWithRfc5869WithoutSalt) {
  // Appendix A.3: no salt, no info.
  EXPECT_EQ(text::hex(hkdf(std::string(22, '\x0b'), "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, LabelsAndSecretsGiveKeysThatTellNothingOfEachOther) {
  std::set<std::string> keys;
  for (const char* secret : {"one secret of enough bytes", "one secret of enough bytez"}) {
    for (const char* label : {"", "a", "b", "ab"}) {
      const auto key = hkdf(secret, label);
      EXPECT_EQ(key.size(), 32U);
      EXPECT_TRUE(keys.insert(key).second);
      EXPECT_EQ(hkdf(secret, label), key);
    }
  }
}

TEST(ConstantTime, ComparesContentAndLength) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(RandomBytes, AreOfTheSizeAskedForAndNeverTheSame) {
  EXPECT_TRUE(random_bytes(0).empty());
  EXPECT_EQ(random_bytes(100'000).size(), 100'000U);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_bytes(16)).second);
}

TEST(Sha1, IsThatOfItsStandard) {
  EXPECT_EQ(text::hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(HmacSha1, AgreesWithRfc2202) {
  const std::pair<std::string, std::string> cases[] = {
      {std::string(20, '\x0b'), "Hi There"},
      {"Jefe", "what do ya want for nothing?"},
      {std::string(20, '\xaa'), std::string(50, '\xdd')},
      {std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"}};
  const char* const macs[] = {
      "b617318655057264e28bc0b6fb378c8ef146be00", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      "125d7342b9ac11cd91a39af48aa17b4f63f175d3", "aa4ae5e15272d00e95705637ce8a3b55ed402112"};
  for (std::size_t i = 0; i < std::size(macs); ++i) {
    EXPECT_EQ(text::hex(hmac_sha1(cases[i].first, cases[i].second)), macs[i]);
  }
}

TEST(Wipe, LeavesNothing) {
  std::string secret(40, 's');
  const char* const bytes = secret.data();
  wipe(secret);
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(std::string(bytes, 5), std::string(5, '\0')) << "the capacity is still there";
  std::array<char, 8> buffer{'a', 'b'};
  wipe(std::span<char>(buffer));
  EXPECT_EQ(buffer, (std::array<char, 8>{}));
}

TEST(HmacKey, AKeyThatIsGoneGivesItsPlaceToTheNextAndNothingElse) {
  std::size_t highest = 0;  // of the two places that are next, whoever had them before
  {
    const HmacKey::Slot one;
    const HmacKey::Slot other;
    highest = std::max(one.number, other.number);
  }
  std::optional<HmacKey> first("one key");
  const auto mac = first->sign("data");
  first.reset();
  for (int i = 0; i < 1000; ++i) {
    const HmacKey next("key " + std::to_string(i));
    EXPECT_NE(bytes_of(next.sign("data")), bytes_of(mac));
  }
  EXPECT_LE(HmacKey::Slot().number, highest);
  EXPECT_EQ(bytes_of(HmacKey("one key").sign("data")), bytes_of(mac));
}

}  // namespace
}  // namespace portcullis::crypto
