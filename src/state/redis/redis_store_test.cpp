#include "state/redis/redis_store.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "proves.hpp"
#include "redis_store_fixture.hpp"
#include "state/limiter.hpp"
#include "state/memory_store.hpp"

namespace portcullis::state {
namespace {

class RedisStoreTest : public RedisStoreFixture {
 protected:
  static void SetUpTestSuite() { server_ = new RedisServer(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  RedisStoreOptions options() { return RedisStoreFixture::options(server_->port()); }

  static RedisServer* server_;
};
RedisServer* RedisStoreTest::server_ = nullptr;

enum class Kind : std::uint8_t { server, cluster };

/// What holds on a single server and on a cluster.
class RedisStoreAnywhere : public RedisStoreFixture, public testing::WithParamInterface<Kind> {
 protected:
  static void SetUpTestSuite() {
    server_ = new RedisServer();
    cluster_ = new RedisCluster();
  }
  static void TearDownTestSuite() {
    delete server_;
    delete cluster_;
    server_ = nullptr;
    cluster_ = nullptr;
  }
  RedisStoreOptions options() {
    auto out = RedisStoreFixture::options(GetParam() == Kind::server ? server_->port()
                                                                     : (*cluster_)[1].port());
    std::ranges::replace(out.prefix, '/', ':');
    return out;
  }

  static RedisServer* server_;
  static RedisCluster* cluster_;
};
RedisServer* RedisStoreAnywhere::server_ = nullptr;
RedisCluster* RedisStoreAnywhere::cluster_ = nullptr;

INSTANTIATE_TEST_SUITE_P(Redis, RedisStoreAnywhere, testing::Values(Kind::server, Kind::cluster),
                         [](const auto& info) {
                           return info.param == Kind::server ? "Server" : "Cluster";
                         });

bool operator==(const Admission& a, const Admission& b) {
  return a.admitted == b.admitted && a.decided_by == b.decided_by && a.remaining == b.remaining &&
         a.reset == b.reset && a.paced == b.paced && a.offence == b.offence && a.limit == b.limit;
}
std::string text_of(const Admission& a) {
  return std::string(a.admitted ? "admitted" : "refused") + " by " + std::to_string(a.decided_by) +
         " remaining " + std::to_string(a.remaining) + " reset " + std::to_string(a.reset.count()) +
         " limit " + std::to_string(a.limit) + (a.paced ? " paced" : "") +
         (a.offence ? " offence" : "");
}

TEST_F(RedisStoreTest, DecidesAsTheLimiterInMemoryDoes) {
  PROVES("F001,F006,F139,F140");
  Node node(options());
  Limiter limiter(100'000, clock_);
  std::mt19937 random(11);
  const auto pick = [&](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  int refused = 0;
  int paced = 0;
  int offences = 0;
  int suspicious = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::string address = std::to_string(pick(3));
    AdmitRequest request;
    const auto watched =
        request.add(Subject{key_of("address", address), address == "2" && pick(50) == 0});
    request.add({"minute", key_of("minute", address), 12, Seconds{60},
                 static_cast<std::uint32_t>(1 + pick(2)), watched});
    request.add({"hour", key_of("hour", address), 400, Seconds{3600}, 1, watched});
    if (pick(2) == 0) {
      const std::string session = std::to_string(pick(5));
      const auto speaker = request.add(Subject{key_of("session", session)});
      request.add({"session", key_of("session-minute", session), 8, Seconds{60}, 1, speaker});
    }
    request.add({"site", key_of("site", "a"), 60, Seconds{60}, 1, Charge::kNobody});
    if (pick(40) == 0) {
      const Key subject = key_of("address", address);
      const double points = pick(4) == 0 ? 5 : -12;
      const double here = limiter.note(subject, points);
      const auto there = node([&](Store& s) { return s.note(subject, points); });
      ASSERT_TRUE(there) << there.error().detail;
      ASSERT_NEAR(*there, here, 0.01) << i;
      suspicious += here < Reputation::kSuspicious ? 1 : 0;
    }
    const Admission here = limiter.charge(request);
    const Admission there = admit(node, request).admission;
    ASSERT_TRUE(here == there) << i << ": in memory " << text_of(here) << ", in Redis "
                               << text_of(there);
    refused += here.admitted ? 0 : 1;
    paced += here.paced ? 1 : 0;
    offences += here.offence ? 1 : 0;
    const int pause = pick(100);
    clock_.advance(Milliseconds{pause < 70   ? pick(600)
                                : pause < 99 ? pick(9000)
                                             : pick(1'200'000)});
  }
  EXPECT_GT(refused, 300);
  EXPECT_GT(paced, 50);
  EXPECT_GT(offences, 3);
  EXPECT_GT(suspicious, 10);
}

TEST_P(RedisStoreAnywhere, ManyNodesAdmitExactlyTheLimit) {
  PROVES("F001");
  auto with_server_clock = options();
  with_server_clock.clock = nullptr;
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(std::make_unique<Node>(with_server_clock));
  std::atomic<int> admitted{0};
  std::vector<std::jthread> threads;
  for (auto& node : nodes) {
    threads.emplace_back([&admitted, &node] {
      for (int i = 0; i < 100; ++i) {
        AdmitRequest request;
        request.add({"minute", key_of("race", "one"), 64, Seconds{3600}});
        const auto answer = (*node)([&](Store& s) { return s.admit(request); });
        if (answer && answer->admission.admitted) ++admitted;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(admitted, 64);
}

TEST_P(RedisStoreAnywhere, HoldsSessionsAsTheStoreInMemoryDoes) {
  Node node(options());
  Node other(options());
  const auto id = session_of(1);
  AdmitRequest look;
  look.session = session_key(id);
  EXPECT_EQ(admit(node, look).session.status, SessionView::Status::unknown);
  EXPECT_EQ(begin(node, message_of(1, "m1", "Hello")).kind, BeginOutcome::Kind::started);
  const auto view = admit(other, look).session;
  EXPECT_EQ(view.status, SessionView::Status::live) << "on another node";
  EXPECT_EQ(view.message_count, 1U);
  EXPECT_EQ(epoch_seconds(view.last_active), epoch_seconds(clock_.wall()));

  const WallTime created = clock_.wall();
  ASSERT_TRUE(other([&](Store& s) { return s.end_session(id, created); }));
  EXPECT_EQ(admit(node, look).session.status, SessionView::Status::ended);
  EXPECT_EQ(begin(node, message_of(1, "m2", "again")).kind, BeginOutcome::Kind::ended);
  const auto page = node([&](Store& s) { return s.history(id, 10, 0); });
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 0U) << "its data went with it";
}

TEST_P(RedisStoreAnywhere, RemembersWhoSpeaksInASessionAsTheStoreInMemoryDoes) {
  Node node(options());
  Node other(options());
  MemoryStore memory({}, clock_);
  const WallTime created = clock_.wall();
  int sent = 0;
  const auto send = [&](std::optional<Sender> sender) {
    auto message = message_of(1, std::to_string(++sent), "hi");
    message.session_created = created;
    message.sender = sender;
    (void)memory.begin_message(message);
    EXPECT_EQ(begin(node, std::move(message)).kind, BeginOutcome::Kind::started);
  };
  const auto expect_same = [&] {
    AdmitRequest look;
    look.session = session_key(session_of(1));
    const auto mine = memory.admit(look).value()->session.use;
    const auto use = admit(other, look).session.use;
    EXPECT_EQ(use.owner_active, mine.owner_active);
    EXPECT_EQ(use.others_active, mine.others_active);
    EXPECT_EQ(use.others_network, mine.others_network);
    EXPECT_EQ(use.owner_early, mine.owner_early);
    EXPECT_EQ(use.others_early, mine.others_early);
    return mine;
  };
  expect_same();
  send(std::nullopt);
  expect_same();
  send(Sender{true, 5});
  expect_same();
  clock_.advance(Milliseconds{1234});
  send(Sender{false, ~std::uint64_t{0}});
  EXPECT_EQ(expect_same().others_network, ~std::uint64_t{0});
  clock_.advance(Seconds{3600});
  send(Sender{true, 5});
  const auto use = expect_same();
  EXPECT_EQ(use.owner_early, 1U) << "after its first hour";
  EXPECT_EQ(use.others_early, 1U);
}

TEST_P(RedisStoreAnywhere, KeepsBothSidesOfAConversation) {
  Node node(options());
  Node other(options());
  const auto id = session_of(1);
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    begin(node, message_of(1, "m" + n, "question " + n + " ü"));
    ASSERT_TRUE(other([&](Store& s) {
      return s.add_answer(
          id, {Message::Role::assistant, "a" + n, "answer " + n, clock_.wall(), "m" + n});
    }));
    clock_.advance(Seconds{1});
  }
  const auto page = other([&](Store& s) { return s.history(id, 3, 1); });
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 6U);
  ASSERT_EQ(page->messages.size(), 3U);
  EXPECT_EQ(page->messages[0].content, "answer 0");
  EXPECT_EQ(page->messages[0].role, Message::Role::assistant);
  EXPECT_EQ(page->messages[1].content, "question 1 ü");
  EXPECT_EQ(epoch_millis(page->messages[1].created), epoch_millis(clock_.wall()) - 2000);
  const auto answer = node([&](Store& s) { return s.find_answer(id, "m2"); });
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->content, "answer 2");
  const auto none = node([&](Store& s) { return s.find_answer(id, "m9"); });
  EXPECT_TRUE(none && !*none);
}

/// Admissions of one window as they were, to the millisecond.
class ExactLog {
 public:
  void add(WallTime at, std::uint32_t cost) { admitted_.push_back({at, cost}); }
  std::uint32_t since(WallTime after) const {
    std::uint32_t out = 0;
    for (const auto& [at, cost] : admitted_) out += at > after ? cost : 0;
    return out;
  }

 private:
  std::vector<std::pair<WallTime, std::uint32_t>> admitted_;
};

/// Random schedules over three nodes against two sentences: never more than the limit in any real
/// window, and a refusal outlasts that of an exact log by at most a twelfth of the window.
TEST_P(RedisStoreAnywhere, ThreeNodesKeepTheLimitsInAnyOrder) {
  PROVES("F001");
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(std::make_unique<Node>(options()));
  const Script nothing("nothing", "return 1");
  std::map<Key, ExactLog> logs;
  std::mt19937 random(7);
  const auto pick = [&](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  int refused = 0;
  for (int i = 0; i < 1500; ++i) {
    AdmitRequest request;
    const auto charge = [&](const char* tier, const Key& key, std::uint32_t limit, Seconds window) {
      request.add({tier, key, limit, window, static_cast<std::uint32_t>(1 + pick(2))});
    };
    const std::string address = std::to_string(pick(4));
    charge("minute", key_of("minute", address), 9, Seconds{60});
    charge("hour", key_of("hour", address), 200, Seconds{3600});
    charge("session", key_of("session", std::to_string(pick(6))), 7, Seconds{60});
    charge("site", key_of("site", "a"), 24, Seconds{60});
    Node& node = *nodes[static_cast<std::size_t>(pick(3))];
    const bool admitted = admit(node, request).admission.admitted;
    const WallTime now = clock_.wall();
    bool full = false;
    for (std::size_t c = 0; c < request.count; ++c) {
      const Charge& it = request.charges[c];
      ExactLog& log = logs[it.key];
      if (admitted) log.add(now, it.cost);
      ASSERT_LE(log.since(now - it.window), it.limit) << i << ": " << it.tier;
      full |= log.since(now - it.window - it.window / 12) + it.cost > it.limit;
    }
    ASSERT_TRUE(admitted || full) << i << ": refused, though every window has room";
    if (!admitted) {
      ++refused;
      // What is given back goes the same way as this does, before it.
      for (std::size_t c = 0; c < request.count; ++c) {
        const auto name =
            KeyNames(options().prefix, GetParam() == Kind::server ? 1 : RedisStore::kBuckets)
                .of("window", request.charges[c].key);
        const std::array<std::string_view, 1> keys{name};
        ASSERT_TRUE(node([&](RedisStore& s) { return s.run(nothing, keys, {}); }));
      }
    }
    clock_.advance(Milliseconds{pick(100) < 98 ? pick(4000) : pick(400'000)});
  }
  EXPECT_GT(refused, 200);
  EXPECT_LT(refused, 1300);
}

/// What took room and was refused elsewhere takes none: neither units, nor pace, nor a claim.
TEST_P(RedisStoreAnywhere, WhatARefusedRequestTookIsGivenBack) {
  PROVES("F001");
  Node node(options());
  const auto request_of = [&](const char* address) {
    AdmitRequest request;
    const auto watched = request.add(Subject{key_of("address", address), true});
    request.add({"minute", key_of("minute", address), 600, Seconds{60}, 1, watched});
    request.add({"site", key_of("site", "a"), 1, Seconds{60}});
    request.claim = Claim{key_of("claim", address), key_of("presenter", address), Claim::Use::take};
    return request;
  };
  ASSERT_TRUE(admit(node, request_of("first")).admission.admitted);
  for (int i = 0; i < 30; ++i) {
    const auto answer = admit(node, request_of("second"));
    ASSERT_FALSE(answer.admission.admitted);
    EXPECT_EQ(answer.admission.decided_by, 1U);
    EXPECT_FALSE(answer.admission.paced) << "thirty in a moment are more than a pace's burst";
    EXPECT_EQ(answer.claim, ClaimStanding::unknown);
  }
  AdmitRequest alone = request_of("second");
  alone.count = 1;
  const auto answer = admit(node, alone);
  EXPECT_TRUE(answer.admission.admitted);
  EXPECT_EQ(answer.admission.remaining, 599);
  EXPECT_EQ(answer.claim, ClaimStanding::unknown) << "nobody has claimed it yet";
}

TEST_P(RedisStoreAnywhere, WhatIsRevokedAtOneNodeIsSoAtAll) {
  Node one(options());
  Node two(options());
  std::vector<Key> tokens;
  for (int i = 0; i < 8; ++i) tokens.push_back(key_of("token", std::to_string(i)));
  const WallTime now = clock_.wall();
  const auto revoked = [&](const Key& key, WallTime issued) {
    AdmitRequest look;
    // Of several that may be, one is enough, wherever it lies.
    look.may_be_revoked_by(key_of("user", "somebody"));
    look.may_be_revoked_by(key);
    look.issued = issued;
    look.add({"minute", key_of("minute", "revocations"), 1000, Seconds{60}});
    const auto answer = two([&](Store& s) { return s.admit(look); });
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer && answer->revoked;
  };
  for (const auto& token : tokens) {
    EXPECT_FALSE(revoked(token, now));
    ASSERT_TRUE(
        one([&](Store& s) { return s.revoke({token, now + Seconds{10}, now + Seconds{60}}); }));
    EXPECT_TRUE(revoked(token, now + Seconds{9}));
    EXPECT_FALSE(revoked(token, now + Seconds{10})) << "issued anew";
    // What is known only grows.
    ASSERT_TRUE(one([&](Store& s) { return s.revoke({token, now, now + Seconds{1}}); }));
    EXPECT_TRUE(revoked(token, now + Seconds{9}));
  }
}

TEST_F(RedisStoreTest, TheServerSeesNoTextAndNoToken) {
  PROVES("F166");
  Node node(options());
  const auto id = session_of(77);
  begin(node, message_of(77, "m", "my secret illness", "client-1"));
  const Script script("dump", R"(
      local out = ''
      for _, key in ipairs(redis.call('KEYS', '*')) do
        out = out .. key .. '=' .. redis.call('DUMP', key) .. '\n'
      end
      return out)");
  const auto reply = node([&](RedisStore& s) { return s.run(script, {}, {}); });
  ASSERT_TRUE(reply);
  const auto dump = reply->text();
  EXPECT_NE(dump.find("history:"), std::string::npos);
  EXPECT_EQ(dump.find("illness"), std::string::npos);
  EXPECT_EQ(dump.find("client-1"), std::string::npos);
  EXPECT_EQ(dump.find(std::string_view(reinterpret_cast<const char*>(id.data()), id.size())),
            std::string::npos);
}

TEST_P(RedisStoreAnywhere, ARepeatedSendIsADuplicateUnlessItFailed) {
  Node node(options());
  using Kind = BeginOutcome::Kind;
  EXPECT_EQ(begin(node, message_of(1, "m1", "Hello", "c1")).kind, Kind::started);
  const auto again = begin(node, message_of(1, "m2", "Hello", "c1"));
  EXPECT_EQ(again.kind, Kind::duplicate);
  EXPECT_EQ(again.message_id, "m1");
  EXPECT_EQ(begin(node, message_of(1, "m3", "Other", "c1")).kind, Kind::conflict);
  const auto id = session_of(1);
  ASSERT_TRUE(node([&](Store& s) { return s.fail_message(id, "m1"); }));
  const auto retried = begin(node, message_of(1, "m4", "Hello", "c1"));
  EXPECT_EQ(retried.kind, Kind::started);
  EXPECT_EQ(retried.message_id, "m1");
  EXPECT_EQ(retried.message_count, 1U);
  for (int i = 0; i < 64; ++i) {
    begin(node, message_of(1, "n" + std::to_string(i), "x", "d" + std::to_string(i)));
  }
  EXPECT_EQ(begin(node, message_of(1, "m5", "Hello", "c1")).kind, Kind::started)
      << "the first of sixty-five is forgotten";
  EXPECT_EQ(begin(node, message_of(1, "m6", "x", "d63")).kind, Kind::duplicate);
}

TEST_P(RedisStoreAnywhere, BoundsAHistoryByMessagesAndBytes) {
  auto small = options();
  small.history_max_messages = 3;
  small.history_max_bytes = 1000;
  Node node(small);
  for (int i = 0; i < 5; ++i) begin(node, message_of(1, "m" + std::to_string(i), "short"));
  const auto count = [&](int session) {
    return node([&](Store& s) { return s.history(session_of(session), 100, 0); })->total;
  };
  EXPECT_EQ(count(1), 3U);
  for (int i = 0; i < 3; ++i) {
    begin(node, message_of(2, "m" + std::to_string(i), std::string(400, 'x')));
  }
  EXPECT_EQ(count(2), 2U);
  begin(node, message_of(2, "big", std::string(2000, 'x')));
  EXPECT_EQ(count(2), 2U) << "one that is too large takes nobody's place";
  auto silent = message_of(3, "m", "off the record");
  silent.keep_text = false;
  begin(node, silent);
  EXPECT_EQ(count(3), 0U);
}

TEST_F(RedisStoreTest, HoldsSoManySessionsAndNeverEvictsAnActiveOne) {
  auto small = options();
  small.max_sessions = 2;
  Node node(small);
  using Kind = BeginOutcome::Kind;
  begin(node, message_of(1, "m", "x"));
  begin(node, message_of(2, "m", "x"));
  EXPECT_EQ(begin(node, message_of(3, "m", "x")).kind, Kind::store_full);
  const auto created = node([&](Store& s) { return s.session_created(Key{}, clock_.wall()); });
  ASSERT_TRUE(created);
  EXPECT_FALSE(*created);
  clock_.advance(Seconds{16 * 60});
  begin(node, message_of(2, "n", "x"));
  EXPECT_EQ(begin(node, message_of(3, "m", "x")).kind, Kind::started);
  AdmitRequest look;
  look.session = session_key(session_of(1));
  EXPECT_EQ(admit(node, look).session.status, SessionView::Status::unknown);
  look.session = session_key(session_of(2));
  EXPECT_EQ(admit(node, look).session.status, SessionView::Status::live);
}

TEST_P(RedisStoreAnywhere, CountsNodesAndSessions) {
  Node node(options());
  (void)node(
      [&](Store& s) { return s.session_created(session_key(session_of(1)), clock_.wall()); });
  (void)node(
      [&](Store& s) { return s.session_created(session_key(session_of(2)), clock_.wall()); });
  begin(node, message_of(1, "m", "x"));
  const auto beat = [&](const char* name) {
    const auto nodes =
        node([&](RedisStore& s) { return s.heartbeat(*s.here(), name, Seconds{10}); });
    EXPECT_TRUE(node([&](RedisStore& s) { return s.count(*s.here()); }));
    return nodes.value_or(0);
  };
  EXPECT_EQ(beat("a"), 1U);
  EXPECT_EQ(beat("b"), 2U);
  EXPECT_EQ(node.store.figures().sessions, 1U);
  EXPECT_EQ(node.store.figures().silent_sessions, 1U) << "of two created one has spoken";
  clock_.advance(Seconds{11});
  EXPECT_EQ(beat("a"), 1U) << "b has not been heard of";
  clock_.advance(Seconds{3 * 3600});
  beat("a");
  EXPECT_EQ(node.store.figures().sessions, 0U);
  EXPECT_EQ(node.store.figures().silent_sessions, 0U);
}

TEST_P(RedisStoreAnywhere, RemembersWhoPresentedAClaim) {
  Node node(options());
  MemoryStore memory({}, clock_);
  std::mt19937 random(5);
  for (int i = 0; i < 600; ++i) {
    AdmitRequest request;
    request.claim = Claim{key_of("claim", std::to_string(random() % 3)),
                          key_of("presenter", std::to_string(random() % 7)),
                          random() % 2 == 0 ? Claim::Use::look : Claim::Use::take};
    auto expected = memory.admit(request);
    ASSERT_EQ(admit(node, request).claim, expected.value()->claim) << i;
  }
}

/// A server that is short of memory lets go of keys one by one.
TEST_F(RedisStoreTest, ASessionOfWhichAPartWasEvictedGoesOn) {
  Node node(options());
  const KeyNames names(options().prefix, 1);
  const Key session = session_key(session_of(1));
  const auto remove = [&](const char* kind) {
    const Script script("remove", "return redis.call('DEL', KEYS[1])");
    const auto name = names.of(kind, session);
    const std::array<std::string_view, 1> keys{name};
    ASSERT_TRUE(node([&](RedisStore& s) { return s.run(script, keys, {}); }));
  };
  const auto kept = [&] {
    return node([&](Store& s) { return s.history(session_of(1), 100, 0); })->total;
  };
  begin(node, message_of(1, "m1", std::string(200'000, 'x'), "c1"));
  remove("history");
  begin(node, message_of(1, "m2", std::string(200'000, 'y'), "c2"));
  begin(node, message_of(1, "m3", "short", "c3"));
  EXPECT_EQ(kept(), 2U) << "what is gone takes no room";
  remove("session");
  EXPECT_EQ(begin(node, message_of(1, "m4", "again", "c3")).kind, BeginOutcome::Kind::started);
  AdmitRequest look;
  look.session = session;
  EXPECT_EQ(admit(node, look).session.message_count, 1U);
  EXPECT_EQ(kept(), 1U);
}

TEST_F(RedisStoreTest, AServerThatForgotTheScriptsLearnsThemAgain) {
  Node node(options());
  AdmitRequest request;
  request.add({"minute", key_of("forgot", "a"), 5, Seconds{60}});
  EXPECT_EQ(admit(node, request).admission.remaining, 4);
  const Script flush("flush", "return redis.call('SCRIPT', 'FLUSH')");
  (void)node([&](RedisStore& s) { return s.run(flush, {}, {}); });
  EXPECT_EQ(admit(node, request).admission.remaining, 3);
}

// ---- a server that fails

TEST(RedisStoreFailure, AServerThatIsNotThereIsAnErrorAtOnceAndUsedWhenItComes) {
  RedisServer server;
  RedisStoreOptions options;
  options.server.seeds = {{"127.0.0.1", server.port(), nullptr}};
  std::atomic<int> ups{0};
  std::atomic<int> downs{0};
  server.kill();
  Node node(options, {nullptr, [&](bool up, const std::string&) { ++(up ? ups : downs); }});
  AdmitRequest request;
  request.add({"minute", key_of("gone", "a"), 5, Seconds{60}});
  const auto call = [&] { return node([&](Store& s) { return s.admit(request); }); };
  const auto failed = call();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
  EXPECT_GE(downs, 1);
  server.start();
  ASSERT_TRUE(server.ready());
  ASSERT_TRUE(wait_until([&] { return node.up(); }));
  EXPECT_TRUE(call());
  EXPECT_EQ(ups, 1);
}

TEST(RedisStoreFailure, AServerThatDoesNotAnswerIsATimeoutForAllThatWait) {
  RedisServer server;
  RedisStoreOptions options;
  options.server.seeds = {{"127.0.0.1", server.port(), nullptr}};
  Node node(options);
  ASSERT_TRUE(node.up());
  server.signal(SIGSTOP);
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::jthread> callers;
  std::atomic<int> timeouts{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      AdmitRequest request;
      request.add({"minute", key_of("stop", "a"), 5, Seconds{60}});
      const auto answer = node([&](Store& s) { return s.admit(request); });
      if (!answer && (answer.error().code == ErrorCode::timeout ||
                      answer.error().code == ErrorCode::unavailable)) {
        ++timeouts;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(timeouts, 4);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_FALSE(node.up());
  server.signal(SIGCONT);
  ASSERT_TRUE(wait_until([&] { return node.up(); }));
}

TEST(RedisStoreFailure, LetsItselfInWithAPassword) {
  PROVES("F223");
  RedisServer server({"--requirepass", "hunter2-hunter2"});
  RedisStoreOptions options;
  options.server.seeds = {{"127.0.0.1", server.port(), nullptr}};
  std::mutex mutex;
  std::string reason;
  {
    Node node(options, {nullptr, [&](bool, const std::string& why) {
                          const std::lock_guard lock(mutex);
                          reason = why;
                        }});
    EXPECT_FALSE(node.up());
  }
  EXPECT_NE(reason.find("NOAUTH"), std::string::npos) << reason;
  options.server.password = "hunter2-hunter2";
  options.server.database = 3;
  Node node(options);
  EXPECT_TRUE(node.up());
  AdmitRequest request;
  request.add({"minute", key_of("auth", "a"), 5, Seconds{60}});
  EXPECT_TRUE(node([&](Store& s) { return s.admit(request); }));
}

}  // namespace
}  // namespace portcullis::state
