#include "state/memory_store.hpp"

#include <atomic>
#include <barrier>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis::state {
namespace {

using Kind = BeginOutcome::Kind;
using Status = SessionView::Status;
using std::chrono::hours;
using std::chrono::minutes;

/// The memory store never waits: every answer is ready.
template <class T>
T now(Eventual<Result<T>> eventual) {
  EXPECT_TRUE(eventual.ready());
  auto result = std::move(eventual.value());
  EXPECT_TRUE(result.has_value());
  return *std::move(result);
}
void now(Eventual<Result<void>> eventual) {
  ASSERT_TRUE(eventual.ready());
  EXPECT_TRUE(eventual.value().has_value());
}

AdmitRequest charges(std::initializer_list<Charge> list) {
  AdmitRequest request;
  for (const auto& charge : list) request.add(charge);
  return request;
}

SessionId session_of(int number) {
  SessionId id{};
  std::memcpy(id.data(), &number, sizeof(number));
  return id;
}

NewMessage message_of(const SessionId& session, std::string id, std::string text, WallTime created,
                      std::string client_id = {}) {
  NewMessage out;
  out.session = session;
  out.session_created = created;
  out.session_expires = created + hours{24};
  out.message.id = std::move(id);
  out.message.content = std::move(text);
  out.message.created = created;
  out.message.client_id = std::move(client_id);
  return out;
}

Message answer_of(std::string to, std::string text) {
  Message out;
  out.role = Message::Role::assistant;
  out.id = "answer-" + to;
  out.content = std::move(text);
  out.client_id = std::move(to);
  return out;
}

class MemoryStoreTest : public testing::Test {
 protected:
  ManualClock clock_;
  MemoryStoreOptions options_;
};

// ---- limits

TEST_F(MemoryStoreTest, AdmitsUpToTheLimitAndRefusesTheNextWithItsTier) {
  PROVES("F002,F143");
  MemoryStore store(options_, clock_);
  const Key key = key_of("address-minute", "203.0.113.7");
  const auto request = charges({{"address-minute", key, 60, Seconds{60}, 1}});
  for (int i = 0; i < 60; ++i) {
    const auto answer = now(store.admit(request));
    ASSERT_TRUE(answer.admission.admitted);
    EXPECT_EQ(answer.admission.remaining, 59 - i);
    clock_.advance(Milliseconds{10});
  }
  const auto refused = now(store.admit(request)).admission;
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.decided_by, 0U);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_GE(refused.reset.count(), 55);
  EXPECT_LE(refused.reset.count(), 65);
  clock_.advance(refused.reset);
  EXPECT_TRUE(now(store.admit(request)).admission.admitted);
}

TEST_F(MemoryStoreTest, ChargesAllTiersOrNone) {
  PROVES("F002,F003,F004,F005");
  MemoryStore store(options_, clock_);
  const Charge wide{"site-minute", key_of("site-minute", "default"), 1000, Seconds{60}, 1};
  const Charge middle{"address-hour", key_of("address-hour", "a"), 50, Seconds{3600}, 1};
  const Charge narrow{"session-minute", key_of("session-minute", "s"), 3, Seconds{60}, 1};
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(now(store.admit(charges({middle, wide, narrow}))).admission.admitted);
  for (int i = 0; i < 500; ++i) {
    const auto refused = now(store.admit(charges({middle, wide, narrow}))).admission;
    ASSERT_FALSE(refused.admitted);
    ASSERT_EQ(refused.decided_by, 2U);
  }
  // The refused ones took nothing from the tiers that had room.
  EXPECT_EQ(now(store.admit(charges({middle}))).admission.remaining, 50 - 3 - 1);
  EXPECT_EQ(now(store.admit(charges({wide}))).admission.remaining, 1000 - 3 - 1);
}

TEST_F(MemoryStoreTest, OfSeveralTiersThatRefuseTheLongestTellsWhenToComeBack) {
  PROVES("F011");
  MemoryStore store(options_, clock_);
  const Charge minute{"address-minute", key_of("address-minute", "a"), 1, Seconds{60}, 1};
  const Charge hour{"address-hour", key_of("address-hour", "a"), 1, Seconds{3600}, 1};
  ASSERT_TRUE(now(store.admit(charges({minute, hour}))).admission.admitted);
  const auto refused = now(store.admit(charges({minute, hour}))).admission;
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.decided_by, 1U);
  EXPECT_GE(refused.reset, Seconds{3300});
}

TEST_F(MemoryStoreTest, TheTierNearestToItsLimitIsTheOneShown) {
  MemoryStore store(options_, clock_);
  const Charge wide{"site-minute", key_of("site-minute", "d"), 1000, Seconds{60}, 1};
  const Charge narrow{"address-minute", key_of("address-minute", "a"), 60, Seconds{60}, 1};
  const auto admitted = now(store.admit(charges({wide, narrow}))).admission;
  EXPECT_TRUE(admitted.admitted);
  EXPECT_EQ(admitted.decided_by, 1U);
  EXPECT_EQ(admitted.remaining, 59);
}

TEST_F(MemoryStoreTest, WhatCostsMoreThanTheLimitIsNeverAdmitted) {
  MemoryStore store(options_, clock_);
  const Charge dear{"t", key_of("t", "k"), 5, Seconds{60}, 6};
  const auto refused = now(store.admit(charges({dear}))).admission;
  EXPECT_FALSE(refused.admitted);
  EXPECT_GT(refused.reset.count(), 0);
}

TEST_F(MemoryStoreTest, KeysOfDifferentTiersAndValuesHaveWindowsOfTheirOwn) {
  MemoryStore store(options_, clock_);
  const auto take = [&](const Space& tier, const char* value) {
    return now(store.admit(charges({{tier.name(), key_of(tier, value), 1, Seconds{60}, 1}})))
        .admission.admitted;
  };
  EXPECT_TRUE(take("address-minute", "192.0.2.1"));
  EXPECT_TRUE(take("address-minute", "192.0.2.2"));
  EXPECT_TRUE(take("address-hour", "192.0.2.1"));
  EXPECT_TRUE(take("user-minute", "192.0.2.1"));
  EXPECT_FALSE(take("address-minute", "192.0.2.1"));
}

TEST_F(MemoryStoreTest, EightThreadsTakeExactlyTheUnitsThereAre) {
  PROVES("F001,F002,F005");
  MemoryStore store(options_, clock_);
  constexpr int kSiteLimit = 1000;
  constexpr int kAddressLimit = 170;  // eight addresses together want more than the site has
  std::atomic<int> admitted{0};
  std::array<std::atomic<int>, 8> of_address{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 3000; ++i) {
        const auto who = static_cast<std::size_t>(random() % 8);
        AdmitRequest request;
        // The order of the charges differs: locking in it would be a deadlock.
        const Charge site{"site", key_of("site", "default"), kSiteLimit, Seconds{60}, 1};
        const Charge address{"address", key_of("address", std::to_string(who)), kAddressLimit,
                             Seconds{60}, 1};
        request.add(random() % 2 == 0 ? site : address);
        request.add(request.charges[0].tier == "site" ? address : site);
        if (store.admit(request).value()->admission.admitted) {
          ++admitted;
          ++of_address[who];
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, kSiteLimit);
  for (const auto& count : of_address) EXPECT_LE(count, kAddressLimit);
}

TEST_F(MemoryStoreTest, AHundredThousandKeysStayWithinACapacityOfAThousand) {
  options_.max_limiter_keys = 1000;
  MemoryStore store(options_, clock_);
  const auto take = [&](int number) {
    return now(store.admit(charges(
                   {{"address", key_of("address", std::to_string(number)), 1, Seconds{60}, 1}})))
        .admission.admitted;
  };
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(take(i));
    if (i % 997 == 0) {
      ASSERT_LE(store.figures().limiter_keys, 1000U);
    }
  }
  EXPECT_LE(store.figures().limiter_keys, 1000U);
  EXPECT_GE(store.figures().limiter_keys, 500U);
  // What was used last is still known; what was silent longest has given way.
  EXPECT_FALSE(take(99'999));
  EXPECT_TRUE(take(0));
}

TEST_F(MemoryStoreTest, AKeyInUseOutlivesAFloodOfOthers) {
  options_.max_limiter_keys = 2000;
  MemoryStore store(options_, clock_);
  const auto busy = charges({{"site", key_of("site", "default"), 5000, Seconds{3600}, 1}});
  for (int i = 0; i < 4000; ++i) {
    ASSERT_TRUE(now(store.admit(busy)).admission.admitted);
    (void)now(store.admit(
        charges({{"address", key_of("address", std::to_string(i)), 1, Seconds{60}, 1}})));
  }
  EXPECT_EQ(now(store.admit(busy)).admission.remaining, 999);
}

// ---- sessions

TEST_F(MemoryStoreTest, AMessageStoresItsSessionAndIsCounted) {
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  ASSERT_TRUE(now(store.session_created(Key{}, clock_.wall())));
  EXPECT_EQ(store.figures().silent_sessions, 1U);
  EXPECT_EQ(store.figures().sessions, 0U);
  const auto begun = now(store.begin_message(message_of(key, "m1", "hello", clock_.wall())));
  EXPECT_EQ(begun.kind, Kind::started);
  EXPECT_EQ(begun.message_id, "m1");
  EXPECT_EQ(begun.message_count, 1U);
  EXPECT_EQ(store.figures().silent_sessions, 0U);
  EXPECT_EQ(store.figures().sessions, 1U);

  AdmitRequest look;
  look.session = session_key(key);
  clock_.advance(Seconds{5});
  const auto view = now(store.admit(look)).session;
  EXPECT_EQ(view.status, Status::live);
  EXPECT_EQ(view.message_count, 1U);
  EXPECT_EQ(view.last_active, clock_.wall() - Seconds{5});
  look.session = session_key(session_of(2));
  EXPECT_EQ(now(store.admit(look)).session.status, Status::unknown);
}

TEST_F(MemoryStoreTest, RemembersWhoSpeaksInASession) {
  MemoryStore store(options_, clock_);
  const WallTime created = clock_.wall();
  int sent = 0;
  const auto send = [&](std::optional<Sender> sender) {
    auto message = message_of(session_of(1), std::to_string(++sent), "hi", created);
    message.sender = sender;
    now(store.begin_message(std::move(message)));
  };
  const auto use = [&] {
    AdmitRequest look;
    look.session = session_key(session_of(1));
    return now(store.admit(look)).session.use;
  };
  EXPECT_EQ(use().owner_active, WallTime{});
  send(std::nullopt);
  EXPECT_EQ(use().owner_active, WallTime{}) << "nobody can tell";
  clock_.advance(Seconds{1});
  send(Sender{true, 5});
  clock_.advance(Seconds{1});
  send(Sender{false, 6});
  clock_.advance(Seconds{1});
  send(Sender{false, 7});
  EXPECT_EQ(use().owner_active, created + Seconds{1});
  EXPECT_EQ(use().others_active, created + Seconds{3});
  EXPECT_EQ(use().others_network, 7U);
  EXPECT_EQ(use().owner_early, 1U);
  EXPECT_EQ(use().others_early, 2U);
  clock_.advance(hours{1});
  send(Sender{true, 5});
  send(Sender{false, 6});
  EXPECT_EQ(use().owner_active, clock_.wall());
  EXPECT_EQ(use().owner_early, 1U) << "after its first hour";
  EXPECT_EQ(use().others_early, 2U);
}

TEST_F(MemoryStoreTest, ARepeatedSendIsADuplicateAndAnotherTextAConflict) {
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  const WallTime t = clock_.wall();
  EXPECT_EQ(now(store.begin_message(message_of(key, "m1", "hello", t, "c1"))).kind, Kind::started);
  const auto repeated = now(store.begin_message(message_of(key, "m2", "hello", t, "c1")));
  EXPECT_EQ(repeated.kind, Kind::duplicate);
  EXPECT_EQ(repeated.message_id, "m1");
  const auto conflict = now(store.begin_message(message_of(key, "m3", "other", t, "c1")));
  EXPECT_EQ(conflict.kind, Kind::conflict);
  EXPECT_EQ(conflict.message_id, "m1");
  EXPECT_EQ(now(store.begin_message(message_of(session_of(2), "m4", "other", t, "c1"))).kind,
            Kind::started);
  EXPECT_EQ(now(store.history(key, 10, 0)).total, 1U);
}

TEST_F(MemoryStoreTest, AFailedMessageSentAgainStartsAnewOnce) {
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  const WallTime t = clock_.wall();
  (void)now(store.begin_message(message_of(key, "m1", "hello", t, "c1")));
  now(store.fail_message(key, "m1"));
  const auto again = now(store.begin_message(message_of(key, "m2", "hello", t, "c1")));
  EXPECT_EQ(again.kind, Kind::started);
  EXPECT_EQ(again.message_id, "m1");
  EXPECT_EQ(now(store.begin_message(message_of(key, "m3", "hello", t, "c1"))).kind,
            Kind::duplicate);
  EXPECT_EQ(now(store.begin_message(message_of(key, "m4", "other", t, "c1"))).kind, Kind::conflict);
}

TEST_F(MemoryStoreTest, MessagesWithoutAClientIdAreNeverDuplicates) {
  MemoryStore store(options_, clock_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(now(store.begin_message(
                      message_of(session_of(1), "m" + std::to_string(i), "hello", clock_.wall())))
                  .kind,
              Kind::started);
  }
}

TEST_F(MemoryStoreTest, FindsTheAnswerToAMessage) {
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  (void)now(store.begin_message(message_of(key, "m1", "hello", clock_.wall(), "c1")));
  EXPECT_FALSE(now(store.find_answer(key, "m1")).has_value());
  now(store.add_answer(key, answer_of("m1", "hi there")));
  const auto found = now(store.find_answer(key, "m1"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->content, "hi there");
  EXPECT_FALSE(now(store.find_answer(key, "c1")).has_value());
  EXPECT_FALSE(now(store.find_answer(session_of(2), "m1")).has_value());
}

TEST_F(MemoryStoreTest, HistoryKeepsTheNewestMessagesInOrder) {
  options_.history_max_messages = 10;
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  for (int i = 0; i < 25; ++i) {
    const std::string n = std::to_string(i);
    (void)now(store.begin_message(message_of(key, "m" + n, "question " + n, clock_.wall())));
    now(store.add_answer(key, answer_of("m" + n, "answer " + n)));
  }
  const auto page = now(store.history(key, 100, 0));
  EXPECT_EQ(page.total, 10U);
  ASSERT_EQ(page.messages.size(), 10U);
  EXPECT_EQ(page.messages.front().content, "question 20");
  EXPECT_EQ(page.messages.back().content, "answer 24");
  const auto part = now(store.history(key, 3, 4));
  ASSERT_EQ(part.messages.size(), 3U);
  EXPECT_EQ(part.messages.front().content, "question 22");
  EXPECT_EQ(part.total, 10U);
  EXPECT_TRUE(now(store.history(key, 3, 10)).messages.empty());
  EXPECT_TRUE(now(store.history(key, 0, 0)).messages.empty());
  EXPECT_TRUE(now(store.history(key, 3, SIZE_MAX)).messages.empty());
}

TEST_F(MemoryStoreTest, HistoryIsBoundedInBytesForASession) {
  options_.history_max_bytes = 10'000;
  MemoryStore store(options_, clock_);
  const SessionId key = session_of(1);
  for (int i = 0; i < 100; ++i) {
    (void)now(store.begin_message(
        message_of(key, std::to_string(i), std::string(1000, 'x'), clock_.wall())));
    ASSERT_LE(store.figures().history_bytes, 10'000U);
  }
  EXPECT_GE(now(store.history(key, 100, 0)).total, 7U);
  // What can never fit is left out, and takes nothing else with it.
  const auto before = now(store.history(key, 100, 0)).total;
  now(store.add_answer(key, answer_of("99", std::string(20'000, 'y'))));
  EXPECT_EQ(now(store.history(key, 100, 0)).total, before);
}

TEST_F(MemoryStoreTest, HistoryIsBoundedInBytesForAllSessionsTogether) {
  options_.history_total_bytes = 100'000;
  MemoryStore store(options_, clock_);
  for (int i = 0; i < 2000; ++i) {
    (void)now(store.begin_message(
        message_of(session_of(i % 500), std::to_string(i), std::string(1000, 'x'), clock_.wall())));
    ASSERT_LE(store.figures().history_bytes, 100'000U) << "after message " << i;
  }
}

TEST_F(MemoryStoreTest, WhatIsNotToBeKeptIsNotKept) {
  MemoryStore store(options_, clock_);
  auto message = message_of(session_of(1), "m1", "hello", clock_.wall(), "c1");
  message.keep_text = false;
  EXPECT_EQ(now(store.begin_message(std::move(message))).kind, Kind::started);
  EXPECT_EQ(now(store.history(session_of(1), 10, 0)).total, 0U);
  EXPECT_EQ(store.figures().history_bytes, 0U);
  EXPECT_EQ(
      now(store.begin_message(message_of(session_of(1), "m2", "hello", clock_.wall(), "c1"))).kind,
      Kind::duplicate);
}

TEST_F(MemoryStoreTest, EvictsTheSessionThatWasSilentLongestButNoneActiveLately) {
  options_.max_sessions = 10;
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(now(store.begin_message(message_of(session_of(i), "m", "x", t))).kind, Kind::started);
    clock_.advance(Seconds{60});
  }
  // The first spoke ten minutes ago: nobody gives way yet.
  EXPECT_EQ(now(store.begin_message(message_of(session_of(100), "m", "x", t))).kind,
            Kind::store_full);
  EXPECT_FALSE(now(store.session_created(Key{}, t)));
  // The first one speaks again, so the second is the one that was silent longest.
  ASSERT_EQ(now(store.begin_message(message_of(session_of(0), "m2", "x", t))).kind, Kind::started);
  clock_.advance(minutes{7});
  ASSERT_EQ(now(store.begin_message(message_of(session_of(100), "m", "x", t))).kind, Kind::started);
  EXPECT_LE(store.figures().sessions, 10U);
  AdmitRequest look;
  look.session = session_key(session_of(0));
  EXPECT_EQ(now(store.admit(look)).session.status, Status::live);
  look.session = session_key(session_of(1));
  EXPECT_EQ(now(store.admit(look)).session.status, Status::unknown);
  look.session = session_key(session_of(2));
  EXPECT_EQ(now(store.admit(look)).session.status, Status::live);
}

TEST_F(MemoryStoreTest, SessionsThatFellIdleMakeRoomBeforeTheQuarterOfAnHourIsOver) {
  options_.max_sessions = 3;
  options_.session_idle = minutes{2};
  MemoryStore store(options_, clock_);
  for (int i = 0; i < 3; ++i) {
    const auto message = message_of(session_of(i), "m", "x", clock_.wall());
    ASSERT_EQ(now(store.begin_message(message)).kind, Kind::started);
  }
  clock_.advance(Seconds{119});
  EXPECT_FALSE(now(store.session_created(Key{}, clock_.wall())));
  clock_.advance(Seconds{2});
  EXPECT_TRUE(now(store.session_created(Key{}, clock_.wall())));
  const auto fresh = message_of(session_of(100), "m", "x", clock_.wall());
  EXPECT_EQ(now(store.begin_message(fresh)).kind, Kind::started);
}

TEST_F(MemoryStoreTest, AnAnswerIsActivityToo) {
  options_.max_sessions = 1;
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  (void)now(store.begin_message(message_of(session_of(1), "m", "x", t)));
  clock_.advance(minutes{14});
  now(store.add_answer(session_of(1), answer_of("m", "y")));
  clock_.advance(minutes{14});
  EXPECT_EQ(now(store.begin_message(message_of(session_of(2), "m", "x", t))).kind,
            Kind::store_full);
  clock_.advance(minutes{2});
  EXPECT_EQ(now(store.begin_message(message_of(session_of(2), "m", "x", t))).kind, Kind::started);
}

TEST_F(MemoryStoreTest, ARepeatedSendIsActivityToo) {
  options_.max_sessions = 1;
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  (void)now(store.begin_message(message_of(session_of(1), "m", "x", t, "c")));
  now(store.fail_message(session_of(1), "m"));
  clock_.advance(minutes{20});
  // The visitor tries the failed message again: the session is in use.
  ASSERT_EQ(now(store.begin_message(message_of(session_of(1), "m2", "x", t, "c"))).kind,
            Kind::started);
  EXPECT_EQ(now(store.begin_message(message_of(session_of(2), "m", "x", t))).kind,
            Kind::store_full);
}

TEST_F(MemoryStoreTest, RandomSessionsNeverBreakTheBounds) {
  options_.max_sessions = 50;
  options_.history_max_messages = 6;
  options_.history_max_bytes = 3000;
  MemoryStore store(options_, clock_);
  std::mt19937_64 random(7);
  std::unordered_map<int, WallTime> active;
  for (int i = 0; i < 5000; ++i) {
    clock_.advance(Seconds{static_cast<int>(random() % 40)});
    const int who = static_cast<int>(random() % 300);
    const auto begun = now(store.begin_message(message_of(
        session_of(who), std::to_string(i), std::string(random() % 900, 'x'), clock_.wall())));
    if (begun.kind == Kind::started) active[who] = clock_.wall();
    if (random() % 20 == 0) {
      now(store.end_session(session_of(who), clock_.wall()));
      active.erase(who);
    }
    const auto figures = store.figures();
    ASSERT_LE(figures.sessions, 50U);
    ASSERT_LE(figures.history_bytes, 50U * 3000U);
    if (i % 50 != 0) continue;
    for (const auto& [number, last] : active) {
      if (last + minutes{15} <= clock_.wall()) continue;
      AdmitRequest look;
      look.session = session_key(session_of(number));
      ASSERT_EQ(now(store.admit(look)).session.status, Status::live) << number;
    }
  }
}

TEST_F(MemoryStoreTest, AnEndedSessionStaysEnded) {
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  const SessionId key = session_of(1);
  (void)now(store.begin_message(message_of(key, "m1", "hello", t, "c1")));
  now(store.end_session(key, t));
  AdmitRequest look;
  look.session = session_key(key);
  EXPECT_EQ(now(store.admit(look)).session.status, Status::ended);
  EXPECT_EQ(now(store.begin_message(message_of(key, "m2", "again", t))).kind, Kind::ended);
  EXPECT_EQ(now(store.history(key, 10, 0)).total, 0U);
  EXPECT_EQ(store.figures().sessions, 0U);
  EXPECT_EQ(store.figures().history_bytes, 0U);
  // An answer that arrives afterwards brings nothing back.
  now(store.add_answer(key, answer_of("m1", "late")));
  EXPECT_EQ(store.figures().history_bytes, 0U);
  clock_.advance(options_.session_idle - Seconds{1});
  EXPECT_EQ(now(store.admit(look)).session.status, Status::ended);
}

TEST_F(MemoryStoreTest, EndedTokensAreBounded) {
  options_.max_sessions = 160;
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  for (int i = 0; i < 20'000; ++i) now(store.end_session(session_of(i), t));
  std::size_t remembered = 0;
  for (int i = 0; i < 20'000; ++i) {
    AdmitRequest look;
    look.session = session_key(session_of(i));
    remembered += now(store.admit(look)).session.status == Status::ended ? 1U : 0U;
  }
  EXPECT_LE(remembered, 160U);
  EXPECT_GT(remembered, 0U);
}

TEST_F(MemoryStoreTest, AsManyEndedTokensAsSessionsAreRememberedHoweverTheyFallIntoShards) {
  options_.max_sessions = 48;
  MemoryStore store(options_, clock_);
  for (int i = 0; i < 48; ++i) now(store.end_session(session_of(i), clock_.wall()));
  for (int i = 0; i < 48; ++i) {
    AdmitRequest look;
    look.session = session_key(session_of(i));
    EXPECT_EQ(now(store.admit(look)).session.status, Status::ended) << i;
  }
  clock_.advance(options_.session_idle);
  for (int i = 100; i < 200; ++i) now(store.end_session(session_of(i), clock_.wall()));
  AdmitRequest look;
  look.session = session_key(session_of(199));
  EXPECT_EQ(now(store.admit(look)).session.status, Status::ended) << "old ones made room";
}

TEST_F(MemoryStoreTest, EightThreadsStoreExactlyAsManySessionsAsThereMayBe) {
  options_.max_sessions = 100;
  for (int round = 0; round < 20; ++round) {
    MemoryStore store(options_, clock_);
    std::atomic<int> stored{0};
    std::barrier start(8);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < 40; ++i) {
          auto message = message_of(session_of(t * 1000 + i), "m", "hello", clock_.wall());
          const auto kind = store.begin_message(std::move(message)).value()->kind;
          stored += kind == Kind::started ? 1 : 0;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(stored, 100);
    EXPECT_EQ(store.figures().sessions, 100U);
  }
}

TEST_F(MemoryStoreTest, SilentSessionsAreCountedForTheirIdleTime) {
  options_.session_idle = hours{2};
  MemoryStore store(options_, clock_);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(now(store.session_created(Key{}, clock_.wall())));
    clock_.advance(minutes{1});
  }
  EXPECT_EQ(store.figures().silent_sessions, 30U);
  clock_.advance(hours{2} - minutes{31});
  EXPECT_EQ(store.figures().silent_sessions, 30U);
  clock_.advance(minutes{45});
  EXPECT_EQ(store.figures().silent_sessions, 0U);
  ASSERT_TRUE(now(store.session_created(Key{}, clock_.wall())));
  now(store.end_session(session_of(1), clock_.wall()));
  EXPECT_EQ(store.figures().silent_sessions, 0U);
}

TEST_F(MemoryStoreTest, TheIdleTimeMayChangeWhileSessionsLive) {
  options_.session_idle = hours{2};
  MemoryStore store(options_, clock_);
  const WallTime t = clock_.wall();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(now(store.session_created(Key{}, t)));
  (void)now(store.begin_message(message_of(session_of(1), "m", "x", t)));
  now(store.end_session(session_of(2), t));
  AdmitRequest ended;
  ended.session = session_key(session_of(2));

  store.set_session_idle(hours{10});
  clock_.advance(hours{9});
  EXPECT_EQ(store.figures().sessions, 1U);
  EXPECT_EQ(store.figures().silent_sessions, 28U);
  for (int i = 100; i < 200; ++i) now(store.end_session(session_of(i), clock_.wall()));  // purges
  EXPECT_EQ(now(store.history(session_of(1), 10, 0)).total, 1U);
  EXPECT_EQ(now(store.admit(ended)).session.status, Status::ended);

  store.set_session_idle(hours{1});
  EXPECT_EQ(store.figures().sessions, 0U);
  EXPECT_EQ(store.figures().silent_sessions, 0U);
  for (int i = 200; i < 300; ++i) now(store.end_session(session_of(i), clock_.wall()));
  EXPECT_EQ(now(store.history(session_of(1), 10, 0)).total, 0U);
}

TEST_F(MemoryStoreTest, IdleSessionsAreNotCountedAsActive) {
  MemoryStore store(options_, clock_);
  (void)now(store.begin_message(message_of(session_of(1), "m", "x", clock_.wall())));
  clock_.advance(options_.session_idle + Seconds{1});
  EXPECT_EQ(store.figures().sessions, 0U);
}

TEST_F(MemoryStoreTest, ThreadsShareSessionsWithoutLosingOne) {
  options_.max_sessions = 64;
  MemoryStore store(options_, clock_);
  std::atomic<int> started{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        const SessionId key = session_of((i + t * 7) % 64);
        auto message = message_of(key, std::to_string(t) + "-" + std::to_string(i), "hello",
                                  clock_.wall(), "c" + std::to_string(i % 50));
        if (store.begin_message(std::move(message)).value()->kind == Kind::started) ++started;
        (void)store.add_answer(key, answer_of("x", "y"));
        (void)store.history(key, 5, 0);
        (void)store.figures();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto figures = store.figures();
  EXPECT_EQ(figures.sessions, 64U);
  EXPECT_GT(started, 0);
  EXPECT_LE(figures.history_bytes, 64 * options_.history_max_bytes);
}

TEST_F(MemoryStoreTest, RemembersAPresenterOnlyWhereTheRequestIsAdmitted) {
  ManualClock clock;
  MemoryStore store({}, clock);
  AdmitRequest request;
  request.add({"session-minute", key_of("session-minute", "s"), 1, Seconds{60}, 1});
  request.claim = Claim{key_of("claim", "s"), key_of("presenter", "p"), Claim::Use::take};
  auto first = store.admit(request);
  EXPECT_EQ(first.value()->claim, ClaimStanding::unknown);
  request.claim->presenter = key_of("presenter", "other");
  auto refused = store.admit(request);
  EXPECT_FALSE(refused.value()->admission.admitted);
  request.count = 0;
  request.claim->use = Claim::Use::look;
  auto looked = store.admit(request);
  EXPECT_EQ(looked.value()->claim, ClaimStanding::foreign);
  request.claim->presenter = key_of("presenter", "p");
  auto own = store.admit(request);
  EXPECT_EQ(own.value()->claim, ClaimStanding::own);
  EXPECT_EQ(store.figures().claimed_sessions, 1U);
}

TEST_F(MemoryStoreTest, HoldsAsManyClaimsAsSessionsAtMost) {
  MemoryStoreOptions options;
  options.max_sessions = 64;
  MemoryStore store(options);
  for (int i = 0; i < 1000; ++i) {
    AdmitRequest request;
    request.claim = Claim{key_of("claim", std::to_string(i)), {}, Claim::Use::take};
    (void)store.admit(request);
  }
  EXPECT_LE(store.figures().claimed_sessions, 64U);
  EXPECT_GT(store.figures().claimed_sessions, 32U);
}

}  // namespace
}  // namespace portcullis::state
