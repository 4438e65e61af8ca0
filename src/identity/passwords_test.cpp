#include "identity/passwords.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis::identity {
namespace {

constexpr std::string_view kGood = "correct horse battery";

/// As cheap as is allowed.
const Passwords& cheap() {
  static const Passwords passwords = Passwords::make({.cost = Passwords::kMinCost}).value();
  return passwords;
}

TEST(Passwords, AHashIsBcryptWithASaltOfItsOwn) {
  PROVES("F172");
  const auto passwords = Passwords::make({}).value();
  const auto one = passwords.hash(kGood).value();
  const auto other = passwords.hash(kGood).value();
  EXPECT_TRUE(one.starts_with("$2b$12$"));
  EXPECT_EQ(one.size(), Passwords::kHashBytes);
  EXPECT_NE(one.substr(7, 22), other.substr(7, 22)) << "the salts";
  EXPECT_TRUE(passwords.verify(kGood, one).value());
  EXPECT_TRUE(passwords.verify(kGood, other).value());
}

TEST(Passwords, OnlyTheOneThatWasHashedVerifies) {
  const auto hash = cheap().hash(kGood).value();
  EXPECT_TRUE(cheap().verify(kGood, hash).value());
  EXPECT_FALSE(cheap().verify("correct horse batterz", hash).value());
  EXPECT_FALSE(cheap().verify("Correct horse battery", hash).value());
  EXPECT_FALSE(cheap().verify("", hash).value());
  EXPECT_FALSE(cheap().verify(std::string(kGood) + '\0', hash).value());
  EXPECT_FALSE(cheap().verify(std::string(kGood) + '\0' + "more", hash).value());
}

TEST(Passwords, AgreeWithHashesMadeElsewhere) {
  // From the tests of Openwall's crypt_blowfish.
  const char* const hash = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
  EXPECT_TRUE(cheap().verify("U*U", hash).value());
  EXPECT_FALSE(cheap().verify("U*V", hash).value());
  EXPECT_TRUE(cheap().needs_rehash(hash));
}

TEST(Passwords, SeventyTwoBytesAreTakenAndNothingIsCutOff) {
  std::string longest(72, 'a');
  longest.back() = 'b';
  const auto hash = cheap().hash(longest).value();
  EXPECT_TRUE(cheap().verify(longest, hash).value());
  EXPECT_FALSE(cheap().verify(longest + "c", hash).value());
  EXPECT_FALSE(cheap().verify(longest.substr(0, 71), hash).value());
  EXPECT_EQ(cheap().fault_in(longest + "c"), PasswordFault::too_long);
  std::string umlauts;
  for (int i = 0; i < 36; ++i) umlauts += i % 2 == 0 ? "ä" : "ö";
  EXPECT_EQ(umlauts.size(), 72U);
  EXPECT_EQ(cheap().fault_in(umlauts), std::nullopt);
  EXPECT_EQ(cheap().fault_in(umlauts + "ä"), PasswordFault::too_long) << "37 characters";
}

TEST(Passwords, SayWhyOneMayNotBeChosen) {
  EXPECT_EQ(cheap().fault_in("short of it"), PasswordFault::too_short);
  EXPECT_EQ(cheap().fault_in("äöüäöüäöüäö"), PasswordFault::too_short) << "characters, not bytes";
  EXPECT_EQ(cheap().fault_in("äöüäöüäöüäöü"), std::nullopt);
  EXPECT_EQ(cheap().fault_in(""), PasswordFault::too_short);
  EXPECT_EQ(cheap().fault_in(std::string("twelve bytes") + '\0'), PasswordFault::not_text);
  EXPECT_EQ(cheap().fault_in("twelve bytes\xff"), PasswordFault::not_text);
  EXPECT_EQ(cheap().fault_in("Password1234"), PasswordFault::well_known);
  EXPECT_EQ(cheap().fault_in("aaaaaaaaaaaaaaa"), PasswordFault::well_known);
  EXPECT_EQ(cheap().fault_in("ääääääääääää"), PasswordFault::well_known);
  for (const auto fault : {PasswordFault::too_short, PasswordFault::too_long,
                           PasswordFault::not_text, PasswordFault::well_known}) {
    EXPECT_FALSE(text_of(fault).empty());
  }
  const auto refused = cheap().hash("password1234");
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  EXPECT_EQ(refused.error().detail.find("password1234"), std::string::npos);
}

TEST(Passwords, RefuseRulesOutOfTheirBounds) {
  EXPECT_FALSE(Passwords::make({.cost = 9}));
  EXPECT_FALSE(Passwords::make({.cost = 17}));
  EXPECT_FALSE(Passwords::make({.min_characters = 7}));
  EXPECT_FALSE(Passwords::make({.min_characters = 65}));
  const auto lax = Passwords::make({.cost = 10, .min_characters = 8}).value();
  EXPECT_EQ(lax.fault_in("qwerty123"), PasswordFault::well_known);
  EXPECT_EQ(lax.fault_in("quite ok"), std::nullopt);
}

TEST(Passwords, WhatIsNoHashIsAnErrorAndNotAWrongPassword) {
  for (const char* bad : {"*", "plain text", "$1$abcdefgh$0123456789012345678901",
                          "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
                          "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                          "$2b$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                          "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}) {
    const auto verified = cheap().verify(kGood, bad);
    ASSERT_FALSE(verified) << bad;
    EXPECT_EQ(verified.error().code, ErrorCode::malformed);
    EXPECT_TRUE(cheap().needs_rehash(bad));
  }
  EXPECT_FALSE(
      cheap().verify("U*U", "$2b$05$!!CCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").value())
      << "a salt of other characters";
}

TEST(Passwords, NoneOpensAnAccountWithoutOne) {
  EXPECT_FALSE(cheap().verify(kGood, "").value());
  EXPECT_FALSE(cheap().verify("", "").value());
}

TEST(Passwords, AnotherCostAsksForANewHash) {
  const auto dearer = Passwords::make({.cost = Passwords::kMinCost + 1}).value();
  const auto hash = cheap().hash(kGood).value();
  EXPECT_FALSE(cheap().needs_rehash(hash));
  EXPECT_TRUE(dearer.needs_rehash(hash));
  EXPECT_TRUE(dearer.verify(kGood, hash).value()) << "but it verifies";
}

double processor_time_of(const auto& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double began = now();
  work();
  return now() - began;
}

TEST(Passwords, ANameThatNobodyHasTakesAsLongAsAWrongPassword) {
  const auto hash = cheap().hash(kGood).value();
  const std::array<std::function<void()>, 4> ways{
      [&] { (void)cheap().verify("another password", hash); },
      [&] { cheap().verify_nothing("another password"); },
      [&] { (void)cheap().verify("another password", ""); },
      [&] { (void)cheap().verify(std::string(100, 'a'), hash); }};
  // In turns, and the least of each: what else the machine does adds to all of them.
  std::array<double, 4> least{1e9, 1e9, 1e9, 1e9};
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      least[i] = std::min(least[i], processor_time_of(ways[i]));
    }
  }
  for (const double each : least) {
    EXPECT_GT(each / least[0], 0.6);
    EXPECT_LT(each / least[0], 1.7);
  }
}

TEST(Passwords, SeveralThreadsHashAtATime) {
  const auto hash = cheap().hash(kGood).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_EQ(cheap().verify(i % 2 == 0 ? kGood : "something else", hash).value(), i % 2 == 0);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace portcullis::identity
