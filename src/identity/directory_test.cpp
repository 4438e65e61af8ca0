#include "identity/directory.hpp"

#include <gtest/gtest.h>

#include "identity/api_keys.hpp"
#include "identity/sqlite_accounts.hpp"
#include "temporary_folder.hpp"

namespace portcullis::identity {
namespace {

const WallTime kNow = from_epoch_seconds(1'800'000'000);

class DirectoryTest : public testing::Test {
 protected:
  ApiKey add_key(const std::string& name) {
    ApiKey wanted;
    wanted.name = name;
    wanted.owner = owner;
    auto key = keys.mint(wanted, kNow).record;
    EXPECT_TRUE(store->add_api_key(key).value());
    return key;
  }

  TemporaryFolder folder;
  std::unique_ptr<AccountStore> store =
      open_sqlite_accounts({.file = folder.path() / "accounts.db"}).value();
  std::string owner =
      store->add_user({.name = "alice", .password_hash = "", .grants = {}}, kNow).value()->id;
  ApiKeys keys{{"a secret of a test, of enough bytes to be one"}};
  Directory directory;
};

TEST_F(DirectoryTest, KnowsAllKeysOnceTheyAreReadAndAsTheyWereThen) {
  std::vector<ApiKey> added;
  for (int i = 0; i < 100; ++i) added.push_back(add_key("key " + std::to_string(i)));
  EXPECT_FALSE(directory.find_key(added[0].prefix));
  ASSERT_TRUE(directory.renew(*store));
  for (const auto& key : added) {
    const auto found = directory.find_key(key.prefix);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, key.id);
    EXPECT_EQ(found->hash, key.hash);
  }
  EXPECT_FALSE(directory.find_key("aaaaaaaaaaaa"));

  const auto held = directory.find_key(added[0].prefix);
  ASSERT_TRUE(store->revoke_api_key(added[0].id, kNow));
  ASSERT_TRUE(store->disable(owner, kNow));
  EXPECT_TRUE(directory.find_key(added[0].prefix)->is_valid(kNow));
  ASSERT_TRUE(directory.renew(*store));
  EXPECT_TRUE(directory.find_key(added[0].prefix)->revoked);
  EXPECT_FALSE(directory.find_key(added[1].prefix)->is_valid(kNow)) << "its owner is disabled";
  EXPECT_TRUE(held->is_valid(kNow)) << "who holds one keeps what it had";
}

TEST_F(DirectoryTest, TellsEachUseOnceAndLosesNoneWhenItIsRenewed) {
  const auto one = add_key("one");
  const auto two = add_key("two");
  ASSERT_TRUE(directory.renew(*store));
  EXPECT_TRUE(directory.take_uses().empty());
  directory.note_use(one.prefix, kNow);
  directory.note_use(one.prefix, kNow + Seconds{5});
  directory.note_use("aaaaaaaaaaaa", kNow);
  ASSERT_TRUE(directory.renew(*store));
  const auto uses = directory.take_uses();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses[0], std::pair(one.id, kNow + Seconds{5}));
  EXPECT_TRUE(directory.take_uses().empty());
}

}  // namespace
}  // namespace portcullis::identity
