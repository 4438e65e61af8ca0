// API keys: one spelling each, and nothing that was not minted matches. The first byte says whether
// the rest is taken as it is or gets the checksum that it should have, so that what lies behind the
// checksum is reached too.
#include <string>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "fuzz/fuzz.hpp"
#include "identity/api_keys.hpp"

namespace {

using namespace portcullis;
using namespace portcullis::identity;
using fuzz::require;

const ApiKeys& keys() {
  static const ApiKeys out({"fuzzing secret of keys, no secret at all", "and one from before"});
  return out;
}

const ApiKeys::Minted& minted() {
  static const ApiKeys::Minted out = keys().mint({}, from_epoch_seconds(1'800'000'000));
  return out;
}

void check(std::string_view text) {
  const auto parsed = parse_api_key(text);
  if (!parsed) {
    const bool ours = text.starts_with(kApiKeyMark);
    require((parsed.error() == ApiKeyFault::foreign) == !ours, "foreign is what has not our mark");
    return;
  }
  require(text.size() == kApiKeyBytes, "a key has one length");
  require(is_api_key_prefix(parsed->prefix), "a prefix has its form");
  require(text.substr(0, 60) ==
              std::string(kApiKeyMark).append(parsed->prefix) + '_' + std::string(parsed->secret),
          "nothing of a key is passed over");
  require(keys().matches(*parsed, minted().record) == (text == minted().text),
          "only the minted text matches");
}

std::string with_checksum(std::string_view text) {
  const auto sum = crypto::sha256(text);
  return std::string(text) + text::base64url(crypto::bytes_of(sum).substr(0, 3));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  check(rest);
  check(with_checksum(rest));
  // A change of one character of a real key.
  std::string changed = minted().text;
  changed[data[0] % changed.size()] = rest.empty() ? 'a' : rest.front();
  check(changed);
  return 0;
}
