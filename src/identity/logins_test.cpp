#include "identity/logins.hpp"

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "identity/revocations.hpp"
#include "identity/sqlite_accounts.hpp"
#include "proves.hpp"
#include "state/memory_store.hpp"
#include "temporary_folder.hpp"
#include "wait_until.hpp"

namespace portcullis::identity {
namespace {

const std::string kSecret = "a secret of forty-eight bytes, random as it were";
const std::string kOther = "another secret of forty-eight bytes, as it were.";
const std::string kPassword = "correct horse battery";
constexpr Seconds kDay{24 * 3600};

const IpAddress kHome = *IpAddress::parse("192.0.2.1");
const IpAddress kAway = *IpAddress::parse("198.51.100.7");

class LoginsTest : public testing::Test {
 protected:
  LoginsTest() {
    thread_ = std::thread([this] { worker_.run(); });
    add("alice");
  }
  ~LoginsTest() override {
    accounts_.stop();
    hashing_.stop();
    // What they have handed back runs to its end.
    std::promise<void> settled;
    worker_.post([&] { settled.set_value(); });
    settled.get_future().wait();
    worker_.stop();
    thread_.join();
  }

  User add(const std::string& name, std::vector<Grant> grants = {{Role::viewer, "*"}}) {
    static const std::string hash =
        Passwords::make({.cost = Passwords::kMinCost})->hash(kPassword).value();
    return *store_
                ->add_user({.name = name, .password_hash = hash, .grants = std::move(grants)},
                           clock_.wall())
                .value();
  }
  User alice() { return store_->find_user("alice").value(); }

  /// What a task comes to on the worker.
  template <class T>
  T run(Task<T> task) {
    std::promise<T> done;
    worker_.post([&] {
      spawn([](Task<T> inner, std::promise<T>& out) -> Task<void> {
        out.set_value(co_await inner);
      }(std::move(task), done));
    });
    return done.get_future().get();
  }
  Logins::Outcome log_in(const std::string& name, const std::string& password = kPassword,
                         const std::string& code = {}, const IpAddress& from = kHome) {
    return run(logins_.log_in({name, password, code, from}));
  }
  LoginFault fault(const Logins::Outcome& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? LoginFault{} : outcome.error().fault;
  }
  Logins::Outcome refresh(const std::string& token) {
    return run(logins_.refresh(token, clock_.wall()));
  }
  bool is_revoked(const std::string& access) {
    const auto claims = tokens_.verify(UserTokens::Use::access, access, clock_.wall());
    EXPECT_TRUE(claims);
    state::AdmitRequest look;
    look.issued = claims->issued;
    look.may_be_revoked_by(revocation_key(RevocableKind::token, claims->id));
    look.may_be_revoked_by(revocation_key(RevocableKind::login, claims->family));
    look.may_be_revoked_by(revocation_key(RevocableKind::user, claims->subject));
    auto answer = state_.admit(look);
    return answer.value()->revoked;
  }
  std::string enrol(const User& user) {
    const auto secret = new_totp_secret();
    EXPECT_TRUE(store_->enrol_totp(user.id, TotpVault({kSecret}).seal(user.id, secret)).value());
    EXPECT_TRUE(store_->confirm_totp(user.id, totp_step(clock_.wall()) - 5, clock_.wall()).value());
    return secret;
  }
  /// The end of all sessions as a refresh sees it that has rotated its family already.
  void sqlite_end_without_families() {
    SQLite::Database file((folder_.path() / "accounts.db").string(), SQLite::OPEN_READWRITE);
    file.exec("UPDATE users SET sessions_valid_from = " +
              std::to_string(epoch_millis(next_second(clock_.wall()))));
  }
  std::string code(const std::string& secret) {
    return hotp(secret, static_cast<std::uint64_t>(totp_step(clock_.wall())));
  }

  ManualClock clock_;
  TemporaryFolder folder_;
  std::unique_ptr<AccountStore> store_ =
      open_sqlite_accounts({.file = folder_.path() / "accounts.db"}).value();
  state::MemoryStore state_{{}, clock_};
  net::Worker worker_{0, clock_};
  std::thread thread_;
  net::Background accounts_{{.name = "accounts"}};
  net::Background hashing_{{.name = "hashing"}};
  UserTokens tokens_ = UserTokens::make({}, JwtKeys::from_secrets({kSecret}).value(),
                                        JwtKeys::from_secrets({kOther}).value())
                           .value();
  Logins logins_{{*store_, accounts_, hashing_, state_},
                 {.passwords = {.cost = Passwords::kMinCost}, .second_factor_roles = {Role::admin}},
                 tokens_,
                 {kSecret}};
};

TEST_F(LoginsTest, WhoKnowsThePasswordGetsTokensThatSayWhatHeMay) {
  PROVES("F169,F172");
  const auto tokens = log_in("ALICE");
  ASSERT_TRUE(tokens) << tokens.error().reason;
  const auto claims = tokens_.verify(UserTokens::Use::access, tokens->access.token, clock_.wall());
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->subject, alice().id);
  EXPECT_EQ(claims->grants, alice().grants);
  EXPECT_EQ(tokens->refresh.expires - clock_.wall(), 7 * kDay);
  EXPECT_EQ(alice().last_login, clock_.wall());
  EXPECT_FALSE(tokens_.verify(UserTokens::Use::access, tokens->refresh.token, clock_.wall()));
}

TEST_F(LoginsTest, WhatIsWrongIsNotTold) {
  for (const auto& [name, password] :
       std::vector<std::pair<std::string, std::string>>{{"alice", "wrong"},
                                                        {"nobody", kPassword},
                                                        {"", kPassword},
                                                        {"alice", ""},
                                                        {"alice", std::string(73, 'a')},
                                                        {"\xff", "x"}}) {
    EXPECT_EQ(fault(log_in(name, password)), LoginFault::wrong) << name;
  }
  EXPECT_TRUE(wait_until([&] { return alice().failed_logins == 3U; }));
  ASSERT_TRUE(store_->disable(alice().id, clock_.wall()));
  EXPECT_EQ(fault(log_in("alice")), LoginFault::wrong);
}

TEST_F(LoginsTest, AttemptsAtANameArePacedAlsoWhereNobodyHasIt) {
  for (const std::string name : {"alice", "nobody"}) {
    for (std::uint32_t i = 0; i < Logins::kAttempts; ++i) {
      EXPECT_EQ(fault(log_in(name, "wrong", {}, kAway)), LoginFault::wrong);
    }
    const auto paced = log_in(name, kPassword, {}, kAway);
    EXPECT_EQ(fault(paced), LoginFault::paced) << name;
    EXPECT_GT(paced.error().retry_after, Seconds{0});
    EXPECT_LE(paced.error().retry_after, Logins::kAttemptWindow * 13 / 12);
  }
  clock_.advance(Logins::kAttemptWindow * 13 / 12);
  EXPECT_TRUE(log_in("alice"));
}

TEST_F(LoginsTest, NobodyIsLockedOutFromWhereHeWorks) {
  ASSERT_TRUE(log_in("alice", kPassword, {}, kHome));
  for (std::uint32_t i = 0; i < 2 * Logins::kAttempts; ++i) {
    (void)log_in("alice", "wrong", {}, kAway);
  }
  EXPECT_EQ(fault(log_in("alice", kPassword, {}, kAway)), LoginFault::paced);
  EXPECT_TRUE(log_in("alice", kPassword, {}, kHome));
}

TEST_F(LoginsTest, ARefreshTokenServesOnceAndKeepsTheLogin) {
  PROVES("F168,F177");
  const auto first = log_in("alice").value();
  clock_.advance(Seconds{60});
  const auto second = refresh(first.refresh.token);
  ASSERT_TRUE(second) << second.error().reason;
  const auto claims =
      tokens_.verify(UserTokens::Use::access, second->access.token, clock_.wall()).value();
  EXPECT_EQ(claims.grants, alice().grants) << "roles survive a refresh";
  EXPECT_EQ(second->refresh.expires, first.refresh.expires) << "a login is not made longer";
  EXPECT_TRUE(refresh(second->refresh.token));
  EXPECT_EQ(fault(refresh(first.access.token)), LoginFault::wrong) << "no access token";
}

TEST_F(LoginsTest, AStolenRefreshTokenEndsTheLogin) {
  PROVES("F168");
  const auto first = log_in("alice").value();
  const auto other = log_in("alice").value();
  const auto second = refresh(first.refresh.token).value();
  EXPECT_FALSE(is_revoked(second.access.token));
  const auto replayed = refresh(first.refresh.token);
  EXPECT_EQ(fault(replayed), LoginFault::reused);
  EXPECT_EQ(replayed.error().user, alice().id);
  EXPECT_EQ(fault(refresh(second.refresh.token)), LoginFault::wrong);
  EXPECT_TRUE(is_revoked(second.access.token));
  EXPECT_TRUE(refresh(other.refresh.token)) << "that login is another one";
  EXPECT_FALSE(is_revoked(other.access.token));
}

TEST_F(LoginsTest, OfRequestsAtTheSameTimeOneWinsAndNoneIsATheft) {
  const auto first = log_in("alice").value();
  constexpr int kRacers = 16;
  std::vector<std::promise<Logins::Outcome>> done(kRacers);
  worker_.post([&] {
    for (auto& promise : done) {
      // Received before any of them could know of another.
      spawn([](Task<Logins::Outcome> task, std::promise<Logins::Outcome>& out) -> Task<void> {
        out.set_value(co_await task);
      }(logins_.refresh(first.refresh.token, clock_.wall() - Milliseconds{1}), promise));
    }
  });
  std::vector<LoginTokens> winners;
  for (auto& promise : done) {
    auto outcome = promise.get_future().get();
    if (outcome) {
      winners.push_back(*std::move(outcome));
    } else {
      EXPECT_EQ(outcome.error().fault, LoginFault::wrong);
    }
  }
  ASSERT_EQ(winners.size(), 1U);
  EXPECT_TRUE(refresh(winners.front().refresh.token));
}

TEST_F(LoginsTest, LogoutEndsALoginAndLogoutEverywhereAllOfThem) {
  const auto one = log_in("alice").value();
  const auto two = log_in("alice").value();
  const auto family =
      tokens_.verify(UserTokens::Use::access, one.access.token, clock_.wall())->family;
  ASSERT_TRUE(run(logins_.end_login(family)));
  EXPECT_TRUE(is_revoked(one.access.token));
  EXPECT_EQ(fault(refresh(one.refresh.token)), LoginFault::wrong);
  EXPECT_FALSE(is_revoked(two.access.token));
  ASSERT_TRUE(run(logins_.end_all(alice().id)));
  EXPECT_TRUE(is_revoked(two.access.token));
  EXPECT_EQ(fault(refresh(two.refresh.token)), LoginFault::wrong);
  EXPECT_FALSE(is_revoked(log_in("alice")->access.token)) << "also in the same second";
}

TEST_F(LoginsTest, ASecondFactorIsAskedOfWhoHasOneAndDemandedOfSomeRoles) {
  const auto secret = enrol(alice());
  EXPECT_EQ(fault(log_in("alice")), LoginFault::code_needed);
  EXPECT_EQ(fault(log_in("alice", "wrong", code(secret))), LoginFault::wrong);
  EXPECT_EQ(fault(log_in("alice", kPassword, "000000x")), LoginFault::code_wrong);
  const auto used = code(secret);
  EXPECT_TRUE(log_in("alice", kPassword, used));
  EXPECT_EQ(fault(log_in("alice", kPassword, used)), LoginFault::code_wrong) << "once";
  clock_.advance(kTotpStep);
  EXPECT_TRUE(log_in("alice", kPassword, code(secret)));

  const auto codes = RecoveryCodes({kSecret}).make(alice().id);
  ASSERT_TRUE(store_->store_recovery_codes(alice().id, codes.hashes));
  EXPECT_TRUE(log_in("alice", kPassword, codes.texts[3]));
  EXPECT_EQ(fault(log_in("alice", kPassword, codes.texts[3])), LoginFault::code_wrong) << "once";

  const auto root = add("root", {{Role::admin, "*"}});
  EXPECT_EQ(fault(log_in("root")), LoginFault::enrolment_needed);
  const auto of_root = enrol(root);
  EXPECT_TRUE(log_in("root", kPassword, code(of_root)));
}

TEST_F(LoginsTest, AChangedPasswordEndsAllLoginsAndBeginsOne) {
  const auto before = log_in("alice").value();
  const auto change = [&](const std::string& old, const std::string& fresh) {
    return run(logins_.change_password({alice().id, old, {}, kHome}, fresh));
  };
  EXPECT_EQ(fault(change("wrong", "a better one, and long")), LoginFault::wrong);
  EXPECT_EQ(fault(change(kPassword, "short")), LoginFault::refused_password);
  EXPECT_EQ(fault(change(kPassword, std::string(73, 'x'))), LoginFault::refused_password);
  const auto after = change(kPassword, "a better one, and long");
  ASSERT_TRUE(after) << after.error().reason;
  EXPECT_TRUE(is_revoked(before.access.token));
  EXPECT_FALSE(is_revoked(after->access.token));
  EXPECT_EQ(fault(refresh(before.refresh.token)), LoginFault::wrong);
  EXPECT_TRUE(refresh(after->refresh.token));
  EXPECT_EQ(fault(log_in("alice")), LoginFault::wrong);
  EXPECT_TRUE(log_in("alice", "a better one, and long"));
}

TEST_F(LoginsTest, ALogoutInTheSecondOfAnotherEndVoidsWhatBeganBetween) {
  ASSERT_TRUE(run(logins_.end_all(alice().id)));
  const auto tokens = log_in("alice").value();
  ASSERT_FALSE(is_revoked(tokens.access.token));
  const auto family =
      tokens_.verify(UserTokens::Use::access, tokens.access.token, clock_.wall())->family;
  ASSERT_TRUE(run(logins_.end_login(family)));
  EXPECT_TRUE(is_revoked(tokens.access.token));
  const auto again = log_in("alice").value();
  ASSERT_TRUE(run(logins_.end_all(alice().id)));
  EXPECT_TRUE(is_revoked(again.access.token));
}

TEST_F(LoginsTest, ARefreshThatTheEndOfAllSessionsOvertookGetsNothing) {
  const auto tokens = log_in("alice").value();
  // As if it had been rotated before, and its user was read after.
  clock_.advance(Seconds{2});
  sqlite_end_without_families();
  EXPECT_EQ(fault(refresh(tokens.refresh.token)), LoginFault::wrong);
}

TEST_F(LoginsTest, TabsOfOneBrowserAreNoThieves) {
  const auto first = log_in("alice").value();
  ASSERT_TRUE(refresh(first.refresh.token));
  clock_.advance(Milliseconds{300});
  const auto late = run(logins_.refresh(first.refresh.token, clock_.wall(), Milliseconds{5000}));
  EXPECT_EQ(fault(late), LoginFault::wrong);
  clock_.advance(Milliseconds{5000});
  EXPECT_EQ(fault(run(logins_.refresh(first.refresh.token, clock_.wall(), Milliseconds{5000}))),
            LoginFault::reused);
}

TEST_F(LoginsTest, ARoleThatDemandsASecondFactorIsNotKeptByRefreshing) {
  const auto root = add("root", {{Role::viewer, "*"}});
  const auto tokens = log_in("root").value();
  const Logins stricter{
      {*store_, accounts_, hashing_, state_},
      {.passwords = {.cost = Passwords::kMinCost}, .second_factor_roles = {Role::viewer}},
      tokens_,
      {kSecret}};
  EXPECT_EQ(fault(run(stricter.refresh(tokens.refresh.token, clock_.wall()))),
            LoginFault::enrolment_needed);
}

TEST_F(LoginsTest, AFloodOfStrangersLeavesUsersAWayInAndTakesNoAttempt) {
  ASSERT_TRUE(log_in("alice", kPassword, {}, kHome));
  net::Background slow{{.name = "slow", .threads = 1, .queue = 4}};
  const Logins busy{{*store_, accounts_, slow, state_},
                    {.passwords = {.cost = Passwords::kMinCost}},
                    tokens_,
                    {kSecret}};
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::promise<void> waiting;
  worker_.post([&] {
    for (int i = 0; i < 3; ++i) {
      spawn([](net::Background& threads, std::shared_future<void> until) -> Task<void> {
        (void)co_await threads.run([until] { until.wait(); });
      }(slow, opened));
    }
    waiting.set_value();
  });
  waiting.get_future().get();
  for (std::uint32_t i = 0; i < 3 * Logins::kAttempts; ++i) {
    const auto refused = run(busy.log_in({"alice", kPassword, {}, kAway}));
    EXPECT_EQ(fault(refused), LoginFault::busy);
    EXPECT_GT(refused.error().retry_after, Seconds{0});
  }
  std::promise<Logins::Outcome> known;
  worker_.post([&] {
    spawn([](Task<Logins::Outcome> task, std::promise<Logins::Outcome>& out) -> Task<void> {
      out.set_value(co_await task);
    }(busy.log_in({"alice", kPassword, {}, kHome}), known));
  });
  gate.set_value();
  EXPECT_TRUE(known.get_future().get()) << "from where she was before";
  EXPECT_TRUE(run(busy.log_in({"alice", kPassword, {}, kAway}))) << "no attempt was taken";
  slow.stop();
}

TEST_F(LoginsTest, AHashOfAnOlderCostIsMadeAnewAtALogin) {
  Logins dearer{{*store_, accounts_, hashing_, state_},
                {.passwords = {.cost = Passwords::kMinCost + 1}},
                tokens_,
                {kSecret}};
  const auto before = store_->credentials(alice().id)->password_hash;
  const auto tokens = run(dearer.log_in({"alice", kPassword, {}, kHome}));
  ASSERT_TRUE(tokens);
  const auto after = store_->credentials(alice().id)->password_hash;
  EXPECT_NE(after, before);
  EXPECT_TRUE(after.starts_with("$2b$11$"));
  EXPECT_TRUE(refresh(tokens->refresh.token)) << "the password is the same";
}

TEST_F(LoginsTest, NobodyIsLetInWhereAccountsCannotBeAskedOrAllThreadsAreBusy) {
  net::Background none{{.name = "none"}};
  none.stop();
  const Logins without{{*store_, none, hashing_, state_}, {}, tokens_, {kSecret}};
  EXPECT_EQ(fault(run(without.log_in({"alice", kPassword, {}, kHome}))), LoginFault::unavailable);
  const auto tokens = log_in("alice").value();
  EXPECT_EQ(fault(run(without.refresh(tokens.refresh.token, clock_.wall()))),
            LoginFault::unavailable);
  EXPECT_TRUE(refresh(tokens.refresh.token)) << "nothing was used up";
}

}  // namespace
}  // namespace portcullis::identity
