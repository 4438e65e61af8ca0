// Tokens that must not be accepted, and why each is refused: always for the reason that it was made
// for, never by accident.

#include <gtest/gtest.h>
#include <openssl/core_names.h>

#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "identity/claim_rules.hpp"
#include "jwt_forge.hpp"
#include "proves.hpp"

namespace portcullis::identity {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret = "a secret of forty-eight bytes, random as it were";

/// Claims as raw JSON by name; an empty text leaves one out.
using Members = std::map<std::string, std::string>;

std::string number(std::int64_t value) { return std::to_string(value); }

std::string object(const Members& members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (value.empty()) continue;
    if (out.size() > 1) out += ',';
    out += '"' + name + "\":" + value;
  }
  return out + '}';
}

std::string claims(const Members& changed = {}) {
  Members members{{"iss", R"("https://issuer.example")"},
                  {"aud", R"("portcullis")"},
                  {"sub", R"("alice")"},
                  {"jti", R"("id")"},
                  {"iat", number(kNow)},
                  {"nbf", number(kNow)},
                  {"exp", number(kNow + 600)}};
  for (const auto& [name, value] : changed) members[name] = value;
  return object(members);
}

std::string header(const Members& changed = {}) {
  Members members{{"alg", R"("HS256")"}, {"kid", R"("hs")"}, {"typ", R"("at+jwt")"}};
  for (const auto& [name, value] : changed) members[name] = value;
  return object(members);
}
const Members kRs{{"alg", R"("RS256")"}, {"kid", R"("rs")"}};
const Members kEs{{"alg", R"("ES256")"}, {"kid", R"("es")"}};

/// Signed as it should be, whatever it says.
std::string token(std::string_view head, std::string_view payload) {
  return forge::hs256(kSecret, head, payload);
}
std::string with_header(const Members& changed) { return token(header(changed), claims()); }
std::string with_claims(const Members& changed) { return token(header(), claims(changed)); }

const JwtKeys& keys() {
  static const JwtKeys all = [] {
    std::vector<JwtKey> list;
    list.push_back({.id = "hs", .key = crypto::JwsKey::hmac(kSecret).value()});
    list.push_back({.id = "rs", .key = crypto::JwsKey::pem(forge::rsa_key().public_pem()).value()});
    list.push_back({.id = "es", .key = crypto::JwsKey::pem(forge::ec_key().public_pem()).value()});
    return JwtKeys::make(std::move(list)).value();
  }();
  return all;
}

const ClaimRules& rules() {
  static const ClaimRules all = [] {
    ClaimRules out;
    out.issuer = "https://issuer.example";
    out.audience = "portcullis";
    out.types = {"at+jwt"};
    out.required = {{"jti", {}}};
    out.max_life = Seconds{3600};
    out.max_age = Seconds{1800};
    return out;
  }();
  return all;
}

JwtResult<VerifiedJwt> verified(std::string_view text) {
  http::JsonBody body;
  return verify_jwt(text, keys(), rules(), from_epoch_seconds(kNow), body);
}

struct Case {
  std::string name;
  std::string token;
  JwtFault fault;
  std::string member = {};
};

void expect_refused(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    const auto result = verified(one.token);
    ASSERT_FALSE(result) << one.name;
    EXPECT_EQ(code_of(result.error().fault), code_of(one.fault)) << one.name;
    EXPECT_EQ(result.error().member, one.member) << one.name;
  }
}

TEST(HostileJwts, TheGoodOnesAreAccepted) {
  EXPECT_TRUE(verified(token(header(), claims())));
  EXPECT_TRUE(verified(forge::rsa_key().jws(header(kRs), claims())));
  EXPECT_TRUE(verified(forge::ec_key().jws(header(kEs), claims())));
  EXPECT_TRUE(verified(with_claims({{"aud", R"(["other","portcullis"])"}})));
  EXPECT_TRUE(verified(with_claims({{"nbf", ""}})));
  EXPECT_TRUE(verified(with_header({{"kid", ""}})));
  EXPECT_TRUE(verified(with_header({{"typ", R"("application/AT+JWT")"}})));
  EXPECT_TRUE(verified(with_header({{"whatever", R"({"a":[1,2]})"}})));
}

TEST(HostileJwts, LeewayIsThirtySecondsAtEachEnd) {
  EXPECT_TRUE(verified(with_claims({{"iat", number(kNow - 600)}, {"exp", number(kNow - 29)}})));
  EXPECT_TRUE(verified(with_claims({{"nbf", number(kNow + 30)}})));
  EXPECT_TRUE(verified(with_claims({{"iat", number(kNow + 30)}, {"nbf", number(kNow + 30)}})));
  EXPECT_TRUE(verified(with_claims({{"exp", number(kNow + 3600)}}))) << "the longest life";
  EXPECT_TRUE(verified(with_claims({{"iat", number(kNow - 1830)}}))) << "the greatest age";
  expect_refused({
      {"expired by the leeway",
       with_claims({{"iat", number(kNow - 600)}, {"exp", number(kNow - 30)}}), JwtFault::expired,
       "exp"},
      {"expired by the leeway and a second",
       with_claims({{"iat", number(kNow - 600)}, {"exp", number(kNow - 31)}}), JwtFault::expired,
       "exp"},
      {"nbf in 31 s", with_claims({{"nbf", number(kNow + 31)}}), JwtFault::not_yet_valid, "nbf"},
      {"iat in 31 s", with_claims({{"iat", number(kNow + 31)}}), JwtFault::issued_in_future, "iat"},
      {"iat in an hour, nbf now",
       with_claims({{"iat", number(kNow + 3600)}, {"exp", number(kNow + 7200)}}),
       JwtFault::issued_in_future, "iat"},
      {"a second too long lived", with_claims({{"exp", number(kNow + 3601)}}),
       JwtFault::too_long_lived, "exp"},
      {"a century", with_claims({{"exp", number(kNow + 3'153'600'000)}}), JwtFault::too_long_lived,
       "exp"},
      {"the year 9999", with_claims({{"exp", "253402300799"}}), JwtFault::too_long_lived, "exp"},
      {"iat in the year 9999",
       with_claims({{"iat", "253402300798"}, {"nbf", number(kNow)}, {"exp", "253402300799"}}),
       JwtFault::issued_in_future, "iat"},
      {"nbf in the year 9999", with_claims({{"nbf", "253402300799"}}), JwtFault::not_yet_valid,
       "nbf"},
      {"a second too old", with_claims({{"iat", number(kNow - 1831)}}), JwtFault::too_old, "iat"},
      {"long expired", with_claims({{"iat", "1"}, {"exp", "2"}}), JwtFault::expired, "exp"},
  });
}

TEST(HostileJwts, OfNoAlgorithm) {
  PROVES("F236");
  std::vector<Case> cases;
  for (const auto* name : {"none",
                           "None",
                           "NONE",
                           "nOnE",
                           "none ",
                           " none",
                           "none\\u0000",
                           "",
                           "null",
                           "HS256 ",
                           "hs256",
                           "Hs256",
                           "HS256\\u0000",
                           "HS384",
                           "HS512",
                           "RS384",
                           "RS512",
                           "PS256",
                           "ES384",
                           "ES512",
                           "ES256K",
                           "EdDSA",
                           "HS257",
                           "rs256",
                           "RSA1_5",
                           "dir",
                           "A128KW",
                           "HMAC-SHA256",
                           "http://www.w3.org/HS256"}) {
    const auto head = header({{"alg", '"' + std::string(name) + '"'}});
    cases.push_back({"signed, alg " + std::string(name), token(head, claims()),
                     JwtFault::wrong_algorithm, "alg"});
  }
  for (const auto* name : {"none", "None", "NONE", "HS384", ""}) {
    const auto head = header({{"alg", '"' + std::string(name) + '"'}});
    cases.push_back({"unsigned, alg " + std::string(name), forge::compact(head, claims(), ""),
                     JwtFault::wrong_algorithm, "alg"});
  }
  for (const auto* value : {"null", "1", "true", "[]", R"(["HS256"])", "{}", R"({"a":"HS256"})"}) {
    cases.push_back({"alg of type " + std::string(value), with_header({{"alg", value}}),
                     JwtFault::wrong_algorithm, "alg"});
  }
  cases.push_back({"no alg", with_header({{"alg", ""}}), JwtFault::wrong_algorithm, "alg"});
  cases.push_back({"ALG for alg", with_header({{"alg", ""}, {"ALG", R"("HS256")"}}),
                   JwtFault::wrong_algorithm, "alg"});
  cases.push_back({"no members", token("{}", claims()), JwtFault::wrong_algorithm, "alg"});
  // RFC 7520 section 4.3 is signed with a curve that is not ours.
  cases.push_back(
      {"RFC 7520 4.3",
       "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9."
       "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb25"
       "0"
       "byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2h"
       "l"
       "cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4."
       "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-"
       "JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3"
       "mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
       JwtFault::wrong_algorithm, "alg"});
  expect_refused(cases);
}

TEST(HostileJwts, OfConfusedKeys) {
  const Members hs_as_rs{{"alg", R"("HS256")"}, {"kid", R"("rs")"}};
  const Members hs_as_es{{"alg", R"("HS256")"}, {"kid", R"("es")"}};
  const Members hs_unnamed{{"alg", R"("HS256")"}, {"kid", ""}};
  const Members rs_as_hs{{"alg", R"("RS256")"}, {"kid", R"("hs")"}};
  const Members rs_as_es{{"alg", R"("RS256")"}, {"kid", R"("es")"}};
  const Members es_as_rs{{"alg", R"("ES256")"}, {"kid", R"("rs")"}};
  const auto rsa_pem = forge::rsa_key().public_pem();
  const auto rsa_der = forge::rsa_key().public_der();
  const auto modulus = forge::rsa_key().number(OSSL_PKEY_PARAM_RSA_N);
  const auto ec_pem = forge::ec_key().public_pem();
  const auto hs = [&](std::string_view secret, const Members& head) {
    return forge::hs256(secret, header(head), claims());
  };
  expect_refused({
      {"RSA public PEM as secret", hs(rsa_pem, hs_as_rs), JwtFault::confused_algorithm, "kid"},
      {"RSA public DER as secret", hs(rsa_der, hs_as_rs), JwtFault::confused_algorithm, "kid"},
      {"RSA modulus as secret", hs(modulus, hs_as_rs), JwtFault::confused_algorithm, "kid"},
      {"EC public PEM as secret", hs(ec_pem, hs_as_es), JwtFault::confused_algorithm, "kid"},
      {"RSA public PEM as secret, no kid", hs(rsa_pem, hs_unnamed), JwtFault::bad_signature},
      {"RSA public PEM without its last line end",
       hs(rsa_pem.substr(0, rsa_pem.size() - 1), hs_unnamed), JwtFault::bad_signature},
      {"EC public PEM as secret, no kid", hs(ec_pem, hs_unnamed), JwtFault::bad_signature},
      {"RS256 by the name of the secret", forge::rsa_key().jws(header(rs_as_hs), claims()),
       JwtFault::confused_algorithm, "kid"},
      {"RS256 by the name of the EC key", forge::rsa_key().jws(header(rs_as_es), claims()),
       JwtFault::confused_algorithm, "kid"},
      {"ES256 by the name of the RSA key", forge::ec_key().jws(header(es_as_rs), claims()),
       JwtFault::confused_algorithm, "kid"},
  });
}

TEST(HostileJwts, WithTricksInKid) {
  const auto kid = [](const std::string& json) { return with_header({{"kid", json}}); };
  std::vector<Case> cases;
  for (const auto* value :
       {"null", "1", "true", "[]", R"(["hs"])", R"({"hs":1})", R"("")", R"("hs ")", R"("hs\u0000")",
        R"("hs\n")", R"("' OR '1'='1")", R"("x' UNION SELECT 'secret';--")", R"("|/usr/bin/id")",
        "\"$(id)\"", R"("..\\..\\windows\\win.ini")", R"("h\u00e4")", R"("%2e%2e%2f")",
        R"("<script>")", R"("*")"}) {
    cases.push_back({"kid " + std::string(value), kid(value), JwtFault::bad_header, "kid"});
  }
  // These may be somebody's names of keys; they are compared and nothing else.
  for (const auto* value : {"../../../../dev/null", "/dev/null", "file:///etc/passwd", "HS", "h",
                            "hss", "http://evil.example/key", "-", "0", "hs.", "rs/../hs"}) {
    cases.push_back({"kid " + std::string(value), kid('"' + std::string(value) + '"'),
                     JwtFault::unknown_key, "kid"});
  }
  cases.push_back({"/dev/null and an empty secret",
                   forge::hs256("", header({{"kid", R"("/dev/null")"}}), claims()),
                   JwtFault::unknown_key, "kid"});
  cases.push_back(
      {"a long kid", kid('"' + std::string(129, 'a') + '"'), JwtFault::bad_header, "kid"});
  cases.push_back(
      {"a very long kid", kid('"' + std::string(3000, 'a') + '"'), JwtFault::bad_header, "kid"});
  expect_refused(cases);
}

TEST(HostileJwts, WithForbiddenMembers) {
  const Members tricks{{"crit", R"(["exp"])"},
                       {"b64", "false"},
                       {"zip", R"("DEF")"},
                       {"jku", R"("https://evil.example/jwks.json")"},
                       {"jwk", R"({"kty":"oct","k":"AAAA"})"},
                       {"x5u", R"("https://evil.example/cert.pem")"},
                       {"x5c", R"(["MIIB"])"},
                       {"x5t", R"("abc")"},
                       {"x5t#S256", R"("abc")"},
                       {"enc", R"("A128GCM")"},
                       {"epk", "{}"},
                       {"apu", R"("a")"},
                       {"apv", R"("a")"},
                       {"iv", R"("a")"},
                       {"tag", R"("a")"},
                       {"p2s", R"("a")"},
                       {"p2c", "1000000000"}};
  std::vector<Case> cases;
  for (const auto& [name, value] : tricks) {
    cases.push_back({name, with_header({{name, value}}), JwtFault::forbidden_header, name});
    cases.push_back(
        {name + " null", with_header({{name, "null"}}), JwtFault::forbidden_header, name});
  }
  cases.push_back(
      {"an empty crit", with_header({{"crit", "[]"}}), JwtFault::forbidden_header, "crit"});
  cases.push_back({"crit, escaped", with_header({{"\\u0063rit", R"(["x"])"}}),
                   JwtFault::forbidden_header, "crit"});
  expect_refused(cases);
}

TEST(HostileJwts, WithBrokenHeaders) {
  const auto raw = [](std::string_view head) { return token(head, claims()); };
  std::vector<Case> cases;
  for (const std::string head : {R"({"alg":"HS256","alg":"HS256"})",
                                 R"({"alg":"none","alg":"HS256"})",
                                 R"({"alg":"HS256","\u0061lg":"none"})",
                                 R"({"alg":"HS256","kid":"hs","kid":"rs"})",
                                 R"({"alg":"HS256","x":{"a":1,"a":2}})",
                                 R"(["HS256"])",
                                 R"("HS256")",
                                 "null",
                                 "1",
                                 "[]",
                                 R"({"alg":"HS256")",
                                 R"({"alg":"HS256"}})",
                                 R"({"alg":"HS256"} x)",
                                 R"({alg:"HS256"})",
                                 R"({'alg':'HS256'})",
                                 R"({"alg":"HS256",})",
                                 R"({"alg":"HS256"/**/})",
                                 "\xef\xbb\xbf{\"alg\":\"HS256\"}",
                                 "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
                                 "{\"alg\":\"HS256\",\"x\":\"a\nb\"}",
                                 R"({"alg":"HS256","x":[[[[[1]]]]]})",
                                 R"({"alg":"HS256","x":1e999})",
                                 R"({"alg":"HS256","x":NaN})",
                                 R"({"alg":"HS256","x":"\ud800"})"}) {
    cases.push_back({"header " + head, raw(head), JwtFault::bad_header});
  }
  std::string many = R"({"alg":"HS256")";
  for (int i = 0; i < 40; ++i) many += ",\"m" + std::to_string(i) + "\":1";
  cases.push_back({"41 members", raw(many + '}'), JwtFault::bad_header});
  for (const auto* value : {"null", "1", "[]", R"("")", R"("at jwt")", R"("at+jwt\u0000")"}) {
    cases.push_back(
        {"typ " + std::string(value), with_header({{"typ", value}}), JwtFault::bad_header, "typ"});
  }
  cases.push_back({"a long typ", with_header({{"typ", '"' + std::string(65, 'a') + '"'}}),
                   JwtFault::bad_header, "typ"});
  cases.push_back({"a header over 4 KiB", with_header({{"x", '"' + std::string(4100, 'a') + '"'}}),
                   JwtFault::too_large, "header"});
  expect_refused(cases);
}

TEST(HostileJwts, OfBrokenForm) {
  const std::string good = token(header(), claims());
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto head = good.substr(0, first);
  const auto payload = good.substr(first + 1, second - first - 1);
  const auto signature = good.substr(second + 1);
  const auto join = [](auto... parts) { return ((std::string(parts) + '.') + ...); };
  const auto three = [&](std::string_view a, std::string_view b, std::string_view c) {
    auto text = join(a, b, c);
    text.pop_back();
    return text;
  };
  expect_refused({
      {"nothing", "", JwtFault::malformed},
      {"a dot", ".", JwtFault::malformed},
      {"two dots", "..", JwtFault::bad_header},
      {"three dots", "...", JwtFault::malformed},
      {"one part", head, JwtFault::malformed},
      {"two parts", head + '.' + payload, JwtFault::malformed},
      {"a dot more", good + '.', JwtFault::malformed},
      {"a dot before", '.' + good, JwtFault::malformed},
      {"four parts", good + ".AAAA", JwtFault::malformed},
      {"JWE, five parts", head + ".AAAA.AAAA.AAAA.AAAA", JwtFault::malformed},
      {"JSON serialization", R"({"payload":"e30","protected":"e30","signature":"AAAA"})",
       JwtFault::malformed},
      {"no payload", three(head, "", signature), JwtFault::malformed, "payload"},
      {"no signature", three(head, payload, ""), JwtFault::malformed, "signature"},
      {"no header", three("", payload, signature), JwtFault::bad_header},
      {"space before", ' ' + good, JwtFault::malformed, "header"},
      {"space behind", good + ' ', JwtFault::malformed, "signature"},
      {"line end behind", good + '\n', JwtFault::malformed, "signature"},
      {"null behind", good + '\0', JwtFault::malformed, "signature"},
      {"Bearer before", "Bearer " + good, JwtFault::malformed, "header"},
      {"padded header", three(head + "=", payload, signature), JwtFault::malformed, "header"},
      {"padded payload", three(head, payload + "==", signature), JwtFault::malformed, "payload"},
      {"padded signature", three(head, payload, signature + "="), JwtFault::malformed, "signature"},
      {"base64, not base64url", three(head, payload, "+/" + signature.substr(2)),
       JwtFault::malformed, "signature"},
      {"a line break in the payload",
       three(head, payload.substr(0, 8) + '\n' + payload.substr(8), signature), JwtFault::malformed,
       "payload"},
      {"a letter that is none", three(head, payload, "\xc3\xa9" + signature.substr(2)),
       JwtFault::malformed, "signature"},
      {"of a length that base64 does not have", three(head, payload, signature + "AA"),
       JwtFault::malformed, "signature"},
      {"percent-encoded dots", head + "%2e" + payload + "%2e" + signature, JwtFault::malformed},
      {"over 8 KiB", with_claims({{"x", '"' + std::string(8000, 'a') + '"'}}), JwtFault::too_large},
      {"a megabyte of dots", std::string(1 << 20, '.'), JwtFault::too_large},
      {"a megabyte of A", std::string(1 << 20, 'A'), JwtFault::too_large},
  });
  // Bits that no byte needs must be zero: 43 characters hold 258 bits.
  std::string varied = good;
  varied.back() = varied.back() == 'A' ? 'B' : static_cast<char>(varied.back() + 1);
  EXPECT_FALSE(verified(varied));
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(verified(good.substr(0, length))) << length;
  }
}

TEST(HostileJwts, WithBadHmac) {
  const auto input = forge::signing_input(header(), claims());
  const auto mac = std::string(crypto::bytes_of(crypto::HmacKey(kSecret).sign(input)));
  const auto with = [&](std::string_view bytes) {
    return forge::compact(header(), claims(), bytes);
  };
  std::string flipped = mac;
  flipped[31] = static_cast<char>(flipped[31] ^ 1);
  expect_refused({
      {"another secret", forge::hs256(kSecret + "x", header(), claims()), JwtFault::bad_signature},
      {"an empty secret", forge::hs256("", header(), claims()), JwtFault::bad_signature},
      {"half of the secret", forge::hs256(kSecret.substr(0, 24), header(), claims()),
       JwtFault::bad_signature},
      {"one bit of it", with(flipped), JwtFault::bad_signature},
      {"31 bytes of it", with(mac.substr(0, 31)), JwtFault::bad_signature},
      {"16 bytes of it", with(mac.substr(0, 16)), JwtFault::bad_signature},
      {"one byte of it", with(mac.substr(0, 1)), JwtFault::bad_signature},
      {"a byte more", with(mac + '\0'), JwtFault::bad_signature},
      {"zeros", with(std::string(32, '\0')), JwtFault::bad_signature},
      {"SHA-256 of it", with(crypto::bytes_of(crypto::sha256(input))), JwtFault::bad_signature},
      {"its text in hex", with(text::hex(mac)), JwtFault::bad_signature},
      {"that of other claims", forge::compact(header(), claims({{"sub", R"("admin")"}}), mac),
       JwtFault::bad_signature},
      {"that of another header", forge::compact(header({{"x", "1"}}), claims(), mac),
       JwtFault::bad_signature},
  });
}

TEST(HostileJwts, WithBadRsaSignatures) {
  const auto& key = forge::rsa_key();
  const auto input = forge::signing_input(header(kRs), claims());
  const auto with = [&](std::string_view bytes) {
    return forge::compact(header(kRs), claims(), bytes);
  };
  const std::string good = key.sign(input);
  const std::string info = text::base64url_decode("MDEwDQYJYIZIAWUDBAIBBQAEIA").value() +
                           std::string(crypto::bytes_of(crypto::sha256(input)));
  const auto block = [&](std::size_t filling, std::string_view content) {
    std::string out = std::string("\0\1", 2) + std::string(filling, '\xff') + '\0';
    out += content;
    out.resize(256, '\x2a');
    return key.sign_block(out);
  };
  ASSERT_TRUE(verified(with(block(256 - 3 - info.size(), info)))) << "the block as it must be";
  // The parameters of SHA-256 left out: accepted by lax readers.
  const std::string bare = text::base64url_decode("MC8wCwYJYIZIAWUDBAIBBCA").value() +
                           std::string(crypto::bytes_of(crypto::sha256(input)));
  expect_refused({
      {"another key", forge::other_rsa_key().jws(header(kRs), claims()), JwtFault::bad_signature},
      {"PSS", with(key.sign(input, EVP_sha256(), RSA_PKCS1_PSS_PADDING)), JwtFault::bad_signature},
      {"SHA-1", with(key.sign(input, EVP_sha1())), JwtFault::bad_signature},
      {"SHA-512", with(key.sign(input, EVP_sha512())), JwtFault::bad_signature},
      {"short filling, rubbish behind", with(block(8, info)), JwtFault::bad_signature},
      {"no filling", with(block(0, info)), JwtFault::bad_signature},
      {"the bare hash", with(block(256 - 3 - 32, info.substr(info.size() - 32))),
       JwtFault::bad_signature},
      {"no parameters", with(block(256 - 3 - bare.size(), bare)), JwtFault::bad_signature},
      {"zeros", with(std::string(256, '\0')), JwtFault::bad_signature},
      {"one", with(std::string(255, '\0') + '\1'), JwtFault::bad_signature},
      {"the modulus", with(key.number(OSSL_PKEY_PARAM_RSA_N)), JwtFault::bad_signature},
      {"over the modulus", with(std::string(256, '\xff')), JwtFault::bad_signature},
      {"a byte short", with(good.substr(0, 255)), JwtFault::bad_signature},
      {"a byte more", with(good + '\0'), JwtFault::bad_signature},
      {"a zero before", with('\0' + good), JwtFault::bad_signature},
      {"of EC", with(forge::ec_key().jws_signature(input)), JwtFault::bad_signature},
      {"of HMAC", with(crypto::bytes_of(crypto::HmacKey(kSecret).sign(input))),
       JwtFault::bad_signature},
      {"of other claims", forge::compact(header(kRs), claims({{"sub", R"("admin")"}}), good),
       JwtFault::bad_signature},
  });
}

TEST(HostileJwts, WithBadEcdsaSignatures) {
  const auto& key = forge::ec_key();
  const auto input = forge::signing_input(header(kEs), claims());
  const auto with = [&](std::string_view bytes) {
    return forge::compact(header(kEs), claims(), bytes);
  };
  const std::string good = key.jws_signature(input);
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  const std::string zero(32, '\0');
  const std::string one = std::string(31, '\0') + '\1';
  const std::string order =
      text::base64url_decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").value();
  const auto p384 = forge::PrivateKey::ec("P-384");
  ASSERT_TRUE(verified(with(good)));
  expect_refused({
      {"r and s zero (CVE-2022-21449)", with(zero + zero), JwtFault::bad_signature},
      {"r zero", with(zero + s), JwtFault::bad_signature},
      {"s zero", with(r + zero), JwtFault::bad_signature},
      {"r and s one", with(one + one), JwtFault::bad_signature},
      {"r the order", with(order + s), JwtFault::bad_signature},
      {"s the order", with(r + order), JwtFault::bad_signature},
      {"r and s the order", with(order + order), JwtFault::bad_signature},
      {"all bits", with(std::string(64, '\xff')), JwtFault::bad_signature},
      {"halves swapped", with(s + r), JwtFault::bad_signature},
      {"DER", with(key.sign(input)), JwtFault::bad_signature},
      {"63 bytes", with(good.substr(0, 63)), JwtFault::bad_signature},
      {"65 bytes", with(good + '\0'), JwtFault::bad_signature},
      {"halves of 33 bytes", with('\0' + r + '\0' + s), JwtFault::bad_signature},
      {"r alone", with(r), JwtFault::bad_signature},
      {"another key", forge::other_ec_key().jws(header(kEs), claims()), JwtFault::bad_signature},
      {"another curve", with(p384.jws_signature(input, 48)), JwtFault::bad_signature},
      {"of other claims", forge::compact(header(kEs), claims({{"sub", R"("admin")"}}), good),
       JwtFault::bad_signature},
  });
}

TEST(HostileJwts, WithBrokenClaims) {
  const auto raw = [](std::string_view payload) { return token(header(), payload); };
  std::vector<Case> cases;
  std::string doubled = claims();
  doubled.insert(1, R"("sub":"admin",)");
  std::string doubled_by_escape = claims();
  doubled_by_escape.insert(1, R"("\u0065xp":9999999999,)");
  for (const auto& payload :
       {doubled, doubled_by_escape, std::string("[]"), std::string("null"), std::string("1"),
        std::string("\"text\""), std::string("hello"), std::string("{"), claims() + claims(),
        claims().substr(0, claims().size() - 1), "\xef\xbb\xbf" + claims(),
        token(header(), claims()) /* a nested JWT, RFC 7519 section 5.2 */,
        claims({{"x", std::string(9, '[') + std::string(9, ']')}}), claims({{"x", "\"\xff\""}}),
        claims({{"x", R"({"a":1,"a":2})"}}), claims({{"exp", "1e400"}}),
        claims({{"exp", "01800000600"}}), claims({{"exp", "+1800000600"}}),
        claims({{"exp", "0x6b49d200"}})}) {
    cases.push_back({"claims " + payload, raw(payload), JwtFault::bad_claims});
  }
  std::string many = claims();
  many.pop_back();
  for (int i = 0; i < 300; ++i) many += ",\"" + std::to_string(i) + "\":1";
  cases.push_back({"300 claims", raw(many + '}'), JwtFault::bad_claims});
  expect_refused(cases);
}

TEST(HostileJwts, WithClaimsOfWrongTypes) {
  std::vector<Case> cases;
  for (const auto* name : {"exp", "iat", "nbf"}) {
    for (const auto* value : {"null",
                              "true",
                              R"("1800000600")",
                              R"("")",
                              "[1800000600]",
                              "{}",
                              "1800000600.0",
                              "1800000600.5",
                              "1.8000006e9",
                              "-1",
                              "-9223372036854775808",
                              "-9223372036854775809",
                              "253402300800",
                              "9223372036854775807",
                              "9223372036854775808",
                              "18446744073709551615",
                              "18446744073709551616",
                              "99999999999999999999999",
                              "1e18",
                              "-0.0"}) {
      cases.push_back({std::string(name) + " " + value, with_claims({{name, value}}),
                       JwtFault::bad_claims, name});
    }
  }
  for (const auto* name : {"iss", "aud", "sub", "jti"}) {
    for (const auto* value :
         {"null", "true", "1", "{}", R"("")", R"("a\u0000b")", R"("a\nb")", R"("\u007f")", "[]"}) {
      cases.push_back({std::string(name) + " " + value, with_claims({{name, value}}),
                       JwtFault::bad_claims, name});
    }
    cases.push_back({std::string(name) + " too long",
                     with_claims({{name, '"' + std::string(257, 'a') + '"'}}), JwtFault::bad_claims,
                     name});
  }
  cases.push_back({"a list of issuers", with_claims({{"iss", R"(["https://issuer.example"])"}}),
                   JwtFault::bad_claims, "iss"});
  for (const auto* value :
       {R"([["portcullis"]])", R"([{"aud":"portcullis"}])", R"(["portcullis",1])",
        R"(["portcullis",null])", R"(["portcullis",""])"}) {
    cases.push_back(
        {"aud " + std::string(value), with_claims({{"aud", value}}), JwtFault::bad_claims, "aud"});
  }
  std::string many = R"(["portcullis")";
  for (int i = 0; i < 40; ++i) many += R"(,"x")";
  cases.push_back(
      {"41 audiences", with_claims({{"aud", many + ']'}}), JwtFault::bad_claims, "aud"});
  cases.push_back(
      {"exp is iat", with_claims({{"exp", number(kNow)}}), JwtFault::bad_claims, "exp"});
  cases.push_back(
      {"exp before iat", with_claims({{"exp", number(kNow - 1)}}), JwtFault::bad_claims, "exp"});
  expect_refused(cases);
}

TEST(HostileJwts, WithMissingClaims) {
  std::vector<Case> cases;
  for (const auto* name : {"iss", "aud", "sub", "exp", "iat", "jti"}) {
    cases.push_back(
        {"no " + std::string(name), with_claims({{name, ""}}), JwtFault::missing_claim, name});
  }
  cases.push_back({"no claims", token(header(), "{}"), JwtFault::missing_claim, "iss"});
  cases.push_back({"EXP for exp", with_claims({{"exp", ""}, {"EXP", number(kNow + 60)}}),
                   JwtFault::missing_claim, "exp"});
  expect_refused(cases);
}

TEST(HostileJwts, ForOthers) {
  std::vector<Case> cases;
  for (const auto* value : {R"("n8n")", R"("Portcullis")", R"("portcullis ")", R"("portculli")",
                            R"("portcullis2")", R"(["n8n","other"])", R"("portcullis,n8n")"}) {
    cases.push_back({"aud " + std::string(value), with_claims({{"aud", value}}),
                     JwtFault::wrong_audience, "aud"});
  }
  for (const auto* value :
       {R"("https://issuer.example/")", R"("https://ISSUER.example")", R"("http://issuer.example")",
        R"("https://issuer.example.evil.example")", R"("issuer.example")",
        R"("https://issuer.exampl")"}) {
    cases.push_back({"iss " + std::string(value), with_claims({{"iss", value}}),
                     JwtFault::wrong_issuer, "iss"});
  }
  for (const auto* value : {R"("rt+jwt")", R"("JWT")", R"("at+jwt+x")", R"("text/at+jwt")",
                            R"("logout+jwt")", R"("dpop+jwt")", R"("at")"}) {
    cases.push_back(
        {"typ " + std::string(value), with_header({{"typ", value}}), JwtFault::wrong_type, "typ"});
  }
  cases.push_back({"no typ", with_header({{"typ", ""}}), JwtFault::wrong_type, "typ"});
  expect_refused(cases);
}

}  // namespace
}  // namespace portcullis::identity
