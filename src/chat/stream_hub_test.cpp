#include "chat/stream_hub.hpp"

#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "chat/outbox.hpp"
#include "proves.hpp"

namespace portcullis::chat {
namespace {

using Reader = SessionStream::Reader;

/// Counts what a stream tells its turn.
class FakeTurn final : public TurnObserver {
 public:
  void readers_changed(bool any) override { readers = any; }
  void room_available() override { ++rooms; }
  void stop() override { ++stops; }
  std::optional<bool> readers;
  int rooms = 0;
  int stops = 0;
};

state::Key session(int number = 1) { return state::key_of("session", std::to_string(number)); }

class StreamHubTest : public testing::Test {
 protected:
  StreamHubTest() {
    options_.max_streams = 6;
    options_.max_per_session = 3;
    options_.max_per_address = 4;
    options_.buffer_bytes = 2000;
    options_.total_bytes = 20'000;
  }

  /// Lets posted work of the worker run.
  void settle() {
    worker_.context().restart();
    worker_.context().poll();
  }
  std::shared_ptr<Reader> reader() { return std::make_shared<Reader>(worker_); }

  /// Publishes one event of `size` bytes; false where the turn should wait.
  bool publish(SessionStream& stream, std::string_view message, std::size_t size = 10,
               bool ends = false) {
    return stream.publish(
        message, [&](std::uint64_t id) { return std::to_string(id) + std::string(size, 'x'); },
        ends);
  }
  struct Taken {
    SessionStream::Batch batch;
    std::vector<std::uint64_t> ids;
  };
  /// Everything that a reader may read now, as NDJSON.
  Taken take(SessionStream& stream, Reader& from, std::size_t most = SIZE_MAX) {
    Taken out;
    std::string text;
    out.batch = stream.take(from, Face::ndjson, text, most);
    for (const auto line : text::split_list(text, '\n')) {
      out.ids.push_back(*text::parse_number<std::uint64_t>(line.substr(0, line.find('x'))));
    }
    return out;
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  StreamHub::Options options_;
};

// ---- caps

TEST_F(StreamHubTest, CapsStreamsOfASessionOfAnAddressAndInAll) {
  PROVES("F070");
  StreamHub hub(options_, clock_);
  const IpAddress one = IpAddress::v4(1);
  const IpAddress two = IpAddress::v4(2);
  std::vector<StreamHub::Place> places;
  for (int i = 0; i < 3; ++i) {
    places.push_back(hub.admit(session(1), one));
    EXPECT_TRUE(places.back());
  }
  EXPECT_FALSE(hub.admit(session(1), two)) << "of the session";
  places.push_back(hub.admit(session(2), one));
  EXPECT_FALSE(hub.admit(session(3), one)) << "of the address";
  places.push_back(hub.admit(session(3), two));
  places.push_back(hub.admit(session(4), two));
  EXPECT_FALSE(hub.admit(session(5), IpAddress::v4(3))) << "in all";
  EXPECT_EQ(hub.open_streams(), 6U);
  EXPECT_EQ(hub.streaming_sessions(), 4U);
  places.erase(places.begin());
  EXPECT_TRUE(hub.admit(session(5), IpAddress::v4(3)));
  EXPECT_EQ(hub.open_streams(), 5U) << "a place that nobody holds is free";
  EXPECT_EQ(hub.streams_opened(), 7U) << "refused ones are not counted";
  places.clear();
  EXPECT_EQ(hub.open_streams(), 0U);
  EXPECT_EQ(hub.streaming_sessions(), 0U);
}

TEST_F(StreamHubTest, Ipv6CountsBySlash64) {
  StreamHub hub(options_, clock_);
  std::vector<StreamHub::Place> places;
  for (int i = 0; i < 4; ++i) {
    places.push_back(
        hub.admit(session(i), *IpAddress::parse("2001:db8::" + std::to_string(i + 1))));
    EXPECT_TRUE(places.back());
  }
  EXPECT_FALSE(hub.admit(session(9), *IpAddress::parse("2001:db8::abcd:1")));
  EXPECT_TRUE(hub.admit(session(9), *IpAddress::parse("2001:db8:0:1::1")));
}

TEST_F(StreamHubTest, APlaceCanBeMovedAndTellsTheOldestAge) {
  StreamHub hub(options_, clock_);
  auto place = hub.admit(session(), IpAddress::v4(1));
  clock_.advance(Seconds{7});
  auto other = hub.admit(session(2), IpAddress::v4(1));
  EXPECT_EQ(hub.oldest_age(), Seconds{7});
  StreamHub::Place moved = std::move(place);
  EXPECT_EQ(hub.open_streams(), 2U);
  moved = std::move(other);
  EXPECT_EQ(hub.open_streams(), 1U);
  EXPECT_EQ(hub.oldest_age(), Seconds{0});
}

// ---- reading

TEST_F(StreamHubTest, IdsIncreaseByOneAndBeginAtTheClock) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto r = reader();
  stream->attach(r, std::nullopt);
  for (int i = 0; i < 5; ++i) publish(*stream, "m");
  const auto taken = take(*stream, *r);
  ASSERT_EQ(taken.ids.size(), 5U);
  EXPECT_GE(taken.ids[0], static_cast<std::uint64_t>(epoch_millis(clock_.wall())));
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(taken.ids[i], taken.ids[i - 1] + 1);
  EXPECT_EQ(taken.batch.last_id, taken.ids.back());
  EXPECT_FALSE(taken.batch.reset);
  EXPECT_TRUE(take(*stream, *r).ids.empty());
  stream->detach(r);
}

TEST_F(StreamHubTest, AReaderIsToldOfWhatIsNewOnItsWorker) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto r = reader();
  stream->attach(r, std::nullopt);
  EXPECT_FALSE(r->signal().await_ready());
  publish(*stream, "m");
  publish(*stream, "m");
  settle();
  EXPECT_TRUE(r->signal().await_ready());
  EXPECT_FALSE(r->signal().await_ready()) << "told once";
  stream->detach(r);
}

TEST_F(StreamHubTest, ABatchIsBoundedAndTheRestFollows) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto r = reader();
  stream->attach(r, std::nullopt);
  for (int i = 0; i < 10; ++i) publish(*stream, "m", 100);
  std::vector<std::uint64_t> all;
  while (true) {
    const auto taken = take(*stream, *r, 250);
    if (taken.ids.empty()) break;
    EXPECT_LE(taken.ids.size(), 3U);
    all.insert(all.end(), taken.ids.begin(), taken.ids.end());
  }
  EXPECT_EQ(all.size(), 10U);
  stream->detach(r);
}

TEST_F(StreamHubTest, TwoReadersEachSeeEverything) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto a = reader();
  const auto b = reader();
  stream->attach(a, std::nullopt);
  publish(*stream, "m");
  stream->attach(b, std::nullopt);
  publish(*stream, "m");
  EXPECT_EQ(take(*stream, *a).ids.size(), 2U);
  EXPECT_EQ(take(*stream, *b).ids.size(), 1U) << "only what came after it";
  stream->detach(a);
  stream->detach(b);
  EXPECT_FALSE(stream->has_readers());
}

TEST_F(StreamHubTest, AReaderOfOneMessageSeesThatOneAndItsEnd) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  publish(*stream, "other");
  publish(*stream, "m");
  publish(*stream, "other", 10, true);
  const auto r = reader();
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  publish(*stream, "other");
  publish(*stream, "m", 10, true);
  publish(*stream, "m2");
  const auto taken = take(*stream, *r);
  EXPECT_EQ(taken.ids.size(), 2U);
  EXPECT_TRUE(taken.batch.ended);
  EXPECT_FALSE(stream->attach_to_message(reader(), "unknown"));
  stream->detach(r);
}

TEST_F(StreamHubTest, AReaderOfARepeatedMessageSeesItsNewestTry) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  publish(*stream, "m");
  publish(*stream, "m", 10, true);  // failed
  publish(*stream, "m");
  publish(*stream, "m", 10, true);
  const auto r = reader();
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  const auto taken = take(*stream, *r);
  EXPECT_EQ(taken.ids.size(), 2U);
  EXPECT_TRUE(taken.batch.ended);
  stream->detach(r);
}

// ---- resuming

TEST_F(StreamHubTest, ResumesBehindTheLastIdWithoutLossOrRepetition) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  auto r = reader();
  stream->attach(r, std::nullopt);
  for (int i = 0; i < 4; ++i) publish(*stream, "m");
  const auto before = take(*stream, *r);
  stream->detach(r);
  for (int i = 0; i < 3; ++i) publish(*stream, "m");
  const auto again = reader();
  stream->attach(again, before.batch.last_id - 1);
  const auto taken = take(*stream, *again);
  EXPECT_FALSE(taken.batch.reset);
  ASSERT_EQ(taken.ids.size(), 4U);
  EXPECT_EQ(taken.ids.front(), before.batch.last_id);
  stream->detach(again);
}

TEST_F(StreamHubTest, AnIdThatIsGoneOrNeverWasGetsAReset) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  std::vector<std::uint64_t> ids;
  const auto live = reader();
  stream->attach(live, std::nullopt);
  for (int i = 0; i < 100; ++i) {
    publish(*stream, "m", 100);
    for (const auto id : take(*stream, *live).ids) ids.push_back(id);
  }
  for (const std::uint64_t asked : {ids.front(), std::uint64_t{0}, ids.back() + 1000, UINT64_MAX}) {
    const auto r = reader();
    stream->attach(r, asked);
    const auto taken = take(*stream, *r);
    EXPECT_TRUE(taken.batch.reset) << asked;
    EXPECT_FALSE(taken.ids.empty()) << "what is kept follows the reset";
    EXPECT_EQ(taken.ids.back(), ids.back());
    EXPECT_FALSE(take(*stream, *r).batch.reset) << "once";
    stream->detach(r);
  }
  const auto r = reader();
  stream->attach(r, ids.back());
  EXPECT_FALSE(take(*stream, *r).batch.reset) << "the newest id has nothing behind it";
  stream->detach(r);
  stream->detach(live);
}

TEST_F(StreamHubTest, IdsIncreaseOverTheLifeOfASessionEvenWhereItsStreamWasForgotten) {
  StreamHub hub(options_, clock_);
  std::uint64_t last = 0;
  for (int life = 0; life < 3; ++life) {
    auto stream = hub.open(session());
    const auto r = reader();
    stream->attach(r, std::nullopt);
    publish(*stream, "m");
    const auto taken = take(*stream, *r);
    ASSERT_EQ(taken.ids.size(), 1U);
    EXPECT_GT(taken.ids[0], last);
    last = taken.ids[0];
    stream->detach(r);
    stream.reset();
    clock_.advance(options_.retention + Seconds{5});
    hub.sweep();
    EXPECT_EQ(hub.find(session()), nullptr) << "forgotten after its retention";
  }
}

// ---- back-pressure

TEST_F(StreamHubTest, ASlowReaderMakesTheTurnWaitAndItsProgressLetsItGoOn) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto turn = std::make_shared<FakeTurn>();
  ASSERT_TRUE(stream->add_turn("m", worker_, turn, 5));
  const auto r = reader();
  stream->attach(r, std::nullopt);
  int published = 0;
  while (publish(*stream, "m", 100) && published < 1000) ++published;
  EXPECT_LT(published, 30) << "the buffer holds 2000 bytes";
  settle();
  EXPECT_EQ(turn->rooms, 0);
  (void)take(*stream, *r, 200);
  settle();
  EXPECT_EQ(turn->rooms, 0) << "not before the lag is half of the buffer";
  (void)take(*stream, *r);
  settle();
  EXPECT_EQ(turn->rooms, 1);
  EXPECT_TRUE(publish(*stream, "m", 100));
  stream->detach(r);
}

TEST_F(StreamHubTest, ATurnThatWaitsIsToldOfRoomEvenWhereAnotherPublishedMeanwhile) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto waiting = std::make_shared<FakeTurn>();
  const auto other = std::make_shared<FakeTurn>();
  ASSERT_TRUE(stream->add_turn("a", worker_, waiting, 5));
  ASSERT_TRUE(stream->add_turn("b", worker_, other, 5));
  const auto r = reader();
  stream->attach(r, std::nullopt);
  while (publish(*stream, "a", 100)) {
  }
  // The reader takes a little, so that the lag lies between half of the buffer and the whole; then
  // the other turn writes its last event.
  (void)take(*stream, *r, 300);
  publish(*stream, "b", 10, true);
  stream->remove_turn("b");
  (void)take(*stream, *r);
  settle();
  EXPECT_GE(waiting->rooms, 1) << "nobody would ever wake it";
  stream->detach(r);
}

TEST_F(StreamHubTest, ASlowReaderThatLeavesLetsTheTurnGoOn) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto turn = std::make_shared<FakeTurn>();
  ASSERT_TRUE(stream->add_turn("m", worker_, turn, 5));
  const auto slow = reader();
  const auto quick = reader();
  stream->attach(slow, std::nullopt);
  stream->attach(quick, std::nullopt);
  while (publish(*stream, "m", 100)) (void)take(*stream, *quick);
  stream->detach(slow);
  settle();
  EXPECT_EQ(turn->rooms, 1);
  stream->detach(quick);
}

TEST_F(StreamHubTest, WhatNobodyReadsFillsTheRingAndIsKeptForWhoComesBack) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto turn = std::make_shared<FakeTurn>();
  ASSERT_TRUE(stream->add_turn("m", worker_, turn, 5));
  int published = 0;
  while (!stream->full() && published < 1000) {
    EXPECT_TRUE(publish(*stream, "m", 100)) << "nobody lags";
    ++published;
  }
  EXPECT_LT(published, 30);
  const auto r = reader();
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  const auto taken = take(*stream, *r);
  EXPECT_FALSE(taken.batch.reset);
  EXPECT_EQ(taken.ids.size(), static_cast<std::size_t>(published)) << "nothing was lost";
  stream->detach(r);
}

TEST_F(StreamHubTest, WhatEveryReaderTookIsTrimmedToTheBuffer) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto r = reader();
  stream->attach(r, std::nullopt);
  for (int i = 0; i < 500; ++i) {
    publish(*stream, "m", 100);
    ASSERT_EQ(take(*stream, *r).ids.size(), 1U);
    ASSERT_FALSE(stream->full());
  }
  stream->detach(r);
}

// ---- turns

TEST_F(StreamHubTest, CapsTurnsAndTellsThemOfReaders) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto turn = std::make_shared<FakeTurn>();
  ASSERT_TRUE(stream->add_turn("a", worker_, turn, 2));
  ASSERT_TRUE(stream->add_turn("b", worker_, std::make_shared<FakeTurn>(), 2));
  EXPECT_FALSE(stream->add_turn("c", worker_, std::make_shared<FakeTurn>(), 2));
  EXPECT_TRUE(stream->has_turn("a"));
  EXPECT_FALSE(stream->has_turn("c"));
  EXPECT_EQ(hub.turns(), 2U);
  const auto r = reader();
  stream->attach(r, std::nullopt);
  settle();
  EXPECT_EQ(turn->readers, true);
  stream->detach(r);
  settle();
  EXPECT_EQ(turn->readers, false);
  stream->remove_turn("b");
  EXPECT_TRUE(stream->add_turn("c", worker_, std::make_shared<FakeTurn>(), 2));
  stream->remove_turn("a");
  stream->remove_turn("c");
  EXPECT_FALSE(stream->has_turns());
}

TEST_F(StreamHubTest, StopsEveryTurnAndForgetsThoseThatAreGone) {
  StreamHub hub(options_, clock_);
  auto gone = std::make_shared<FakeTurn>();
  const auto turn = std::make_shared<FakeTurn>();
  const auto stream = hub.open(session());
  ASSERT_TRUE(stream->add_turn("a", worker_, turn, 5));
  ASSERT_TRUE(stream->add_turn("b", worker_, gone, 5));
  gone.reset();
  hub.stop_turns();
  settle();
  EXPECT_EQ(turn->stops, 1);
}

// ---- forgetting

TEST_F(StreamHubTest, AStreamThatNobodyUsesIsForgottenAfterItsRetentionThoughNoOtherIsOpened) {
  StreamHub hub(options_, clock_);
  for (int number = 1; number <= 40; ++number) publish(*hub.open(session(number)), "m");
  const auto held = hub.find(session(1));
  const auto reading = reader();
  hub.open(session(2))->attach(reading, std::nullopt);
  clock_.advance(options_.retention - Seconds{1});
  hub.sweep();
  for (int number = 1; number <= 40; ++number) EXPECT_TRUE(hub.find(session(number))) << number;
  clock_.advance(Seconds{2});
  hub.sweep();
  EXPECT_TRUE(hub.find(session(1))) << "somebody holds it";
  EXPECT_TRUE(hub.find(session(2))) << "somebody reads it";
  for (int number = 3; number <= 40; ++number) EXPECT_FALSE(hub.find(session(number))) << number;
  hub.find(session(2))->detach(reading);
}

TEST_F(StreamHubTest, AnIdleStreamIsForgottenAndABusyOneIsNot) {
  StreamHub hub(options_, clock_);
  auto stream = hub.open(session());
  EXPECT_EQ(hub.open(session()), stream) << "one stream for one session";
  EXPECT_EQ(hub.find(session(2)), nullptr);
  stream->forget_if_idle();
  EXPECT_EQ(hub.find(session()), nullptr);
  auto busy = hub.open(session());
  publish(*busy, "m");
  busy->forget_if_idle();
  EXPECT_EQ(hub.find(session()), busy) << "it keeps events";
}

TEST_F(StreamHubTest, UnderPressureStreamsThatNobodyUsesGoAtOnce) {
  StreamHub hub(options_, clock_);
  for (int i = 0; i < 300; ++i) {
    const auto stream = hub.open(session(i));
    for (int k = 0; k < 5; ++k) publish(*stream, "m", 200);
  }
  std::size_t kept = 0;
  for (int i = 0; i < 300; ++i) kept += hub.find(session(i)) != nullptr ? 1U : 0U;
  EXPECT_LT(kept, 150U) << "20000 bytes in all; sweeping happens where a stream is opened";
}

TEST_F(StreamHubTest, ADestroyedSessionEndsItsReaders) {
  StreamHub hub(options_, clock_);
  const auto stream = hub.open(session());
  const auto r = reader();
  stream->attach(r, std::nullopt);
  hub.drop(session());
  settle();
  EXPECT_TRUE(r->signal().await_ready());
  EXPECT_TRUE(take(*stream, *r).batch.dropped);
  stream->detach(r);
  hub.drop(session(77));
}

// ---- other nodes

/// Says what a test wants it to, and remembers what it was told.
class FakeRelay final : public state::EventRelay {
 public:
  const std::string& node() const override { return name; }
  void deliver_to(Sink to) override { sink = std::move(to); }
  /// A test's "sealed" text is the index of a batch.
  std::optional<state::RelayedBatch> open(const state::SessionId&,
                                          std::string_view sealed) const override {
    return batches.at(*text::parse_number<std::size_t>(sealed));
  }
  Task<Result<std::size_t>> write(state::SessionId, const state::RelayedPiece& piece) override {
    pieces.push_back(piece);
    if (is_away) co_return fail(ErrorCode::unavailable, "away");
    co_return followers;
  }
  Task<Result<state::RelayedPast>> follow(state::SessionId, std::uint64_t after,
                                          Milliseconds) override {
    asked_behind = after;
    if (is_away) co_return fail(ErrorCode::unavailable, "away");
    auto out = past;
    out.was_following = std::exchange(knows_us, true);
    out.since = std::to_string(++looks);
    co_return out;
  }
  Task<void> unfollow(state::SessionId, std::string since) override {
    unfollowed = std::move(since);
    co_return;
  }

  /// Delivers a batch as news.
  void tell(const state::Key& key, state::RelayedBatch batch) {
    batch.number = ++number;
    past.number = number;
    batches.push_back(std::move(batch));
    sink.events(key, std::to_string(batches.size() - 1));
  }

  std::string name = "here";
  Sink sink;
  std::vector<state::RelayedBatch> batches;
  state::RelayedPast past;
  std::vector<state::RelayedPiece> pieces;
  std::size_t followers = 0;
  std::uint64_t asked_behind = 0;
  std::string unfollowed;
  bool is_away = false;
  bool knows_us = false;
  int looks = 0;
  std::uint64_t number = 0;
};

class SharedStreamTest : public StreamHubTest {
 protected:
  SharedStreamTest() { hub_.share(relay_); }

  std::shared_ptr<SessionStream> follow() {
    auto stream = hub_.open(session());
    spawn(hub_.follow(stream, {}, Milliseconds{60'000}));
    return stream;
  }
  /// What a look finds from now on; `some_lost`: something that is not kept was written before it.
  void keep(std::uint64_t floor, std::vector<state::RelayedBatch> batches,
            std::vector<std::string> under_way, bool some_lost = false) {
    relay_.past = {};
    relay_.past.floor = floor;
    if (some_lost) relay_.past.lost = ++relay_.number;
    relay_.number += batches.size();
    relay_.past.number = relay_.number;
    relay_.past.batches = std::move(batches);
    relay_.past.under_way = std::move(under_way);
  }
  void renew(const std::shared_ptr<SessionStream>& stream) {
    spawn(hub_.renew(stream, Milliseconds{60'000}));
  }
  /// `age`: milliseconds before now.
  std::uint64_t id_at(int age) const {
    return static_cast<std::uint64_t>(epoch_millis(clock_.wall()) - age) * 1000;
  }
  state::RelayedEvent event(std::uint64_t id, std::string message = "m", bool ends = false,
                            std::size_t size = 10) {
    return {id, std::move(message), std::to_string(id) + std::string(size, 'x'), ends};
  }
  state::RelayedBatch batch(std::vector<state::RelayedEvent> events, std::string node = "there",
                            std::uint64_t behind = 0) {
    state::RelayedBatch out;
    out.node = std::move(node);
    out.behind = behind;
    out.events = std::move(events);
    return out;
  }

  FakeRelay relay_;
  StreamHub hub_{options_, clock_};
};

TEST_F(SharedStreamTest, WhatOthersWroteIsReadOnceAndByItsIds) {
  keep(id_at(9000), {batch({event(id_at(8000)), event(id_at(7000))})}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, id_at(8000));
  relay_.tell(session(), batch({event(id_at(7000)), event(id_at(6000))}));
  relay_.tell(session(), batch({event(id_at(6000)), event(id_at(5000), "m", true)}));
  const auto taken = take(*stream, *r);
  EXPECT_FALSE(taken.batch.reset);
  EXPECT_EQ(taken.ids, (std::vector{id_at(7000), id_at(6000), id_at(5000)}));
  publish(*stream, "n");
  EXPECT_GT(take(*stream, *r).ids.at(0), id_at(5000)) << "our own go on behind them";
  stream->detach(r);
  EXPECT_EQ(relay_.unfollowed, "1");
}

TEST_F(SharedStreamTest, AnIdThatIsGoneEverywhereIsReset) {
  keep(id_at(9000), {batch({event(id_at(8000))})}, {});
  const auto stream = follow();
  for (const auto id : {std::uint64_t{1}, id_at(9001), id_at(-60'000)}) {
    const auto r = reader();
    stream->attach(r, id);
    EXPECT_TRUE(take(*stream, *r).batch.reset) << id;
    stream->detach(r);
  }
  const auto r = reader();
  stream->attach(r, id_at(9000));
  EXPECT_FALSE(take(*stream, *r).batch.reset) << "everything behind it is kept";
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhoSawMoreThanHasArrivedWaitsForTheRest) {
  keep(id_at(9000), {batch({event(id_at(8000))})}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, id_at(100));
  EXPECT_FALSE(take(*stream, *r).batch.reset);
  relay_.tell(session(), batch({event(id_at(200)), event(id_at(100)), event(id_at(50))}));
  EXPECT_EQ(take(*stream, *r).ids, std::vector{id_at(50)});
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhatNeverArrivesIsResetInTheEnd) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, id_at(100));
  EXPECT_FALSE(take(*stream, *r).batch.reset);
  clock_.advance(Seconds{3});
  renew(stream);
  EXPECT_TRUE(take(*stream, *r).batch.reset);
  publish(*stream, "m");
  EXPECT_EQ(take(*stream, *r).ids.size(), 1U);
  stream->detach(r);
}

TEST_F(SharedStreamTest, AnIdAtWhichTwoNodesWroteIsReset) {
  keep(id_at(9000),
       {batch({event(id_at(5000))}, "one"), batch({event(id_at(4900), "n")}, "two"),
        batch({event(id_at(1000))}, "one")},
       {});
  const auto stream = follow();
  const auto between = reader();
  stream->attach(between, id_at(4900));
  EXPECT_TRUE(take(*stream, *between).batch.reset);
  const auto behind = reader();
  stream->attach(behind, id_at(1000));
  EXPECT_FALSE(take(*stream, *behind).batch.reset);
  stream->detach(between);
  stream->detach(behind);
}

TEST_F(SharedStreamTest, AMessageOfADeadNodeIsEnded) {
  keep(id_at(9000), {batch({event(id_at(8000))})}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  EXPECT_TRUE(stream->is_under_way("m"));
  EXPECT_FALSE(take(*stream, *r).batch.ended);
  clock_.advance(Seconds{16});
  EXPECT_TRUE(stream->wants_renewal());
  relay_.past.under_way.clear();
  renew(stream);
  std::string text;
  EXPECT_FALSE(stream->take(*r, Face::ndjson, text, SIZE_MAX).ended) << "it may say so yet";
  clock_.advance(Seconds{7});
  EXPECT_TRUE(stream->wants_renewal()) << "sooner than otherwise";
  renew(stream);
  EXPECT_FALSE(stream->wants_renewal());
  EXPECT_TRUE(stream->take(*r, Face::ndjson, text, SIZE_MAX).ended);
  EXPECT_NE(text.find(R"("type":"error")"), std::string::npos);
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhoWaitsForAMessageThatNeverBeganIsToldToo) {
  keep(0, {}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  std::string text;
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  EXPECT_FALSE(stream->attach_to_message(reader(), "other"));
  relay_.past.under_way.clear();
  renew(stream);
  EXPECT_FALSE(stream->take(*r, Face::ndjson, text, SIZE_MAX).ended)
      << "it may have begun just now";
  clock_.advance(Seconds{16});
  renew(stream);
  EXPECT_TRUE(stream->take(*r, Face::ndjson, text, SIZE_MAX).ended);
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhatWasMissedIsFetchedOrElseReset) {
  keep(id_at(9000), {batch({event(id_at(8000))})}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.sink.missed();
  EXPECT_TRUE(stream->wants_renewal()) << "something is being written";
  relay_.past.batches = {batch({event(id_at(8000)), event(id_at(100))})};
  renew(stream);
  auto taken = take(*stream, *r);
  EXPECT_FALSE(taken.batch.reset);
  EXPECT_EQ(taken.ids, std::vector{id_at(100)});

  relay_.sink.missed();
  keep(id_at(50), {batch({event(id_at(10))})}, {"m"}, true);
  renew(stream);
  taken = take(*stream, *r);
  EXPECT_TRUE(taken.batch.reset) << "what lay between is nowhere any more";
  EXPECT_EQ(taken.ids, std::vector{id_at(10)});
  stream->detach(r);
}

TEST_F(SharedStreamTest, AGapInTheNewsIsSeenAndFetched) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.tell(session(), batch({event(id_at(900))}));
  EXPECT_EQ(take(*stream, *r).ids, std::vector{id_at(900)});
  relay_.tell(session(), batch({event(id_at(700))}, "there", id_at(800)));
  EXPECT_TRUE(take(*stream, *r).ids.empty()) << "what is behind the gap waits";
  EXPECT_TRUE(stream->wants_renewal());
  keep(id_at(1000),
       {batch({event(id_at(900))}), batch({event(id_at(800))}, "there", id_at(900)),
        batch({event(id_at(700))}, "there", id_at(800))},
       {"m"});
  renew(stream);
  const auto taken = take(*stream, *r);
  EXPECT_FALSE(taken.batch.reset);
  EXPECT_EQ(taken.ids, (std::vector{id_at(800), id_at(700)}));
  relay_.tell(session(), batch({event(id_at(600))}, "there", id_at(700)));
  EXPECT_EQ(take(*stream, *r).ids, std::vector{id_at(600)});
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhatItsWriterLostIsAReset) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  // The beginning never arrived anywhere.
  relay_.tell(session(), batch({event(id_at(700))}, "there", id_at(800)));
  keep(id_at(800), {batch({event(id_at(700))}, "there", id_at(800))}, {"m"}, true);
  renew(stream);
  const auto taken = take(*stream, *r);
  EXPECT_TRUE(taken.batch.reset);
  EXPECT_EQ(taken.ids, std::vector{id_at(700)});
  stream->detach(r);
}

TEST_F(SharedStreamTest, TwoMessagesOfOneNodeArriveInAnyOrder) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.tell(session(), batch({event(id_at(900), "m"), event(id_at(700), "m")}));
  relay_.tell(session(), batch({event(id_at(800), "n"), event(id_at(600), "n")}));
  EXPECT_EQ(take(*stream, *r).ids.size(), 4U);
  stream->detach(r);
}

TEST_F(SharedStreamTest, WithoutTheRelayANodeGoesOnByItself) {
  relay_.is_away = true;
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  publish(*stream, "m");
  EXPECT_EQ(take(*stream, *r).ids.size(), 1U);
  stream->detach(r);
}

TEST_F(SharedStreamTest, NobodyWaitsForAReaderOfWhatOthersWriteAndMemoryIsBounded) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  for (int i = 0; i < 100; ++i) {
    relay_.tell(session(), batch({event(id_at(1000 - i), "m", false, 200)}));
  }
  const auto taken = take(*stream, *r);
  EXPECT_TRUE(taken.batch.reset);
  EXPECT_GE(taken.ids.size(), 2000U / 300);
  EXPECT_LE(taken.ids.size(), 2 * 2000U / 200);
  EXPECT_EQ(taken.ids.back(), id_at(901));
  stream->detach(r);
}

TEST_F(SharedStreamTest, ASessionThatEndedElsewhereEndsHere) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.sink.ended(session());
  EXPECT_TRUE(take(*stream, *r).batch.dropped);
  stream->detach(r);
}

TEST_F(SharedStreamTest, ReadersElsewhereCount) {
  const auto stream = hub_.open(session());
  stream->set_remote_readers(1);
  EXPECT_FALSE(stream->has_readers()) << "nothing is being written that they could read";
  ASSERT_TRUE(stream->add_turn("m", worker_, std::make_shared<FakeTurn>(), 1));
  stream->set_remote_readers(1);
  EXPECT_TRUE(stream->has_readers());
  EXPECT_FALSE(stream->has_own_readers());
  stream->remove_turn("m");
  EXPECT_FALSE(stream->has_readers());
}

TEST_F(SharedStreamTest, AnOutboxGathersAndSaysWhatWasLost) {
  const auto stream = hub_.open(session());
  ASSERT_TRUE(stream->add_turn("m", worker_, std::make_shared<FakeTurn>(), 1));
  const auto outbox =
      std::make_shared<Outbox>(worker_, hub_, stream, state::SessionId{}, std::string("m"));
  outbox->add(event(100));
  outbox->add(event(101));
  EXPECT_TRUE(relay_.pieces.empty()) << "it waits for more";
  relay_.followers = 2;
  outbox->add(event(102, "m", false, Outbox::kGatherBytes));
  ASSERT_EQ(relay_.pieces.size(), 1U);
  EXPECT_EQ(relay_.pieces[0].events.size(), 3U);
  EXPECT_EQ(relay_.pieces[0].behind, 0U) << "the message begins";
  EXPECT_FALSE(relay_.pieces[0].lost_some);
  EXPECT_FALSE(relay_.pieces[0].over);
  EXPECT_TRUE(stream->has_readers());

  // What fails goes along with what comes next.
  relay_.is_away = true;
  outbox->add(event(103, "m", false, Outbox::kGatherBytes));
  outbox->add(event(104, "m", false, Outbox::kGatherBytes));
  EXPECT_EQ(relay_.pieces.size(), 2U) << "it is not asked again and again";
  relay_.is_away = false;
  outbox->add(event(105, "m", true));
  ASSERT_EQ(relay_.pieces.size(), 3U);
  EXPECT_FALSE(relay_.pieces[2].lost_some);
  EXPECT_TRUE(relay_.pieces[2].over);
  EXPECT_EQ(relay_.pieces[2].behind, 102U);
  EXPECT_EQ(relay_.pieces[2].events.size(), 3U);
}

TEST_F(SharedStreamTest, AnOutboxIsBounded) {
  const auto stream = hub_.open(session());
  const auto outbox =
      std::make_shared<Outbox>(worker_, hub_, stream, state::SessionId{}, std::string("m"));
  relay_.is_away = true;
  for (std::uint64_t id = 100; id < 200; ++id) {
    outbox->add(event(id, "m", false, Outbox::kMostUnsent / 10));
  }
  relay_.is_away = false;
  relay_.pieces.clear();
  outbox->add(event(200, "m", true));
  ASSERT_EQ(relay_.pieces.size(), 1U);
  EXPECT_TRUE(relay_.pieces[0].lost_some);
  EXPECT_LT(relay_.pieces[0].events.size(), 11U);
  EXPECT_EQ(relay_.pieces[0].behind, relay_.pieces[0].events.front().id - 1);
  EXPECT_EQ(relay_.pieces[0].events.back().id, 200U);
}

TEST_F(SharedStreamTest, AMessageThatWasTriedAgainElsewhereIsReadWhateverItsClockSays) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.tell(session(), batch({event(id_at(500)), event(id_at(400), "m", true)}, "one"));
  relay_.tell(session(), batch({event(id_at(600)), event(id_at(550), "m", true)}, "two"));
  EXPECT_EQ(take(*stream, *r).ids.size(), 4U);
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhatOthersWroteWhileNobodyReadHereIsFetchedByWhoReadsNext) {
  const auto stream = hub_.open(session());
  publish(*stream, "one");
  const auto first = id_at(0);
  clock_.advance(Seconds{5});
  publish(*stream, "three");
  keep(id_at(3000), {batch({event(id_at(2500), "two")})}, {"two"});
  spawn(hub_.follow(stream, {}, Milliseconds{60'000}));
  const auto r = reader();
  stream->attach(r, first);
  const auto taken = take(*stream, *r);
  // Behind the floor of what is kept nothing is certain: everything that is there is shown.
  EXPECT_TRUE(taken.batch.reset);
  EXPECT_EQ(taken.ids.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(taken.ids));
  stream->detach(r);

  clock_.advance(Seconds{5});
  keep(id_at(8000), {batch({event(id_at(2500), "four")})}, {"four"});
  spawn(hub_.follow(stream, {}, Milliseconds{60'000}));
  const auto next = reader();
  stream->attach(next, taken.ids.back());
  EXPECT_EQ(take(*stream, *next).ids, std::vector{id_at(2500)});
  stream->detach(next);
}

TEST_F(SharedStreamTest, WhereTheOrderOfArrivalIsAnotherOneThanThatOfIdsAnIdIsReset) {
  const auto stream = follow();
  const auto watching = reader();
  stream->attach(watching, std::nullopt);
  publish(*stream, "here");
  const auto own = take(*stream, *watching).ids.at(0);
  relay_.tell(session(), batch({event(own - 1'000'000), event(own + 1'000'000)}));
  for (const auto id : {own - 1'000'000, own, own + 1'000'000}) {
    const auto r = reader();
    stream->attach(r, id);
    EXPECT_TRUE(take(*stream, *r).batch.reset) << id;
    stream->detach(r);
  }
  EXPECT_EQ(take(*stream, *watching).ids.size(), 2U) << "who reads on misses nothing";
  stream->detach(watching);
}

TEST_F(SharedStreamTest, WhoIsAheadOfWhatTwoNodesWriteIsReset) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, id_at(100));
  relay_.tell(session(), batch({event(id_at(50), "n")}, "two"));
  EXPECT_TRUE(take(*stream, *r).batch.reset);
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhatWasToldLateIsNoPositionForWhoSawOthersMeanwhile) {
  auto late = batch({event(id_at(9000), "late"), event(id_at(8000), "late")}, "one");
  late.written = id_at(1000);
  keep(id_at(9500), {batch({event(id_at(5000), "m")}, "two"), std::move(late)}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, id_at(5000));
  EXPECT_TRUE(take(*stream, *r).batch.reset) << "it may not have been there yet";
  stream->detach(r);
}

TEST_F(SharedStreamTest, WhoIsAheadIsResetWhereOthersWriteMeanwhile) {
  const auto stream = follow();
  const auto here = reader();
  stream->attach(here, id_at(-500));
  publish(*stream, "m");
  EXPECT_TRUE(take(*stream, *here).batch.reset) << "we wrote ourselves";
  stream->detach(here);

  clock_.advance(Seconds{10});
  const auto there = reader();
  stream->attach(there, id_at(100));
  relay_.tell(session(), batch({event(id_at(200), "n")}, "two"));
  EXPECT_TRUE(take(*stream, *there).ids.empty());
  relay_.tell(session(), batch({event(id_at(150), "o")}, "one"));
  EXPECT_TRUE(take(*stream, *there).batch.reset) << "two others wrote";
  stream->detach(there);
}

TEST_F(SharedStreamTest, AMessageOfWhichTheBeginningIsGoneIsReset) {
  keep(id_at(9000), {batch({event(id_at(8000))}, "there", id_at(9000))}, {"m"});
  const auto stream = follow();
  const auto r = reader();
  ASSERT_TRUE(stream->attach_to_message(r, "m"));
  EXPECT_TRUE(take(*stream, *r).batch.reset);
  stream->detach(r);
}

TEST_F(SharedStreamTest, ARecordThatIsGoneIsAReset) {
  const auto stream = follow();
  const auto r = reader();
  stream->attach(r, std::nullopt);
  relay_.knows_us = false;
  renew(stream);
  EXPECT_TRUE(take(*stream, *r).batch.reset);
  renew(stream);
  EXPECT_FALSE(take(*stream, *r).batch.reset);
  stream->detach(r);
}

}  // namespace
}  // namespace portcullis::chat
