#include "net/connector.hpp"

#include <optional>
#include <string>
#include <vector>

#include "loopback_listener.hpp"
#include "proves.hpp"

namespace portcullis::net {
namespace {

using boost::asio::ip::tcp;

class ConnectorTest : public testing::Test {
 protected:
  using Answer = std::optional<Result<std::unique_ptr<Stream>>>;

  /// A name service that answers when the test says so.
  Lookup lookup() {
    return [this](Worker&, const std::string&, std::uint16_t, LookupDone done) {
      asked_.push_back(std::move(done));
    };
  }
  void found(std::size_t which = 0) {
    Endpoints endpoints{{boost::asio::ip::address_v4::loopback(), peer_.port()}};
    asked_.at(which)(std::move(endpoints));
  }
  void not_found(std::size_t which) {
    asked_.at(which)(fail(ErrorCode::unavailable, "no such name"));
  }

  void start(Answer& answer, const std::string& host,
             std::shared_ptr<TlsClientContext> tls = nullptr) {
    spawn([](Worker& worker, Target target, Lookup lookup, Answer& answer) -> Task<void> {
      answer = co_await connect(worker, std::move(target), kTimeout, std::move(lookup));
    }(worker_, {host, peer_.port(), std::move(tls)}, lookup(), answer));
  }
  /// Runs what is ready; time stands still but for what the test adds.
  void settle() {
    worker_.context().restart();
    worker_.context().run_for(Milliseconds{60});
  }
  void pass(Milliseconds time) {
    clock_.advance(time);
    settle();
  }
  static bool timed_out(const Answer& answer) {
    return answer && !*answer && answer->error().code == ErrorCode::timeout &&
           answer->error().retry == Retry::safe;
  }

  static constexpr Milliseconds kTimeout{2000};
  ManualClock clock_;
  Worker worker_{0, clock_};
  LoopbackListener peer_;
  std::vector<LookupDone> asked_;
};

TEST_F(ConnectorTest, ALookupThatHangsIsLeftAtTheDeadlineAndFillsTheCacheLate) {
  Answer first;
  Answer second;
  start(first, "hangs.test");
  start(second, "hangs.test");
  EXPECT_EQ(asked_.size(), 1U) << "one lookup of a name at a time";
  pass(kTimeout - Milliseconds{100});
  EXPECT_FALSE(first);
  pass(Milliseconds{200});
  EXPECT_TRUE(timed_out(first));
  EXPECT_TRUE(timed_out(second));

  Answer third;
  start(third, "hangs.test");
  EXPECT_EQ(asked_.size(), 1U) << "it is still under way";
  found();
  settle();
  ASSERT_TRUE(third);
  EXPECT_TRUE(*third);
  Answer fourth;
  start(fourth, "hangs.test");
  settle();
  EXPECT_TRUE(fourth && *fourth);
  EXPECT_EQ(asked_.size(), 1U) << "from the cache";
}

TEST_F(ConnectorTest, WhatALateLookupFoundServesTheNext) {
  Answer first;
  start(first, "late.test");
  pass(kTimeout + Milliseconds{100});
  EXPECT_TRUE(timed_out(first));
  found();
  Answer second;
  start(second, "late.test");
  settle();
  EXPECT_TRUE(second && *second);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(ConnectorTest, AnOldNameServesWhileItIsLookedUpAnew) {
  Answer first;
  start(first, "old.test");
  found();
  settle();
  ASSERT_TRUE(first && *first);

  pass(Seconds{31});
  for (std::size_t round = 1; round <= 3; ++round) {  // the name service fails again and again
    Answer again;
    start(again, "old.test");
    settle();
    EXPECT_TRUE(again && *again) << round;
    ASSERT_EQ(asked_.size(), round + 1);
    not_found(round);
  }
  pass(Seconds{300});
  Answer last;
  start(last, "old.test");
  settle();
  EXPECT_FALSE(last) << "not for ever";
  not_found(4);
  settle();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->error().code, ErrorCode::unavailable);
}

TEST_F(ConnectorTest, NameConnectAndHandshakeShareOneDeadline) {
  auto tls = TlsClientContext::make({});
  ASSERT_TRUE(tls);
  Answer answer;
  start(answer, "mute.test", *tls);
  pass(Milliseconds{1500});
  found();
  settle();
  EXPECT_FALSE(answer) << "the handshake waits";
  pass(Milliseconds{400});
  EXPECT_FALSE(answer);
  pass(Milliseconds{200});
  EXPECT_TRUE(timed_out(answer));
}

TEST_F(ConnectorTest, TheSystemKnowsLocalhost) {
  Answer answer;
  spawn([](Worker& worker, Target target, Answer& answer) -> Task<void> {
    answer = co_await connect(worker, std::move(target), kTimeout);
  }(worker_, {"localhost", peer_.port(), nullptr}, answer));
  for (int i = 0; i < 100 && !answer; ++i) settle();
  EXPECT_TRUE(answer && *answer);
}

}  // namespace
}  // namespace portcullis::net
