// What people type where a second factor is asked for, and base32: strict, canonical, bounded. The
// first byte says at which time.
#include <string>

#include "base/base32.hpp"
#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "identity/recovery_codes.hpp"
#include "identity/totp.hpp"

namespace {

using namespace portcullis;
using namespace portcullis::identity;
using fuzz::require;

constexpr std::string_view kSecret = "12345678901234567890";  // of RFC 6238

void check_base32(std::string_view text) {
  if (const auto bytes = text::base32_decode(text)) {
    require(text::base32(*bytes) == text::to_upper(text), "one value has one spelling");
  }
  require(text::base32_decode(text::base32(text)) == text, "what is encoded is decoded");
}

void check_code(std::string_view code, std::int64_t seconds) {
  const auto now = from_epoch_seconds(seconds);
  const auto step = accepted_totp_step(kSecret, code, -1, now);
  if (!step) return;
  require(hotp(kSecret, static_cast<std::uint64_t>(*step)) == code, "it is the code of its step");
  const auto away = *step - totp_step(now);
  require(away >= -1 && away <= 1, "a step beside that of now at most");
  const auto again = accepted_totp_step(kSecret, code, *step, now);
  require(!again || *again > *step, "a used step is not accepted again");
}

void check_recovery(std::string_view typed) {
  static const RecoveryCodes codes({"fuzzing secret of codes, no secret at all"});
  const auto hashes = codes.hashes_of("user", typed);
  require(hashes.empty() || hashes.front().size() == 32, "one hash a secret, or none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  check_base32(rest);
  // Times of the appendix, so that its codes are right ones.
  constexpr std::int64_t kTimes[] = {59, 1'111'111'109, 1'234'567'890, 2'000'000'000, 0};
  check_code(rest, kTimes[data[0] % std::size(kTimes)]);
  check_recovery(rest);
  const auto uri = totp_uri(rest, rest, kSecret);
  require(uri.find_first_of(" \"<>\n") == std::string::npos, "a URI has no character of another");
  return 0;
}
