#include "sqlite/database.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <fstream>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "temporary_folder.hpp"

namespace portcullis::sqlite {
namespace {

constexpr std::int32_t kApplication = 0x54657374;
constexpr std::array<const char*, 1> kFirst{
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT"};
constexpr std::array<const char*, 3> kThird{
    kFirst[0], "ALTER TABLE notes ADD COLUMN size INTEGER",
    "UPDATE notes SET size = length(text); CREATE INDEX by_size ON notes (size)"};
constexpr std::array<const char*, 2> kBroken{kFirst[0],
                                             "CREATE TABLE more (id INTEGER); CREATE NONSENSE"};

class SqliteDatabase : public testing::Test {
 protected:
  Result<std::unique_ptr<Database>> try_open(std::span<const char* const> migrations = kFirst) {
    return Database::open(options, {.application = kApplication, .migrations = migrations});
  }
  std::unique_ptr<Database> open() {
    auto opened = try_open();
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? *std::move(opened) : nullptr;
  }
  Error refusal(std::span<const char* const> migrations = kFirst) {
    const auto opened = try_open(migrations);
    EXPECT_FALSE(opened);
    return opened ? Error{} : opened.error();
  }
  /// As SQLite's own shell would.
  void run_outside(const char* sql) {
    SQLite::Database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
  }
  static Result<void> add(Database& database, const std::string& text) {
    return database.write([&](sql::Connection& connection) -> Result<void> {
      connection.run("INSERT INTO notes (text) VALUES (?1)", text);
      return {};
    });
  }
  static std::int64_t count(Database& database) {
    return database
        .read([](sql::Connection& connection) -> Result<std::int64_t> {
          auto row = connection.query("SELECT count(*) FROM notes");
          return row.step() ? row.number(0) : -1;
        })
        .value_or(-1);
  }
  mode_t mode_of(const std::string& path) {
    struct stat found{};
    EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  }
  /// What a child of this process returns; what it changes of itself stays there.
  static int in_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryFolder folder;
  const std::string file = folder.path() / "test.db";
  Options options{.file = file, .busy_timeout = Milliseconds{50}};
};

TEST_F(SqliteDatabase, OnlyItsOwnerMayReadIt) {
  const auto database = open();
  ASSERT_TRUE(add(*database, "a"));
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(mode_of(file + "-wal"), 0600U);
  EXPECT_EQ(mode_of(file + "-shm"), 0600U);
}

TEST_F(SqliteDatabase, AFileThatOthersMayReadIsClosedToThem) {
  open();
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  open();
  EXPECT_EQ(mode_of(file), 0600U);
}

TEST_F(SqliteDatabase, IsSetUpToLast) {
  const auto database = open();
  const auto pragma = [&](std::string_view sql) {
    return database
        ->write([&](sql::Connection& connection) -> Result<std::string> {
          auto row = connection.query(sql);
          return row.step() ? row.text(0) : "";
        })
        .value();
  };
  EXPECT_EQ(pragma("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(pragma("PRAGMA synchronous"), "2");
  EXPECT_EQ(pragma("PRAGMA foreign_keys"), "1");
  EXPECT_EQ(pragma("PRAGMA secure_delete"), "1");
  EXPECT_EQ(pragma("PRAGMA trusted_schema"), "0");
  EXPECT_EQ(pragma("PRAGMA user_version"), "1");
}

TEST_F(SqliteDatabase, AReadCannotWrite) {
  const auto database = open();
  const auto refused = database->read([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    return {};
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(count(*database), 0);
}

TEST_F(SqliteDatabase, ReadersGoOnWhileAWriteWaits) {
  options.busy_timeout = Milliseconds{20'000};
  const auto database = open();
  SQLite::Database other(file, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  std::promise<void> begun;
  std::thread writing([&] {
    begun.set_value();
    EXPECT_TRUE(add(*database, "a"));
  });
  begun.get_future().wait();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(count(*database), 0);
  other.exec("COMMIT");
  writing.join();
  EXPECT_EQ(count(*database), 1);
}

TEST_F(SqliteDatabase, AWriteIsAllOrNothing) {
  const auto database = open();
  const auto refused = database->write([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    return fail(ErrorCode::invalid_input, "no");
  });
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  const auto thrown = database->write([](sql::Connection& connection) -> Result<void> {
    connection.run("INSERT INTO notes (text) VALUES ('a')");
    connection.run("INSERT INTO notes (id, text) VALUES (7, 'a')");
    return {};
  });
  EXPECT_EQ(thrown.error().code, ErrorCode::internal);
  EXPECT_NE(thrown.error().detail.find(file), std::string::npos);
  EXPECT_EQ(count(*database), 0);
  EXPECT_TRUE(add(*database, "a")) << "it goes on";
}

TEST_F(SqliteDatabase, ValuesComeBackAsTheyWere) {
  const auto database = open();
  const auto row_is_right = database->write([](sql::Connection& connection) -> Result<bool> {
    connection.run("CREATE TABLE kinds (a BLOB, b BLOB, c INTEGER, d INTEGER, e TEXT)");
    connection.run("INSERT INTO kinds VALUES (?1, ?2, ?3, ?4, ?5)",
                   sql::Blob{std::string_view("\0\xff", 2)}, sql::Blob{{}},
                   std::optional<std::int64_t>(), std::optional<std::int64_t>(-5),
                   std::string_view("te\0xt", 5));
    auto row = connection.query("SELECT *, typeof(b) FROM kinds");
    return row.step() && row.text(0) == std::string("\0\xff", 2) && row.text(1).empty() &&
           !row.maybe_number(2) && row.maybe_number(3) == -5 &&
           row.text(4) == std::string("te\0xt", 5) && row.text(5) == "blob" && !row.step();
  });
  EXPECT_TRUE(row_is_right.value());
}

TEST_F(SqliteDatabase, MigratesForwardAndKeepsWhatIsThere) {
  ASSERT_TRUE(add(*open(), "four"));
  const auto migrated = try_open(kThird);
  ASSERT_TRUE(migrated) << migrated.error().detail;
  const auto size = (*migrated)->read([](sql::Connection& connection) -> Result<std::int64_t> {
    auto row = connection.query("SELECT size FROM notes WHERE text = 'four'");
    return row.step() ? row.number(0) : -1;
  });
  EXPECT_EQ(size.value(), 4);
}

TEST_F(SqliteDatabase, AMigrationThatFailsChangesNothing) {
  ASSERT_TRUE(add(*open(), "a"));
  EXPECT_EQ(refusal(kBroken).code, ErrorCode::internal);
  const auto database = open();
  EXPECT_EQ(count(*database), 1);
  EXPECT_TRUE(try_open(kThird));
}

TEST_F(SqliteDatabase, ANewerSchemaIsRefusedAndLeftAlone) {
  ASSERT_TRUE(try_open(kThird));
  const auto refused = refusal();
  EXPECT_EQ(refused.code, ErrorCode::malformed);
  EXPECT_NE(refused.detail.find("version 3"), std::string::npos) << refused.detail;
  EXPECT_TRUE(try_open(kThird));
}

TEST_F(SqliteDatabase, AnotherProgramsDatabaseIsRefused) {
  run_outside("CREATE TABLE theirs (id INTEGER)");
  EXPECT_EQ(refusal().code, ErrorCode::malformed);
  run_outside("PRAGMA application_id=77; PRAGMA user_version=1");
  EXPECT_EQ(refusal().code, ErrorCode::malformed);
}

TEST_F(SqliteDatabase, SeveralMayOpenANewFileAtOnce) {
  options.busy_timeout = Milliseconds{20'000};
  std::barrier start(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      auto opened = try_open();
      ASSERT_TRUE(opened) << opened.error().detail;
      EXPECT_TRUE(add(**opened, std::to_string(i)));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count(*open()), 8);
}

TEST_F(SqliteDatabase, ALockThatOthersHoldIsWaitedForOnlySoLong) {
  const auto database = open();
  ASSERT_TRUE(add(*database, "a"));
  SQLite::Database other(file, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const auto refused = add(*database, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_EQ(count(*database), 1) << "readers go on";
  other.exec("COMMIT");
  EXPECT_TRUE(add(*database, "b"));
}

TEST_F(SqliteDatabase, AFullFileRefusesAndKeepsWhatItHas) {
  options.max_bytes = 64 * 1024;
  const auto database = open();
  int added = 0;
  Result<void> last;
  while ((last = add(*database, std::string(500, 'x') + std::to_string(added))) && added < 1000) {
    ++added;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::exhausted);
  EXPECT_EQ(count(*database), added);
  const auto freed = database->write([](sql::Connection& connection) -> Result<void> {
    connection.run("DELETE FROM notes");
    return {};
  });
  EXPECT_TRUE(freed);
  EXPECT_TRUE(add(*database, "there is room again"));
}

TEST_F(SqliteDatabase, ADiskThatTakesNoMoreLosesNothing) {
  ASSERT_TRUE(add(*open(), "before"));
  const int failed_at = in_child([&] {
    const rlimit bound{.rlim_cur = 200'000, .rlim_max = 200'000};
    ::setrlimit(RLIMIT_FSIZE, &bound);
    ::signal(SIGXFSZ, SIG_IGN);
    auto database = try_open();
    if (!database) return 200;
    for (int i = 0; i < 100; ++i) {
      const auto added = add(**database, std::string(20'000, 'x') + std::to_string(i));
      if (added) continue;
      const bool told = added.error().code == ErrorCode::unavailable ||
                        added.error().code == ErrorCode::exhausted;
      return told && count(**database) == i + 1 ? i : 201;
    }
    return 202;
  });
  EXPECT_GT(failed_at, 0);
  ASSERT_LT(failed_at, 100);
  const auto database = open();
  EXPECT_EQ(count(*database), failed_at + 1) << "what had been acknowledged, and no more";
  EXPECT_TRUE(add(*database, "after"));
}

TEST_F(SqliteDatabase, AFileThatMayNotBeWrittenIsAnError) {
  open();
  ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
  constexpr uid_t kNobody = 65'534;  // to root every file is open
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(::chown(folder.path().c_str(), kNobody, kNobody), 0);
  }
  const int code = in_child([&] {
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return 200;
    const auto opened = try_open();
    return opened ? 201 : static_cast<int>(opened.error().code);
  });
  EXPECT_EQ(code, static_cast<int>(ErrorCode::unavailable));
}

TEST_F(SqliteDatabase, AFileOfSomebodyElseIsAnError) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  open();
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  for (const mode_t mode : {0600U, 0644U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const int code = in_child([&] {
      if (::setresuid(65'534, 65'534, 65'534) != 0) return 200;
      const auto opened = try_open();
      return opened ? 201 : static_cast<int>(opened.error().code);
    });
    EXPECT_EQ(code, static_cast<int>(ErrorCode::unavailable)) << mode;
  }
}

TEST_F(SqliteDatabase, WhatIsNoRegularFileIsRefused) {
  ASSERT_EQ(::symlink("/dev/null", file.c_str()), 0);
  EXPECT_EQ(refusal().code, ErrorCode::unavailable);
  ASSERT_EQ(::unlink(file.c_str()), 0);
  ASSERT_EQ(::mkdir(file.c_str(), 0700), 0);
  EXPECT_EQ(refusal().code, ErrorCode::unavailable);
  options.file = folder.path() / "missing" / "test.db";
  EXPECT_EQ(refusal().code, ErrorCode::unavailable);
}

TEST_F(SqliteDatabase, DamageIsFoundWhenItIsOpened) {
  std::ofstream(file) << std::string(8192, 'x');
  EXPECT_EQ(refusal().code, ErrorCode::malformed) << "not a database at all";
  ASSERT_EQ(::unlink(file.c_str()), 0);
  {
    const auto database = open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(add(*database, std::string(400, 'x') + std::to_string(i)));
    }
  }
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4 * 4096);
    damage << std::string(4096, '\x55');
  }
  const auto refused = refusal();
  EXPECT_EQ(refused.code, ErrorCode::malformed);
  EXPECT_NE(refused.detail.find("damaged"), std::string::npos) << refused.detail;
  std::ifstream left(file, std::ios::binary);
  left.seekg(4 * 4096);
  EXPECT_EQ(left.get(), 0x55) << "nothing has been repaired away";
}

TEST_F(SqliteDatabase, AnEmptyFileIsANewOne) {
  std::ofstream(file).close();
  EXPECT_TRUE(add(*open(), "a"));
}

}  // namespace
}  // namespace portcullis::sqlite
