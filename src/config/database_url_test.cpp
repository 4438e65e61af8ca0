#include "config/database_url.hpp"

#include <gtest/gtest.h>

namespace portcullis::config {
namespace {

TEST(DatabaseUrl, ReadsWhatClientsWrite) {
  const auto plain = DatabaseUrl::parse("postgres://gate@localhost/app");
  ASSERT_TRUE(plain);
  ASSERT_EQ(plain->servers.size(), 1U);
  EXPECT_EQ(plain->servers[0].host, "localhost");
  EXPECT_EQ(plain->servers[0].port, 5432);
  EXPECT_EQ(plain->user, "gate");
  EXPECT_EQ(plain->password, "");
  EXPECT_EQ(plain->database, "app");
  EXPECT_EQ(plain->sslmode, "prefer");
  EXPECT_TRUE(plain->is_local());
  EXPECT_FALSE(plain->is_encrypted());
  const auto full = DatabaseUrl::parse(
      "postgresql+asyncpg://gate:p%40ss%3A/w?rd@db.internal:6432/a%20b?"
      "sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=3");
  ASSERT_TRUE(full) << full.error();
  EXPECT_EQ(full->servers[0].host, "db.internal");
  EXPECT_EQ(full->servers[0].port, 6432);
  EXPECT_EQ(full->password, "p@ss:/w?rd");
  EXPECT_EQ(full->database, "a b");
  EXPECT_EQ(full->sslmode, "verify-full");
  EXPECT_EQ(full->sslrootcert, "/etc/ca.pem");
  EXPECT_EQ(full->connect_timeout, Seconds{3});
  EXPECT_FALSE(full->is_local());
  EXPECT_TRUE(full->is_encrypted());
  EXPECT_TRUE(DatabaseUrl::parse("postgresql://u:p@h/d?ssl=require")->is_encrypted())
      << "as asyncpg calls it";
}

TEST(DatabaseUrl, NamesSeveralServersOrASocket) {
  const auto cluster = DatabaseUrl::parse("postgresql://u:p@10.0.0.1:7000,[::1]:7001,c/d");
  ASSERT_TRUE(cluster);
  ASSERT_EQ(cluster->servers.size(), 3U);
  EXPECT_EQ(cluster->servers[1].host, "::1");
  EXPECT_EQ(cluster->servers[1].port, 7001);
  EXPECT_EQ(cluster->servers[2].port, 5432);
  EXPECT_FALSE(cluster->is_local());
  const auto socket = DatabaseUrl::parse("postgresql://u@/d?host=/run/postgresql&port=5433");
  ASSERT_TRUE(socket) << socket.error();
  EXPECT_EQ(socket->servers[0].host, "/run/postgresql");
  EXPECT_EQ(socket->servers[0].port, 5433);
  EXPECT_TRUE(socket->is_local());
}

TEST(DatabaseUrl, SaysWhatIsWrongWithoutRepeatingIt) {
  for (const auto* url : {"mysql://u:s3cret@h/d",
                          "s3cret",
                          "postgres://u:s3cret@/d",
                          "postgres://u:s3cret@h",
                          "postgres://u:s3cret@h/",
                          "postgres://:s3cret@h/d",
                          "postgres://u:s3cret%zz@h/d",
                          "postgres://u:s3cret%00@h/d",
                          "postgres://u:s3cret@h:0/d",
                          "postgres://u:s3cret@h:x/d",
                          "postgres://u:s3cret@[::1/d",
                          "postgres://u:s3cret@h s3cret/d",
                          "postgres://u:s3cret@h/d?sslmode=s3cret",
                          "postgres://u:s3cret@h/d?sslmode",
                          "postgres://u:s3cret@h/d?options=-cs3cret",
                          "postgres://u:s3cret@h/d?connect_timeout=0",
                          "postgres://u:s3cret@h/d?connect_timeout=11",
                          "postgres://u:s3cret@h/d?host=/s3cret",
                          "postgres://u:s3cret@/d?host=s3cret",
                          "postgres://u:s3cret@/d?port=5432"}) {
    const auto fault = database_url_fault(url);
    ASSERT_TRUE(fault) << url;
    EXPECT_FALSE(fault->contains("s3cret")) << *fault;
  }
  EXPECT_FALSE(database_url_fault(""));
}

}  // namespace
}  // namespace portcullis::config
