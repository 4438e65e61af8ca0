#include "identity/challenges.hpp"

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::identity {
namespace {

using Outcome = Challenges::Outcome;

class ChallengesTest : public testing::Test {
 protected:
  /// What a client does.
  static std::string solve(const Challenge& challenge) {
    for (std::uint32_t n = 0; n <= challenge.max_number; ++n) {
      const auto digest = crypto::sha256(challenge.salt + std::to_string(n));
      if (text::hex(crypto::bytes_of(digest)) == challenge.target) {
        return challenge.salt + "." + std::to_string(n) + "." + challenge.signature;
      }
    }
    ADD_FAILURE() << "no number solves it";
    return {};
  }
  Outcome check(const std::string& solution, std::string_view holder = "site session") {
    return challenges_.check(solution, holder, now_).outcome;
  }

  const Challenges challenges_{"a secret of this test, made of 32 bytes"};
  WallTime now_{Seconds{1'800'000'000}};
};

TEST_F(ChallengesTest, ASolutionIsFoundAndTaken) {
  for (int i = 0; i < 20; ++i) {
    const auto challenge = challenges_.make("site session", 200, Seconds{300}, now_);
    const auto solution = solve(challenge);
    EXPECT_EQ(check(solution), Outcome::solved);
    const auto checked = challenges_.check(solution, "site session", now_);
    EXPECT_EQ(checked.salt, challenge.salt);
    EXPECT_EQ(checked.left, Seconds{300});
  }
}

TEST_F(ChallengesTest, ASolutionServesItsHolderAndItsTimeOnly) {
  const auto solution = solve(challenges_.make("site session", 50, Seconds{300}, now_));
  EXPECT_EQ(check(solution, "site other"), Outcome::wrong);
  EXPECT_EQ(Challenges("another secret").check(solution, "site session", now_).outcome,
            Outcome::wrong);
  now_ += Seconds{299};
  EXPECT_EQ(check(solution), Outcome::solved);
  now_ += Seconds{1};
  EXPECT_EQ(check(solution), Outcome::expired);
}

TEST_F(ChallengesTest, NothingElsePasses) {
  const auto challenge = challenges_.make("site session", 50, Seconds{300}, now_);
  const auto good = solve(challenge);
  const auto first = good.find('.');
  const auto second = good.find('.', first + 1);
  const auto number = good.substr(first + 1, second - first - 1);
  const auto with_number = [&](const std::string& other) {
    return good.substr(0, first + 1) + other + good.substr(second);
  };
  EXPECT_EQ(check(with_number(number)), Outcome::solved);
  for (const std::string& bad :
       {with_number("51"), with_number("0" + number), with_number("+" + number),
        with_number(number + " "), with_number(""), with_number("99999999999999999999"),
        // An extended life, and a piece of the salt as the number's.
        "9" + good,
        good.substr(0, first - 1) + "." + good[first - 1] + number + good.substr(second),
        good + "x", good.substr(0, good.size() - 1), std::string(), std::string("."),
        std::string(".."), std::string("a.b.c"), std::string(1000, '.'), challenge.salt}) {
    EXPECT_EQ(check(bad), Outcome::wrong) << bad;
  }
}

TEST_F(ChallengesTest, TheNumberIsAnywhereInItsRange) {
  std::array<int, 4> found{};
  for (int i = 0; i < 4000; ++i) {
    const auto challenge = challenges_.make("h", 3, Seconds{10}, now_);
    const auto solution = solve(challenge);
    ++found[static_cast<std::size_t>(solution[challenge.salt.size() + 1] - '0')];
  }
  for (const int count : found) EXPECT_NEAR(count, 1000, 150);
}

TEST_F(ChallengesTest, ClientsGetAllThatTheyNeed) {
  const auto challenge = challenges_.make("h", 20'000, Seconds{10}, now_);
  const auto json = challenge.json();
  EXPECT_NE(json.find("\"algorithm\":\"SHA-256\""), std::string::npos);
  EXPECT_NE(json.find("\"salt\":\"" + challenge.salt), std::string::npos);
  EXPECT_NE(json.find("\"max_number\":20000"), std::string::npos);
}

TEST_F(ChallengesTest, ATicketServesItsHolderAndItsTimeOnly) {
  for (int i = 0; i < 50; ++i) {  // signatures hold what divides a ticket now and then
    const auto ticket = challenges_.ticket("site session", Seconds{300}, now_);
    const auto checked = challenges_.check_ticket(ticket, "site session", now_);
    EXPECT_EQ(checked.outcome, Outcome::solved);
    EXPECT_TRUE(ticket.starts_with(checked.salt));
    EXPECT_LE(ticket.size(), 255U) << "as much as Turnstile takes along";
    EXPECT_TRUE(std::ranges::all_of(ticket, [](char c) {
      return text::is_alnum(c) || c == '-' || c == '_';
    })) << ticket;
    EXPECT_EQ(challenges_.check_ticket(ticket, "site other", now_).outcome, Outcome::wrong);
    EXPECT_EQ(challenges_.check_ticket(ticket, "site session", now_ + Seconds{300}).outcome,
              Outcome::expired);
    EXPECT_EQ(check(ticket), Outcome::wrong) << "no solution";
  }
}

TEST_F(ChallengesTest, NothingElseIsATicket) {
  const auto good = challenges_.ticket("site session", Seconds{300}, now_);
  const auto solution = solve(challenges_.make("site session", 50, Seconds{300}, now_));
  for (const std::string& bad :
       {std::string(), std::string("-"), std::string(24, 'a'), std::string(25, '-'),
        std::string(300, 'a'), good.substr(1), good.substr(0, good.size() - 1), good + "a",
        "9" + good, solution}) {
    EXPECT_EQ(challenges_.check_ticket(bad, "site session", now_).outcome, Outcome::wrong) << bad;
  }
}

}  // namespace
}  // namespace portcullis::identity
