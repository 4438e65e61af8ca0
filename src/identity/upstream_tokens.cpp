#include "identity/upstream_tokens.hpp"

#include "base/text.hpp"
#include "crypto/jws_key.hpp"

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
  if (!subject.user.empty()) {
    claims += R"(,"user_id":)";
    text::append_json_string(claims, subject.user);
  }
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

  return crypto::sign_hs256(key_, R"({"alg":"HS256","typ":"JWT"})", claims);
}

}  // namespace portcullis::identity
