#pragma once
#include <string>

#include "base/eventual.hpp"
#include "base/result.hpp"
#include "http/exchange.hpp"

namespace portcullis::identity {

/// What is asked of a provider of captchas.
struct CaptchaQuestion {
  std::string token;   ///< what its script gave the visitor
  std::string caller;  ///< whose it is, as bytes
};

/// What a provider says of a token that it looked at.
struct CaptchaAnswer {
  bool success = false;
  // of a good one
  WallTime solved_at;
  std::string hostname;  ///< of the page; empty: not told
  std::string action;    ///< what the page has set; empty: nothing, or the provider tells none
  std::string cdata;
};

/// A provider that tells people from machines, such as hCaptcha or Turnstile, and what pages must
/// know to show its captcha.
///
/// Threads:   any worker; the object is shared.
/// Ownership: the configuration's; calls under way keep what they need of it.
class CaptchaVerifier {
 public:
  virtual ~CaptchaVerifier() = default;

  /// Whether a visitor may be sent to it now. Where it was away and it is time to look for it, this
  /// is known only after a while.
  virtual Eventual<bool> ready(http::Exchange& exchange) = 0;
  /// Asks about a token, for a bounded time and as long as the client is there.
  /// Errors: exhausted (too many ask at a time), cancelled, and all others: it cannot be asked.
  virtual Task<Result<CaptchaAnswer>> verify(http::Exchange& exchange,
                                             CaptchaQuestion question) = 0;
  /// For /health.
  virtual bool away() const noexcept = 0;

  virtual const std::string& site_key() const noexcept = 0;
  virtual const std::string& script_url() const noexcept = 0;
};

}  // namespace portcullis::identity
