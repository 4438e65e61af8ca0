#include "http/http1_connection.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>

#include "gate.hpp"
#include "net/tcp_stream.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

/// The client's end of a connection over loopback.
class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {}
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Takes what is there without waiting.
  void take() {
    char buffer[16 * 1024];
    while (true) {
      const ssize_t n = ::recv(descriptor_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        received_.append(buffer, static_cast<std::size_t>(n));
      } else {
        ended_ = ended_ || n == 0;
        was_reset_ = was_reset_ || (n < 0 && errno == ECONNRESET);
        return;
      }
    }
  }
  /// Everything that has come so far.
  const std::string& received() const noexcept { return received_; }
  /// Whether the other side has closed in order.
  bool ended() const noexcept { return ended_; }
  /// Whether the other side has cut the connection.
  bool was_reset() const noexcept { return was_reset_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  int descriptor_;
  std::string received_;
  bool ended_ = false;
  bool was_reset_ = false;
};

/// Adds what the pipeline adds to every answer.
class MarkingFilter final : public ResponseFilter {
 public:
  void apply(Exchange&, ResponseHead& head) const override { head.headers.add("X-Marked", "yes"); }
};

/// One connection, its handler in the test's hands. The loop runs on the test's own thread while
/// the test waits for something, so nothing races; time stands still until the test moves it.
class Http1ConnectionTest : public testing::Test, public Handler {
 protected:
  using Serve = Task<void> (*)(Http1ConnectionTest& test, Exchange& exchange);

  Task<void> handle(Exchange& exchange) override {
    exchange.set_filter(&filter_);
    return serve_(*this, exchange);
  }

  /// `buffers`: how many bytes the kernel may keep on each side; 0: as many as it likes.
  void connect(Serve serve, int buffers = 0) {
    serve_ = serve;
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(worker_.context());
    acceptor.open(tcp::v4());
    if (buffers > 0) acceptor.set_option(boost::asio::socket_base::send_buffer_size(buffers));
    acceptor.bind({boost::asio::ip::address_v4::loopback(), 0});
    acceptor.listen(1);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(client, 0);
    if (buffers > 0) ::setsockopt(client, SOL_SOCKET, SO_RCVBUF, &buffers, sizeof buffers);
    const auto endpoint = acceptor.local_endpoint();
    ASSERT_EQ(::connect(client, endpoint.data(), static_cast<socklen_t>(endpoint.size())), 0);
    peer_.emplace(client);
    server_.serve(std::make_unique<net::TcpStream>(worker_, acceptor.accept()), {},
                  [this] { ++closed_; });
  }

  /// Runs the loop until `done`, for ten seconds at most.
  template <typename Done>
  [[nodiscard]] bool until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + Seconds{10};
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      worker_.context().restart();
      worker_.context().run_one_for(Milliseconds{20});
      peer_->take();
    }
    return true;
  }
  [[nodiscard]] bool received(std::string_view text) {
    return until([&] { return peer_->received().find(text) != std::string::npos; });
  }
  /// Moves the clock, and lets the wheel turn as far.
  void advance(Milliseconds by) {
    bool passed = false;
    const auto note = [](bool& out, net::Worker& worker, Milliseconds wait) -> Task<void> {
      co_await worker.sleep(wait);
      out = true;
    };
    spawn(note(passed, worker_, by));
    clock_.advance(by + Milliseconds{40});
    const auto deadline = std::chrono::steady_clock::now() + Seconds{10};
    while (!passed) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      worker_.context().restart();
      worker_.context().run_one_for(Milliseconds{20});
    }
  }

  void TearDown() override {
    server_.abort_all();
    if (peer_) EXPECT_TRUE(until([this] { return server_.open() == 0; }));
    peer_.reset();
    // The wait for the peer completes with the socket's end.
    worker_.context().restart();
    worker_.context().poll();
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  MarkingFilter filter_;
  Serve serve_ = nullptr;
  Http1Server server_{worker_, *this};
  std::optional<Peer> peer_;
  int closed_ = 0;

  // What handlers note for their test.
  Gate gate_;
  std::string leftover_;
  std::string heard_;
  std::optional<Error> error_;
  bool gone_ = false;
  bool hook_called_ = false;
  bool finished_ = false;
};

ResponseHead switching() {
  ResponseHead head;
  head.status = 101;
  head.headers.add("Upgrade", "echo");
  return head;
}

constexpr std::string_view kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Answers each piece with itself in brackets until the client ends.
Task<void> echo(std::string& heard, std::optional<Error>& error, net::Stream& stream) {
  while (true) {
    char buffer[64];
    const auto got = co_await stream.read_some(buffer);
    if (!got) {
      error = got.error();
      co_return;
    }
    const std::string_view piece(buffer, *got);
    heard += piece;
    const std::string answer = "[" + std::string(piece) + "]";
    if (!co_await stream.write(answer)) co_return;
  }
}

/// An upgrade: at once, at once but read when the test opens its gate, or when it opens its gate.
struct Upgrading : Http1ConnectionTest {
  static Task<void> at_once(Http1ConnectionTest& test, Exchange& exchange) {
    return static_cast<Upgrading&>(test).serve(exchange, false);
  }
  static Task<void> gated(Http1ConnectionTest& test, Exchange& exchange) {
    return static_cast<Upgrading&>(test).serve(exchange, true);
  }
  static Task<void> after_the_body(Http1ConnectionTest& test, Exchange& exchange) {
    (void)co_await exchange.read_body(100);
    co_await static_cast<Upgrading&>(test).serve(exchange, false);
  }
  static Task<void> late(Http1ConnectionTest& test, Exchange& exchange) {
    auto& self = static_cast<Upgrading&>(test);
    co_await self.gate_;
    co_await self.serve(exchange, false);
  }
  Task<void> serve(Exchange& exchange, bool wait) {
    exchange.set_hook([this] { hook_called_ = true; });
    const auto upgraded = co_await exchange.upgrade(switching());
    if (!upgraded) {
      error_ = upgraded.error();
      gone_ = exchange.gone();
      finished_ = true;
      if (!exchange.answered()) co_await exchange.send(Response::text(400, "text/plain", "no"));
      co_return;
    }
    if (wait) co_await gate_;
    leftover_ = upgraded->leftover;
    co_await echo(heard_, error_, *upgraded->stream);
    gone_ = exchange.gone();
    finished_ = true;
  }
};

TEST_F(Upgrading, Answers101ThroughTheFilterAndHandsTheStreamOver) {
  connect(at_once);
  peer_->send(kUpgrade);
  ASSERT_TRUE(received("\r\n\r\n"));
  const std::string head = peer_->received();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
  for (const char* line :
       {"\r\nUpgrade: echo\r\n", "\r\nConnection: Upgrade\r\n", "\r\nX-Marked: yes\r\n"}) {
    EXPECT_NE(head.find(line), std::string::npos) << line << " in " << head;
  }
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos);
  for (const char* word : {"one", "two", "three"}) {
    peer_->send(word);
    ASSERT_TRUE(received("[" + std::string(word) + "]"));
  }
  EXPECT_EQ(peer_->received(), head + "[one][two][three]") << "no framing of HTTP";
  EXPECT_EQ(leftover_, "");
}

TEST_F(Upgrading, WhatCameBehindTheHeadIsHandedOverWithIt) {
  connect(at_once);
  peer_->send(std::string(kUpgrade) + "GET /not-a-request HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(received("\r\n\r\n"));
  peer_->send("more");
  ASSERT_TRUE(received("[more]"));
  EXPECT_EQ(leftover_, "GET /not-a-request HTTP/1.1\r\n\r\n") << "and it is no second request";
  EXPECT_EQ(heard_, "more");
}

TEST_F(Upgrading, WhatCameBehindTheHeadStaysReadableWhileTheHandlerWaits) {
  connect(gated);
  const std::string early(3000, 'e');
  peer_->send(std::string(kUpgrade) + early);
  ASSERT_TRUE(received("\r\n\r\n"));
  // The moment at which a stream's buffers are given back passes.
  advance(Milliseconds{100});
  gate_.open();
  EXPECT_EQ(leftover_, early);
  peer_->send("more");
  ASSERT_TRUE(received("[more]"));
}

constexpr std::string_view kUpgradeWithBody =
    "POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
    "Content-Length: 4\r\n\r\nbody";

TEST_F(Upgrading, ARequestWhoseBodyIsNotReadIsNotUpgraded) {
  connect(at_once);
  peer_->send(kUpgradeWithBody);
  ASSERT_TRUE(received("\r\n\r\nno"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 400 ")) << peer_->received();
  EXPECT_NE(peer_->received().find("\r\nX-Marked: yes\r\n"), std::string::npos);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code, ErrorCode::malformed);
  EXPECT_FALSE(gone_);
  // The connection goes on behind that body.
  peer_->send(kUpgrade);
  ASSERT_TRUE(received("HTTP/1.1 101 "));
}

TEST_F(Upgrading, WhatIsHandedOverBeginsBehindTheBody) {
  connect(after_the_body);
  peer_->send(std::string(kUpgradeWithBody) + "early");
  ASSERT_TRUE(received("HTTP/1.1 101 "));
  peer_->send("more");
  ASSERT_TRUE(received("[more]"));
  EXPECT_EQ(leftover_, "early");
}

TEST_F(Upgrading, TheConnectionEndsWithTheHandler) {
  connect(at_once);
  peer_->send(kUpgrade);
  ASSERT_TRUE(received("\r\n\r\n"));
  EXPECT_EQ(server_.open(), 1U);
  peer_->close();
  ASSERT_TRUE(until([this] { return closed_ == 1; }));
  EXPECT_TRUE(finished_);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code, ErrorCode::closed);
  EXPECT_EQ(server_.open(), 0U);
}

TEST_F(Upgrading, AnExchangeThatLastedBeforeItWasUpgradedLeavesTheStreamToItsReader) {
  // The client is being watched by then; from the upgrade on, its words belong to the reader.
  connect(late);
  peer_->send(kUpgrade);
  ASSERT_TRUE(until([this] { return gate_.waited_for(); }));
  advance(Milliseconds{100});
  gate_.open();
  ASSERT_TRUE(received("\r\n\r\n"));
  for (const char* word : {"one", "two"}) {
    peer_->send(word);
    ASSERT_TRUE(received("[" + std::string(word) + "]"));
    advance(Milliseconds{100});
  }
  // Nobody looks after the client but who reads: the wheel stands still.
  EXPECT_EQ(worker_.deadlines().armed(), 0U);
  EXPECT_FALSE(hook_called_);
}

TEST_F(Upgrading, AClientThatLeftBeforeTheAnswerIsGone) {
  connect(late);
  peer_->send(kUpgrade);
  ASSERT_TRUE(until([this] { return gate_.waited_for(); }));
  peer_->reset();
  gate_.open();
  ASSERT_TRUE(until([this] { return closed_ == 1; }));
  EXPECT_TRUE(error_);
  EXPECT_TRUE(gone_);
  EXPECT_TRUE(hook_called_);
}

TEST_F(Upgrading, DrainingIsToldToTheHandlerAndCutsNothing) {
  connect(at_once);
  peer_->send(kUpgrade);
  ASSERT_TRUE(received("\r\n\r\n"));
  EXPECT_FALSE(hook_called_);
  server_.drain();
  EXPECT_TRUE(hook_called_);
  peer_->send("still");
  ASSERT_TRUE(received("[still]"));
  server_.abort_all();
  ASSERT_TRUE(until([this] { return closed_ == 1; }));
  EXPECT_TRUE(finished_);
  EXPECT_TRUE(gone_);
}

// ---- a handler that fails

struct Failing : Http1ConnectionTest {
  static Task<void> after_start(Exchange& exchange) {
    if (!co_await exchange.start({})) co_return;
    if (!co_await exchange.write("the first half")) co_return;
    throw std::runtime_error("no second half");
  }
  /// The pipeline can only report what escapes a handler that has begun its answer.
  static Task<void> serve(Http1ConnectionTest& test, Exchange& exchange) {
    try {
      co_await after_start(exchange);
    } catch (const std::runtime_error&) {
      static_cast<Failing&>(test).finished_ = true;
    }
  }
};

TEST_F(Failing, AStreamThatIsNotEndedIsCutInEveryVersion) {
  for (const char* version : {"HTTP/1.0", "HTTP/1.1"}) {
    finished_ = false;
    connect(serve);
    peer_->send("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(until([this] { return finished_ && server_.open() == 0; }));
    ASSERT_TRUE(until([this] { return peer_->was_reset() || peer_->ended(); }));
    EXPECT_TRUE(peer_->was_reset()) << version << " looks whole: " << peer_->received();
    EXPECT_EQ(peer_->received().find("\r\n0\r\n"), std::string::npos);
  }
}

// ---- the server stops while a head is on its way

struct Draining : Http1ConnectionTest {
  static Task<void> status(Http1ConnectionTest&, Exchange& exchange) {
    const bool late =
        exchange.framing_error() && exchange.framing_error()->code == Code::request_timeout;
    co_await exchange.send(Response::text(late ? 408 : 200, "text/plain", "answered"));
  }
  void send_half() {
    connect(status);
    peer_->send("GET / HTTP/1.1\r\nHo");
    advance(Milliseconds{100});  // it is read by then
  }
};

TEST_F(Draining, AHeadThatHasBegunGetsASecondMore) {
  send_half();
  server_.drain();
  advance(Milliseconds{800});
  EXPECT_EQ(peer_->received(), "");
  advance(Milliseconds{200});
  ASSERT_TRUE(received("answered"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 408 ")) << peer_->received();
  peer_->close();
  ASSERT_TRUE(until([this] { return closed_ == 1; }));
}

TEST_F(Draining, AHeadThatIsCompletedWithinThatSecondIsAnswered) {
  send_half();
  server_.drain();
  peer_->send("st: a\r\n\r\n");
  ASSERT_TRUE(received("answered"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 200 ")) << peer_->received();
  EXPECT_NE(peer_->received().find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(Draining, AHeadThatCameByteByByteForLongGetsNoMoreThanItsOwnDeadline) {
  send_half();
  advance(Milliseconds{9500});
  server_.drain();
  advance(Milliseconds{500});
  ASSERT_TRUE(received("answered"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 408 ")) << peer_->received();
}

// ---- a stream whose reader is slow from its first byte on

struct Streaming : Http1ConnectionTest {
  static constexpr std::size_t kBytes = 4 << 20;
  static Task<void> much(Http1ConnectionTest& test, Exchange& exchange) {
    auto& self = static_cast<Streaming&>(test);
    if (!co_await exchange.start({})) co_return;
    self.started_ = true;
    std::string text(kBytes, 'a');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    self.sent_ = text;
    if (!co_await exchange.write(text)) co_return;
    co_await exchange.end();
    self.finished_ = true;
  }
  bool started_ = false;
  std::string sent_;
};

TEST_F(Streaming, BuffersAreNotGivenBackWhileTheyAreBeingSent) {
  connect(much, 4096);
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  // Not with until(), which reads: the answer has to fill what the kernel keeps.
  while (!started_) worker_.context().run_one_for(Milliseconds{20});
  advance(Milliseconds{100});
  EXPECT_FALSE(finished_) << "the kernel took it all, so nothing was tried";
  ASSERT_TRUE(until([this] { return peer_->ended(); }));
  const std::string& got = peer_->received();
  const auto body = got.find("\r\n\r\n") + 4;
  const auto chunk = got.find("\r\n", body) + 2;
  ASSERT_GT(got.size(), chunk + kBytes);
  EXPECT_TRUE(std::string_view(got).substr(chunk, kBytes) == sent_) << "other bytes were sent";
  EXPECT_TRUE(got.ends_with("\r\n0\r\n\r\n"));
}

/// Bodies that are read in pieces, and answers whose length is said before.
class InPieces : public Http1ConnectionTest {
 protected:
  /// Reads pieces to the end, and answers with how many bytes there were.
  static Task<void> take_all(Http1ConnectionTest& test, Exchange& exchange) {
    std::size_t size = 0;
    while (true) {
      const auto piece = co_await exchange.read_some_body(kLimit);
      if (!piece) {
        static_cast<InPieces&>(test).fault() = piece.error();
        co_return co_await exchange.send(Response::text(400, "text/plain", "bad"));
      }
      if (piece->empty()) break;
      size += piece->size();
      static_cast<InPieces&>(test).heard() += *piece;
    }
    co_await exchange.send(Response::text(200, "text/plain", std::to_string(size)));
  }
  std::optional<Error>& fault() { return error_; }
  std::string& heard() { return heard_; }

  static constexpr std::uint64_t kLimit = 1000;
};

TEST_F(InPieces, ABodyOfKnownLengthIsHandedOnAsItComes) {
  connect(take_all);
  peer_->send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123");
  ASSERT_TRUE(until([this] { return heard_ == "0123"; })) << "before the rest is there";
  peer_->send("456789GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(received("\r\n\r\n10"));
  EXPECT_EQ(heard_, "0123456789");
  ASSERT_TRUE(received("\r\n\r\n0")) << "what follows the body is the next request";
}

TEST_F(InPieces, ChunksAreHandedOnWithoutTheirFrames) {
  connect(take_all);
  peer_->send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n");
  ASSERT_TRUE(until([this] { return heard_ == "0123"; }));
  peer_->send("2;x=y\r\n45\r\n0\r\nTrailer: t\r\n\r\n");
  ASSERT_TRUE(received("\r\n\r\n6"));
  EXPECT_EQ(heard_, "012345");
}

TEST_F(InPieces, WhatIsAboveTheLimitIsRefusedAndTheConnectionEnds) {
  for (const std::string_view request :
       {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"}) {
    connect(take_all);
    peer_->send(request);
    peer_->send(std::string(1001, 'x'));
    ASSERT_TRUE(received("HTTP/1.1 400"));
    EXPECT_EQ(error_->code, ErrorCode::too_large);
    EXPECT_NE(peer_->received().find("Connection: close"), std::string::npos);
    server_.abort_all();
    ASSERT_TRUE(until([this] { return server_.open() == 0; }));
  }
}

TEST_F(InPieces, TheRestOfABodyThatWasBegunIsNeverTakenForARequest) {
  connect([](Http1ConnectionTest&, Exchange& exchange) -> Task<void> {
    (void)co_await exchange.read_some_body(kLimit);
    co_await exchange.send(Response::text(502, "text/plain", "gave up"));
  });
  peer_->send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 45\r\n\r\n0123");
  ASSERT_TRUE(received("gave up"));
  peer_->send("GET /hidden HTTP/1.1\r\nHost: a\r\nX: 0123456789\r\n\r\n");
  advance(Seconds{3});
  ASSERT_TRUE(until([this] { return peer_->ended() || peer_->was_reset(); }));
  EXPECT_EQ(peer_->received().find("gave up"), peer_->received().rfind("gave up"));
}

TEST_F(InPieces, OnlyTimeInWhichSomebodyWaitsForBytesCounts) {
  connect([](Http1ConnectionTest& test, Exchange& exchange) -> Task<void> {
    (void)co_await exchange.read_some_body(kLimit);
    co_await exchange.worker().sleep(Seconds{60});  // a service that takes its time
    co_await take_all(test, exchange);
  });
  peer_->send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n0123");
  for (int i = 0; i < 13; ++i) advance(Seconds{5});
  peer_->send("4567");
  ASSERT_TRUE(received("HTTP/1.1 200")) << peer_->received();
}

TEST_F(InPieces, WhoSendsTooSlowlyIsTold) {
  connect(take_all);
  peer_->send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0");
  ASSERT_TRUE(until([this] { return heard_ == "0"; }));
  for (int i = 0; i < 4; ++i) advance(Seconds{2});
  ASSERT_TRUE(received("HTTP/1.1 400"));
  EXPECT_EQ(error_->code, ErrorCode::timeout);
}

TEST_F(InPieces, AnAnswerOfKnownLengthIsNotChunked) {
  connect([](Http1ConnectionTest&, Exchange& exchange) -> Task<void> {
    ResponseHead head;
    head.content_length = 6;
    (void)co_await exchange.start(std::move(head));
    (void)co_await exchange.write("one");
    (void)co_await exchange.write("two");
    co_await exchange.end();
  });
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(received("\r\n\r\nonetwo"));
  EXPECT_NE(peer_->received().find("Content-Length: 6\r\n"), std::string::npos);
  EXPECT_EQ(peer_->received().find("chunked"), std::string::npos);
  peer_->send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(until([this] {
    const auto& all = peer_->received();
    return all.find("Content-Length: 6", all.find("onetwo")) != std::string::npos;
  })) << "the connection goes on";
}

TEST_F(InPieces, AnAnswerThatIsShorterThanWasSaidIsCut) {
  connect([](Http1ConnectionTest&, Exchange& exchange) -> Task<void> {
    ResponseHead head;
    head.content_length = 6;
    (void)co_await exchange.start(std::move(head));
    (void)co_await exchange.write("one");
    co_await exchange.end();
  });
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(until([this] { return peer_->was_reset() || peer_->ended(); }));
}

TEST_F(InPieces, AnAnswerThatIsLongerThanWasSaidEndsThere) {
  connect([](Http1ConnectionTest&, Exchange& exchange) -> Task<void> {
    ResponseHead head;
    head.content_length = 3;
    (void)co_await exchange.start(std::move(head));
    (void)co_await exchange.write("one");
    EXPECT_EQ((co_await exchange.write("two")).error().code, ErrorCode::too_large);
    co_await exchange.end();
  });
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(until([this] { return peer_->was_reset() || peer_->ended(); }));
  EXPECT_TRUE(peer_->received().ends_with("\r\n\r\none"));
}

TEST_F(InPieces, AnswersWithoutABodySayNoLength) {
  connect([](Http1ConnectionTest&, Exchange& exchange) -> Task<void> {
    ResponseHead head;
    head.status = 304;
    head.content_length = 6;
    (void)co_await exchange.start(std::move(head));
    co_await exchange.end();
  });
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(received("304"));
  ASSERT_TRUE(received("\r\n\r\n"));
  EXPECT_EQ(peer_->received().find("Content-Length"), std::string::npos);
  EXPECT_EQ(peer_->received().find("chunked"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::http
