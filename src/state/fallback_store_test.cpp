#include "state/fallback_store.hpp"

#include <gtest/gtest.h>

#include "proves.hpp"
#include "state/memory_store.hpp"
#include "state/simulated_store.hpp"

namespace portcullis::state {
namespace {

class FallbackStoreTest : public testing::Test {
 protected:
  FallbackStore make(FallbackPolicy policy) {
    return {shared_, local_, policy, [this] { return up_; }, [this] { ++fallbacks_; }};
  }
  /// What is there at once; nothing here waits.
  template <class T>
  static T now(Eventual<T> eventual) {
    std::optional<T> out;
    spawn([](Eventual<T> value, std::optional<T>& into) -> Task<void> { into = co_await value; }(
                                                            std::move(eventual), out));
    EXPECT_TRUE(out);
    return *std::move(out);
  }
  static AdmitRequest request(bool with_session = false) {
    AdmitRequest out;
    const auto watched = out.add(Subject{key_of("address", "a")});
    out.add({"minute", key_of("minute", "a"), 12, Seconds{60}, 1, watched});
    out.add({"site", key_of("site", "a"), 100, Seconds{60}, 1, Charge::kNobody});
    if (with_session) out.session = session_key(SessionId{7});
    return out;
  }
  int admitted(Store& store, int calls, bool with_session = false) {
    int out = 0;
    for (int i = 0; i < calls; ++i) {
      const auto answer = now(store.admit(request(with_session)));
      out += answer && answer->admission.admitted ? 1 : 0;
    }
    return out;
  }

  ManualClock clock_;
  MemoryStore shared_{{}, clock_};
  MemoryStore local_{{}, clock_};
  bool up_ = true;
  int fallbacks_ = 0;
};

TEST_F(FallbackStoreTest, AsksTheSharedStoreWhileItIsThere) {
  auto store = make(FallbackPolicy::local);
  EXPECT_EQ(admitted(store, 20), 12);
  EXPECT_EQ(local_.figures().limiter_keys, 0U);
  EXPECT_EQ(fallbacks_, 0);
}

TEST_F(FallbackStoreTest, EachNodeHasItsPartOfTheLimitsWhileItIsAway) {
  auto store = make(FallbackPolicy::local);
  up_ = false;
  store.set_nodes(3);
  EXPECT_EQ(admitted(store, 20), 4);
  EXPECT_EQ(fallbacks_, 20);
  clock_.advance(Seconds{1200});
  store.set_nodes(100);
  EXPECT_EQ(admitted(store, 20), 1) << "never nothing at all";
}

TEST_F(FallbackStoreTest, ConductIsJudgedByTheWholeLimitAndNotByANodesPart) {
  auto store = make(FallbackPolicy::local);
  up_ = false;
  store.set_nodes(10);
  // One of twelve a minute is let through; one and a half times twelve are an offence.
  int offences = 0;
  for (int i = 0; i < 14; ++i) {
    offences += now(store.admit(request()))->admission.offence ? 1 : 0;
    clock_.advance(Milliseconds{1000});
  }
  EXPECT_EQ(offences, 0) << "a visitor in a hurry";
  for (int i = 0; i < 60; ++i) offences += now(store.admit(request()))->admission.offence ? 1 : 0;
  EXPECT_GT(offences, 0) << "a flood";
  AdmitRequest guess;
  guess.add({.tier = "failures", .key = key_of("failures", "a"), .limit = 4, .whole = true});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(now(store.admit(guess))->admission.admitted) << i;
  EXPECT_FALSE(now(store.admit(guess))->admission.admitted);
}

TEST_F(FallbackStoreTest, WhatAnEarlierTimeAloneLeftHereIsNotBelieved) {
  auto store = make(FallbackPolicy::local);
  up_ = false;
  NewMessage message;
  message.session = SessionId{7};
  message.session_created = clock_.wall();
  message.message.id = "m";
  EXPECT_EQ(now(store.begin_message(message))->kind, BeginOutcome::Kind::started);
  AdmitRequest look;
  look.session = session_key(message.session);
  EXPECT_EQ(now(store.admit(look))->session.status, SessionView::Status::live);
  up_ = true;
  clock_.advance(Seconds{600});
  up_ = false;
  store.set_away_since(clock_.wall());
  EXPECT_EQ(now(store.admit(look))->session.status, SessionView::Status::provisional)
      << "it may have been active elsewhere since";
  up_ = true;
  ASSERT_TRUE(now(store.end_session(message.session, message.session_created)));
  up_ = false;
  EXPECT_EQ(now(store.admit(look))->session.status, SessionView::Status::ended);
}

TEST_F(FallbackStoreTest, ASessionThatNobodyHereKnowsIsProvisionalAtHalfTheLimits) {
  auto store = make(FallbackPolicy::local);
  up_ = false;
  EXPECT_EQ(admitted(store, 20, true), 6);
  const auto seen = now(store.admit(request(true)));
  EXPECT_EQ(seen->session.status, SessionView::Status::provisional);
  NewMessage message;
  message.session = SessionId{7};
  message.session_created = clock_.wall();
  message.message.id = "m";
  EXPECT_TRUE(now(store.begin_message(message)));
  EXPECT_EQ(now(store.admit(request(true)))->session.status, SessionView::Status::live);
}

TEST_F(FallbackStoreTest, AFailureInTheMiddleFallsBackAsWell) {
  SimulatedStore failing(std::make_unique<MemoryStore>(MemoryStoreOptions{}, clock_),
                         SimulatedStore::Behaviour::failing);
  FallbackStore store(
      failing, local_, FallbackPolicy::local, [] { return true; }, [this] { ++fallbacks_; });
  EXPECT_EQ(admitted(store, 20), 12);
  EXPECT_EQ(fallbacks_, 20);
  EXPECT_TRUE(now(store.session_created(Key{}, clock_.wall())));
  EXPECT_TRUE(now(store.history(SessionId{1}, 10, 0)));
}

TEST_F(FallbackStoreTest, OpenLimitsNothingAndClosedAnswersNothing) {
  auto open = make(FallbackPolicy::open);
  auto closed = make(FallbackPolicy::closed);
  up_ = false;
  EXPECT_EQ(admitted(open, 500), 500);
  const auto refused = now(closed.admit(request()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(now(closed.history(SessionId{1}, 10, 0)));
  EXPECT_TRUE(now(closed.end_session(SessionId{1}, clock_.wall()))) << "an end is never refused";
}

TEST_F(FallbackStoreTest, RemembersWhatWasEndedMeanwhile) {
  auto store = make(FallbackPolicy::local);
  EXPECT_TRUE(now(store.end_session(SessionId{1}, clock_.wall())));
  EXPECT_TRUE(store.take_ended().empty()) << "it was ended there";
  up_ = false;
  for (std::uint8_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(now(store.end_session(SessionId{i}, clock_.wall())));
  }
  AdmitRequest look;
  look.session = session_key(SessionId{2});
  EXPECT_EQ(now(store.admit(look))->session.status, SessionView::Status::ended);
  auto ended = store.take_ended();
  ASSERT_EQ(ended.size(), 3U);
  EXPECT_EQ(ended[1].session, session_key(SessionId{2}));
  EXPECT_TRUE(store.take_ended().empty());
  store.give_back(std::move(ended));
  store.give_back(std::vector<FallbackStore::Ended>(FallbackStore::kMaxPending));
  EXPECT_EQ(store.take_ended().size(), FallbackStore::kMaxPending) << "bounded";
}

TEST_F(FallbackStoreTest, ARevocationHoldsHereAtOnceAndIsToldLater) {
  auto store = make(FallbackPolicy::local);
  const Key token = key_of("token", "one");
  AdmitRequest look;
  look.may_be_revoked_by(token);
  look.issued = clock_.wall();
  const Revocation revocation{token, clock_.wall() + Seconds{1}, clock_.wall() + Seconds{600}};
  up_ = false;
  EXPECT_FALSE(now(store.admit(look))->revoked);
  EXPECT_TRUE(now(store.revoke(revocation)));
  EXPECT_TRUE(now(store.admit(look))->revoked);
  EXPECT_TRUE(now(store.admit(look))->alone);
  auto pending = store.take_revoked();
  ASSERT_EQ(pending.size(), 1U);
  EXPECT_EQ(pending[0].what, token);

  up_ = true;
  EXPECT_TRUE(now(store.revoke(revocation)));
  EXPECT_TRUE(store.take_revoked().empty()) << "it was told";
  EXPECT_TRUE(now(store.admit(look))->revoked);
  EXPECT_FALSE(now(store.admit(look))->alone);
  up_ = false;
  EXPECT_TRUE(now(store.admit(look))->revoked) << "this node has not forgotten it";
  up_ = true;
  const Key kept = key_of("token", "kept here");
  (void)local_.revoke({kept, clock_.wall() + Seconds{1}, clock_.wall() + Seconds{600}});
  AdmitRequest other;
  other.may_be_revoked_by(kept);
  other.issued = clock_.wall();
  EXPECT_TRUE(now(store.admit(other))->revoked) << "what is shared may have been emptied";
}

TEST_F(FallbackStoreTest, WhatMayBeDoneOnceIsDoneOnceWithoutLimitsToo) {
  auto store = make(FallbackPolicy::open);
  up_ = false;
  const auto once = [&] {
    auto both = request();
    both.add({.tier = "proof", .key = key_of("proof", "p"), .limit = 1, .cost = 1, .whole = true});
    return now(store.admit(both))->admission.admitted;
  };
  EXPECT_TRUE(once());
  EXPECT_FALSE(once());
}

}  // namespace
}  // namespace portcullis::state
