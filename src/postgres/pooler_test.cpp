// Behind PgBouncer in transaction mode, where the next transaction may have another connection.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>
#include <vector>

#include "postgres/database.hpp"
#include "postgres_server.hpp"
#include "wait_until.hpp"

namespace portcullis::postgres {
namespace {

constexpr std::array<const char*, 1> kTables{
    "CREATE TABLE notes (number BIGINT GENERATED ALWAYS AS IDENTITY, text TEXT NOT NULL UNIQUE)"};

/// A PgBouncer with two connections to the shared server for everybody.
class Pooler {
 public:
  explicit Pooler(const PostgresServer& server) : port_(RedisServer::free_port()) {
    std::ofstream(server.folder() + "/users.txt") << R"("postgres" "")";
    std::ofstream(server.folder() + "/pgbouncer.ini")
        << "[databases]\n* = host=" << server.folder() << " port=" << server.port()
        << "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
        << "\nunix_socket_dir =\nauth_type = trust\nauth_file = " << server.folder()
        << "/users.txt\npool_mode = transaction\ndefault_pool_size = 2\n";
    pid_ = PostgresServer::spawn({"/usr/sbin/pgbouncer", server.folder() + "/pgbouncer.ini"});
  }
  ~Pooler() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Pooler(const Pooler&) = delete;
  Pooler& operator=(const Pooler&) = delete;

  Options behind(Options options) const {
    for (auto& [name, value] : options.parameters) {
      if (name == "host") value = "127.0.0.1";
      if (name == "port") value = std::to_string(port_);
    }
    return options;
  }

 private:
  std::uint16_t port_;
  pid_t pid_ = 0;
};

TEST(PostgresPooler, TransactionModeBreaksNothing) {
  const PostgresDatabase home;
  const Pooler pooler(PostgresServer::shared());
  const auto options = pooler.behind(home.options());
  const auto open = [&] {
    return std::make_unique<Database>(options, Schema{.part = "notes", .migrations = kTables});
  };
  ASSERT_TRUE(wait_until([&] { return open()->version().has_value(); }));
  std::vector<std::thread> nodes;
  for (int node = 0; node < 6; ++node) {
    nodes.emplace_back([&, node] {
      const auto database = open();
      for (int i = 0; i < 20; ++i) {
        const auto added = database->write([&](sql::Connection& connection) -> Result<void> {
          connection.run("INSERT INTO notes (text) VALUES (?1)",
                         std::to_string(node) + "-" + std::to_string(i));
          return {};
        });
        EXPECT_TRUE(added) << added.error().detail;
        EXPECT_TRUE(database->version());
      }
    });
  }
  for (auto& node : nodes) node.join();
  EXPECT_EQ(open()->version().value(), 120);
  EXPECT_EQ(home.run("SELECT count(*) FROM portcullis.notes"), "120");
  EXPECT_EQ(home.run("SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NULL AND "
                     "application_name = 'portcullis' AND datname = current_database()"),
            "2");
}

}  // namespace
}  // namespace portcullis::postgres
