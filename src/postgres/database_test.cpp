#include "postgres/database.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <barrier>
#include <future>
#include <thread>
#include <vector>

#include "postgres_server.hpp"
#include "wait_until.hpp"

namespace portcullis::postgres {
namespace {

constexpr std::array<const char*, 1> kFirst{
    "CREATE TABLE notes (number BIGINT GENERATED ALWAYS AS IDENTITY, text TEXT NOT NULL UNIQUE)"};
constexpr std::array<const char*, 2> kSecond{
    kFirst[0], "ALTER TABLE notes ADD COLUMN size BIGINT; UPDATE notes SET size = length(text)"};
constexpr std::array<const char*, 2> kBroken{kFirst[0],
                                             "CREATE TABLE more (id BIGINT); CREATE NONSENSE"};

/// Calls that must end soon although nobody answers; far below what a hung test would take.
constexpr Seconds kSoon{10};

Result<void> add(Database& database, const std::string& text) {
  return database.write([&](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES (?1)", text);
    return {};
  });
}
Result<std::int64_t> number_of(Database& database, const char* sql) {
  return database.read([&](sql::Connection& connection) -> Result<std::int64_t> {
    auto row = connection.query(sql);
    return row.step() ? row.number(0) : -1;
  });
}
std::int64_t count(Database& database) {
  return number_of(database, "SELECT count(*) FROM notes").value_or(-1);
}

template <class Call>
Milliseconds time_of(const Call& call) {
  const auto start = Clock::system().monotonic();
  call();
  return std::chrono::duration_cast<Milliseconds>(Clock::system().monotonic() - start);
}

class PostgresDatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open(std::span<const char* const> migrations = kFirst) const {
    return std::make_unique<Database>(options, Schema{.part = "notes", .migrations = migrations});
  }

  PostgresDatabase home;
  Options options = home.options();
};

TEST_F(PostgresDatabaseTest, ValuesComeBackAsTheyWere) {
  const auto database = open();
  const auto row_is_right = database->write([](sql::Connection& connection) -> Result<bool> {
    connection.run("CREATE TABLE kinds (a BYTEA, b BYTEA, c BIGINT, d BIGINT, e TEXT, f BOOLEAN)");
    connection.run("INSERT INTO kinds VALUES (?1, ?2, ?3, ?4, ?5, TRUE)",
                   sql::Blob{std::string_view("\0\xff", 2)}, sql::Blob{{}},
                   std::optional<std::int64_t>(), std::optional<std::int64_t>(-5),
                   std::string("t\u00e9'xt"));
    auto row = connection.query("SELECT *, b IS NULL FROM kinds");
    return row.step() && row.text(0) == std::string("\0\xff", 2) && row.text(1).empty() &&
           !row.maybe_number(2) && row.number(2) == 0 && row.maybe_number(3) == -5 &&
           row.text(4) == "t\u00e9'xt" && row.number(5) == 1 && row.number(6) == 0 && !row.step();
  });
  EXPECT_TRUE(row_is_right.value());
}

TEST_F(PostgresDatabaseTest, ATextThatItCannotKeepIsRefusedAndNotCutOff) {
  const auto database = open();
  for (const std::string& text : {std::string("a\0b", 3), std::string("\xff")}) {
    const auto refused = add(*database, text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_input) << refused.error().detail;
  }
  EXPECT_EQ(count(*database), 0);
}

TEST_F(PostgresDatabaseTest, AWriteIsAllOrNothing) {
  const auto database = open();
  const auto refused = database->write([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    return fail(ErrorCode::invalid_input, "no");
  });
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  const auto thrown = database->write([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    return {};
  });
  EXPECT_EQ(thrown.error().code, ErrorCode::internal);
  EXPECT_NE(thrown.error().detail.find(options.name), std::string::npos);
  EXPECT_EQ(count(*database), 0);
  EXPECT_TRUE(add(*database, "it goes on"));
}

TEST_F(PostgresDatabaseTest, AReadCannotWrite) {
  const auto database = open();
  const auto refused = database->read([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    return {};
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(count(*database), 0);
}

TEST_F(PostgresDatabaseTest, MigratesForwardAndRefusesWhatIsNewer) {
  ASSERT_TRUE(add(*open(), "four"));
  EXPECT_FALSE(add(*open(kBroken), "x"));
  EXPECT_EQ(home.run("SELECT to_regclass('portcullis.more') IS NULL"), "t") << "nothing of it";
  EXPECT_EQ(number_of(*open(kSecond), "SELECT size FROM notes WHERE text = 'four'").value(), 4);
  const auto refused = add(*open(), "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::malformed);
  EXPECT_NE(refused.error().detail.find("version 2"), std::string::npos) << refused.error().detail;
}

TEST_F(PostgresDatabaseTest, SeveralNodesMayFindAnEmptyDatabaseAtOnce) {
  std::barrier start(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto database = open();
      start.arrive_and_wait();
      const auto added = add(*database, std::to_string(i));
      EXPECT_TRUE(added) << added.error().detail;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count(*open()), 8);
}

TEST_F(PostgresDatabaseTest, NumbersAreCommittedInTheirOrder) {
  const auto early = open();
  const auto late = open();
  ASSERT_EQ(count(*early), 0);
  ASSERT_EQ(count(*late), 0);
  std::promise<void> has_number;
  std::promise<void> may_commit;
  std::thread first([&] {
    EXPECT_TRUE(early->write([&](sql::Connection& connection) -> Result<void> {
      connection.run("INSERT INTO notes (text) VALUES ('early')");
      has_number.set_value();
      may_commit.get_future().wait();
      return {};
    }));
  });
  has_number.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return add(*late, "late"); });
  // It waits for the lock, of which the server itself can tell.
  EXPECT_TRUE(wait_until([&] {
    return home.run(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
               "datname = current_database()") == "1";
  }));
  EXPECT_EQ(count(*late), 0) << "a higher number must not be seen before a lower one";
  may_commit.set_value();
  first.join();
  EXPECT_TRUE(second.get());
  EXPECT_EQ(home.run("SELECT string_agg(text, ' ' ORDER BY number) FROM portcullis.notes"),
            "early late");
}

TEST_F(PostgresDatabaseTest, ItsVersionTellsOfChangesAndOfNothingElse) {
  const auto one = open();
  const auto other = open();
  const auto before = one->version().value();
  EXPECT_EQ(count(*other), 0);
  EXPECT_TRUE(other->write([](sql::Connection& connection) -> Result<void> {
    connection.run("DELETE FROM notes");
    return {};
  }));
  EXPECT_EQ(one->version().value(), before) << "nothing was there to be deleted";
  ASSERT_TRUE(add(*other, "a"));
  EXPECT_GT(one->version().value(), before);
}

TEST_F(PostgresDatabaseTest, WhatLostAgainstOthersIsTriedAgainButNotForEver) {
  const auto database = open();
  int runs = 0;
  const auto work = [&](int conflicts) {
    runs = 0;
    return database->write([&](sql::Connection& connection) -> Result<void> {
      if (++runs <= conflicts) {
        connection.run("DO 'BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''40001''; END'");
      }
      return {};
    });
  };
  EXPECT_TRUE(work(2));
  EXPECT_EQ(runs, 3);
  const auto lost = work(1000);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::unavailable);
  EXPECT_EQ(lost.error().retry, Retry::safe);
  EXPECT_LT(runs, 10);
}

TEST_F(PostgresDatabaseTest, ALockThatOthersHoldIsWaitedForOnlySoLong) {
  options.deadline = Milliseconds{500};
  const auto database = open();
  ASSERT_TRUE(add(*database, "a"));
  const auto other = open();
  EXPECT_TRUE(other->write([&](sql::Connection&) -> Result<void> {
    const auto refused = add(*database, "b");
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_EQ(refused.error().retry, Retry::safe);
    EXPECT_EQ(count(*database), 1) << "readers go on";
    return {};
  }));
  EXPECT_TRUE(add(*database, "b"));
}

TEST_F(PostgresDatabaseTest, ConnectionsAreBounded) {
  options.connections = 1;
  options.deadline = Milliseconds{300};
  const auto database = open();
  ASSERT_EQ(count(*database), 0);
  bool refused = false;
  (void)database->write([&](sql::Connection&) -> Result<void> {
    refused = number_of(*database, "SELECT 1").error().code == ErrorCode::exhausted;
    EXPECT_EQ(home.run("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                       "AND application_name = 'portcullis'"),
              "1");
    return {};  // its own time is over by now
  });
  EXPECT_TRUE(refused);
}

TEST_F(PostgresDatabaseTest, AServerThatTakesNoWritesIsReadAllTheSame) {
  const auto database = open();
  ASSERT_TRUE(add(*database, "a"));
  home.run(
      "DO 'BEGIN EXECUTE ''ALTER DATABASE '' || current_database() || "
      "'' SET default_transaction_read_only = on''; END'");
  const auto later = open();
  EXPECT_EQ(count(*later), 1);
  const auto refused = add(*later, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_NE(refused.error().detail.find("read-only"), std::string::npos) << refused.error().detail;
}

/// As docs/users.md tells administrators to set it up.
TEST_F(PostgresDatabaseTest, ARoleThatMayOnlyUseTheTablesSuffices) {
  ASSERT_TRUE(add(*open(), "made by their owner"));
  const std::string role = "r" + home.run("SELECT current_database()");
  home.run("CREATE ROLE " + role + " LOGIN");
  for (auto& [name, value] : options.parameters) {
    if (name == "user") value = role;
  }
  const auto refused = add(*open(), "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unauthorized) << refused.error().detail;
  home.run("GRANT USAGE ON SCHEMA portcullis TO " + role +
           "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA portcullis TO " + role);
  const auto added = add(*open(), "b");
  EXPECT_TRUE(added) << added.error().detail;
  EXPECT_EQ(count(*open()), 2);
  home.run("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

/// With a server of its own, to be mistreated.
class PostgresFailure : public testing::Test {
 protected:
  PostgresFailure() {
    options.connect_timeout = Milliseconds{300};
    options.deadline = Milliseconds{600};
  }
  std::unique_ptr<Database> open() const {
    return std::make_unique<Database>(options, Schema{.part = "notes", .migrations = kFirst});
  }

  PostgresServer server;
  PostgresDatabase home{server};
  Options options = home.options();
};

TEST_F(PostgresFailure, ARestartIsNotNoticed) {
  const auto database = open();
  ASSERT_TRUE(add(*database, "a"));
  server.kill();
  server.start();
  ASSERT_TRUE(server.ready());
  const auto added = add(*database, "b");
  EXPECT_TRUE(added) << added.error().detail;
}

TEST_F(PostgresFailure, WhileItIsAwayCallsFailAtOnceAndItIsFoundAgain) {
  const auto database = open();
  const auto later = open();
  ASSERT_TRUE(add(*database, "a"));
  server.kill();
  for (const auto& each : {database.get(), later.get()}) {
    const auto refused = add(*each, "b");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable) << refused.error().detail;
    EXPECT_EQ(refused.error().retry, Retry::safe);
  }
  server.start();
  ASSERT_TRUE(server.ready());
  EXPECT_TRUE(wait_until([&] { return add(*later, "c").has_value(); }));
  EXPECT_TRUE(wait_until([&] { return add(*database, "d").has_value(); }));
  EXPECT_EQ(count(*database), 3);
}

TEST_F(PostgresFailure, AServerThatHangsHoldsNobodyUpForLong) {
  options.connections = 2;
  const auto database = open();
  const auto backend = static_cast<pid_t>(number_of(*database, "SELECT pg_backend_pid()").value());
  server.signal(SIGSTOP);
  ::kill(backend, SIGSTOP);
  const auto held = time_of([&] {
    const auto refused = number_of(*database, "SELECT 1");
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  });
  EXPECT_LT(held, kSoon);
  // A queue of forty does not wait forty times: one looks, the others are told.
  const auto all = time_of([&] {
    std::vector<std::thread> callers;
    for (int i = 0; i < 40; ++i) {
      callers.emplace_back([&] { EXPECT_FALSE(number_of(*database, "SELECT 1")); });
    }
    for (auto& caller : callers) caller.join();
  });
  EXPECT_LT(all, Milliseconds{40} * 300 / 4);
  server.signal(SIGCONT);
  ::kill(backend, SIGCONT);
  EXPECT_TRUE(wait_until([&] { return count(*database) == 0; }));
}

TEST_F(PostgresFailure, ItsFaultsAreToldWithoutThePassword) {
  home.run("CREATE ROLE alice LOGIN PASSWORD 'right'");
  const auto refusal = [&](const std::string& rest) {
    const auto url = config::DatabaseUrl::parse(
        "postgresql://alice:wr0ng-7Qz@127.0.0.1:" + std::to_string(server.port()) + rest);
    Database database(Options::of(url.value()), {.part = "notes", .migrations = kFirst});
    const auto refused = database.version();
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().detail.find("wr0ng"), std::string::npos) << refused.error().detail;
    return refused ? std::string() : refused.error().detail;
  };
  EXPECT_NE(refusal("/postgres").find("password authentication failed"), std::string::npos);
  EXPECT_NE(refusal("/postgres?sslmode=require").find("SSL"), std::string::npos);
  server.kill();
  EXPECT_NE(refusal("/postgres").find("refused"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::postgres
