// What every AccountStore promises. A further implementation adds itself to kBackends below and
// passes all of it.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "identity/api_keys.hpp"
#include "identity/postgres_accounts.hpp"
#include "identity/recovery_codes.hpp"
#include "identity/sqlite_accounts.hpp"
#include "identity/user_tokens.hpp"
#include "postgres_server.hpp"
#include "temporary_folder.hpp"

namespace portcullis::identity {
namespace {

using Outcome = Rotation::Outcome;

/// Where stores of one kind keep their data for as long as a test lasts. Each that is opened stands
/// for a process or node of its own.
class Home {
 public:
  virtual ~Home() = default;
  virtual std::unique_ptr<AccountStore> open() = 0;
};

class SqliteHome final : public Home {
 public:
  std::unique_ptr<AccountStore> open() override {
    auto store = open_sqlite_accounts({.file = folder_.path() / "accounts.db"});
    if (!store) throw std::runtime_error(store.error().detail);
    return *std::move(store);
  }

 private:
  TemporaryFolder folder_;
};

class PostgresHome final : public Home {
 public:
  std::unique_ptr<AccountStore> open() override {
    return make_postgres_accounts(database_.options());
  }

 private:
  PostgresDatabase database_;
};

struct Backend {
  const char* name;
  std::unique_ptr<Home> (*home)();

  /// What GoogleTest calls it where a test fails.
  friend void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }
};
const Backend kBackends[] = {
    {"Sqlite", []() -> std::unique_ptr<Home> { return std::make_unique<SqliteHome>(); }},
    {"Postgres", []() -> std::unique_ptr<Home> { return std::make_unique<PostgresHome>(); }}};

const WallTime kNow = from_epoch_seconds(1'800'000'000) + Milliseconds{250};
constexpr Seconds kDay{24 * 3600};

class AccountStoreContract : public testing::TestWithParam<Backend> {
 protected:
  /// The id of a new user.
  std::string add(const std::string& name = "alice", std::vector<Grant> grants = {}) {
    const auto added = store->add_user(
        {.name = name, .password_hash = "hash of " + name, .grants = std::move(grants)}, kNow);
    return added.value().value().id;
  }
  std::string open_family(const std::string& user) {
    auto id = UserTokens::new_id();
    EXPECT_TRUE(store->open_family(found(user), id, kNow + kDay, kNow).value());
    return id;
  }
  User found(const std::string& id) { return store->user(id).value(); }
  Outcome rotate(const std::string& family, std::uint32_t generation, WallTime now = kNow) {
    return store->rotate_family(family, generation, now).value().outcome;
  }
  ApiKey new_key(const std::string& owner, const std::string& name = "a key") {
    ApiKey wanted;
    wanted.name = name;
    wanted.owner = owner;
    return keys.mint(wanted, kNow).record;
  }

  /// How many of `kRacers` callers, each with a store of its own, are told true.
  int winners(const std::function<bool(AccountStore&)>& attempt) {
    constexpr int kRacers = 16;
    std::vector<std::unique_ptr<AccountStore>> stores;
    for (int i = 0; i < kRacers; ++i) stores.push_back(home->open());
    std::barrier start(kRacers);
    std::atomic<int> won{0};
    std::vector<std::thread> racers;
    for (auto& each : stores) {
      racers.emplace_back([&] {
        start.arrive_and_wait();
        if (attempt(*each)) ++won;
      });
    }
    for (auto& racer : racers) racer.join();
    return won;
  }

  std::unique_ptr<Home> home = GetParam().home();
  std::unique_ptr<AccountStore> store = home->open();
  const ApiKeys keys{{"a secret to derive from"}};
};

TEST_P(AccountStoreContract, AUserIsFoundByNameAndById) {
  const std::vector<Grant> grants{{Role::admin, "*"}, {Role::operator_, "shop"}};
  const auto id = add("Alice@Example.com", grants);
  for (const auto& found :
       {store->user(id), store->find_user("alice@example.COM"), home->open()->user(id)}) {
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->id, id);
    EXPECT_EQ(found->name, "Alice@Example.com") << "as it was given";
    EXPECT_EQ(std::set(found->grants.begin(), found->grants.end()),
              std::set(grants.begin(), grants.end()));
    EXPECT_EQ(found->created, kNow);
    EXPECT_FALSE(found->disabled || found->last_login || found->last_failed_login);
    EXPECT_FALSE(found->has_totp);
    EXPECT_EQ(found->sessions_valid_from, WallTime{});
  }
  EXPECT_EQ(store->credentials(id)->password_hash, "hash of Alice@Example.com");
  EXPECT_FALSE(store->credentials(id)->totp);
}

TEST_P(AccountStoreContract, OneNameIsOneUserHoweverItIsWritten) {
  add("alice");
  const auto again = store->add_user({.name = "ALICE", .password_hash = "x", .grants = {}}, kNow);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->has_value());
  EXPECT_EQ(store->credentials(store->find_user("Alice")->id)->password_hash, "hash of alice");
  EXPECT_EQ(winners([](AccountStore& each) {
              const auto added =
                  each.add_user({.name = "bob", .password_hash = "", .grants = {}}, kNow);
              return added.value().has_value();
            }),
            1);
}

TEST_P(AccountStoreContract, RefusesNamesAndGrantsThatBreakTheirRules) {
  const auto code = [&](NewUser user) {
    const auto added = store->add_user(user, kNow);
    return added ? std::nullopt : std::optional(added.error().code);
  };
  for (const auto& bad : {std::string(), std::string("a b"), std::string("\xc3\xa4nne"),
                          std::string("-alice"), std::string("a\0b", 3), std::string("a/b"),
                          std::string("\xe2\x84\xaa"
                                      "elvin"),
                          std::string(129, 'a')}) {
    EXPECT_EQ(code({.name = bad, .password_hash = "", .grants = {}}), ErrorCode::invalid_input);
    EXPECT_EQ(store->find_user(bad).error().code, ErrorCode::not_found);
  }
  EXPECT_EQ(code({.name = "a", .password_hash = "", .grants = {{Role::viewer, "a b"}}}),
            ErrorCode::invalid_input);
  EXPECT_EQ(code({.name = "a",
                  .password_hash = "",
                  .grants = {{Role::viewer, "shop"}, {Role::viewer, "shop"}}}),
            ErrorCode::invalid_input);
  EXPECT_EQ(code({.name = "a", .password_hash = std::string(129, 'x'), .grants = {}}),
            ErrorCode::invalid_input);
  EXPECT_EQ(code({.name = std::string(128, 'a'), .password_hash = "", .grants = {}}), std::nullopt);
  EXPECT_EQ(store->users("", 10)->users.size(), 1U);
}

TEST_P(AccountStoreContract, ListsInPagesByName) {
  for (const char* name : {"carol", "Bob", "alice", "dave", "Erin"}) add(name);
  std::vector<std::string> names;
  std::string after;
  int pages = 0;
  do {
    const auto page = store->users(after, 2).value();
    for (const auto& user : page.users) names.push_back(user.name);
    after = page.next;
    ++pages;
  } while (!after.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"alice", "Bob", "carol", "dave", "Erin"}));
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(store->users("", 0).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(store->users("", AccountStore::kMaxPage + 1).error().code, ErrorCode::invalid_input);
  EXPECT_TRUE(store->users("zz", 10)->users.empty());
}

TEST_P(AccountStoreContract, WhoIsNotThereIsNotFound) {
  const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  User nobody;
  nobody.id = id;
  const auto missing = [](const auto& result) {
    return !result && result.error().code == ErrorCode::not_found;
  };
  const std::vector<Grant> grants{{Role::viewer, "*"}};
  const std::vector<std::string> hashes{std::string(32, 'h')};
  EXPECT_TRUE(missing(store->user(id)));
  EXPECT_TRUE(missing(store->find_user("alice")));
  EXPECT_TRUE(missing(store->credentials(id)));
  EXPECT_TRUE(missing(store->set_password(id, "x", kNow)));
  EXPECT_TRUE(missing(store->rehash_password(id, "x", "y")));
  EXPECT_TRUE(missing(store->disable(id, kNow)));
  EXPECT_TRUE(missing(store->enable(id)));
  EXPECT_TRUE(missing(store->remove_user(id, kNow)));
  EXPECT_TRUE(missing(store->set_grants(id, grants, kNow)));
  EXPECT_TRUE(missing(store->note_login(id, {}, kNow)));
  EXPECT_TRUE(missing(store->note_failed_login(id, kNow)));
  EXPECT_TRUE(missing(store->end_sessions(id, kNow)));
  EXPECT_TRUE(missing(store->enrol_totp(id, "sealed")));
  EXPECT_TRUE(missing(store->confirm_totp(id, 1, kNow)));
  EXPECT_TRUE(missing(store->remove_totp(id)));
  EXPECT_TRUE(missing(store->advance_totp(id, 1)));
  EXPECT_TRUE(missing(store->store_recovery_codes(id, hashes)));
  EXPECT_TRUE(missing(store->consume_recovery_code(id, hashes[0])));
  EXPECT_TRUE(missing(store->open_family(nobody, "family", kNow + kDay, kNow)));
  EXPECT_TRUE(missing(store->revoke_families(id, kNow)));
  EXPECT_TRUE(missing(store->add_api_key(new_key(id))));
  EXPECT_TRUE(missing(store->find_api_key("aaaaaaaaaaaa")));
  EXPECT_TRUE(missing(store->revoke_api_key(id, kNow)));
  EXPECT_TRUE(missing(store->touch_api_key(id, kNow)));
}

TEST_P(AccountStoreContract, GrantsAreReplacedAsAWhole) {
  const auto id = add("alice", {{Role::viewer, "shop"}, {Role::viewer, "blog"}});
  const std::vector<Grant> grants{{Role::service, "shop"}};
  ASSERT_TRUE(store->set_grants(id, grants, kNow));
  EXPECT_EQ(store->user(id)->grants, grants);
  const std::vector<Grant> bad{{Role::admin, "*"}, {Role::viewer, ""}};
  EXPECT_EQ(store->set_grants(id, bad, kNow).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(store->user(id)->grants, grants);
  const std::vector<Grant> many(kMaxGrants + 1, Grant{Role::viewer, "*"});
  EXPECT_FALSE(store->set_grants(id, many, kNow));
  ASSERT_TRUE(store->set_grants(id, {}, kNow));
  EXPECT_TRUE(store->user(id)->grants.empty());
}

TEST_P(AccountStoreContract, ANewPasswordEndsAllSessions) {
  const auto id = add();
  const auto family = open_family(id);
  ASSERT_TRUE(store->set_password(id, "another hash", kNow));
  EXPECT_EQ(store->credentials(id)->password_hash, "another hash");
  EXPECT_EQ(store->user(id)->sessions_valid_from, from_epoch_seconds(1'800'000'001));
  EXPECT_EQ(rotate(family, 0), Outcome::revoked);
}

TEST_P(AccountStoreContract, HashingAnewKeepsSessionsAndNeverUndoesAChange) {
  const auto id = add();
  const auto family = open_family(id);
  EXPECT_TRUE(store->rehash_password(id, "hash of alice", "dearer hash").value());
  EXPECT_EQ(store->credentials(id)->password_hash, "dearer hash");
  EXPECT_EQ(rotate(family, 0), Outcome::rotated);
  EXPECT_FALSE(store->rehash_password(id, "hash of alice", "late").value());
  EXPECT_EQ(store->credentials(id)->password_hash, "dearer hash");
}

TEST_P(AccountStoreContract, DisablingEndsSessionsAndEnablingDoesNotBringThemBack) {
  const auto id = add();
  const auto family = open_family(id);
  ASSERT_TRUE(store->disable(id, kNow));
  ASSERT_TRUE(store->disable(id, kNow + kDay));
  EXPECT_EQ(store->user(id)->disabled, kNow) << "since the first time";
  EXPECT_EQ(rotate(family, 0), Outcome::revoked);
  EXPECT_FALSE(store->open_family(found(id), "late", kNow + kDay, kNow).value());
  ASSERT_TRUE(store->enable(id));
  EXPECT_FALSE(store->user(id)->disabled);
  EXPECT_EQ(rotate(family, 0), Outcome::revoked);
  EXPECT_EQ(rotate(open_family(id), 0), Outcome::rotated);
}

TEST_P(AccountStoreContract, ALoginThatAChangeOfThePasswordOvertookOpensNothing) {
  const auto id = add();
  ASSERT_TRUE(store->end_sessions(id, kNow));
  const auto before = found(id);
  ASSERT_TRUE(store->set_password(id, "another hash", kNow)) << "in the same second";
  EXPECT_FALSE(store->open_family(before, "overtaken", kNow + kDay, kNow).value());
  EXPECT_EQ(rotate("overtaken", 0), Outcome::unknown);
  EXPECT_EQ(found(id).sessions_ended, 2U);
  EXPECT_EQ(rotate(open_family(id), 0), Outcome::rotated);
}

TEST_P(AccountStoreContract, ADeletedUserTakesEverythingAlong) {
  const auto id = add("alice", {{Role::admin, "*"}});
  const auto family = open_family(id);
  const auto key = new_key(id);
  ASSERT_TRUE(store->add_api_key(key).value());
  ASSERT_TRUE(store->remove_user(id, kNow));
  EXPECT_EQ(store->user(id).error().code, ErrorCode::not_found);
  EXPECT_EQ(rotate(family, 0), Outcome::unknown);
  EXPECT_EQ(store->find_api_key(key.prefix).error().code, ErrorCode::not_found);
  const auto again = add("alice");
  EXPECT_NE(again, id);
  EXPECT_TRUE(store->user(again)->grants.empty());
}

TEST_P(AccountStoreContract, LoginsAreKeptInMind) {
  const auto id = add();
  EXPECT_EQ(store->note_failed_login(id, kNow).value(), 1U);
  EXPECT_EQ(store->note_failed_login(id, kNow + Seconds{1}).value(), 2U);
  EXPECT_EQ(store->user(id)->failed_logins, 2U);
  EXPECT_EQ(store->user(id)->last_failed_login, kNow + Seconds{1});
  ASSERT_TRUE(store->note_login(id, {}, kNow + Seconds{2}));
  const auto user = store->user(id).value();
  EXPECT_EQ(user.failed_logins, 0U);
  EXPECT_EQ(user.last_login, kNow + Seconds{2});
  EXPECT_EQ(user.last_failed_login, kNow + Seconds{1});
  EXPECT_EQ(home->open()->user(id)->last_login, kNow + Seconds{2});
}

TEST_P(AccountStoreContract, RemembersTheNetworksThatUsersComeFrom) {
  const auto id = add();
  const auto network = [](std::size_t i) { return std::string(16, char('a' + i)); };
  EXPECT_FALSE(store->knows_network(id, network(0)).value());
  for (std::size_t i = 0; i <= kMaxNetworksOfUser; ++i) {
    const auto when = kNow + Seconds{static_cast<std::int64_t>(i)};
    ASSERT_TRUE(store->note_login(id, network(i), when));
  }
  EXPECT_FALSE(store->knows_network(id, network(0)).value()) << "used longest ago";
  for (std::size_t i = 1; i <= kMaxNetworksOfUser; ++i) {
    EXPECT_TRUE(home->open()->knows_network(id, network(i)).value());
  }
  EXPECT_FALSE(store->knows_network(add("bob"), network(1)).value()) << "of nobody else";
  EXPECT_FALSE(store->note_login(id, std::string(kMaxHashBytes + 1, 'n'), kNow));
}

TEST_P(AccountStoreContract, WhateverEndsBeforeItsTimeIsNotedForThoseWhoWatch) {
  const auto alice = add();
  const auto bob = add("Bob");
  const auto family = open_family(alice);
  const auto other = open_family(bob);
  ASSERT_TRUE(store->revoke_token("one-token", kNow));
  ASSERT_TRUE(store->revoke_family(family, kNow));
  ASSERT_TRUE(store->revoke_family(family, kNow)) << "noted once";
  ASSERT_TRUE(store->revoke_families(bob, kNow));
  ASSERT_TRUE(store->disable(alice, kNow));
  ASSERT_TRUE(store->remove_user(bob, kNow));

  const auto all = home->open()->revocations(0, 200).value();
  using Kind = RevocableKind;
  const std::vector<std::pair<Kind, std::string>> expected{
      {Kind::token, "one-token"}, {Kind::login, family}, {Kind::login, other}, {Kind::user, alice},
      {Kind::user, "alice"},      {Kind::user, bob},     {Kind::user, "bob"}};
  ASSERT_EQ(all.size(), expected.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].kind, expected[i].first) << i;
    EXPECT_EQ(all[i].id, expected[i].second) << i;
    const bool is_user = all[i].kind == Kind::user;
    EXPECT_EQ(all[i].since, is_user ? from_epoch_seconds(1'800'000'001) : kNow + kRevocationLife)
        << "of this second as well; an id is not used again";
    EXPECT_EQ(all[i].until, is_user ? all[i].since + kRevocationLife : all[i].since);
  }
  const auto later = store->revocations(all[4].number, 200).value();
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0].id, bob);
  EXPECT_EQ(store->revocations(0, 3)->size(), 3U);
  EXPECT_FALSE(store->revocations(0, 0));

  EXPECT_EQ(store->purge_revocations(kNow + kMaxAccessLife).value(), 0U);
  EXPECT_EQ(store->purge_revocations(kNow + kRevocationLife).value(), 3U);
  EXPECT_EQ(store->purge_revocations(kNow + kRevocationLife + Seconds{1}).value(), 4U);
  ASSERT_TRUE(store->revoke_token("another", kNow));
  const auto fresh = store->revocations(all.back().number, 200).value();
  ASSERT_EQ(fresh.size(), 1U) << "numbers are never used again";
  EXPECT_EQ(fresh[0].id, "another");
}

TEST_P(AccountStoreContract, WhoFollowsRevocationsMissesNoneOfManyWriters) {
  constexpr int kWriters = 6;
  constexpr std::size_t kEach = 20;
  std::atomic<int> writing{kWriters};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const auto own = home->open();
      for (std::size_t i = 0; i < kEach; ++i) {
        const auto id = std::to_string(writer) + "-" + std::to_string(i);
        EXPECT_TRUE(own->revoke_token(id, kNow));
      }
      --writing;
    });
  }
  std::set<std::string> seen;
  std::int64_t after = 0;
  for (bool last = false; !last;) {
    last = writing == 0;
    const auto page = store->revocations(after, AccountStore::kMaxPage).value();
    for (const auto& one : page) {
      EXPECT_GT(one.number, after);
      after = one.number;
      seen.insert(one.id);
    }
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(seen.size(), kWriters * kEach);
}

TEST_P(AccountStoreContract, SessionsThatEndTwiceInASecondEndWhatBeganBetween) {
  const auto id = add();
  const auto first = store->end_sessions(id, kNow).value();
  EXPECT_EQ(store->end_sessions(id, kNow).value(), first + Seconds{1})
      << "what was issued since has the first time";
  EXPECT_EQ(store->end_sessions(id, kNow + kDay).value(), next_second(kNow + kDay));
}

TEST_P(AccountStoreContract, NewGrantsEndSessionsThatSayOtherThings) {
  const auto id = add("alice", {{Role::admin, "*"}});
  const auto family = open_family(id);
  ASSERT_TRUE(store->set_grants(id, std::vector<Grant>{{Role::viewer, "shop"}}, kNow));
  EXPECT_EQ(rotate(family, 0), Outcome::revoked);
  EXPECT_GT(store->user(id)->sessions_valid_from, kNow);
}

TEST_P(AccountStoreContract, APasswordThatWasResetMeanwhileStaysSo) {
  const auto id = add();
  const auto before = found(id);
  const auto changed = store->replace_password(before, "chosen by the user", kNow).value();
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->sessions_ended, before.sessions_ended + 1);
  EXPECT_EQ(store->credentials(id)->password_hash, "chosen by the user");
  ASSERT_TRUE(store->set_password(id, "reset", kNow));
  EXPECT_FALSE(store->replace_password(*changed, "too late", kNow).value());
  ASSERT_TRUE(store->disable(id, kNow));
  EXPECT_FALSE(store->replace_password(found(id), "disabled", kNow).value());
  EXPECT_EQ(store->credentials(id)->password_hash, "reset");
}

TEST_P(AccountStoreContract, ItsVersionTellsThatAnybodyHasChangedIt) {
  const auto other = home->open();
  auto before = store->version().value();
  EXPECT_EQ(store->version().value(), before);
  const auto changed = [&] {
    const auto now = store->version().value();
    return std::exchange(before, now) != now;
  };
  const auto id = add();
  EXPECT_TRUE(changed()) << "by itself";
  ASSERT_TRUE(other->disable(id, kNow));
  EXPECT_TRUE(changed()) << "by another process";
  ASSERT_TRUE(other->user(id));
  EXPECT_FALSE(changed());
}

TEST_P(AccountStoreContract, EndingSessionsVoidsWhatWasIssuedBeforeAndNeverGoesBack) {
  const auto id = add();
  const std::vector families{open_family(id), open_family(id)};
  EXPECT_EQ(store->end_sessions(id, kNow).value(), from_epoch_seconds(1'800'000'001))
      << "a token issued in this second is void, too";
  for (const auto& family : families) EXPECT_EQ(rotate(family, 0), Outcome::revoked);
  EXPECT_EQ(store->end_sessions(id, kNow - kDay).value(), from_epoch_seconds(1'800'000'002));
  EXPECT_EQ(home->open()->user(id)->sessions_valid_from, from_epoch_seconds(1'800'000'002));
}

TEST_P(AccountStoreContract, RemovingVoidsWhatWasIssuedForTheSecondAheadToo) {
  const auto id = add();
  const auto from = store->end_sessions(id, kNow).value();
  ASSERT_TRUE(store->remove_user(id, kNow));
  const auto noted = store->revocations(0, 200).value();
  ASSERT_FALSE(noted.empty());
  EXPECT_GT(noted.back().since, from) << "as a token that was issued meanwhile says";
}

TEST_P(AccountStoreContract, TotpCountsOnceItHasBeenConfirmed) {
  const auto id = add();
  EXPECT_FALSE(store->confirm_totp(id, 100, kNow).value()) << "there is none";
  EXPECT_TRUE(store->enrol_totp(id, "first").value());
  const std::string sealed("sec\0nd", 6);
  EXPECT_TRUE(store->enrol_totp(id, sealed).value()) << "one that is not confirmed is replaced";
  EXPECT_FALSE(store->user(id)->has_totp);
  EXPECT_FALSE(store->advance_totp(id, 100).value());
  const auto before = open_family(id);
  EXPECT_TRUE(store->confirm_totp(id, 100, kNow).value());
  EXPECT_EQ(rotate(before, 0), Outcome::revoked) << "that login had one factor";
  EXPECT_FALSE(store->confirm_totp(id, 101, kNow).value());
  EXPECT_FALSE(store->enrol_totp(id, "third").value());
  const auto totp = store->credentials(id)->totp.value();
  EXPECT_EQ(totp.sealed, sealed);
  EXPECT_TRUE(totp.confirmed);
  EXPECT_EQ(totp.last_step, 100);
  EXPECT_TRUE(store->user(id)->has_totp);
  const std::vector<std::string> hashes{std::string(32, 'h')};
  ASSERT_TRUE(store->store_recovery_codes(id, hashes));
  ASSERT_TRUE(store->remove_totp(id));
  EXPECT_FALSE(store->credentials(id)->totp);
  EXPECT_EQ(store->credentials(id)->recovery_codes_left, 0U);
  EXPECT_TRUE(store->enrol_totp(id, "fourth").value());
  EXPECT_FALSE(store->enrol_totp(id, "")) << "is no secret";
  EXPECT_FALSE(store->enrol_totp(id, std::string(129, 'x')));
}

TEST_P(AccountStoreContract, AStepOfTotpIsUsedOnce) {
  const auto id = add();
  ASSERT_TRUE(store->enrol_totp(id, "sealed").value());
  ASSERT_TRUE(store->confirm_totp(id, 100, kNow).value());
  EXPECT_FALSE(store->advance_totp(id, 100).value());
  EXPECT_TRUE(store->advance_totp(id, 102).value());
  EXPECT_FALSE(store->advance_totp(id, 102).value());
  EXPECT_FALSE(store->advance_totp(id, 101).value()) << "nor one from before it";
  EXPECT_EQ(winners([&](AccountStore& each) { return each.advance_totp(id, 103).value(); }), 1);
}

TEST_P(AccountStoreContract, ARecoveryCodeServesOnce) {
  const auto id = add();
  const auto other = add("bob");
  const auto codes = RecoveryCodes({"a secret to derive from"}).make(id);
  ASSERT_TRUE(store->store_recovery_codes(id, codes.hashes));
  EXPECT_EQ(store->credentials(id)->recovery_codes_left, 10U);
  EXPECT_FALSE(store->consume_recovery_code(other, codes.hashes[0]).value());
  EXPECT_TRUE(store->consume_recovery_code(id, codes.hashes[0]).value());
  EXPECT_FALSE(store->consume_recovery_code(id, codes.hashes[0]).value());
  EXPECT_EQ(winners([&](AccountStore& each) {
              return each.consume_recovery_code(id, codes.hashes[1]).value();
            }),
            1);
  EXPECT_EQ(store->credentials(id)->recovery_codes_left, 8U);
  const std::vector<std::string> fresh{std::string(32, 'n')};
  ASSERT_TRUE(store->store_recovery_codes(id, fresh));
  EXPECT_FALSE(store->consume_recovery_code(id, codes.hashes[2]).value()) << "replaced";
  EXPECT_EQ(store->credentials(id)->recovery_codes_left, 1U);
  const std::vector<std::string> many(11, std::string(32, 'n'));
  EXPECT_FALSE(store->store_recovery_codes(id, many));
}

TEST_P(AccountStoreContract, AFamilyIsRotatedStepByStep) {
  const auto id = add();
  const auto family = open_family(id);
  const auto first = store->rotate_family(family, 0, kNow + Seconds{60}).value();
  EXPECT_EQ(first.outcome, Outcome::rotated);
  EXPECT_EQ(first.family.id, family);
  EXPECT_EQ(first.family.user, id);
  EXPECT_EQ(first.family.generation, 1U);
  EXPECT_EQ(first.family.opened, kNow);
  EXPECT_EQ(first.family.rotated, kNow + Seconds{60});
  EXPECT_EQ(first.family.expires, kNow + kDay);
  EXPECT_EQ(rotate(family, 1, kNow + Seconds{120}), Outcome::rotated);
  EXPECT_EQ(home->open()->rotate_family(family, 2, kNow + Seconds{180})->outcome, Outcome::rotated);
}

TEST_P(AccountStoreContract, WhyAFamilyIsNotRotatedIsTold) {
  const auto id = add();
  const auto family = open_family(id);
  ASSERT_EQ(rotate(family, 0), Outcome::rotated);
  const auto again = store->rotate_family(family, 0, kNow + Seconds{3}).value();
  EXPECT_EQ(again.outcome, Outcome::reused);
  EXPECT_EQ(again.family.generation, 1U);
  EXPECT_EQ(again.family.rotated, kNow) << "three seconds ago: perhaps the client sent it twice";
  EXPECT_EQ(rotate(family, 7), Outcome::reused) << "a generation that has not been yet";
  EXPECT_EQ(rotate(family, 1), Outcome::rotated) << "nothing has been revoked by itself";
  EXPECT_EQ(rotate("nobody-s", 0), Outcome::unknown);
  EXPECT_EQ(rotate(family, 2, kNow + kDay), Outcome::expired);
  ASSERT_TRUE(store->revoke_family(family, kNow));
  const auto revoked = store->rotate_family(family, 2, kNow).value();
  EXPECT_EQ(revoked.outcome, Outcome::revoked);
  EXPECT_EQ(revoked.family.revoked, kNow);
  EXPECT_TRUE(store->revoke_family(family, kNow)) << "again";
  EXPECT_TRUE(store->revoke_family("nobody-s", kNow));
}

TEST_P(AccountStoreContract, OfSixteenThatRotateOneGenerationOneWins) {
  const auto family = open_family(add());
  for (std::uint32_t generation = 0; generation < 8; ++generation) {
    std::atomic<int> reused{0};
    EXPECT_EQ(winners([&](AccountStore& each) {
                const auto outcome = each.rotate_family(family, generation, kNow)->outcome;
                if (outcome == Outcome::reused) ++reused;
                return outcome == Outcome::rotated;
              }),
              1);
    EXPECT_EQ(reused, 15);
  }
  EXPECT_EQ(rotate(family, 8), Outcome::rotated);
}

TEST_P(AccountStoreContract, ThreadsMayShareAStore) {
  const auto family = open_family(add());
  std::atomic<int> rotated{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (std::uint32_t generation = 0; generation < 20; ++generation) {
        if (store->rotate_family(family, generation, kNow)->outcome == Outcome::rotated) ++rotated;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store->rotate_family(family, 1000, kNow)->family.generation,
            static_cast<std::uint32_t>(rotated));
  EXPECT_GE(rotated, 1);
}

TEST_P(AccountStoreContract, FamiliesOfAUserAreBounded) {
  const auto id = add();
  std::vector<std::string> families;
  for (std::size_t i = 0; i < kMaxFamiliesOfUser + 2; ++i) {
    families.push_back(UserTokens::new_id());
    const auto at = kNow + Seconds{static_cast<int>(i)};
    ASSERT_TRUE(store->open_family(found(id), families.back(), kNow + kDay, at).value());
    if (i == 0) EXPECT_EQ(rotate(families[0], 0, kNow + Seconds{1000}), Outcome::rotated);
  }
  EXPECT_EQ(rotate(families[0], 1), Outcome::rotated) << "it was used since";
  EXPECT_EQ(rotate(families[1], 0), Outcome::unknown) << "silent longest";
  EXPECT_EQ(rotate(families[2], 0), Outcome::unknown);
  EXPECT_EQ(rotate(families[3], 0), Outcome::rotated);
}

TEST_P(AccountStoreContract, RefusesFamiliesThatBreakTheirRules) {
  const auto id = add();
  const auto family = open_family(id);
  const auto code = [&](const std::string& name, WallTime expires) {
    return store->open_family(found(id), name, expires, kNow).error().code;
  };
  EXPECT_EQ(code(family, kNow + kDay), ErrorCode::invalid_input) << "the id is taken";
  EXPECT_EQ(code("a b", kNow + kDay), ErrorCode::invalid_input);
  EXPECT_EQ(code("", kNow + kDay), ErrorCode::invalid_input);
  EXPECT_EQ(code("new", kNow), ErrorCode::invalid_input);
  EXPECT_EQ(rotate(family, 0), Outcome::rotated);
}

TEST_P(AccountStoreContract, RevokesAllOfAUserAndPurgesWhatHasExpired) {
  const auto alice = add("alice");
  const auto bob = add("bob");
  const std::vector of_alice{open_family(alice), open_family(alice)};
  const auto of_bob = open_family(bob);
  ASSERT_TRUE(store->revoke_families(alice, kNow));
  for (const auto& family : of_alice) EXPECT_EQ(rotate(family, 0), Outcome::revoked);
  EXPECT_EQ(rotate(of_bob, 0), Outcome::rotated);
  EXPECT_EQ(store->purge_families(kNow + kDay - Seconds{1}).value(), 0U);
  EXPECT_EQ(store->purge_families(kNow + kDay).value(), 3U);
  EXPECT_EQ(rotate(of_bob, 1), Outcome::unknown);
}

TEST_P(AccountStoreContract, AnApiKeyIsFoundByItsPrefix) {
  const auto owner = add();
  ApiKey wanted;
  wanted.name = "Nightly export, äöü";
  wanted.owner = owner;
  wanted.scopes = {"chat:read", "events.*"};
  wanted.site = "shop";
  wanted.expires = kNow + kDay;
  wanted.requests_per_minute = 5000;
  const auto minted = keys.mint(wanted, kNow);
  ASSERT_TRUE(store->add_api_key(minted.record).value());
  const auto text = parse_api_key(minted.text).value();
  const auto found = home->open()->find_api_key(text.prefix).value();
  EXPECT_TRUE(keys.matches(text, found));
  EXPECT_EQ(found.id, minted.record.id);
  EXPECT_EQ(found.name, wanted.name);
  EXPECT_EQ(found.owner, owner);
  EXPECT_EQ(found.scopes, wanted.scopes);
  EXPECT_EQ(found.site, "shop");
  EXPECT_EQ(found.created, kNow);
  EXPECT_EQ(found.expires, kNow + kDay);
  EXPECT_EQ(found.requests_per_minute, 5000U);
  EXPECT_FALSE(found.last_used || found.revoked || found.owner_disabled);
  EXPECT_TRUE(found.is_valid(kNow));
  EXPECT_FALSE(found.is_valid(kNow + kDay));
  EXPECT_FALSE(store->add_api_key(minted.record).value()) << "the prefix is taken";
}

TEST_P(AccountStoreContract, AKeyIsVoidOnceItOrItsOwnerIs) {
  const auto owner = add();
  const auto key = new_key(owner);
  ASSERT_TRUE(store->add_api_key(key).value());
  ASSERT_TRUE(store->disable(owner, kNow));
  EXPECT_FALSE(store->find_api_key(key.prefix)->is_valid(kNow));
  ASSERT_TRUE(store->enable(owner));
  EXPECT_TRUE(store->find_api_key(key.prefix)->is_valid(kNow));
  ASSERT_TRUE(store->revoke_api_key(key.id, kNow));
  ASSERT_TRUE(store->revoke_api_key(key.id, kNow + kDay));
  EXPECT_EQ(store->find_api_key(key.prefix)->revoked, kNow);
  EXPECT_FALSE(store->find_api_key(key.prefix)->is_valid(kNow));
}

TEST_P(AccountStoreContract, TheLastUseOfAKeyNeverGoesBack) {
  const auto key = new_key(add());
  ASSERT_TRUE(store->add_api_key(key).value());
  ASSERT_TRUE(store->touch_api_key(key.id, kNow + kDay));
  ASSERT_TRUE(store->touch_api_key(key.id, kNow));
  EXPECT_EQ(store->find_api_key(key.prefix)->last_used, kNow + kDay);
}

TEST_P(AccountStoreContract, KeysAreListedByOwnerAndInPages) {
  const auto alice = add("alice");
  const auto bob = add("bob");
  std::vector<std::string> of_alice;
  for (int i = 0; i < 3; ++i) {
    const auto key = new_key(alice, "key " + std::to_string(i));
    of_alice.push_back(key.id);
    ASSERT_TRUE(store->add_api_key(key).value());
    ASSERT_TRUE(store->add_api_key(new_key(bob)).value());
  }
  EXPECT_EQ(store->api_keys(std::nullopt, "", 10)->size(), 6U);
  const auto first = store->api_keys(alice, "", 2).value();
  ASSERT_EQ(first.size(), 2U);
  const auto rest = store->api_keys(alice, first.back().id, 2).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ((std::vector{first[0].id, first[1].id, rest[0].id}), of_alice);
  EXPECT_FALSE(store->api_keys(alice, "", 0));
}

TEST_P(AccountStoreContract, KeysOfAUserAreBounded) {
  const auto owner = add();
  std::string last;
  for (std::size_t i = 0; i < kMaxKeysOfUser; ++i) {
    const auto key = new_key(owner);
    last = key.id;
    ASSERT_TRUE(store->add_api_key(key).value());
  }
  EXPECT_EQ(store->add_api_key(new_key(owner)).error().code, ErrorCode::exhausted);
  ASSERT_TRUE(store->revoke_api_key(last, kNow));
  EXPECT_TRUE(store->add_api_key(new_key(owner)).value());
}

TEST_P(AccountStoreContract, RefusesKeysThatBreakTheirRules) {
  const auto owner = add();
  const auto refuses = [&](const std::function<void(ApiKey&)>& change) {
    auto key = new_key(owner);
    change(key);
    const auto added = store->add_api_key(key);
    return !added && added.error().code == ErrorCode::invalid_input;
  };
  EXPECT_TRUE(refuses([](auto& key) { key.prefix = "short"; }));
  EXPECT_TRUE(refuses([](auto& key) { key.hash.pop_back(); }));
  EXPECT_TRUE(refuses([](auto& key) { key.name.clear(); }));
  EXPECT_TRUE(refuses([](auto& key) { key.name = "a\nb"; }));
  EXPECT_TRUE(refuses([](auto& key) { key.name = "\xff"; }));
  EXPECT_TRUE(refuses([](auto& key) { key.name.assign(129, 'a'); }));
  EXPECT_TRUE(refuses([](auto& key) { key.site = "a b"; }));
  EXPECT_TRUE(refuses([](auto& key) { key.scopes = {"a b"}; }));
  EXPECT_TRUE(refuses([](auto& key) { key.scopes = {""}; }));
  EXPECT_TRUE(refuses([](auto& key) { key.scopes.assign(33, "a"); }));
  EXPECT_TRUE(refuses([](auto& key) { key.requests_per_minute = 0; }));
  EXPECT_TRUE(refuses([](auto& key) { key.expires = kNow; }));
}

INSTANTIATE_TEST_SUITE_P(Stores, AccountStoreContract, testing::ValuesIn(kBackends),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace portcullis::identity
