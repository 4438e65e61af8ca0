#include "identity/upstream_tokens.hpp"

#include "base/text.hpp"

namespace portcullis::identity {

std::string UpstreamTokens::mint(const Subject& subject, WallTime now) const {
  const std::int64_t issued = epoch_seconds(now);
  std::string claims;
  claims.reserve(512);
  claims += R"({"iss":"portcullis","aud":"n8n","sub":)";
  text::append_json_string(claims, subject.session_handle);
  claims += R"(,"session_id":)";
  text::append_json_string(claims, subject.session_handle);
  claims += R"(,"origin_domain":)";
  text::append_json_string(claims, subject.origin_domain);
  claims += R"(,"type":"chat","iat":)";
  text::append_number(claims, issued);
  claims += R"(,"nbf":)";
  text::append_number(claims, issued - 5);
  claims += R"(,"exp":)";
  text::append_number(claims, issued + life_.count());
  claims += R"(,"jti":)";
  text::append_json_string(claims, subject.token_id);
  claims += R"(,"bh":")";
  text::append_base64url(claims, crypto::bytes_of(crypto::sha256(subject.message)));
  claims += "\"}";

  static const std::string kHeader = text::base64url(R"({"alg":"HS256","typ":"JWT"})");
  std::string token;
  token.reserve(kHeader.size() + claims.size() * 4 / 3 + 64);
  token += kHeader;
  token += '.';
  text::append_base64url(token, claims);
  const auto signature = key_.sign(token);
  token += '.';
  text::append_base64url(token, crypto::bytes_of(signature));
  return token;
}

}  // namespace portcullis::identity
