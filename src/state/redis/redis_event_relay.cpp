#include "state/redis/redis_event_relay.hpp"

#include <array>

#include "base/text.hpp"
#include "state/redis/session_sealer.hpp"

namespace portcullis::state {

RedisEventRelay::RedisEventRelay(RedisStore& store, Subscriber& subscriber, std::string node,
                                 RedisEventRelayOptions options)
    : store_(store), node_(std::move(node)), options_(options) {
  subscriber.listen(
      store_.events_channel() + node_, [this](std::string_view payload) { hear(payload); },
      [this] {
        if (sink_.missed) sink_.missed();
      });
}

/// A session's key, and what `write_events` made of its events; nothing where the session has
/// ended.
void RedisEventRelay::hear(std::string_view payload) const {
  const auto space = payload.find(' ');
  const auto session = KeyNames::parse(payload.substr(0, space));
  if (!session || space == std::string_view::npos) return;
  const auto batch = payload.substr(space + 1);
  if (batch.empty()) {
    if (sink_.ended) sink_.ended(*session);
  } else if (sink_.events) {
    sink_.events(*session, batch);
  }
}

/// Number, last id, time, node and sealed events, as `write_events` puts them.
std::optional<RelayedBatch> RedisEventRelay::open(const SessionId& session,
                                                  std::string_view sealed) const {
  const auto number = text::parse_number<std::uint64_t>(take_word(sealed));
  take_word(sealed);  // the last id: for the script
  const auto written = text::parse_number<std::uint64_t>(take_word(sealed));
  const auto node = take_word(sealed);
  auto batch = SessionSealer(session).open_batch(sealed);
  if (!batch || !number || !written) return std::nullopt;
  batch->node = node;
  batch->number = *number;
  batch->written = *written;
  return batch;
}

Task<Result<redis::Reply>> RedisEventRelay::run(const Script& script, const SessionId& session,
                                                std::initializer_list<const char*> kinds,
                                                const Words& values) {
  const redis::Servers* servers = store_.here();
  if (servers == nullptr) co_return fail(ErrorCode::unavailable, "not on a worker");
  Words keys;
  for (const auto* kind : kinds) keys.add(store_.names(*servers).of(kind, session_key(session)));
  co_return co_await store_.run(script, keys.views(), values.views());
}

Task<Result<std::size_t>> RedisEventRelay::write(SessionId session, const RelayedPiece& piece) {
  std::string sealed;
  std::uint64_t behind = 0;
  std::uint64_t last = 0;
  if (!piece.events.empty()) {
    sealed = SessionSealer(session).seal(piece);
    behind = piece.behind != 0 ? piece.behind : piece.events.front().id - 1;
    last = piece.events.back().id;
  }
  Words values;
  values.add(store_.now());
  values.add(node_);
  values.add(piece.message_id);
  values.add(sealed);
  values.add(static_cast<std::int64_t>(behind));
  values.add(static_cast<std::int64_t>(last));
  values.add(piece.lost_some ? "1" : "0");
  values.add(static_cast<std::int64_t>(options_.max_bytes));
  values.add(kKept.count());
  values.add(piece.over ? 0 : kAlive.count());
  values.add(store_.events_channel());
  values.add(KeyNames::text(session_key(session)));
  const auto reply =
      co_await run(scripts::write_events(), session, {"events", "event-record", "session"}, values);
  if (!reply) co_return std::unexpected(reply.error());
  co_return static_cast<std::size_t>(std::max<std::int64_t>(0, reply->integer()));
}

Task<Result<RelayedPast>> RedisEventRelay::follow(SessionId session, std::uint64_t after,
                                                  Milliseconds life) {
  Words values;
  values.add(store_.now());
  values.add(node_);
  values.add(static_cast<std::int64_t>(after));
  values.add(life.count());
  const auto reply =
      co_await run(scripts::follow_events(), session, {"events", "event-record"}, values);
  if (!reply) co_return std::unexpected(reply.error());
  RelayedPast out;
  out.floor = text::parse_number<std::uint64_t>((*reply)[0].text()).value_or(0);
  out.lost = static_cast<std::uint64_t>((*reply)[1].integer());
  out.number = static_cast<std::uint64_t>((*reply)[2].integer());
  for (std::size_t i = 0; i < (*reply)[3].size(); ++i) {
    // What does not open is of nobody who knows the session: as if it were not there.
    if (auto batch = open(session, (*reply)[3][i].text())) out.batches.push_back(*std::move(batch));
  }
  for (std::size_t i = 0; i < (*reply)[4].size(); ++i) {
    out.under_way.emplace_back((*reply)[4][i].text());
  }
  out.was_following = (*reply)[5].integer() == 1;
  out.since = (*reply)[6].text();
  co_return out;
}

Task<void> RedisEventRelay::unfollow(SessionId session, std::string since) {
  Words values;
  values.add(store_.now());
  values.add(node_);
  values.add(since);
  (void)co_await run(scripts::unfollow_events(), session, {"event-record"}, values);
}

}  // namespace portcullis::state
