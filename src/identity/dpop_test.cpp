#include "identity/dpop.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dpop_forge.hpp"
#include "state/memory_store.hpp"

namespace portcullis::identity {
namespace {

const std::vector<std::string> kUrls{"https://chat.example.com/api/v1/chat/message"};
const WallTime kNow = from_epoch_seconds(1'800'000'000);

JwtResult<DpopProof> verify(std::string_view proof, WallTime now = kNow) {
  return verify_dpop(proof, "POST", kUrls, now);
}
const forge::PrivateKey& key() { return forge::ec_key(); }
std::string with_claims(const std::string& claims) {
  return key().jws(forge::dpop_header(key()), claims);
}
std::string with_header(const std::string& header) {
  return key().jws(header, forge::DpopClaims{}.json());
}
std::string fault_of(const JwtResult<DpopProof>& result) {
  return result ? "accepted" : result.error().text();
}

TEST(Dpop, TakesAProofAndTellsWhoseItIs) {
  const auto proof = verify(forge::dpop(key(), {.token = "a token"}));
  ASSERT_TRUE(proof) << fault_of(proof);
  EXPECT_EQ(proof->thumbprint, forge::thumbprint(key()));
  EXPECT_EQ(proof->id, "an id");
  EXPECT_EQ(proof->token_hash, dpop_token_hash("a token"));
  EXPECT_NE(verify(forge::dpop(forge::other_ec_key(), {}))->thumbprint, proof->thumbprint);
  EXPECT_EQ(verify(forge::dpop(key(), {}))->token_hash, "");
}

// Sections 4.1 and 7.1 of RFC 9449 and, for the thumbprint, 6.1.
constexpr std::string_view kRfcHeader =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUk"
    "lDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19";
constexpr std::string_view kRfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

TEST(Dpop, TakesTheProofsOfItsStandard) {
  const std::vector<std::string> urls{"https://server.example.com/token",
                                      "https://resource.example.org/protectedresource"};
  const auto created = verify_dpop(
      std::string(kRfcHeader) +
          ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW"
          "1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvw"
          "nQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
      "POST", urls, from_epoch_seconds(1562262616));
  ASSERT_TRUE(created) << fault_of(created);
  EXPECT_EQ(text::base64url(crypto::bytes_of(created->thumbprint)), kRfcThumbprint);
  EXPECT_EQ(created->id, "-BwC3ESc6acc2lTc");
  const auto presented = verify_dpop(
      std::string(kRfcHeader) +
          ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leG"
          "FtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaN"
          "TNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plem"
          "AgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
      "GET", urls, from_epoch_seconds(1562262618));
  ASSERT_TRUE(presented) << fault_of(presented);
  EXPECT_EQ(presented->token_hash, dpop_token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"));
}

TEST(Dpop, TheTimeMayBeALittleOff) {
  for (const auto [issued, fault] :
       {std::pair{-60, "accepted"}, {-61, "JWT_018 iat"}, {30, "accepted"}, {31, "JWT_016 iat"}}) {
    const auto proof = verify(forge::dpop(key(), {.issued = 1'800'000'000 + issued}));
    EXPECT_EQ(fault_of(proof), fault) << issued;
  }
}

TEST(Dpop, AddressesAreComparedWithoutQueryFragmentAndDefaultPort) {
  for (const char* url : {"https://chat.example.com/api/v1/chat/message?a=b",
                          "https://chat.example.com/api/v1/chat/message#x",
                          "https://chat.example.com:443/api/v1/chat/message",
                          "HTTPS://Chat.Example.COM/api/v1/chat/message"}) {
    EXPECT_TRUE(verify(forge::dpop(key(), {.url = url}))) << url;
  }
  for (const char* url :
       {"http://chat.example.com/api/v1/chat/message", "https://chat.example.com/api/v1/chat",
        "https://chat.example.com:8443/api/v1/chat/message", "https://chat.example.com",
        "https://evil.example.com/api/v1/chat/message",
        "https://chat.example.com/api/v1/chat/message/",
        "https://chat.example.com/API/v1/chat/message",
        "https://evil.example.com?x=https://chat.example.com/api/v1/chat/message"}) {
    EXPECT_EQ(fault_of(verify(forge::dpop(key(), {.url = url}))), "JWT_019 htu") << url;
  }
  for (const char* url : {"", "/api/v1/chat/message", "chat.example.com/api/v1/chat/message",
                          "https://a@chat.example.com/api/v1/chat/message",
                          "ftp://chat.example.com/api/v1/chat/message", "https://"}) {
    EXPECT_EQ(fault_of(verify(forge::dpop(key(), {.url = url}))), "JWT_009 htu") << url;
  }
  EXPECT_EQ(canonical_url("https://a.example"), "https://a.example/");
}

TEST(Dpop, RefusesEveryOtherHeader) {
  const std::string jwk = forge::public_jwk(key());
  const auto header = [&](const std::string& more, const std::string& own_key) {
    return "{" + more + R"("jwk":)" + own_key + "}";
  };
  const std::string good = R"("typ":"dpop+jwt","alg":"ES256",)";
  ASSERT_TRUE(verify(with_header(header(good, jwk))));
  const std::string x = forge::coordinate(key(), "qx");
  struct Bad {
    std::string header;
    const char* fault;
  };
  const std::vector<Bad> bad{
      {header(R"("typ":"dpop+jwt","alg":"none",)", jwk), "JWT_004 alg"},
      {header(R"("typ":"dpop+jwt","alg":"HS256",)", jwk), "JWT_004 alg"},
      {header(R"("typ":"dpop+jwt","alg":"RS256",)", jwk), "JWT_004 alg"},
      {header(R"("typ":"dpop+jwt","alg":"ES384",)", jwk), "JWT_004 alg"},
      {header(R"("typ":"dpop+jwt","alg":"es256",)", jwk), "JWT_004 alg"},
      {header(R"("typ":"dpop+jwt",)", jwk), "JWT_004 alg"},
      {header(R"("alg":"ES256",)", jwk), "JWT_011 typ"},
      {header(R"("typ":"JWT","alg":"ES256",)", jwk), "JWT_011 typ"},
      {header(R"("typ":"DPoP+JWT","alg":"ES256",)", jwk), "JWT_011 typ"},
      {header(R"("typ":"application/dpop+jwt","alg":"ES256",)", jwk), "JWT_011 typ"},
      {header(R"("typ":["dpop+jwt"],"alg":"ES256",)", jwk), "JWT_003 typ"},
      {R"({"typ":"dpop+jwt","alg":"ES256"})", "JWT_003 jwk"},
      {R"({"typ":"dpop+jwt","alg":"ES256","kid":"a"})", "JWT_003 jwk"},
      {header(good, "null"), "JWT_003 jwk"},
      {header(good, R"("a text")"), "JWT_003 jwk"},
      {header(good, "{}"), "JWT_003 jwk"},
      {header(good, forge::private_jwk(key())), "JWT_003 jwk"},
      {header(good, R"({"kty":"oct","k":"AAAA"})"), "JWT_003 jwk"},
      {header(good, R"({"kty":"EC","crv":"P-384","x":")" + x + R"(","y":")" + x + R"("})"),
       "JWT_003 jwk"},
      {header(good, R"({"kty":"EC","crv":"P-256","x":")" + x + R"("})"), "JWT_003 jwk"},
      {header(good, R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + x + R"("})"),
       "JWT_003 jwk"},
      {header(good, R"({"use":"enc",)" + jwk.substr(1)), "JWT_003 jwk"},
      {header(good, R"({"alg":"ES384",)" + jwk.substr(1)), "JWT_003 jwk"},
      {header(good, R"({"key_ops":["sign"],)" + jwk.substr(1)), "JWT_003 jwk"},
      {header(good, R"({"x":"AA",)" + jwk.substr(1)), "JWT_003"},
      {header(good + R"("jwk":)" + forge::public_jwk(forge::other_ec_key()) + ",", jwk), "JWT_003"},
      {header(good + R"("typ":"dpop+jwt",)", jwk), "JWT_003"},
      {header(good + R"("alg":"ES256",)", jwk), "JWT_003"},
      {header(good + R"("kid":"../../etc/passwd ",)", jwk), "JWT_003 kid"},
      {header(good + R"("kid":1,)", jwk), "JWT_003 kid"},
      {header(good + R"("jku":"https://evil.example/k",)", jwk), "JWT_005 jku"},
      {header(good + R"("x5u":"https://evil.example/c",)", jwk), "JWT_005 x5u"},
      {header(good + R"("x5c":["AA"],)", jwk), "JWT_005 x5c"},
      {header(good + R"("crit":["exp"],)", jwk), "JWT_005 crit"},
      {header(good + R"("b64":false,)", jwk), "JWT_005 b64"},
      {"[]", "JWT_003"},
      {"", "JWT_003"},
  };
  for (const auto& [text, fault] : bad)
    EXPECT_EQ(fault_of(verify(with_header(text))), fault) << text;
  EXPECT_EQ(fault_of(verify(with_header(header(good, forge::public_jwk(forge::other_ec_key()))))),
            "JWT_008")
      << "signed by another key than the one it shows";
}

TEST(Dpop, AKeyOfAnotherKindIsNone) {
  const auto& rsa = forge::rsa_key();
  const std::string jwk = R"({"kty":"RSA","n":")" + text::base64url(rsa.number("n")) +
                          R"(","e":")" + text::base64url(rsa.number("e")) + R"("})";
  const std::string header = R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + jwk + "}";
  EXPECT_EQ(fault_of(verify(rsa.jws(header, forge::DpopClaims{}.json()))), "JWT_003 jwk");
  // The public key taken for a secret, as those have fallen for who look at `alg` alone.
  const std::string symmetric =
      R"({"typ":"dpop+jwt","alg":"HS256","jwk":)" + forge::public_jwk(key()) + "}";
  EXPECT_EQ(
      fault_of(verify(forge::hs256(key().public_pem(), symmetric, forge::DpopClaims{}.json()))),
      "JWT_004 alg");
}

TEST(Dpop, RefusesEveryOtherClaim) {
  struct Bad {
    std::string claims;
    const char* fault;
  };
  const std::string rest =
      R"("htu":"https://chat.example.com/api/v1/chat/message","iat":1800000000)";
  const std::vector<Bad> bad{
      {forge::DpopClaims{.method = "GET"}.json(), "JWT_019 htm"},
      {forge::DpopClaims{.method = "post"}.json(), "JWT_019 htm"},
      {R"({"jti":"a",)" + rest + "}", "JWT_010 htm"},
      {R"({"htm":"POST",)" + rest + "}", "JWT_010 jti"},
      {R"({"jti":"","htm":"POST",)" + rest + "}", "JWT_009 jti"},
      {R"({"jti":1,"htm":"POST",)" + rest + "}", "JWT_009 jti"},
      {forge::DpopClaims{.id = std::string(129, 'a')}.json(), "JWT_009 jti"},
      {R"({"jti":"a","jti":"b","htm":"POST",)" + rest + "}", "JWT_009"},
      {R"({"jti":"a","htm":"POST","iat":1800000000})", "JWT_010 htu"},
      {R"({"jti":"a","htm":"POST","htu":1,"iat":1800000000})", "JWT_009 htu"},
      {R"({"jti":"a","htm":["POST"],)" + rest + "}", "JWT_009 htm"},
      {R"({"jti":"a","htm":"POST",)" + rest + R"(,"ath":1})", "JWT_009 ath"},
      {R"({"jti":"a","htm":"POST","htu":"https://chat.example.com/api/v1/chat/message"})",
       "JWT_010 iat"},
      {R"({"jti":"a","htm":"POST","htu":"https://chat.example.com/api/v1/chat/message","iat":"1800000000"})",
       "JWT_009 iat"},
      {R"({"jti":"a","htm":"POST","htu":"https://chat.example.com/api/v1/chat/message","iat":1.8e9})",
       "JWT_009 iat"},
      {R"({"jti":"a","htm":"POST","htu":"https://chat.example.com/api/v1/chat/message","iat":-1})",
       "JWT_009 iat"},
      {"[]", "JWT_009"},
      {"no json", "JWT_009"},
  };
  for (const auto& [claims, fault] : bad)
    EXPECT_EQ(fault_of(verify(with_claims(claims))), fault) << claims;
}

TEST(Dpop, RefusesEveryOtherForm) {
  const std::string good = forge::dpop(key(), {});
  std::string flipped = good;
  flipped[flipped.size() - 10] = flipped[flipped.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(fault_of(verify(flipped)), "JWT_008");
  const auto cut = good.rfind('.');
  EXPECT_EQ(fault_of(verify(good.substr(0, cut + 1))), "JWT_002 signature");
  EXPECT_EQ(fault_of(verify(good.substr(0, cut))), "JWT_002");
  EXPECT_EQ(fault_of(verify(good + ".a")), "JWT_002");
  EXPECT_EQ(fault_of(verify("")), "JWT_002");
  EXPECT_EQ(fault_of(verify(good + "=")), "JWT_002 signature");
  EXPECT_EQ(fault_of(verify(" " + good)), "JWT_002 header");
  EXPECT_EQ(fault_of(verify(good + ", " + good)), "JWT_002");
  EXPECT_EQ(fault_of(verify(forge::dpop(key(), {.id = std::string(4096, 'a')}))), "JWT_001");
  // As DER, as OpenSSL would write it.
  const auto input = forge::signing_input(forge::dpop_header(key()), forge::DpopClaims{}.json());
  EXPECT_EQ(fault_of(verify(input + '.' + text::base64url(key().sign(input)))), "JWT_008");
}

TEST(Dpop, ServesOnceAndTakesNothingOfAnotherLimit) {
  ManualClock clock;
  state::MemoryStore store({}, clock);
  const http::KeyProof proof{.thumbprint = forge::thumbprint(key()), .id = "a"};
  http::SessionClaims session;
  session.id[0] = 1;
  const auto admit = [&](const http::KeyProof& which, const http::SessionClaims* of) {
    state::AdmitRequest request;
    request.add({"some", state::key_of("some", "one"), 1'000'000, Seconds{60}});
    request.add(dpop_charge(which, of));
    const auto answer = store.admit(request).value();
    EXPECT_TRUE(answer);
    EXPECT_EQ(is_dpop_replay(request, *answer), !answer->admission.admitted);
    if (answer->admission.admitted) EXPECT_EQ(answer->admission.decided_by, 0U);
    return answer->admission.admitted;
  };
  EXPECT_TRUE(admit(proof, nullptr));
  EXPECT_FALSE(admit(proof, nullptr));
  EXPECT_TRUE(admit(proof, &session)) << "of another holder";
  EXPECT_FALSE(admit(proof, &session));
  EXPECT_TRUE(admit({.thumbprint = proof.thumbprint, .id = "b"}, &session));
  clock.advance(kDpopPast + kDpopFuture);
  EXPECT_FALSE(admit(proof, &session)) << "for as long as it could be good";
}

}  // namespace
}  // namespace portcullis::identity
