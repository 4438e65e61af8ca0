#include "routes/chat/stream_reader.hpp"

#include "identity/session_keys.hpp"

namespace portcullis::routes {
namespace {

constexpr std::size_t kBatchBytes = 16 * 1024;

/// Detaches however the stream ends.
struct Attachment {
  chat::SessionStream& stream;
  const std::shared_ptr<chat::SessionStream::Reader>& reader;
  http::Exchange& exchange;
  chat::StreamHub::Place place;
  ~Attachment() {
    exchange.set_hook({});
    stream.detach(reader);
  }
};

/// Wakes a reader that is told nothing for as long as a heartbeat.
class Beat {
 public:
  Beat(net::Worker& worker, chat::SessionStream::Reader& reader, Milliseconds after)
      : timer_(
            worker.deadlines(),
            [](void* r) { static_cast<chat::SessionStream::Reader*>(r)->beat(); }, &reader) {
    timer_.arm(after);
  }
  bool is_due() const noexcept { return !timer_.is_armed(); }

 private:
  net::DeadlineTimer timer_;
};

/// Whether nothing that happened since the stream was opened has shut its reader out. Asked where
/// that is not known, too: the next look will tell.
Task<bool> may_go_on(const http::Exchange& exchange, state::Store& store) {
  if (!exchange.presenter) co_return true;
  const auto& session = *exchange.principal.session;
  const identity::SessionKeys keys(session, *exchange.presenter);
  state::AdmitRequest look;
  look.may_be_revoked_by(keys.shut_out());
  look.issued = session.issued;
  const auto answer = co_await store.admit(look);
  co_return !answer || !answer->revoked;
}

}  // namespace

StreamOptions stream_options(const Services& services) {
  return {services.settings->stream_heartbeat,
          &services.metrics->counter("portcullis_streams_total"),
          &services.metrics->counter("portcullis_streams_dropped_total"), services.store};
}

void count_if_slow(const StreamOptions& options, const Error& error) {
  if (error.code == ErrorCode::cancelled) options.dropped->add(options.dropped->cell({"slow"}));
}

http::ResponseHead stream_head(chat::Face face) {
  http::ResponseHead head;
  head.status = 200;
  head.content_type = face == chat::Face::sse ? "text/event-stream; charset=utf-8"
                                              : "application/x-ndjson; charset=utf-8";
  head.headers.add("Cache-Control", "no-cache, no-store, must-revalidate, no-transform");
  head.headers.add("X-Accel-Buffering", "no");
  return head;
}

Task<void> write_stream(http::Exchange& exchange, chat::StreamHub& hub,
                        std::shared_ptr<chat::SessionStream> stream,
                        std::shared_ptr<chat::SessionStream::Reader> reader,
                        chat::StreamHub::Place place, chat::Face face, StreamOptions options) {
  options.opened->add(options.opened->cell({}));
  const Attachment attachment{*stream, reader, exchange, std::move(place)};
  exchange.set_hook([&reader] { reader->notify(); });
  if (!co_await exchange.start(stream_head(face))) co_return;
  if (exchange.head().method == http::Method::head) co_return co_await exchange.end();
  bool opened = false;
  bool welcome = true;
  MonotonicTime looked = exchange.worker().clock().coarse();
  while (!exchange.gone()) {
    if (stream->wants_renewal()) co_await hub.renew(stream, options.follow_life());
    if (const auto now = exchange.worker().clock().coarse(); now >= looked + options.heartbeat) {
      looked = now;
      welcome = co_await may_go_on(exchange, *options.store);
    }
    if (!welcome) {
      std::string out;
      chat::append_done(out, face);
      if (co_await exchange.write(out)) co_await exchange.end();
      co_return;
    }
    {
      std::string out;
      if (!std::exchange(opened, true)) chat::append_opening(out, face);
      const std::size_t before = out.size();
      const auto batch = stream->take(*reader, face, out, kBatchBytes);
      if (batch.reset) {
        std::string reset;
        chat::append_reset(reset, face);
        out.insert(before, reset);
      }
      const bool more = out.size() >= kBatchBytes;
      const bool last =
          batch.ended || batch.dropped || (exchange.draining() && !more && !stream->has_turns());
      if (last) chat::append_done(out, face);
      if (!out.empty()) {
        const auto written = co_await exchange.write(out);
        if (!written) co_return count_if_slow(options, written.error());
      }
      if (last) co_return co_await exchange.end();
      if (more) continue;
    }
    const Beat beat(exchange.worker(), *reader, options.heartbeat);
    co_await reader->signal();
    if (beat.is_due() && !exchange.gone() && !exchange.draining()) {
      std::string out;
      chat::append_heartbeat(out, face);
      const auto written = co_await exchange.write(out);
      if (!written) co_return count_if_slow(options, written.error());
    }
  }
}

Task<void> wait_for_message(http::Exchange& exchange, chat::StreamHub& hub,
                            const std::shared_ptr<chat::SessionStream>& stream,
                            const std::shared_ptr<chat::SessionStream::Reader>& reader,
                            StreamOptions options) {
  exchange.set_hook([&reader] { reader->notify(); });
  while (!exchange.gone()) {
    if (stream->wants_renewal()) co_await hub.renew(stream, options.follow_life());
    std::string unused;
    const auto batch = stream->take(*reader, chat::Face::ndjson, unused, SIZE_MAX);
    if (batch.ended || batch.dropped) break;
    const Beat beat(exchange.worker(), *reader, options.heartbeat);
    co_await reader->signal();
  }
  exchange.set_hook({});
}

}  // namespace portcullis::routes
