// What a provider of captchas answers, and what visitors send for one: any bytes. A good answer
// says when it was solved, and a solution has no more than a token's characters.
#include <algorithm>

#include "fuzz/fuzz.hpp"
#include "guards/challenge/captcha_rules.hpp"
#include "upstream/siteverify_answer.hpp"

namespace {

using namespace portcullis;  // NOLINT(google-build-using-namespace)
using fuzz::require;

void check_solution(std::string_view text, config::BotChallenge kind) {
  const auto& provider = *config::captcha_provider(kind);
  const auto solution = guards::CaptchaSolution::parse(text, provider);
  if (!solution) return;
  require(!solution->token.empty() && solution->token.size() <= provider.max_token_bytes,
          "a token is bounded");
  require(solution->token.find_first_of("&%\r\n \"") == std::string_view::npos,
          "a token ends no field of a form");
  require(!guards::declined_ticket(text), "it is a solution or a word, not both");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto answer = upstream::parse_siteverify_answer(text);
  if (answer && answer->success) {
    require(answer->solved_at >= WallTime{} - std::chrono::hours{24}, "a good one has its time");
  } else if (!answer) {
    require(answer.error().origin == ErrorOrigin::upstream, "what is no answer is the provider's");
  }
  check_solution(text, config::BotChallenge::hcaptcha);
  check_solution(text, config::BotChallenge::turnstile);
  return 0;
}
