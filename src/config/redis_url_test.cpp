#include "config/redis_url.hpp"

#include <gtest/gtest.h>

namespace portcullis::config {
namespace {

TEST(RedisUrl, ReadsWhatClientsWrite) {
  const auto plain = RedisUrl::parse("redis://localhost");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->servers[0].host, "localhost");
  EXPECT_EQ(plain->servers[0].port, 6379);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->database, 0);
  const auto full = RedisUrl::parse("rediss://gate:p%40ss%3Aword@redis.internal:6380/3");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->user, "gate");
  EXPECT_EQ(full->password, "p@ss:word");
  EXPECT_EQ(full->servers[0].host, "redis.internal");
  EXPECT_EQ(full->servers[0].port, 6380);
  EXPECT_EQ(full->database, 3);
  const auto password = RedisUrl::parse("redis://:secret@[::1]:7000/");
  ASSERT_TRUE(password);
  EXPECT_EQ(password->user, "");
  EXPECT_EQ(password->password, "secret");
  EXPECT_EQ(password->servers[0].host, "::1");
  EXPECT_EQ(password->servers[0].port, 7000);
}

TEST(RedisUrl, NamesSeveralServersOfACluster) {
  const auto cluster = RedisUrl::parse("redis://:secret@10.0.0.1:7000,[::1]:7001,c.internal");
  ASSERT_TRUE(cluster);
  ASSERT_EQ(cluster->servers.size(), 3U);
  EXPECT_EQ(cluster->servers[0].host, "10.0.0.1");
  EXPECT_EQ(cluster->servers[0].port, 7000);
  EXPECT_EQ(cluster->servers[1].host, "::1");
  EXPECT_EQ(cluster->servers[2].host, "c.internal");
  EXPECT_EQ(cluster->servers[2].port, 6379);
  EXPECT_EQ(cluster->password, "secret");
}

TEST(RedisUrl, APrefixHasNoBraces) {
  EXPECT_FALSE(redis_prefix_fault("portcullis:"));
  EXPECT_FALSE(redis_prefix_fault(""));
  for (const auto* prefix : {"a{b", "a}", "a b", "a\x01"}) EXPECT_TRUE(redis_prefix_fault(prefix));
  EXPECT_TRUE(redis_prefix_fault(std::string(65, 'a')));
}

TEST(RedisUrl, SaysWhatIsWrongAndNeverRepeatsIt) {
  for (const char* url :
       {"", "localhost:6379", "http://hunter2@a", "redis://", "redis://:hunter2@", "redis://a:0",
        "redis://a:hunter2", "redis://a:70000", "redis://a/hunter2", "redis://a/-1",
        "redis://a/16384", "redis://[::1", "redis://[::1]x", "redis://,", "redis://a,b:0",
        "redis://a,b/1", "redis://hunter2%zz@a", "redis://a b"}) {
    const auto parsed = RedisUrl::parse(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().find("hunter2"), std::string::npos) << parsed.error();
  }
  EXPECT_FALSE(redis_url_fault(""));
  EXPECT_FALSE(redis_url_fault("redis://a"));
  EXPECT_TRUE(redis_url_fault("a"));
}

}  // namespace
}  // namespace portcullis::config
