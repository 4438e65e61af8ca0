#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/eventual.hpp"
#include "base/ids.hpp"
#include "base/origin.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "config/settings.hpp"
#include "http/framing.hpp"
#include "http/header_block.hpp"
#include "http/in_flight.hpp"
#include "http/principal.hpp"
#include "http/problem.hpp"
#include "http/request_head.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::pipeline {
struct Route;
struct Site;
}  // namespace portcullis::pipeline

namespace portcullis::http {

class Exchange;
class Handler;
class JsonBody;
struct MultipartForm;

/// Status and headers of an answer.
struct ResponseHead {
  std::uint16_t status = 200;
  std::string_view content_type;  ///< static text; empty: none
  HeaderBlock headers;
  /// Of a stream whose length is known: it is said, and end() before so much was written cuts it.
  std::optional<std::uint64_t> content_length{};
};

/// A whole answer.
struct Response : ResponseHead {
  std::string body;
  std::string_view static_body;  ///< instead of `body`, for bytes that live as long as the program

  static Response json(std::uint16_t status, std::string body);
  static Response text(std::uint16_t status, std::string_view content_type, std::string body);
  std::string_view bytes() const noexcept { return static_body.empty() ? body : static_body; }
};

/// Adds the headers that every answer carries. Implemented by the pipeline, called by the exchange,
/// so that no answer can leave without it.
class ResponseFilter {
 public:
  virtual ~ResponseFilter() = default;
  virtual void apply(Exchange& exchange, ResponseHead& head) const = 0;
  /// The same for an answer that is there as a whole.
  virtual void apply_whole(Exchange& exchange, Response& response) const {
    apply(exchange, response);
  }
};

/// One request and its answer. HTTP/1.1 and an in-memory double implement it; guards and routes see
/// nothing below it.
///
/// Threads:   the worker of its connection.
/// Ownership: the protocol owns it for as long as the handler runs; views of head and body end with
/// it. Errors:    a client that has gone is an Error of code closed, reset or timeout from write();
/// sending
///            a whole answer never fails towards the handler.
class Exchange {
 public:
  explicit Exchange(net::Worker& owner);
  virtual ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // ---- what came
  const RequestHead& head() const noexcept { return head_; }
  const Framing& framing() const noexcept { return framing_; }
  /// Set where the bytes were no valid request: there is no head then, and no body.
  const std::optional<FramingError>& framing_error() const noexcept { return framing_error_; }
  net::Worker& worker() const noexcept { return worker_; }
  MonotonicTime started_at() const noexcept { return started_at_; }
  WallTime started_wall() const noexcept { return started_wall_; }

  /// The origin under which it came, as far as it can be believed: its Host, and the scheme of
  /// `client`.
  std::optional<Origin> requested_origin() const;

  /// The whole body. Refuses one above `limit` bytes without reading it to its end.
  /// Errors: too_large, timeout (the client sends too slowly), malformed (chunk framing), closed.
  /// The view is valid until start() or the end of the exchange. May be called again.
  Eventual<Result<std::string_view>> read_body(std::uint64_t limit);
  /// What read_body() gives from now on: the body that came, unpacked. REQUIRES: body_done(), and
  /// no view of the former one is used any more.
  void replace_body(std::string unpacked) { unpacked_body_ = std::move(unpacked); }
  /// The body in pieces as it comes, for who passes it on: at most kBodyPiece bytes, none at its
  /// end. Refuses one above `limit` bytes in all. Errors as above; whoever sends too slowly has the
  /// time in which somebody waits for it counted, and no other. The view is valid until the next
  /// call. One of the two reads a body, not both.
  static constexpr std::size_t kBodyPiece = 64 * 1024;
  Eventual<Result<std::string_view>> read_some_body(std::uint64_t limit);
  /// Whether nothing of the body is left to be read.
  virtual bool body_done() const noexcept = 0;

  // ---- what guards learn; each field has one writer, named here
  Client client;                           ///< address guard; the mark of a block: blocks guard
  Uuid request_id;                         ///< address guard
  const pipeline::Route* route = nullptr;  ///< pipeline
  const pipeline::Site* site = nullptr;    ///< origin guard; without a page credentials guard
  std::optional<Origin> origin;            ///< origin guard: the allowed origin of the page
  /// credentials guard; rate guard where revoked or replayed; claim guard on its routes
  Principal principal;
  std::optional<Presenter> presenter;  ///< credentials guard: who shows a session's token
  /// Whoever made it: a message of a connection whose opening has proven these two.
  bool vouched = false;
  std::string vouched_site;  ///< likewise, the id of its site; empty: that of its origin
  /// Set by the handler of a protected WebSocket's messages alone: this one may go on.
  bool may_go_on = false;
  LimitState limit_state;                 ///< rate guard; claim guard likewise
  SessionState session_state;             ///< rate guard (the same flight); claim guard likewise
  std::unique_ptr<JsonBody> json;         ///< body guard
  std::unique_ptr<MultipartForm> form;    ///< body guard; instead of `json`
  bool plain_body = false;                ///< body guard: it has no coding any more, if it had one
  bool decided_alone = false;             ///< rate guard: what nodes share could not be asked
  InFlight::Places places;                ///< rate guard; claim guard on routes of its own
  bool challenge_paid = false;            ///< challenge desk: one solution serves one request
  HeaderBlock fresh_token;                ///< session guard: goes out with the answer
  std::shared_ptr<const void> body_room;  ///< body guard: its part of what bodies may hold together

  // ---- how it ended; written by the pipeline, read by finish()
  Ulid event_id;
  std::string_view refused_by;  ///< guard name
  std::string_view error_code;  ///< name of the problem that was sent

  std::string csp_nonce;  ///< set by the handler of a page before it answers

  // ---- the answer: exactly one of send(), start() or upgrade()
  void set_filter(const ResponseFilter* filter) noexcept { filter_ = filter; }
  Task<void> send(Response response);
  /// Begins a stream, of a length that is not known unless the head says it.
  Task<Result<void>> start(ResponseHead head);
  /// Writes a chunk and waits until the transport has taken it: this is the back-pressure.
  Task<Result<void>> write(std::string_view chunk);
  /// Ends the stream in order.
  Task<void> end();
  /// Answers 101 and hands the raw stream over; `leftover` is what came after the request.
  /// @returns malformed, with nothing answered, while the request's body is not read: protocols
  /// change between messages and never inside of one (RFC 9110 section 7.8).
  struct Upgraded {
    net::Stream* stream = nullptr;
    std::string leftover;
  };
  Task<Result<Upgraded>> upgrade(ResponseHead head);

  std::uint16_t status() const noexcept { return status_; }
  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  bool answered() const noexcept { return status_ != 0; }
  bool streaming() const noexcept { return streaming_; }

  /// What answers requests like this one; null where it did not come on a connection.
  Handler* road() const noexcept { return road_; }
  /// Over our own TLS, whatever a proxy says of the visitor.
  bool arrived_by_tls() const noexcept { return tls_; }

  // ---- the client leaving, and the server stopping
  bool gone() const noexcept { return gone_; }
  bool draining() const noexcept { return draining_; }
  /// Calls `hook` once when the client has gone or the server drains. One hook at a time; an empty
  /// one takes it away. REQUIRES: the hook must not destroy the exchange.
  void set_hook(std::function<void()> hook) { hook_ = std::move(hook); }

 protected:
  virtual Eventual<Result<std::string_view>> do_read_body(std::uint64_t limit) = 0;
  virtual Eventual<Result<std::string_view>> do_read_some_body(std::uint64_t limit) = 0;
  // What is passed in stays valid until the outcome is there.
  virtual Eventual<Result<void>> do_send(const Response& response) = 0;
  virtual Eventual<Result<void>> do_start(const ResponseHead& head) = 0;
  virtual Eventual<Result<void>> do_write(std::string_view chunk) = 0;
  virtual Eventual<Result<void>> do_end() = 0;
  virtual Task<Result<Upgraded>> do_upgrade(const ResponseHead& head) = 0;

  void set_gone();
  void set_draining();
  void set_road(Handler* road) noexcept { road_ = road; }
  void set_tls(bool tls) noexcept { client.https = tls_ = tls; }

  RequestHead head_;
  Framing framing_;
  std::optional<FramingError> framing_error_;

 private:
  net::Worker& worker_;
  MonotonicTime started_at_;
  WallTime started_wall_;
  const ResponseFilter* filter_ = nullptr;
  Handler* road_ = nullptr;
  std::function<void()> hook_;
  std::optional<std::string> unpacked_body_;
  std::uint64_t bytes_sent_ = 0;
  std::uint16_t status_ = 0;
  bool tls_ = false;
  bool streaming_ = false;
  bool gone_ = false;
  bool draining_ = false;
};

/// What answers exchanges: the pipeline.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Always answers, unless the client has gone. A stream that it leaves without end() is cut, so
  /// that no client takes what has come for the whole.
  virtual Task<void> handle(Exchange& exchange) = 0;
};

}  // namespace portcullis::http
