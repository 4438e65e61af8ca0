// Both ends of many live answers: an upstream that streams tokens and the visitors who read them,
// in one thread, so that one clock measures how long a token is on its way. First the visitors ask
// the upstream itself, then a plain proxy, then the gateway.
//
// usage: live_tokens STREAMS TOKENS_A_SECOND SECONDS
// Prints the upstream's port; then reads the ports of the proxy and the gateway, and one session
// cookie a line, one for each stream; then prints what it measured as JSON. bench/live_tokens.py
// does the talking.
// Bounded: it ends after twice the time to open all streams (at most 30 s) and SECONDS.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::int64_t now_ns() { return nanoseconds(Clock::now().time_since_epoch()).count(); }

sockaddr_in loopback(std::uint16_t port, unsigned host = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000U + host);
  return address;
}

void no_delay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// One socket of either end.
struct Connection {
  int descriptor = -1;
  bool upstream = false;  ///< our upstream's side of a connection
  bool begun = false;     ///< upstream: asked and answering; visitor: a token has come
  std::string held;       ///< what has come and is not complete yet
};

/// One way from the upstream to its visitors.
class Run {
 public:
  Run(int listener, std::uint16_t port, double tokens_a_second)
      : listener_(listener),
        port_(port),
        period_(static_cast<std::int64_t>(1e9 / tokens_a_second)),
        poll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_, nullptr);
  }
  ~Run() {
    for (const auto& connection : connections_) {
      if (connection->descriptor >= 0) close(connection->descriptor);
    }
    close(poll_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Opens the streams over two seconds, waits until all flow, and measures for a while.
  bool measure(const std::vector<std::string>& requests, double seconds) {
    const auto opening =
        static_cast<std::int64_t>(2e9) / static_cast<std::int64_t>(requests.size());
    const std::int64_t started = now_ns();
    std::int64_t measured_from = 0;
    std::size_t opened = 0;
    while (true) {
      const std::int64_t now = now_ns();
      while (opened < requests.size() &&
             now >= started + static_cast<std::int64_t>(opened) * opening) {
        open(requests[opened], static_cast<unsigned>(opened % 40) + 2);
        ++opened;
      }
      if (measured_from == 0 && flowing_ == requests.size()) {
        measured_from = now;
        latencies_.clear();
      }
      if (measured_from == 0 && now - started > std::int64_t{30'000'000'000}) return false;
      if (measured_from != 0 && now - measured_from > static_cast<std::int64_t>(seconds * 1e9)) {
        elapsed_ns_ = now - measured_from;
        return true;
      }
      send_due_tokens(now);
      wait();
    }
  }

  std::size_t flowing() const { return flowing_; }
  std::size_t lost() const { return lost_; }
  std::string json() {
    const auto at = [&](double part) {
      if (latencies_.empty()) return 0.0;
      const auto index =
          std::min(latencies_.size() - 1,
                   static_cast<std::size_t>(part * static_cast<double>(latencies_.size())));
      std::nth_element(latencies_.begin(), latencies_.begin() + static_cast<std::ptrdiff_t>(index),
                       latencies_.end());
      return static_cast<double>(latencies_[index]) / 1000;
    };
    char text[256];
    std::snprintf(
        text, sizeof text,
        R"({"tokens":%zu,"a_second":%.0f,"p50_us":%.1f,"p99_us":%.1f,"p999_us":%.1f,"lost":%zu})",
        latencies_.size(),
        static_cast<double>(latencies_.size()) * 1e9 / static_cast<double>(elapsed_ns_), at(0.5),
        at(0.99), at(0.999), lost_);
    return text;
  }

 private:
  void watch(int descriptor, Connection* connection) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connection;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
  }

  Connection& add(int descriptor, bool upstream) {
    auto& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.descriptor = descriptor;
    connection.upstream = upstream;
    no_delay(descriptor);
    watch(descriptor, &connection);
    return connection;
  }

  void open(const std::string& request, unsigned host) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto from = loopback(0, host);
    const auto to = loopback(port_);
    if (descriptor < 0 ||
        bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      die("connect");
    }
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    add(descriptor, false);
    if (send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      die("send");
    }
  }

  void lose(Connection& connection) {
    if (connection.descriptor < 0) return;
    close(connection.descriptor);
    connection.descriptor = -1;
    ++lost_;
  }

  void wait() {
    epoll_event events[256];
    const std::int64_t until_due =
        due_.empty() ? 1'000'000
                     : std::clamp<std::int64_t>(due_.front().at - now_ns(), 0, 1'000'000);
    const timespec patience{0, until_due};
    const int count = epoll_pwait2(poll_, events, std::size(events), &patience, nullptr);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection == nullptr) {
        accept_all();
      } else {
        read(*connection);
      }
    }
  }

  void accept_all() {
    int descriptor;
    while ((descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      add(descriptor, true);
    }
  }

  void read(Connection& connection) {
    if (connection.descriptor < 0) return;
    char bytes[16 * 1024];
    const ssize_t count = recv(connection.descriptor, bytes, sizeof bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return lose(connection);
    const std::int64_t now = now_ns();
    connection.held.append(bytes, static_cast<std::size_t>(count));
    if (connection.upstream) {
      answer(connection);
    } else {
      take_tokens(connection, now);
    }
  }

  /// The upstream has read a whole question: its answer begins.
  void answer(Connection& connection) {
    const auto end = connection.held.find("\r\n\r\n");
    if (connection.begun || end == std::string::npos) return;
    std::size_t length = 0;
    constexpr std::string_view kName = "\r\nContent-Length: ";
    if (const auto at = connection.held.find(kName); at < end) {
      std::from_chars(connection.held.data() + at + kName.size(), connection.held.data() + end,
                      length);
    }
    if (connection.held.size() < end + 4 + length) return;
    connection.begun = true;
    connection.held.clear();
    constexpr std::string_view kHead =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Transfer-Encoding: chunked\r\n\r\n11\r\n{\"type\":\"begin\"}\n\r\n";
    if (send(connection.descriptor, kHead.data(), kHead.size(), MSG_NOSIGNAL) < 0)
      return lose(connection);
    due_.push_back({now_ns() + period_, &connection});
  }

  void send_due_tokens(std::int64_t now) {
    while (!due_.empty() && due_.front().at <= now) {
      const Due due = due_.front();
      due_.pop_front();
      if (due.connection->descriptor < 0) continue;
      char line[96];
      const int size =
          std::snprintf(line, sizeof line, "{\"type\":\"item\",\"content\":\"T%lld \"}\n",
                        static_cast<long long>(now_ns()));
      char chunk[128];
      const int whole =
          std::snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", static_cast<unsigned>(size), line);
      if (send(due.connection->descriptor, chunk, static_cast<std::size_t>(whole), MSG_NOSIGNAL) <
          0) {
        lose(*due.connection);
        continue;
      }
      due_.push_back({std::max(due.at + period_, now), due.connection});
    }
  }

  /// Each `T` with digits and a blank behind it is a token and says when it was sent.
  void take_tokens(Connection& connection, std::int64_t now) {
    auto& held = connection.held;
    std::size_t done = 0;
    for (auto at = held.find('T'); at != std::string::npos; at = held.find('T', at + 1)) {
      const auto end = held.find_first_not_of("0123456789", at + 1);
      if (end == std::string::npos) break;  // the rest is on its way
      done = end;
      if (held[end] != ' ' || end - at < 10) continue;
      std::int64_t sent = 0;
      std::from_chars(held.data() + at + 1, held.data() + end, sent);
      latencies_.push_back(now - sent);
      if (!std::exchange(connection.begun, true)) ++flowing_;
    }
    if (done > 0) held.erase(0, done);
    if (held.size() > 64 * 1024) held.clear();
  }

  struct Due {
    std::int64_t at;
    Connection* connection;
  };

  const int listener_;
  const std::uint16_t port_;  ///< where the visitors ask
  const std::int64_t period_;
  const int poll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Due> due_;  ///< sorted, as every stream has the same period
  std::vector<std::int64_t> latencies_;
  std::size_t flowing_ = 0;
  std::size_t lost_ = 0;
  std::int64_t elapsed_ns_ = 1;
};

std::string question(std::uint16_t port, const std::string& cookie) {
  const std::string origin = "127.0.0.1:" + std::to_string(port);
  const std::string body = R"({"message":"Hello"})";
  return "POST /api/v1/chat/stream HTTP/1.1\r\nHost: " + origin + "\r\nOrigin: http://" + origin +
         "\r\nContent-Type: application/json\r\nCookie: " + cookie +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: live_tokens STREAMS TOKENS_A_SECOND SECONDS\n");
    return 2;
  }
  const auto streams = static_cast<std::size_t>(std::clamp(std::atoi(words[1]), 1, 9000));
  const double rate = std::clamp(std::atof(words[2]), 0.1, 1000.0);
  const double seconds = std::clamp(std::atof(words[3]), 1.0, 60.0);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    die("listen");
  }
  const std::uint16_t own_port = ntohs(address.sin_port);
  std::cout << own_port << std::endl;

  std::uint16_t proxy_port = 0;
  std::uint16_t gateway_port = 0;
  std::cin >> proxy_port >> gateway_port >> std::ws;
  std::vector<std::string> to_gateway;
  for (std::string cookie; to_gateway.size() < streams && std::getline(std::cin, cookie);) {
    to_gateway.push_back(question(gateway_port, cookie));
  }
  if (to_gateway.size() < streams) {
    std::fprintf(stderr, "live_tokens: a cookie a line is wanted for each of %zu streams\n",
                 streams);
    return 2;
  }
  const std::vector<std::string> to_others(streams, question(own_port, "none=1"));
  const struct {
    const char* name;
    std::uint16_t port;
    const std::vector<std::string>& requests;
  } ways[] = {{"direct", own_port, to_others},
              {"proxy", proxy_port, to_others},
              {"gateway", gateway_port, to_gateway}};
  std::string results;
  for (const auto& way : ways) {
    Run run(listener, way.port, rate);
    if (!run.measure(way.requests, seconds)) {
      std::fprintf(stderr,
                   "live_tokens: only %zu of %zu streams began by the way %s, %zu were cut\n",
                   run.flowing(), streams, way.name, run.lost());
      return 1;
    }
    results += (results.empty() ? "{\"" : ",\"") + std::string(way.name) + "\":" + run.json();
  }
  std::cout << results << "}" << std::endl;
}
