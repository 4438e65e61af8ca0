// What is particular to accounts in a file; the contract of all stores stands in
// account_store_contract_test.cpp.
#include "identity/sqlite_accounts.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "base/task.hpp"
#include "identity/passwords.hpp"
#include "net/background.hpp"
#include "temporary_folder.hpp"

namespace portcullis::identity {
namespace {

const WallTime kNow = from_epoch_seconds(1'800'000'000);

class SqliteAccountFile : public testing::Test {
 protected:
  std::unique_ptr<AccountStore> open() {
    auto store = open_sqlite_accounts(options);
    EXPECT_TRUE(store) << store.error().detail;
    return store ? *std::move(store) : nullptr;
  }
  static std::string add(AccountStore& store, const std::string& name) {
    return store.add_user({.name = name, .password_hash = "the hash", .grants = {}}, kNow)
        .value()
        .value()
        .id;
  }

  /// As found while nothing has been ended yet.
  static User named(const std::string& id) {
    User out;
    out.id = id;
    return out;
  }
  std::uint32_t killed_after(std::uint32_t writes, const std::string& user);

  TemporaryFolder folder;
  sqlite::Options options{.file = folder.path() / "accounts.db", .busy_timeout = Milliseconds{50}};
};

/// Adds users and rotates a family without end, and writes a byte for each that was acknowledged.
[[noreturn]] void write_until_killed(const sqlite::Options& options, const std::string& user,
                                     int acknowledge) {
  auto store = open_sqlite_accounts(options);
  if (!store) ::_exit(1);
  for (std::uint32_t i = 0;; ++i) {
    const auto added = (*store)->add_user(
        {.name = "user-" + std::to_string(i), .password_hash = "", .grants = {}}, kNow);
    const auto rotated = (*store)->rotate_family("family-of-" + user, i, kNow);
    if (!added || !*added || !rotated) ::_exit(2);
    if (::write(acknowledge, "x", 1) != 1) ::_exit(3);
  }
}

/// How many writes a process had acknowledged when it was killed, after `writes` at least.
std::uint32_t SqliteAccountFile::killed_after(std::uint32_t writes, const std::string& user) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(options, user, pipe[1]);
  ::close(pipe[1]);
  std::uint32_t acknowledged = 0;
  char byte = 0;
  while (::read(pipe[0], &byte, 1) == 1) {
    if (++acknowledged == writes) ::kill(child, SIGKILL);
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  return acknowledged;
}

TEST_F(SqliteAccountFile, WhatWasAcknowledgedOutlivesKill9) {
  for (unsigned round = 0; round < 3; ++round) {
    options.file = folder.path() / ("accounts-" + std::to_string(round) + ".db");
    const std::string user = add(*open(), "alice");
    ASSERT_TRUE(
        open()->open_family(named(user), "family-of-" + user, kNow + Seconds{60}, kNow).value());
    const std::uint32_t acknowledged = killed_after(40 + 17 * round, user);
    const auto store = open();  // reads the whole file for damage
    ASSERT_TRUE(store);
    for (std::uint32_t i = 0; i < acknowledged; ++i) {
      EXPECT_TRUE(store->find_user("user-" + std::to_string(i))) << i;
    }
    const auto family = store->rotate_family("family-of-" + user, 1'000'000, kNow).value().family;
    EXPECT_GE(family.generation, acknowledged);
    EXPECT_LE(family.generation, acknowledged + 1) << "one may have been under way";
  }
}

TEST_F(SqliteAccountFile, AFailedCallChangesNothing) {
  const auto store = open();
  const auto user = add(*store, "alice");
  ASSERT_TRUE(store->open_family(named(user), "family", kNow + Seconds{60}, kNow).value());
  SQLite::Database other(options.file.string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const auto refused = store->rotate_family("family", 0, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_FALSE(store->disable(user, kNow));
  EXPECT_TRUE(store->user(user)) << "reading goes on";
  other.exec("ROLLBACK");
  EXPECT_FALSE(store->user(user)->disabled);
  EXPECT_EQ(store->rotate_family("family", 0, kNow)->outcome, Rotation::Outcome::rotated);
}

TEST_F(SqliteAccountFile, AFullFileStillAnswersAndEndsSessions) {
  std::string user;
  {
    const auto store = open();
    user = add(*store, "alice");
    ASSERT_TRUE(store->open_family(named(user), "family", kNow + Seconds{60}, kNow).value());
  }
  options.max_bytes = std::int64_t{64} * 4096;
  const auto store = open();
  int added = 0;
  Result<std::optional<User>> last;
  do {
    last = store->add_user({.name = "user-" + std::to_string(added),
                            .password_hash = std::string(kMaxPasswordHashBytes, 'h'),
                            .grants = {}},
                           kNow);
  } while (last && ++added < 100'000);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::exhausted);
  EXPECT_FALSE(store->find_user("user-" + std::to_string(added)));
  EXPECT_TRUE(store->find_user("user-" + std::to_string(added - 1)));
  // What changes rows in place needs no room.
  EXPECT_EQ(store->rotate_family("family", 0, kNow)->outcome, Rotation::Outcome::rotated);
  EXPECT_TRUE(store->disable(user, kNow));
  EXPECT_EQ(store->rotate_family("family", 1, kNow)->outcome, Rotation::Outcome::revoked);
  EXPECT_TRUE(store->remove_user(user, kNow));
}

TEST_F(SqliteAccountFile, DamageIsAnErrorAtTheStart) {
  {
    const auto store = open();
    for (int i = 0; i < 200; ++i) add(*store, "user-" + std::to_string(i));
  }
  std::fstream(options.file, std::ios::in | std::ios::out | std::ios::binary).seekp(20'000)
      << std::string(12'000, '\x55');
  const auto refused = open_sqlite_accounts(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::malformed);
}

/// As a route will: what blocks runs elsewhere, and the coroutine goes on at its worker.
Task<void> log_in(net::Background& sql, net::Background& bcrypt, AccountStore& store,
                  const Passwords& passwords, std::promise<bool>& logged_in) {
  const auto user = co_await sql.run([&store] { return store.find_user("alice"); });
  const auto credentials =
      co_await sql.run([&store, id = user->id] { return store.credentials(id); });
  const auto right = co_await bcrypt.run([&passwords, hash = credentials->password_hash] {
    return passwords.verify("correct horse battery", hash);
  });
  const auto noted =
      co_await sql.run([&store, id = user->id] { return store.note_login(id, {}, kNow); });
  logged_in.set_value(net::Worker::current() != nullptr && right.value_or(false) && noted);
}

TEST_F(SqliteAccountFile, ACoroutineOfAWorkerLogsInWithoutBlockingIt) {
  const auto passwords = Passwords::make({.cost = Passwords::kMinCost}).value();
  const auto store = open();
  ASSERT_TRUE(store->add_user({.name = "alice",
                               .password_hash = passwords.hash("correct horse battery").value(),
                               .grants = {}},
                              kNow));
  net::Worker worker(0);
  std::thread thread([&] { worker.run(); });
  net::Background sql({.name = "sql"});
  net::Background bcrypt({.name = "bcrypt",
                          .threads = net::Background::half_of_cores(),
                          .priority = net::Background::Priority::idle});
  std::promise<bool> logged_in;
  worker.post([&] { spawn(log_in(sql, bcrypt, *store, passwords, logged_in)); });
  EXPECT_TRUE(logged_in.get_future().get());
  EXPECT_EQ(store->find_user("alice")->last_login, kNow);
  sql.stop();
  bcrypt.stop();
  worker.stop();
  thread.join();
}

TEST_F(SqliteAccountFile, WhatHasBeenDeletedIsOverwritten) {
  const std::string secret = "a hash that must not be found again";
  {
    const auto store = open();
    const auto user =
        store->add_user({.name = "alice", .password_hash = secret, .grants = {}}, kNow);
    ASSERT_TRUE(store->remove_user(user.value().value().id, kNow));
  }
  std::ifstream file(options.file, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  EXPECT_FALSE(content.empty());
  EXPECT_EQ(content.find(secret), std::string::npos);
}

TEST_F(SqliteAccountFile, ARoleOfANewerProgramOpensNothing) {
  const auto store = open();
  const auto user = add(*store, "alice");
  SQLite::Database(options.file.string(), SQLite::OPEN_READWRITE)
      .exec("INSERT INTO grants (user_id, role, site) SELECT id, 'emperor', '*' FROM users");
  EXPECT_TRUE(store->user(user)->grants.empty());
}

TEST_F(SqliteAccountFile, ANewerSchemaIsRefused) {
  open();
  SQLite::Database(options.file.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version=99");
  const auto refused = open_sqlite_accounts(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::malformed);
  EXPECT_NE(refused.error().detail.find("99"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::identity
