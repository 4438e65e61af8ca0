#include "upstream/n8n.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/origin.hpp"
#include "base/random.hpp"
#include "base/siphash.hpp"
#include "base/text.hpp"
#include "http/head_parser.hpp"
#include "http/retry_after.hpp"
#include "upstream/answer_decoder.hpp"

namespace portcullis::upstream {
namespace {

constexpr std::size_t kReadBytes = 8 * 1024;
constexpr Seconds kLongestRetryWait{5};
constexpr Seconds kLongestRetryAfter{3600};  ///< no visitor is told to stay away for longer

/// n out of `total` for this worker; the first ones get the rest of the division.
std::size_t share(std::size_t total, unsigned workers, unsigned index) {
  return total / workers + (index < total % workers ? 1 : 0);
}

std::uint64_t session_number(const Question& question) {
  return siphash128(question.session_handle, {1, 2})[0];
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  text::append_json_string(out, value);
}

}  // namespace

/// One message's way to n8n and back.
class N8n::N8nCall final : public Call {
 public:
  N8nCall(std::shared_ptr<N8n> owner, net::Worker& worker, Question question)
      : owner_(std::move(owner)),
        worker_(worker),
        question_(std::move(question)),
        deadline_(worker.deadlines(), &on_deadline, this) {}

  ~N8nCall() override {
    if (stream_) give_back(false);
    if (pass_) owner_->breaker_.forget(pass_);
  }

  Task<Result<std::optional<std::string>>> next() override {
    while (true) {
      if (next_piece_ < pieces_.size()) co_return std::move(pieces_[next_piece_++]);
      if (pending_error_) co_return settle_error(*std::move(pending_error_));
      pieces_.clear();
      next_piece_ = 0;
      if (finished_) co_return std::nullopt;
      auto more = decoder_ ? co_await read_more() : co_await begin();
      if (!more) {
        // What was said before it broke is passed on first.
        if (pieces_.empty()) co_return settle_error(std::move(more).error());
        pending_error_ = std::move(more).error();
        continue;
      }
      if (finished_ && pieces_.empty()) co_return std::nullopt;
    }
  }

  Seconds retry_after() const override { return retry_after_; }

  void cancel() override {
    cancelled_ = true;
    if (stream_) stream_->cancel();
  }

 private:
  static void on_deadline(void* self) {
    auto& call = *static_cast<N8nCall*>(self);
    call.timed_out_ = true;
    if (call.stream_) call.stream_->cancel();
  }

  /// Connects, sends and reads until the answer's head is there; tries again where that is safe.
  Task<Result<void>> begin() {
    pass_ = owner_->breaker_.allow();
    if (!pass_) {
      owner_->count(Outcome::rejected);
      settled_ = true;
      co_return fail(ErrorCode::unavailable, "the breaker is open", ErrorOrigin::upstream);
    }
    owner_->budget_.on_call();
    for (int attempt = 1;; ++attempt) {
      auto tried = co_await try_once();
      if (tried || cancelled_) co_return tried;
      if (tried.error().retry != Retry::safe || attempt >= owner_->options_.tries ||
          !owner_->budget_.try_retry()) {
        co_return tried;
      }
      Milliseconds wait = jittered(owner_->options_.retry_delay * (1 << (attempt - 1)));
      if (retry_after_.count() > 0) {
        if (retry_after_ > kLongestRetryWait) co_return tried;
        wait = std::max<Milliseconds>(wait, retry_after_);
      }
      owner_->retries_.add(owner_->retry_cell_);
      co_await worker_.sleep(wait);
      if (cancelled_)
        co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
    }
  }

  static Milliseconds jittered(Milliseconds delay) {
    const double factor = 0.5 + FastRandom::local().unit();
    return Milliseconds{static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor)};
  }

  Task<Result<void>> try_once() {
    retry_after_ = Seconds{0};
    auto lease = co_await owner_->pool_of(worker_).acquire();
    if (!lease) co_return std::unexpected(std::move(lease).error());
    stream_ = std::move(lease->stream);
    if (cancelled_)
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);

    // The token is minted for each try, so a late one has not expired on the way.
    question_.now = worker_.clock().wall();
    const std::string token =
        owner_->tokens_.mint({question_.session_handle, question_.origin_domain, question_.message,
                              question_.message_id},
                             question_.now);
    const std::string body = payload(question_, token);
    std::string head;
    head.reserve(owner_->request_head_.size() + 96);
    head += owner_->request_head_;
    head += "Idempotency-Key: ";
    head += question_.message_id;
    head += "\r\nContent-Length: ";
    text::append_number(head, body.size());
    head += "\r\n\r\n";

    timed_out_ = false;
    deadline_.arm(owner_->options_.first_byte_timeout);
    const auto written = co_await stream_->write(head, body);
    if (!written) {
      deadline_.disarm();
      const bool cancelled = cancelled_;
      give_back(false);
      if (cancelled)
        co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
      co_return fail(timed_out_ ? ErrorCode::timeout : ErrorCode::reset,
                     "sending to the upstream failed", ErrorOrigin::upstream);
    }
    parser_.emplace();
    std::string body_start;
    while (!parser_->head_done()) {
      auto got = co_await read_into(body_start);
      if (!got) {
        deadline_.disarm();
        give_back(false);
        co_return std::unexpected(std::move(got).error());
      }
    }
    deadline_.disarm();
    co_return accept_head(body_start);
  }

  Result<void> accept_head(const std::string& body_start) {
    const auto& head = parser_->head();
    if (head.status != 200) {
      const auto retry_after = http::parse_retry_after(head.retry_after, worker_.clock().wall());
      const bool refused = (head.status == 503 || head.status == 429) && retry_after;
      retry_after_ = std::min(retry_after.value_or(Seconds{0}), kLongestRetryAfter);
      const int status = head.status;
      give_back(false);
      const ErrorCode code = status == 401 || status == 403   ? ErrorCode::unauthorized
                             : status == 404                  ? ErrorCode::not_found
                             : status == 408 || status == 504 ? ErrorCode::timeout
                             : status == 429 || status == 503 ? ErrorCode::unavailable
                                                              : ErrorCode::malformed;
      return fail(code, "the upstream answered with status " + std::to_string(status),
                  ErrorOrigin::upstream, refused ? Retry::safe : Retry::no);
    }
    if (!head.content_encoding.empty() && head.content_encoding != "identity") {
      give_back(false);
      return fail(ErrorCode::malformed, "the upstream compressed its answer unasked",
                  ErrorOrigin::upstream);
    }
    decoder_.emplace(head.content_type, owner_->options_.max_answer_bytes);
    return decode(body_start);
  }

  Task<Result<void>> read_more() {
    timed_out_ = false;
    deadline_.arm(owner_->options_.idle_timeout);
    std::string body;
    while (body.empty() && !parser_->done()) {
      auto got = co_await read_into(body);
      if (!got) {
        deadline_.disarm();
        give_back(false);
        co_return std::unexpected(std::move(got).error());
      }
    }
    deadline_.disarm();
    co_return decode(body);
  }

  Result<void> decode(std::string_view body) {
    auto put = decoder_->put(body, pieces_);
    if (put && parser_->done()) {
      put = decoder_->finish(pieces_);
      if (put) settle_success();
    }
    if (!put && stream_) give_back(false);
    return put;
  }

  /// One read; body bytes go to `body`.
  Task<Result<void>> read_into(std::string& body) {
    if (cancelled_)
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
    auto got = co_await stream_->read_some(buffer_);
    if (cancelled_)
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
    if (timed_out_) {
      co_return fail(ErrorCode::timeout, "the upstream was silent for too long",
                     ErrorOrigin::upstream);
    }
    if (!got) {
      if (got.error().code == ErrorCode::closed && parser_->put_eof()) co_return Result<void>{};
      co_return fail(ErrorCode::closed, "the upstream ended its answer early",
                     ErrorOrigin::upstream);
    }
    std::string_view bytes(buffer_.data(), *got);
    if (!unparsed_.empty()) {
      unparsed_ += bytes;
      bytes = unparsed_;
    }
    const auto used = parser_->put(bytes, body);
    if (!used) {
      co_return fail(ErrorCode::malformed, "the upstream's answer is no valid HTTP",
                     ErrorOrigin::upstream);
    }
    extra_bytes_ = parser_->done() && *used < bytes.size();
    if (*used < bytes.size()) {
      unparsed_ = std::string(bytes.substr(*used));
    } else {
      unparsed_.clear();
    }
    co_return Result<void>{};
  }

  void settle_success() {
    finished_ = true;
    settled_ = true;
    const auto& head = parser_->head();
    give_back(head.keep_alive && !extra_bytes_);
    owner_->breaker_.record(std::exchange(pass_, {}), true, session_number(question_));
    owner_->last_success_ = epoch_seconds(worker_.clock().wall());
    owner_->count(Outcome::ok);
  }

  std::unexpected<Error> settle_error(Error error) {
    deadline_.disarm();
    if (stream_) give_back(false);
    if (std::exchange(settled_, true)) return std::unexpected(std::move(error));
    const bool cancelled = error.code == ErrorCode::cancelled;
    if (!cancelled && error.code != ErrorCode::exhausted) {
      owner_->log_.write(observe::Level::warning, "upstream call failed",
                         {{"upstream", owner_->options_.name},
                          {"message_id", question_.message_id},
                          {"reason", error.detail}});
    }
    // What we ended, could not begin or did not want to pass on is no failure of the upstream.
    if (error.origin == ErrorOrigin::upstream) {
      owner_->breaker_.record(std::exchange(pass_, {}), false, session_number(question_));
      owner_->last_failure_ = epoch_seconds(worker_.clock().wall());
    } else {
      owner_->breaker_.forget(std::exchange(pass_, {}));
    }
    owner_->count(cancelled                          ? Outcome::cancelled
                  : error.code == ErrorCode::timeout ? Outcome::timeout
                                                     : Outcome::error);
    return std::unexpected(std::move(error));
  }

  void give_back(bool reusable) {
    owner_->pool_of(worker_).release(std::move(stream_), reusable && !owner_->retired_);
    unparsed_.clear();
  }

  std::shared_ptr<N8n> owner_;
  net::Worker& worker_;
  Question question_;
  net::DeadlineTimer deadline_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<http::ResponseParser> parser_;
  std::optional<AnswerDecoder> decoder_;
  std::array<char, kReadBytes> buffer_;
  std::string unparsed_;
  std::vector<std::string> pieces_;
  std::size_t next_piece_ = 0;
  std::optional<Error> pending_error_;
  Seconds retry_after_{0};
  bool extra_bytes_ = false;
  bool finished_ = false;
  bool settled_ = false;
  Breaker::Pass pass_;  ///< given: the breaker waits for our outcome
  bool timed_out_ = false;
  bool cancelled_ = false;
};

Result<std::shared_ptr<N8n>> N8n::make(N8nOptions options, identity::UpstreamTokens tokens,
                                       observe::Metrics& metrics, observe::Log& log) {
  const auto origin = Origin::of_url(options.url);
  if (!origin) return fail(ErrorCode::invalid_input, options.url + " is no http or https URL");
  net::Target target;
  target.host = origin->host.starts_with('[') ? origin->host.substr(1, origin->host.size() - 2)
                                              : origin->host;
  target.port = origin->port;
  if (origin->scheme == "https") {
    TRY(target.tls, net::TlsClientContext::make(options.ca_file));
  }
  const auto after_scheme = options.url.find("://") + 3;
  const auto slash = options.url.find_first_of("/?", after_scheme);
  std::string path = slash == std::string::npos ? "/" : options.url.substr(slash);
  path = path.substr(0, path.find('#'));
  if (path.starts_with('?')) path.insert(0, "/");
  for (const char c : path) {
    if (c <= 0x20 || c >= 0x7f)
      return fail(ErrorCode::invalid_input,
                  "the webhook URL has characters that must be percent-encoded");
  }
  const std::string host =
      options.url.substr(after_scheme, slash == std::string::npos ? slash : slash - after_scheme);
  return std::shared_ptr<N8n>(
      new N8n(std::move(options), std::move(tokens), std::move(target), path, host, metrics, log));
}

N8n::N8n(N8nOptions options, identity::UpstreamTokens tokens, net::Target target,
         const std::string& path, const std::string& host_header, observe::Metrics& metrics,
         observe::Log& log)
    : options_(std::move(options)),
      tokens_(std::move(tokens)),
      target_(std::move(target)),
      request_head_(
          "POST " + path + " HTTP/1.1\r\nHost: " + host_header +
          "\r\nUser-Agent: " + options_.app_name +
          "\r\nAccept: text/event-stream, application/x-ndjson, application/json, text/plain;q=0.8"
          "\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n" +
          (options_.api_key.empty() ? "" : "Authorization: Bearer " + options_.api_key + "\r\n")),
      log_(log),
      outcomes_(metrics.counter("portcullis_upstream_requests_total")),
      retries_(metrics.counter("portcullis_upstream_retries_total")),
      breaker_(options_.breaker),
      budget_(options_.retry_budget_percent),
      connections_(std::make_shared<ConnectionBudget>(options_.max_connections)),
      pools_(options_.workers) {
  constexpr std::string_view kOutcomes[] = {"ok", "error", "timeout", "rejected", "cancelled"};
  for (std::size_t i = 0; i < std::size(kOutcomes); ++i) {
    outcome_cells_[i] = outcomes_.cell({options_.name, std::string(kOutcomes[i])});
  }
  retry_cell_ = retries_.cell({options_.name});
}

std::unique_ptr<Call> N8n::start(net::Worker& worker, Question question) {
  return std::make_unique<N8nCall>(shared_from_this(), worker, std::move(question));
}

void N8n::retire(net::Worker& worker) {
  retired_ = true;
  if (const auto& pool = pools_[worker.index() % pools_.size()]) pool->close_idle();
}

ConnectionPool& N8n::pool_of(net::Worker& worker) {
  auto& pool = pools_[worker.index() % pools_.size()];
  if (!pool) {
    const unsigned workers = options_.workers;
    pool = std::make_shared<ConnectionPool>(
        worker,
        ConnectionPool::Options{target_, share(options_.keep_alive, workers, worker.index()),
                                options_.connect_timeout},
        connections_);
  }
  return *pool;
}

Assistant::Health N8n::health() const {
  if (breaker_.state() != Breaker::State::closed) return Health::unhealthy;
  if (last_success_ == 0 && last_failure_ == 0) return Health::unknown;
  return last_success_ >= last_failure_ ? Health::healthy : Health::unhealthy;
}

std::int64_t N8n::retry_after() const { return (breaker_.retry_after().count() + 999) / 1000; }

std::string N8n::payload(const Question& question, std::string_view token) {
  std::string out;
  out.reserve(1024 + question.message.size() + question.context_json.size());
  out += "{\"message\":";
  text::append_json_string(out, question.message);
  append_member(out, "session_id", question.session_handle);
  append_member(out, "jwt_token", token);
  append_member(out, "message_id", question.message_id);
  out += ",\"timestamp\":";
  const auto millis = epoch_millis(question.now);
  text::append_number(out, millis / 1000);
  out += '.';
  const std::string fraction = std::to_string(1000 + millis % 1000);
  out += std::string_view(fraction).substr(1);
  out += ",\"context\":{\"session_id\":";
  text::append_json_string(out, question.session_handle);
  append_member(out, "origin_domain", question.origin_domain);
  append_member(out, "page_url", question.page_url);
  append_member(out, "user_agent", question.user_agent);
  append_member(out, "ip_address", question.address);
  out += ",\"message_count\":";
  text::append_number(out, question.message_count);
  out += ",\"security_context\":{\"fingerprint\":";
  text::append_json_string(out, question.fingerprint);
  out += ",\"verified\":true}";
  if (!question.context_json.empty()) {
    out += ",\"user_context\":";
    out += question.context_json;
  }
  out += "}}";
  return out;
}

}  // namespace portcullis::upstream
