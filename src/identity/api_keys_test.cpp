#include "identity/api_keys.hpp"

#include <gtest/gtest.h>

#include <set>

namespace portcullis::identity {
namespace {

const WallTime kNow = from_epoch_seconds(1'800'000'000);

ApiKeys::Minted mint(const ApiKeys& by) {
  ApiKey wanted;
  wanted.name = "a key";
  wanted.owner = "somebody";
  wanted.site = "shop";
  return by.mint(wanted, kNow);
}

ApiKeyFault fault_of(std::string_view text) { return parse_api_key(text).error(); }

TEST(ApiKeys, AMintedKeyParsesAndMatches) {
  const ApiKeys keys({"a secret to derive from"});
  const auto minted = mint(keys);
  EXPECT_EQ(minted.text.size(), kApiKeyBytes);
  EXPECT_TRUE(minted.text.starts_with("pck_"));
  const auto parsed = parse_api_key(minted.text).value();
  EXPECT_EQ(parsed.prefix, minted.record.prefix);
  EXPECT_EQ(parsed.secret.size(), 43U);
  EXPECT_TRUE(keys.matches(parsed, minted.record));
  EXPECT_TRUE(check(minted.record)) << "a store takes it";
  EXPECT_EQ(minted.record.site, "shop");
  EXPECT_EQ(minted.record.created, kNow);
  EXPECT_EQ(minted.record.id.size(), 26U);
  EXPECT_EQ(minted.record.hash.find(parsed.secret), std::string::npos);
}

TEST(ApiKeys, EachIsAnother) {
  const ApiKeys keys({"a secret to derive from"});
  std::set<std::string> seen;
  for (int i = 0; i < 300; ++i) {
    const auto minted = mint(keys);
    EXPECT_TRUE(seen.insert(minted.text).second && seen.insert(minted.record.prefix).second &&
                seen.insert(minted.record.id).second);
  }
}

TEST(ApiKeys, OnlyItsOwnRecordMatches) {
  const ApiKeys keys({"a secret to derive from"});
  const auto one = mint(keys);
  const auto other = mint(keys);
  const auto text = parse_api_key(one.text).value();
  EXPECT_FALSE(keys.matches(text, other.record));
  auto moved = other.record;
  moved.hash = one.record.hash;
  EXPECT_FALSE(keys.matches(parse_api_key(other.text).value(), moved));
  auto cut = one.record;
  cut.hash.pop_back();
  EXPECT_FALSE(keys.matches(text, cut));
  cut.hash.clear();
  EXPECT_FALSE(keys.matches(text, cut));
  EXPECT_FALSE(ApiKeys({"another secret"}).matches(text, one.record))
      << "whoever has the store alone makes no key";
}

TEST(ApiKeys, OldSecretsCheckAsLongAsTheyAreNamed) {
  const auto old = mint(ApiKeys({"the old one"}));
  const ApiKeys both({"a new one", "the old one"});
  EXPECT_TRUE(both.matches(parse_api_key(old.text).value(), old.record));
  const auto fresh = mint(both);
  EXPECT_TRUE(ApiKeys({"a new one"}).matches(parse_api_key(fresh.text).value(), fresh.record));
}

TEST(ApiKeys, EveryChangeOfACharacterIsSeenWithoutAStore) {
  const auto text = mint(ApiKeys({"a secret to derive from"})).text;
  for (std::size_t i = kApiKeyMark.size(); i < text.size(); ++i) {
    for (const char c : {'a', 'b', '2', '_', '-', '.', '\0', '\xc3'}) {
      if (text[i] == c) continue;
      auto changed = text;
      changed[i] = c;
      const auto parsed = parse_api_key(changed);
      ASSERT_FALSE(parsed) << i;
      EXPECT_NE(parsed.error(), ApiKeyFault::foreign);
    }
  }
  auto swapped = text;
  std::swap(swapped[20], swapped[21]);
  if (swapped != text) EXPECT_EQ(fault_of(swapped), ApiKeyFault::mistyped);
}

TEST(ApiKeys, SayWhatIsWrongWithAText) {
  const auto text = mint(ApiKeys({"a secret to derive from"})).text;
  for (const auto* foreign : {"", "p", "pck", "pcs_abc", "PCK_abc", " pck_", "eyJhbGciOi"}) {
    EXPECT_EQ(fault_of(foreign), ApiKeyFault::foreign) << foreign;
  }
  for (const auto& malformed :
       {std::string("pck_"), std::string("pck_test"), text.substr(0, 63), text + "A", text + " ",
        std::string("pck_") + std::string(60, 'a'), "pck_" + std::string(1'000'000, 'a')}) {
    EXPECT_EQ(fault_of(malformed), ApiKeyFault::malformed);
  }
  auto upper = text;
  upper[4] = 'A';
  EXPECT_EQ(fault_of(upper), ApiKeyFault::malformed) << "a prefix has no capitals";
  auto last = text;
  last.back() = last.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(fault_of(last), ApiKeyFault::mistyped);
}

}  // namespace
}  // namespace portcullis::identity
