#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace portcullis {

/// A redis-server of a test's own on a free port of loopback; gone with the object.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> further = {}) : further_(std::move(further)) {
    char folder[] = "/tmp/portcullis-redis-XXXXXX";
    if (mkdtemp(folder) == nullptr) throw std::runtime_error("no folder for redis");
    folder_ = folder;
    // Between finding a port free and taking it somebody else may: then another one.
    for (int tries = 0; tries < 10; ++tries) {
      port_ = free_port();
      start();
      if (ready()) return;
      kill();
    }
    throw std::runtime_error("redis-server does not start");
  }
  ~RedisServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// Of a member of a cluster.
  std::uint16_t bus_port() const { return static_cast<std::uint16_t>(std::stoi(further_.back())); }

  /// What it answers to an inline command: one reply, as it stands on the wire.
  std::string say(const std::string& command) const {
    std::string out;
    const int fd = connected();
    if (fd < 0) return out;
    const std::string line = command + "\r\n";
    (void)!::write(fd, line.data(), line.size());
    ::shutdown(fd, SHUT_WR);
    char part[4096];
    for (ssize_t got = 0; (got = ::read(fd, part, sizeof(part))) > 0;) {
      out.append(part, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return out;
  }
  static std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = address(0);
    socklen_t size = sizeof(at);
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    return ntohs(at.sin_port);
  }

  void start() {
    std::vector<std::string> words{"redis-server",
                                   "--port",
                                   std::to_string(port_),
                                   "--bind",
                                   "127.0.0.1",
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--dir",
                                   folder_,
                                   "--logfile",
                                   "redis.log"};
    words.insert(words.end(), further_.begin(), further_.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (posix_spawnp(&pid_, "redis-server", nullptr, nullptr, arguments.data(), environ) != 0) {
      throw std::runtime_error("redis-server is not installed");
    }
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void signal(int number) const { ::kill(pid_, number); }
  /// Waits until it answers.
  bool ready() const {
    for (int i = 0; i < 500; ++i) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) return false;
      if (accepts()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
  }
  bool accepts() const {
    const int fd = connected();
    if (fd >= 0) ::close(fd);
    return fd >= 0;
  }
  int connected() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in at = address(port_);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0) return fd;
    ::close(fd);
    return -1;
  }
  std::vector<std::string> further_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace portcullis
