#include "identity/session_tokens.hpp"

#include <set>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::identity {
namespace {

const std::string kSecret = "first secret, forty-eight random bytes as it were";
const std::string kOther = "other secret, forty-eight random bytes as it were";

http::SessionClaims some_claims() {
  http::SessionClaims claims;
  for (std::size_t i = 0; i < claims.id.size(); ++i)
    claims.id[i] = static_cast<std::uint8_t>(i * 7);
  claims.created = from_epoch_seconds(1'800'000'000);
  claims.expires = from_epoch_seconds(1'800'086'400);
  claims.site = "default";
  claims.origin = "https://www.example.com";
  claims.page_url = "https://www.example.com/pricing?x=1";
  return claims;
}

http::SessionClaims owned_claims() {
  auto claims = some_claims();
  claims.issued = claims.created + Milliseconds{7};
  claims.device = 0x0123456789abcdef;
  claims.rapid = true;
  claims.owner = http::Presenter{.network = 0xfedcba9876543210,
                                 .ipv4 = true,
                                 .fingerprint = {11, ~std::uint64_t{0}},
                                 .user_agent = 13,
                                 .platform = http::Platform::macos};
  return claims;
}

TEST(SessionTokens, SayWhoseKeyMustProveThem) {
  const SessionTokens tokens({kSecret});
  auto claims = owned_claims();
  EXPECT_FALSE(tokens.verify(tokens.issue(claims))->proof_key);
  auto& key = claims.proof_key.emplace();
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(255 - i);
  for (const bool bearer : {false, true}) {
    claims.bearer = bearer;
    const auto read = tokens.verify(tokens.issue(claims));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->proof_key, claims.proof_key);
    EXPECT_EQ(read->owner, claims.owner);
    EXPECT_EQ(read->bearer, bearer);
    EXPECT_EQ(read->page_url, claims.page_url);
  }
  const auto bytes = [&](const http::SessionClaims& of) {
    return *text::base64url_decode(tokens.issue(of).substr(SessionTokens::kPrefix.size()));
  };
  EXPECT_EQ(bytes(claims)[0], 3);
  claims.proof_key.reset();
  EXPECT_EQ(bytes(claims)[0], 2) << "nodes of an older release read what needs no key";
}

TEST(SessionTokens, SayWhichUserTheyAreOfToTheGatewayAlone) {
  const SessionTokens tokens({kSecret});
  auto claims = owned_claims();
  claims.user = "ann@example.com";
  for (const bool bound : {false, true}) {
    if (bound) claims.proof_key.emplace()[3] = 7;
    const std::string token = tokens.issue(claims);
    const auto read = tokens.verify(token);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->user, claims.user);
    EXPECT_EQ(read->proof_key, claims.proof_key);
    EXPECT_EQ(read->page_url, claims.page_url);
    const auto bytes = text::base64url_decode(token.substr(SessionTokens::kPrefix.size()));
    EXPECT_EQ(bytes->find("ann"), std::string::npos) << "it is sealed";
    EXPECT_NE(tokens.issue(claims), token) << "and tells nobody that two are of one user";
  }
  EXPECT_EQ(SessionTokens({kOther, kSecret}).verify(tokens.issue(claims))->user, claims.user);
}

TEST(SessionTokens, SayWhomTheyWereIssuedTo) {
  PROVES("F038");
  const SessionTokens tokens({kSecret});
  auto claims = owned_claims();
  for (const bool ipv4 : {false, true}) {
    for (const bool rapid : {false, true}) {
      for (const bool bearer : {false, true}) {
        claims.owner->ipv4 = ipv4;
        claims.rapid = rapid;
        claims.bearer = bearer;
        const auto read = tokens.verify(tokens.issue(claims));
        ASSERT_TRUE(read);
        EXPECT_EQ(read->owner, claims.owner);
        EXPECT_EQ(read->issued, claims.issued);
        EXPECT_EQ(read->device, claims.device);
        EXPECT_EQ(read->rapid, rapid);
        EXPECT_EQ(read->bearer, bearer);
        EXPECT_EQ(read->page_url, claims.page_url);
      }
    }
  }
  claims.page_url = "https://a.com/" + std::string(1986, 'x');
  const auto longest = tokens.issue(claims);
  EXPECT_TRUE(tokens.verify(longest)) << "the longest page URL that create accepts";
  EXPECT_LT(longest.size(), 3600U) << "a cookie takes it";
}

TEST(SessionTokens, OfOlderReleasesVerifyAndSayNothingOfTheirOwner) {
  // Made by another program, when tokens had no owners yet.
  const SessionTokens tokens({"fuzzing session secret one, no secret at all"});
  const auto read = tokens.verify(
      "pcs_AQBf7Otm_8hvONlSeGxtaWx5wtvCOd1OkbRnKdc6J_tX6QAAAABrSdIAAAAAAGtLI4AAB2RlZmF1bHQAF2h0dHBz"
      "Oi8vd3d3LmV4YW1wbGUuY29tAB5odHRwczovL3d3dy5leGFtcGxlLmNvbS9wYWdlPzAJWAC01_XcfxsR7BweQGg8hiH_"
      "s5szeL-H6KfTsBr8SA");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->origin, "https://www.example.com");
  EXPECT_FALSE(read->owner);
  EXPECT_FALSE(read->rapid);
  EXPECT_EQ(read->device, 0U);
  EXPECT_EQ(read->issued, read->created);
  EXPECT_EQ(text::base64url_decode(tokens.issue(some_claims()).substr(4)).value()[0], 1);
  EXPECT_EQ(text::base64url_decode(tokens.issue(owned_claims()).substr(4)).value()[0], 2);
}

TEST(SessionTokens, AFurtherOneOfASessionIsSignedByItsOwnSecret) {
  const SessionTokens before({kOther});
  const SessionTokens during({kSecret, kOther});
  const auto claims = during.verify(before.issue(owned_claims())).value();
  const std::string further = during.issue(claims);
  EXPECT_TRUE(before.verify(further));
  using Audience = SessionTokens::Audience;
  EXPECT_EQ(during.handle(Audience::upstream, during.verify(further).value()),
            during.handle(Audience::upstream, claims))
      << "n8n goes on with its conversation";
}

TEST(SessionTokens, CarryTheirClaims) {
  PROVES("F038");
  const SessionTokens tokens({kSecret});
  for (const bool bearer : {false, true}) {
    auto claims = some_claims();
    claims.bearer = bearer;
    const std::string token = tokens.issue(claims);
    EXPECT_TRUE(token.starts_with("pcs_"));
    const auto read = tokens.verify(token);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id, claims.id);
    EXPECT_EQ(read->created, claims.created);
    EXPECT_EQ(read->expires, claims.expires);
    EXPECT_EQ(read->site, claims.site);
    EXPECT_EQ(read->origin, claims.origin);
    EXPECT_EQ(read->page_url, claims.page_url);
    EXPECT_EQ(read->bearer, bearer);
  }
}

TEST(SessionTokens, AreMadeOfCharactersThatCookiesAndHeadersTake) {
  const std::string token = SessionTokens({kSecret}).issue(some_claims());
  for (const char c : token) EXPECT_TRUE(text::is_alnum(c) || c == '-' || c == '_') << c;
  EXPECT_LT(token.size(), 1024U);
}

TEST(SessionTokens, CarryEmptyAndLongClaims) {
  const SessionTokens tokens({kSecret});
  auto claims = some_claims();
  claims.site = claims.origin = claims.page_url = "";
  EXPECT_TRUE(tokens.verify(tokens.issue(claims)));
  claims.page_url = "https://a.com/" + std::string(1986, 'x');
  const auto read = tokens.verify(tokens.issue(claims));
  ASSERT_TRUE(read) << "the longest page URL that create accepts";
  EXPECT_EQ(read->page_url, claims.page_url);
  claims.created = WallTime{};
  EXPECT_EQ(tokens.verify(tokens.issue(claims))->created, WallTime{});
}

TEST(SessionTokens, NoBitCanBeChanged) {
  PROVES("F038");
  const SessionTokens tokens({kSecret});
  for (const auto& claims : {some_claims(), owned_claims()}) {
    const std::string token = tokens.issue(claims);
    const auto bytes = text::base64url_decode(token.substr(4)).value();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string changed = bytes;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      ASSERT_FALSE(tokens.verify("pcs_" + text::base64url(changed))) << "bit " << bit;
    }
  }
}

TEST(SessionTokens, NoCharacterCanBeChangedAddedOrLeftOut) {
  const SessionTokens tokens({kSecret});
  const std::string token = tokens.issue(some_claims());
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'b', '0', '-', '_', '=', ' ', '.', '\0', '\xff'}) {
      if (token[i] == c) continue;
      std::string changed = token;
      changed[i] = c;
      ASSERT_FALSE(tokens.verify(changed)) << i;
    }
    ASSERT_FALSE(tokens.verify(std::string(token).erase(i, 1))) << i;
    ASSERT_FALSE(tokens.verify(std::string(token).insert(i, "A"))) << i;
    ASSERT_FALSE(tokens.verify(std::string_view(token).substr(0, i))) << i;
  }
  EXPECT_FALSE(tokens.verify(token + "="));
  EXPECT_FALSE(tokens.verify(token + "A"));
  EXPECT_FALSE(tokens.verify(" " + token));
  EXPECT_FALSE(tokens.verify("pck_" + token.substr(4)));
}

TEST(SessionTokens, RefuseWhatIsNoToken) {
  const SessionTokens tokens({kSecret});
  EXPECT_FALSE(tokens.verify(""));
  EXPECT_FALSE(tokens.verify("pcs_"));
  EXPECT_FALSE(tokens.verify("pcs_" + text::base64url(std::string(81, '\1'))));
  EXPECT_FALSE(tokens.verify("pcs_" + text::base64url(std::string(200, '\1'))));
  EXPECT_FALSE(tokens.verify("pcs_" + std::string(5000, 'A')));
  EXPECT_FALSE(tokens.verify("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."));
}

TEST(SessionTokens, ATruncatedSignatureIsNoSignature) {
  // The signed part is the same; the signature is cut to what the HMAC would accept by itself.
  const SessionTokens tokens({kSecret});
  const auto bytes = text::base64url_decode(tokens.issue(some_claims()).substr(4)).value();
  for (std::size_t cut = 1; cut <= 16; ++cut) {
    EXPECT_FALSE(tokens.verify("pcs_" + text::base64url(bytes.substr(0, bytes.size() - cut))));
  }
}

TEST(SessionTokens, AllSecretsVerifyAndTheFirstSigns) {
  const SessionTokens before({kOther});
  const SessionTokens during({kSecret, kOther});
  const SessionTokens after({kSecret});
  const std::string old_token = before.issue(some_claims());
  const std::string new_token = during.issue(some_claims());
  EXPECT_TRUE(during.verify(old_token));
  EXPECT_TRUE(during.verify(new_token));
  EXPECT_TRUE(after.verify(new_token));
  EXPECT_FALSE(after.verify(old_token));
  EXPECT_FALSE(before.verify(new_token));
}

TEST(SessionTokens, HandlesDifferByAudienceAndTellNothingOfTheId) {
  const SessionTokens tokens({kSecret});
  const auto claims = some_claims();
  auto other = claims;
  other.id = new_session_id();
  std::set<std::string> handles;
  using Audience = SessionTokens::Audience;
  for (const auto audience : {Audience::client, Audience::upstream, Audience::audit}) {
    const auto handle = tokens.handle(audience, claims);
    EXPECT_EQ(handle.size(), 32U);
    EXPECT_EQ(tokens.handle(audience, claims), handle);
    EXPECT_TRUE(handles.insert(handle).second);
    for (const char c : handle) EXPECT_TRUE(text::is_alnum(c) || c == '-' || c == '_');
  }
  EXPECT_NE(tokens.handle(SessionTokens::Audience::client, other),
            tokens.handle(SessionTokens::Audience::client, claims));
  EXPECT_NE(SessionTokens({kOther}).handle(SessionTokens::Audience::client, claims),
            tokens.handle(SessionTokens::Audience::client, claims));
}

TEST(SessionTokens, AHandleStaysTheSameOverARotation) {
  const SessionTokens before({kOther});
  const SessionTokens during({kSecret, kOther});
  const std::string token = before.issue(some_claims());
  const auto handle =
      before.handle(SessionTokens::Audience::upstream, before.verify(token).value());
  EXPECT_EQ(during.handle(SessionTokens::Audience::upstream, during.verify(token).value()), handle);
  auto claims = some_claims();
  claims.key = 255;  // never beyond the keys there are
  EXPECT_EQ(during.handle(SessionTokens::Audience::upstream, claims).size(), 32U);
}

TEST(SessionTokens, NewIdsAreRandom) {
  std::set<std::array<std::uint8_t, 32>> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(new_session_id()).second);
}

TEST(SessionTokens, AClaimedSessionDependsOnAllThatIsClaimedAndOnTheFirstSecret) {
  const std::string secret(48, 'a');
  const SessionTokens tokens({secret});
  const auto id = [](const SessionTokens& by, const char* site, const char* name, const char* who) {
    return by.claimed(site, name, who, {}).id;
  };
  const auto one = id(tokens, "shop", "id", "who");
  EXPECT_EQ(id(tokens, "shop", "id", "who"), one);
  EXPECT_EQ(id(SessionTokens({secret, std::string(48, 'b')}), "shop", "id", "who"), one);
  EXPECT_NE(id(SessionTokens({std::string(48, 'b'), secret}), "shop", "id", "who"), one);
  EXPECT_NE(id(tokens, "shop2", "id", "who"), one);
  EXPECT_NE(id(tokens, "shop", "id2", "who"), one);
  EXPECT_NE(id(tokens, "shop", "id", "who2"), one);
  EXPECT_NE(id(tokens, "shop", "idw", "ho"), one) << "what belongs to which is part of it";
}

}  // namespace
}  // namespace portcullis::identity
