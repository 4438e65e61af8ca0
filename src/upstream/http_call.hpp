#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/assistant.hpp"
#include "upstream/decoder.hpp"
#include "upstream/http_channel.hpp"
#include "upstream/http_service.hpp"

namespace portcullis::upstream {

/// A request on its way out.
struct HttpRequest {
  std::string head;  ///< request line and fields, each with its line end; without Content-Length
  std::string body;
};

/// What one call says, and how its answer is read: all in which a call to one kind of upstream
/// differs from a call to another.
///
/// Threads: the worker of its call, which owns it.
class HttpDialect {
 public:
  virtual ~HttpDialect() = default;
  /// What is sent. Once for each try, so that a token in it has not expired on the way.
  virtual HttpRequest request(WallTime now) = 0;
  /// How the body of a 200 is read. No request is asked for after that.
  virtual std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) = 0;
  /// For the log.
  virtual std::string_view message_id() const noexcept = 0;
  /// Whose call it is, for the breaker: an upstream's handle of the session.
  virtual std::string_view session_handle() const noexcept = 0;
};

/// The dialect of an assistant that is asked a visitor's question.
class QuestionDialect : public HttpDialect {
 public:
  explicit QuestionDialect(Question question) : question_(std::move(question)) {}
  std::string_view message_id() const noexcept final { return question_.message_id; }
  std::string_view session_handle() const noexcept final { return question_.session_handle; }

 protected:
  Question question_;
};

/// One request's way to an upstream and back: breaker, retry budget, pooled connection, deadlines,
/// the answer's parser and decoder.
///
/// Failure: retries only what cannot have been executed (no connection, 429 and 503 with
///          Retry-After), before the first byte of an answer, with jittered exponential delay and
///          out of the service's budget.
class HttpCall final : public Call {
 public:
  HttpCall(std::shared_ptr<HttpService> service, net::Worker& worker,
           std::unique_ptr<HttpDialect> dialect);
  ~HttpCall() override;

  Task<Result<std::optional<std::string>>> next() override;
  void cancel() override;
  Seconds retry_after() const override { return std::chrono::ceil<Seconds>(retry_after_); }

 private:
  Task<Result<void>> begin();
  Task<Result<void>> try_once();
  Result<void> accept_head(const std::string& body_start);
  Task<Result<void>> read_more();
  Result<void> decode(std::string_view body);
  void settle_success();
  std::unexpected<Error> settle_error(Error error);
  std::uint64_t session_number() const;

  const std::shared_ptr<HttpService> service_;
  const std::unique_ptr<HttpDialect> dialect_;
  HttpChannel channel_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::string> pieces_;
  std::size_t next_piece_ = 0;
  std::optional<Error> pending_error_;
  Milliseconds retry_after_{0};
  bool finished_ = false;
  bool settled_ = false;
  Breaker::Pass pass_;  ///< given: the breaker waits for our outcome
};

}  // namespace portcullis::upstream
