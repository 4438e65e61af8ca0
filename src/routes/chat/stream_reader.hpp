#pragma once
#include <memory>
#include <optional>

#include "chat/stream_hub.hpp"
#include "http/exchange.hpp"
#include "observe/metrics.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

struct StreamOptions {
  Milliseconds heartbeat{15'000};
  observe::CounterFamily* opened = nullptr;
  observe::CounterFamily* dropped = nullptr;  ///< by reason
  state::Store* store = nullptr;  ///< says at every heartbeat whether the reader may go on

  /// For how long other nodes tell what they write: until after the next look for it.
  Milliseconds follow_life() const noexcept { return 2 * heartbeat + Milliseconds{30'000}; }
};

StreamOptions stream_options(const Services& services);

/// Notes a stream that the write deadline cut: its reader took nothing for too long.
void count_if_slow(const StreamOptions& options, const Error& error);

/// Writes a session's events to one client until the message that was asked for has ended, the
/// client leaves or may not read it any longer, or the server drains.
///
/// Memory: what an idle subscription keeps is this coroutine, a Reader and its place in the hub.
Task<void> write_stream(http::Exchange& exchange, chat::StreamHub& hub,
                        std::shared_ptr<chat::SessionStream> stream,
                        std::shared_ptr<chat::SessionStream::Reader> reader,
                        chat::StreamHub::Place place, chat::Face face, StreamOptions options);

/// Waits until the message that `reader` was attached to has ended, or the client leaves.
Task<void> wait_for_message(http::Exchange& exchange, chat::StreamHub& hub,
                            const std::shared_ptr<chat::SessionStream>& stream,
                            const std::shared_ptr<chat::SessionStream::Reader>& reader,
                            StreamOptions options);

/// Status and headers of an event stream.
http::ResponseHead stream_head(chat::Face face);

}  // namespace portcullis::routes
