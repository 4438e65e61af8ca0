// What the bot guard looks at: any User-Agent, any text, any solution of a challenge. Nothing reads
// beyond its end, and what is counted fits the text.
#include <array>

#include "fuzz/fuzz.hpp"
#include "guards/bot/agent_table.hpp"
#include "guards/bot/message_evidence.hpp"
#include "guards/bot/trails.hpp"
#include "identity/challenges.hpp"

namespace {

using namespace portcullis;  // NOLINT(google-build-using-namespace)
using fuzz::require;

void check_message(std::string_view text) {
  constexpr std::array<std::string_view, 1> kOwn{"shop.example"};
  const auto traits = guards::MessageTraits::of(text, kOwn);
  require(traits.characters <= text.size(), "a character has a byte at least");
  require(traits.letters <= traits.characters && traits.capitals <= traits.letters,
          "capitals are letters, and these characters");
  require(traits.marks <= traits.characters, "a mark is a character");
  require(traits.hosts <= traits.links, "each host has a link");
  require(guards::judge_message(text, traits).points() <= 100, "no score is above 100");
  require(guards::judge_spam(traits).points() <= 100, "no score is above 100");
  require(guards::text_fingerprint(text) == guards::text_fingerprint(text),
          "a text has one fingerprint");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const guards::AgentTable agents;
  static const identity::Challenges challenges("a secret of the fuzzer, of 32 bytes");
  const auto text = fuzz::text_of(data, size);
  (void)agents.classify(text);
  check_message(text);
  const auto checked = challenges.check(text, "holder", WallTime{});
  require(checked.outcome == identity::Challenges::Outcome::wrong, "nobody guesses a signature");
  return 0;
}
