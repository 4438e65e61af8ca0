// Proofs of possession: nothing is believed but what the key that comes along has signed, for this
// method, address and time. The first byte says what the rest is: a proof, or header or claims to
// be signed here (`@` in a header stands for the key), or an address.
#include <string>
#include <vector>

#include "dpop_forge.hpp"
#include "fuzz/fuzz.hpp"
#include "identity/dpop.hpp"

namespace {

using namespace portcullis;
using namespace portcullis::identity;
using fuzz::require;

// Of the examples of RFC 9449, which are seeds.
const WallTime kNow = from_epoch_seconds(1'562'262'617);
const std::vector<std::string> kUrls{"https://server.example.com/token",
                                     "https://resource.example.org/protectedresource"};
constexpr std::string_view kRfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const forge::PrivateKey& key() {
  static const forge::PrivateKey made = forge::PrivateKey::ec();
  return made;
}

void check(std::string_view proof) {
  for (const std::string_view method : {"POST", "GET"}) {
    const auto read = verify_dpop(proof, method, kUrls, kNow);
    if (!read) {
      require(read.error().text().starts_with("JWT_"), "a refusal has a code");
      continue;
    }
    require(proof.size() <= kMaxDpopBytes, "a proof is bounded");
    require(!read->id.empty() && read->id.size() <= 128, "an id is there and bounded");
    require(read->token_hash.size() <= 256, "a hash is bounded");
    const auto print = text::base64url(crypto::bytes_of(read->thumbprint));
    require(read->thumbprint == forge::thumbprint(key()) || print == kRfcThumbprint,
            "nobody else can have signed it");
    const auto later = kNow + kDpopPast + kDpopFuture + Seconds{1};
    require(!verify_dpop(proof, method, kUrls, later), "and it does not last");
    require(!verify_dpop(proof, "DELETE", kUrls, kNow), "nor is it for another method");
    const std::vector<std::string> elsewhere{"https://evil.example/token"};
    require(!verify_dpop(proof, method, elsewhere, kNow), "nor for another address");
  }
}

std::string with_key(std::string_view header) {
  std::string out;
  for (const char c : header) {
    if (c == '@' && out.size() < 8192) {
      out += forge::public_jwk(key());
    } else {
      out += c;
    }
  }
  return out;
}

constexpr std::string_view kClaims =
    R"({"jti":"a","htm":"POST","htu":"https://server.example.com/token","iat":1562262616})";

void check_url(std::string_view url) {
  const auto canonical = canonical_url(url);
  if (!canonical) return;
  require(canonical->find_first_of("?#") == std::string::npos, "no query, no fragment");
  require(canonical_url(*canonical) == *canonical, "it is in its own form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check(rest);
      break;
    case 1:
      check(key().jws(with_key(rest), kClaims));
      break;
    case 2:
      check(key().jws(forge::dpop_header(key()), rest));
      break;
    default:
      check_url(rest);
  }
  return 0;
}
