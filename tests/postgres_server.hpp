#pragma once
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "postgres/options.hpp"
#include "redis_server.hpp"

namespace portcullis {

/// A PostgreSQL server of a test's own on a free port of loopback; gone with the object. As it
/// refuses root, root starts it as the user `postgres`.
class PostgresServer {
 public:
  explicit PostgresServer(std::vector<std::string> further = {}) : further_(std::move(further)) {
    char folder[] = "/tmp/portcullis-postgres-XXXXXX";
    if (mkdtemp(folder) == nullptr) throw std::runtime_error("no folder for PostgreSQL");
    folder_ = folder;
    const passwd* const user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    if (user != nullptr && ::chown(folder, user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("no folder for PostgreSQL");
    }
    const pid_t made =
        spawn({program("initdb"), "-D", data(), "-U", "postgres", "-E", "UTF8", "--locale=C",
               "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"});
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) throw std::runtime_error("initdb fails");
    // Between finding a port free and taking it somebody else may: then another one.
    for (int tries = 0; tries < 10; ++tries) {
      port_ = RedisServer::free_port();
      start();
      if (ready()) return;
      kill();
    }
    throw std::runtime_error("PostgreSQL does not start");
  }
  ~PostgresServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// One for all tests of the program.
  static PostgresServer& shared() {
    static PostgresServer server;
    return server;
  }

  std::uint16_t port() const { return port_; }
  const std::string& folder() const { return folder_; }
  /// What a client of the superuser over its socket connects to.
  std::string url(const std::string& database) const {
    return "postgresql://postgres@/" + database + "?host=" + folder_ +
           "&port=" + std::to_string(port_);
  }
  postgres::Options options(const std::string& database) const {
    return postgres::Options::of(config::DatabaseUrl::parse(url(database)).value());
  }

  /// As psql would; the first value of what it yields.
  std::string run(const std::string& sql, const std::string& database = "postgres") const {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
        PQconnectdb(conninfo(database).c_str()), &PQfinish);
    PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  void start() {
    std::vector<std::string> words{program("postgres"),   "-D", data(), "-k", folder_, "-p",
                                   std::to_string(port_), "-F"};
    for (const auto* setting : {"listen_addresses=127.0.0.1", "max_connections=200",
                                "shared_buffers=16MB", "logging_collector=off"}) {
      words.insert(words.end(), {"-c", setting});
    }
    words.insert(words.end(), further_.begin(), further_.end());
    pid_ = spawn(std::move(words));
  }
  /// At once, and by default with all of its processes.
  void kill(int number = SIGQUIT) {
    if (pid_ <= 0) return;
    ::kill(pid_, number);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void signal(int number) const { ::kill(pid_, number); }
  /// Waits until it answers.
  bool ready() const {
    for (int i = 0; i < 1000; ++i) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) return false;
      if (PQping(conninfo("postgres").c_str()) == PQPING_OK) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  /// As the user of the server. It ends with the test, however that does.
  static pid_t spawn(std::vector<std::string> words) {
    std::vector<std::string> all{"setpriv", "--pdeathsig", "QUIT"};
    if (::geteuid() == 0) {
      all.insert(all.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
    }
    all.insert(all.end(), words.begin(), words.end());
    std::vector<char*> arguments;
    for (auto& word : all) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_WRONLY, 0);
    }
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, "setpriv", &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error("setpriv is not installed");
    return pid;
  }

 private:
  std::string data() const { return folder_ + "/data"; }
  std::string conninfo(const std::string& database) const {
    return "user=postgres host=" + folder_ + " port=" + std::to_string(port_) +
           " dbname=" + database;
  }
  /// Debian keeps them by version, beside the path.
  static std::string program(const std::string& name) {
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      const auto found = version.path() / "bin" / name;
      if (std::filesystem::exists(found)) return found.string();
    }
    return name;
  }
  std::vector<std::string> further_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

/// An empty database of a server; gone with the object, whoever is connected.
class PostgresDatabase {
 public:
  explicit PostgresDatabase(PostgresServer& server = PostgresServer::shared()) : server_(server) {
    static std::atomic<int> made{0};
    name_ = "test_" + std::to_string(++made);
    server_.run("CREATE DATABASE " + name_);
  }
  ~PostgresDatabase() {
    try {
      server_.run("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {
      // It goes with its server.
    }
  }
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;

  postgres::Options options() const { return server_.options(name_); }
  std::string run(const std::string& sql) const { return server_.run(sql, name_); }

 private:
  PostgresServer& server_;
  std::string name_;
};

}  // namespace portcullis
