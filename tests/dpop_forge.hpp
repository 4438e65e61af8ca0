#pragma once
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "jwt_forge.hpp"

/// Makes proofs of possession (RFC 9449), good and bad, without the code under test.
namespace portcullis::forge {

inline std::string coordinate(const PrivateKey& key, const char* name) {
  const std::string number = key.number(name);
  return text::base64url(std::string(32 - number.size(), '\0') + number);
}

inline std::string public_jwk(const PrivateKey& key) {
  return R"({"kty":"EC","crv":"P-256","x":")" + coordinate(key, "qx") + R"(","y":")" +
         coordinate(key, "qy") + R"("})";
}
inline std::string private_jwk(const PrivateKey& key) {
  std::string out = public_jwk(key);
  out.pop_back();
  const std::string number = key.number("priv");
  return out + R"(,"d":")" + text::base64url(std::string(32 - number.size(), '\0') + number) +
         R"("})";
}

/// RFC 7638.
inline crypto::Sha256 thumbprint(const PrivateKey& key) {
  return crypto::sha256(R"({"crv":"P-256","kty":"EC","x":")" + coordinate(key, "qx") +
                        R"(","y":")" + coordinate(key, "qy") + R"("})");
}

inline std::string dpop_header(const PrivateKey& key) {
  return R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + public_jwk(key) + "}";
}

/// What a proof claims; a test changes what it is about.
struct DpopClaims {
  std::string id = "an id";
  std::string method = "POST";
  std::string url = "https://chat.example.com/api/v1/chat/message";
  std::int64_t issued = 1'800'000'000;
  std::string token{};  ///< empty: no `ath`

  std::string json() const {
    std::string out = R"({"jti":")" + id + R"(","htm":")" + method + R"(","htu":")" + url +
                      R"(","iat":)" + std::to_string(issued);
    if (!token.empty()) {
      out += R"(,"ath":")" + text::base64url(crypto::bytes_of(crypto::sha256(token))) + '"';
    }
    return out + '}';
  }
};

inline std::string dpop(const PrivateKey& key, const DpopClaims& claims) {
  return key.jws(dpop_header(key), claims.json());
}

}  // namespace portcullis::forge
