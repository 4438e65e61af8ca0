#include "identity/upstream_tokens.hpp"

#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::identity {
namespace {

const std::string kSecret = "upstream secret of forty-eight bytes, as it were";

struct Jwt {
  boost::json::object header, claims;
  std::string signed_part, signature;
};

Jwt read(const std::string& token) {
  Jwt out;
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  EXPECT_EQ(token.find('.', second + 1), std::string::npos);
  out.header =
      boost::json::parse(text::base64url_decode(token.substr(0, first)).value()).as_object();
  out.claims = boost::json::parse(
                   text::base64url_decode(token.substr(first + 1, second - first - 1)).value())
                   .as_object();
  out.signed_part = token.substr(0, second);
  out.signature = text::base64url_decode(token.substr(second + 1)).value();
  return out;
}

UpstreamTokens::Subject subject(std::string_view message = "hello") {
  return {"handle-of-session", "www.example.com", message, "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
}

TEST(UpstreamTokens, AreSignedWithHs256UnderTheSharedSecret) {
  PROVES("F102");
  const UpstreamTokens tokens(kSecret, Seconds{60});
  const auto jwt = read(tokens.mint(subject(), from_epoch_seconds(1'800'000'000)));
  EXPECT_EQ(jwt.header.at("alg").as_string(), "HS256");
  EXPECT_EQ(jwt.header.at("typ").as_string(), "JWT");
  EXPECT_EQ(jwt.header.size(), 2U);
  EXPECT_EQ(jwt.signature, crypto::bytes_of(crypto::HmacKey(kSecret).sign(jwt.signed_part)));
}

TEST(UpstreamTokens, CarryTheirClaims) {
  PROVES("F169");
  const UpstreamTokens tokens(kSecret, Seconds{60});
  const auto claims = read(tokens.mint(subject(), from_epoch_seconds(1'800'000'000))).claims;
  EXPECT_EQ(claims.at("aud").as_string(), "n8n");
  EXPECT_EQ(claims.at("iss").as_string(), "portcullis");
  EXPECT_EQ(claims.at("sub").as_string(), "handle-of-session");
  EXPECT_EQ(claims.at("session_id").as_string(), "handle-of-session");
  EXPECT_EQ(claims.at("origin_domain").as_string(), "www.example.com");
  EXPECT_EQ(claims.at("type").as_string(), "chat");
  EXPECT_EQ(claims.at("jti").as_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(claims.at("iat").as_int64(), 1'800'000'000);
  EXPECT_LE(claims.at("nbf").as_int64(), 1'800'000'000);
  EXPECT_EQ(claims.at("exp").as_int64(), 1'800'000'060);
}

TEST(UpstreamTokens, BindTheMessage) {
  const UpstreamTokens tokens(kSecret, Seconds{60});
  const auto now = from_epoch_seconds(1'800'000'000);
  const auto claims = read(tokens.mint(subject("what it costs"), now)).claims;
  EXPECT_EQ(std::string_view(claims.at("bh").as_string()),
            text::base64url(crypto::bytes_of(crypto::sha256("what it costs"))));
  EXPECT_NE(read(tokens.mint(subject("what it cost"), now)).claims.at("bh"), claims.at("bh"));
}

TEST(UpstreamTokens, WhatAVisitorControlsStaysInsideItsClaim) {
  const UpstreamTokens tokens(kSecret, Seconds{60});
  const auto claims =
      read(tokens.mint({"h", "x\",\"aud\":\"admin\",\"exp\":9e9,\"y\":\"\xff\n", "m", "j"},
                       from_epoch_seconds(0)))
          .claims;
  EXPECT_EQ(claims.size(), 11U);
  EXPECT_EQ(claims.at("aud").as_string(), "n8n");
}

}  // namespace
}  // namespace portcullis::identity
