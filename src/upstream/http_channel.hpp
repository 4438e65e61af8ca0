#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/head_parser.hpp"
#include "net/deadline.hpp"
#include "upstream/http_service.hpp"

namespace portcullis::upstream {

/// A connection to a service for one request and its answer, from the pool and back, within the
/// deadlines of the service.
///
/// Threads:   the worker that it was made on.
/// Ownership: its coroutines must have come to their ends before it goes; cancel() ends them soon.
/// Errors:    cancelled; exhausted, and those of net::connect(); timeout, reset, closed where the
///            service is silent or gone; malformed where it does not speak HTTP. After one the
///            connection is not used again.
/// Bounds:    an answer's head of 64 KiB; a read gives at most kReadBytes of body.
class HttpChannel {
 public:
  static constexpr std::size_t kReadBytes = 8 * 1024;

  HttpChannel(std::shared_ptr<HttpService> service, net::Worker& worker,
              http::ResponseParser::Wants wants = {});
  ~HttpChannel();

  HttpService& service() const noexcept { return *service_; }
  net::Worker& worker() const noexcept { return worker_; }

  /// The time of the whole call runs from now on.
  void begin() { begun_ = worker_.clock().monotonic(); }
  Task<Result<void>> connect();
  bool connected() const noexcept { return stream_ != nullptr; }
  /// Both pieces. They must stay valid until then.
  Task<Result<void>> send(std::string_view first, std::string_view second = {});
  /// Bytes of the body that came with the head are appended to `body`.
  Task<Result<void>> read_head(std::string& body);
  /// Appends what comes next; nothing more where the answer is done().
  Task<Result<void>> read_body(std::string& body);

  /// Whether the service has said something before it has read everything. REQUIRES: connected().
  bool has_spoken() const { return !stream_->looks_idle(); }
  /// After this answer the connection ends.
  void use_once() noexcept { once_ = true; }

  /// REQUIRES: read_head() has succeeded.
  const http::ResponseHeadView& head() const noexcept { return parser_->head(); }
  bool done() const noexcept { return parser_ && parser_->done(); }

  /// Of an answer that changes the protocol: the connection, until drop(), and what came behind the
  /// head. REQUIRES: read_head() has succeeded, with a status of 101.
  net::Stream& upgraded(std::string& leftover) {
    leftover = std::exchange(unparsed_, {});
    return *stream_;
  }
  /// Back to the pool, where the answer is done and the connection good for another one.
  void give_back();
  void drop();
  /// What is under way fails with `cancelled`, as does what follows.
  void cancel();
  bool cancelled() const noexcept { return cancelled_; }

 private:
  static void on_deadline(void* self);
  void arm(Milliseconds timeout);
  Task<Result<void>> read_some(std::string& body);
  std::unexpected<Error> lost(ErrorCode code, const char* detail);

  const std::shared_ptr<HttpService> service_;
  net::Worker& worker_;
  const http::ResponseParser::Wants wants_;
  net::DeadlineTimer deadline_;
  MonotonicTime begun_{};
  std::unique_ptr<net::Stream> stream_;
  std::optional<http::ResponseParser> parser_;
  std::array<char, kReadBytes> buffer_;
  std::string unparsed_;
  bool extra_bytes_ = false;
  bool timed_out_ = false;
  bool cancelled_ = false;
  bool once_ = false;
};

}  // namespace portcullis::upstream
