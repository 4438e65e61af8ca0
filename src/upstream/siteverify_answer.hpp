#pragma once
#include <string_view>

#include "base/result.hpp"
#include "identity/captcha_verifier.hpp"
#include "upstream/whole_decoder.hpp"

namespace portcullis::upstream {

/// Reads what a provider's `siteverify` says, strictly: a member of another type than documented is
/// no answer.
///
/// Errors: malformed; unauthorized where it does not accept our secret; unavailable where it says
///         that it failed. All of them are the provider's.
/// Source: the documentation of hCaptcha and of Cloudflare Turnstile on server-side validation.
Result<identity::CaptchaAnswer> parse_siteverify_answer(std::string_view text);

/// The decoder of such an answer; there are no pieces, the answer is written into `out`.
///
/// Ownership: `out` outlives the call.
class SiteverifyDecoder final : public WholeDecoder {
 public:
  static constexpr std::size_t kMaxBytes = 16 * 1024;

  explicit SiteverifyDecoder(identity::CaptchaAnswer& out)
      : WholeDecoder(kMaxBytes, "the provider's answer is too long"), out_(out) {}
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  identity::CaptchaAnswer& out_;
};

}  // namespace portcullis::upstream
