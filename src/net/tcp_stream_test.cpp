#include "net/tcp_stream.hpp"

#include <memory>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "loopback_listener.hpp"
#include "proves.hpp"

namespace portcullis::net {
namespace {

/// Both ends of a loopback connection: ours as a stream, the peer's as a plain blocking descriptor.
struct Pair {
  explicit Pair(Worker& worker) {
    const LoopbackListener listener;
    peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(peer, reinterpret_cast<const sockaddr*>(&listener.address),
                        sizeof listener.address),
              0);
    const int ours = ::accept4(listener.descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    stream = std::make_unique<TcpStream>(worker, ours, *IpAddress::parse("127.0.0.1"));
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { leave(); }

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void leave() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    leave();
  }
  /// What the peer has received so far, up to `most` bytes.
  std::size_t receive(std::size_t most) const {
    std::vector<char> into(most);
    const ssize_t n = ::recv(peer, into.data(), into.size(), MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }

  std::unique_ptr<TcpStream> stream;
  int peer = -1;
};

class TcpStreamTest : public testing::Test {
 protected:
  /// Runs the loop until `done`; fails the test where that takes too long.
  template <class Done>
  void run_until(Done done) {
    const auto give_up = std::chrono::steady_clock::now() + Seconds{10};
    while (!done()) {
      worker_.context().restart();
      worker_.context().poll();
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    }
  }
  /// Gives events of the loopback the time of some turns.
  void turn() {
    for (int i = 0; i < 50; ++i) {
      worker_.context().restart();
      worker_.context().poll();
    }
  }

  struct Got {
    int reads = 0;
    std::string bytes;
    std::optional<ErrorCode> error;
  };
  static Task<void> read_once(Stream& stream, Got& got, std::size_t most) {
    std::string into(most, '\0');
    const auto n = co_await stream.read_some(into);
    ++got.reads;
    if (n) {
      got.bytes += into.substr(0, *n);
    } else {
      got.error = n.error().code;
    }
  }
  Got read(Stream& stream, std::size_t most = 100) {
    Got got;
    spawn(read_once(stream, got, most));
    run_until([&] { return got.reads == 1; });
    return got;
  }
  static Task<void> write_all(Stream& stream, const std::string& bytes, Got& got) {
    const auto n = co_await stream.write(bytes);
    ++got.reads;
    if (!n) got.error = n.error().code;
  }

  Worker worker_{0};
};

TEST_F(TcpStreamTest, AReadWaitsForBytesAndTakesWhatIsThere) {
  Pair pair(worker_);
  Got got;
  spawn(read_once(*pair.stream, got, 100));
  turn();
  EXPECT_EQ(got.reads, 0);
  pair.send("one");
  run_until([&] { return got.reads == 1; });
  EXPECT_EQ(got.bytes, "one");
  pair.send("two");
  EXPECT_EQ(read(*pair.stream).bytes, "two");
}

TEST_F(TcpStreamTest, BytesBeyondTheBufferAreReadWithoutAFurtherEvent) {
  Pair pair(worker_);
  pair.send("abcdefgh");
  EXPECT_EQ(read(*pair.stream, 3).bytes, "abc");
  EXPECT_EQ(read(*pair.stream, 3).bytes, "def");
  EXPECT_EQ(read(*pair.stream, 3).bytes, "gh");
}

TEST_F(TcpStreamTest, AnEndBehindBytesIsFoundAfterThem) {
  Pair pair(worker_);
  pair.send("last words");
  pair.leave();
  turn();
  EXPECT_EQ(read(*pair.stream).bytes, "last words");
  EXPECT_EQ(read(*pair.stream).error, ErrorCode::closed);
}

TEST_F(TcpStreamTest, AnEndAfterBytesWereReadIsFound) {
  Pair pair(worker_);
  pair.send("words");
  EXPECT_EQ(read(*pair.stream).bytes, "words");
  Got got;
  spawn(read_once(*pair.stream, got, 100));
  turn();
  EXPECT_EQ(got.reads, 0);
  pair.leave();
  run_until([&] { return got.reads == 1; });
  EXPECT_EQ(got.error, ErrorCode::closed);
}

TEST_F(TcpStreamTest, AResetIsAnError) {
  Pair pair(worker_);
  pair.reset();
  EXPECT_EQ(read(*pair.stream).error, ErrorCode::reset);
}

TEST_F(TcpStreamTest, AWriteBeyondTheSocketsRoomGoesOnWhenThePeerReads) {
  Pair pair(worker_);
  const std::string big(16 << 20, 'x');
  Got wrote;
  spawn(write_all(*pair.stream, big, wrote));
  turn();
  EXPECT_EQ(wrote.reads, 0);
  const auto stuck_at = pair.stream->bytes_delivered();
  EXPECT_GT(stuck_at, 0U);
  EXPECT_LT(stuck_at, big.size());
  turn();
  EXPECT_EQ(pair.stream->bytes_delivered(), stuck_at) << "nobody reads";
  // A little at a time shows long before the socket has room for more.
  std::size_t received = 0;
  run_until([&] {
    received += pair.receive(16 << 10);
    return pair.stream->bytes_delivered() > stuck_at;
  });
  EXPECT_EQ(wrote.reads, 0);
  run_until([&] {
    received += pair.receive(1 << 20);
    return wrote.reads == 1;
  });
  run_until([&] {
    received += pair.receive(1 << 20);
    return received == big.size();
  });
  EXPECT_FALSE(wrote.error);
  run_until([&] { return pair.stream->bytes_delivered() == big.size(); });
}

TEST_F(TcpStreamTest, CancelStopsBothWaysAndTheStreamGoesOn) {
  Pair pair(worker_);
  const std::string big(16 << 20, 'x');
  Got got;
  Got wrote;
  spawn(read_once(*pair.stream, got, 100));
  spawn(write_all(*pair.stream, big, wrote));
  turn();
  pair.stream->cancel();
  EXPECT_EQ(got.reads, 0) << "a waiter goes on from the loop, not inside cancel()";
  run_until([&] { return got.reads == 1 && wrote.reads == 1; });
  EXPECT_EQ(got.error, ErrorCode::cancelled);
  EXPECT_EQ(wrote.error, ErrorCode::cancelled);
  pair.send("still here");
  EXPECT_EQ(read(*pair.stream).bytes, "still here");
}

TEST_F(TcpStreamTest, AClosedStreamAnswersEveryOperation) {
  Pair pair(worker_);
  Got got;
  spawn(read_once(*pair.stream, got, 100));
  pair.stream->close();
  run_until([&] { return got.reads == 1; });
  EXPECT_EQ(got.error, ErrorCode::cancelled);
  EXPECT_EQ(read(*pair.stream).error, ErrorCode::cancelled);
  Got wrote;
  spawn(write_all(*pair.stream, "x", wrote));
  run_until([&] { return wrote.reads == 1; });
  EXPECT_TRUE(wrote.error);
  EXPECT_FALSE(pair.stream->looks_idle());
}

Task<void> read_then_destroy(Stream& stream, std::unique_ptr<TcpStream>& victim, int& reads) {
  std::string into(10, '\0');
  (void)co_await stream.read_some(into);
  ++reads;
  victim.reset();
}

TEST_F(TcpStreamTest, AStreamDestroyedInTheSameTurnHearsNothing) {
  Pair first(worker_);
  Pair second(worker_);
  Pair third(worker_);
  turn();
  int reads = 0;
  // Whichever event comes first takes the other stream away, whose own event is fetched already.
  spawn(read_then_destroy(*first.stream, second.stream, reads));
  second.send("x");
  third.send("x");
  first.send("x");
  second.send("y");
  run_until([&] { return reads == 1; });
  EXPECT_EQ(second.stream, nullptr);
  EXPECT_EQ(read(*third.stream).bytes, "x");
}

TEST_F(TcpStreamTest, AWatcherHearsOfThePeersEndOnceEvenBehindUnreadBytes) {
  Pair pair(worker_);
  int gone = 0;
  const auto count = [](void* counter) { ++*static_cast<int*>(counter); };
  pair.stream->watch_peer(count, &gone);
  pair.send("unread");
  turn();
  EXPECT_EQ(gone, 0);
  pair.leave();
  run_until([&] { return gone == 1; });
  turn();
  EXPECT_EQ(gone, 1);
  pair.stream->watch_peer(count, &gone);
  EXPECT_EQ(gone, 2) << "who asks later is told at once";
  EXPECT_EQ(read(*pair.stream).bytes, "unread");
}

TEST_F(TcpStreamTest, AnUnwatchedEndIsNotTold) {
  Pair pair(worker_);
  int gone = 0;
  pair.stream->watch_peer([](void* counter) { ++*static_cast<int*>(counter); }, &gone);
  pair.stream->unwatch_peer();
  pair.leave();
  turn();
  EXPECT_EQ(gone, 0);
}

TEST_F(TcpStreamTest, LooksIdleUntilBytesOrTheEndCome) {
  Pair pair(worker_);
  turn();
  EXPECT_TRUE(pair.stream->looks_idle());
  pair.send("abc");
  EXPECT_EQ(read(*pair.stream, 3).bytes, "abc");
  EXPECT_TRUE(pair.stream->looks_idle()) << "a full buffer may have drained the socket";
  pair.send("d");
  run_until([&] { return !pair.stream->looks_idle(); });
  EXPECT_EQ(read(*pair.stream).bytes, "d");
  EXPECT_TRUE(pair.stream->looks_idle());
  pair.leave();
  run_until([&] { return !pair.stream->looks_idle(); });
}

Task<void> read_many(Stream& stream, int times, std::vector<char>& order, char name) {
  char byte = 0;
  for (int i = 0; i < times; ++i) {
    (void)co_await stream.read_some({&byte, 1});
    order.push_back(name);
  }
}

TEST_F(TcpStreamTest, ABusyStreamLetsOthersThrough) {
  Pair busy(worker_);
  Pair other(worker_);
  busy.send(std::string(1000, 'x'));
  other.send("y");
  turn();
  std::vector<char> order;
  spawn(read_many(*busy.stream, 1000, order, 'b'));
  spawn(read_many(*other.stream, 1, order, 'o'));
  run_until([&] { return order.size() == 1001; });
  const auto when = static_cast<std::size_t>(std::ranges::find(order, 'o') - order.begin());
  EXPECT_LT(when, 100U) << "the other waited behind all reads of the busy one";
}

}  // namespace
}  // namespace portcullis::net
