#pragma once
#include <vector>

#include "guards/challenge/captcha_rules.hpp"
#include "guards/rate/charges.hpp"
#include "identity/challenges.hpp"

namespace portcullis::guards {

/// Hands out challenges in place of refusals, and takes what they were answered with: once each.
/// The bot guard asks machines, the rate guard new visitors of a site whose window is spent, the
/// session guard suspicious presenters. What is asked for is work, or where the site has a provider
/// for it, its captcha; while the provider is away, work again. A solution serves one request,
/// whichever of them ask.
///
/// Threads: immutable; any worker.
class ChallengeDesk {
 public:
  ChallengeDesk(const config::Settings& settings, const LimitParts& parts);

  /// What a request brings.
  enum class Payment : std::uint8_t {
    none,       ///< nothing, or nothing good
    paid,       ///< a good solution that has not been used yet
    unchecked,  ///< a token about which the provider cannot be asked
    declined,   ///< the word of a page that it cannot show the captcha
  };

  /// Whether who sent this can be challenged: a page's script, where challenges are on.
  bool asks(const http::Exchange& exchange) const noexcept;
  /// A good solution is used now.
  Task<Result<Payment>> take(http::Exchange& exchange) const;
  /// A challenge for who brought no more than `payment`; who cannot solve it waits for
  /// `retry_after` seconds, where waiting helps.
  Task<Result<pipeline::Verdict>> ask(http::Exchange& exchange, Payment payment,
                                      pipeline::Incident about,
                                      std::optional<std::int64_t> retry_after) const;

 private:
  /// How visitors of a site are challenged.
  struct Site {
    bool asked = false;
    const config::CaptchaProvider* provider = nullptr;  ///< null: by work
    identity::CaptchaVerifier* verifier = nullptr;
  };

  static std::string holder_of(const http::Exchange& exchange);
  const Site& site_of(const http::Exchange& exchange) const noexcept;
  void count(std::string_view outcome) const;
  Payment counted(Payment payment, std::string_view outcome) const;
  Task<Result<Payment>> take_solution(http::Exchange& exchange) const;
  Task<Result<Payment>> take_work(http::Exchange& exchange, std::string_view solution) const;
  Task<Result<Payment>> take_token(http::Exchange& exchange, CaptchaSolution solution) const;
  Task<Result<Payment>> check_token(http::Exchange& exchange, CaptchaSolution solution) const;
  Payment take_word(const http::Exchange& exchange, std::string_view ticket) const;
  Task<Result<std::int64_t>> hardness_for(const http::Exchange& exchange) const;
  std::string captcha(const http::Exchange& exchange, const Site& site) const;
  std::string work(const http::Exchange& exchange, std::int64_t times) const;

  std::vector<Site> sites_;  ///< by pipeline::Site::index
  const std::uint32_t steps_;
  const config::ChallengeFallback fallback_;
  const identity::Challenges challenges_;
  state::Store& store_;
  observe::CounterFamily& count_;
};

}  // namespace portcullis::guards
