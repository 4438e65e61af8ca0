#include "http/head_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

namespace beast = boost::beast;
using beast::http::basic_parser;
using BoostError = beast::error_code;

constexpr std::size_t kMaxResponseHead = 64 * 1024;

/// Beast's request parser with its output led into a RequestHead.
class RequestHeadParser final : public basic_parser<true> {
 public:
  explicit RequestHeadParser(RequestHead& head) : out_(head) {
    header_limit(kMaxHeadBytes + 1024);
    body_limit(boost::none);
    eager(false);
  }

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, BoostError&) override {
    out_.version = version;
    out_.set_request_line({method.data(), method.size()}, {target.data(), target.size()});
  }
  void on_response_impl(int, beast::string_view, int, BoostError&) override {}
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     BoostError&) override {
    out_.add_field({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(BoostError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(beast::string_view body, BoostError&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, BoostError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, BoostError&) override {
    return body.size();
  }
  void on_finish_impl(BoostError&) override {}

  RequestHead& out_;
};

/// The body part of a message: collects decoded bytes up to a limit.
template <bool kIsRequest>
class BodyParser : public basic_parser<kIsRequest> {
 public:
  std::string* sink = nullptr;
  std::uint64_t limit = UINT64_MAX;
  std::uint64_t taken = 0;

 protected:
  std::size_t take(beast::string_view body, BoostError& error) {
    taken += body.size();
    if (taken > limit) {
      error = beast::http::error::body_limit;
      return 0;
    }
    if (sink != nullptr) sink->append(body.data(), body.size());
    return body.size();
  }
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       BoostError&) override {}
  void on_response_impl(int, beast::string_view, int, BoostError&) override {}
  void on_field_impl(beast::http::field, beast::string_view, beast::string_view,
                     BoostError&) override {}
  void on_header_impl(BoostError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(beast::string_view body, BoostError& error) override {
    return take(body, error);
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, BoostError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body,
                                 BoostError& error) override {
    return take(body, error);
  }
  void on_finish_impl(BoostError&) override {}
};

}  // namespace

std::expected<void, FramingError> parse_request_head(std::string_view bytes, RequestHead& head) {
  if (auto raw = check_raw_head(bytes); !raw) return raw;
  head.reset(bytes.data());
  RequestHeadParser parser(head);
  BoostError error;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::http::error::bad_version) {
    return std::unexpected(FramingError{Code::version_not_supported, "unknown HTTP version"});
  }
  // Beast looks at Content-Length and Transfer-Encoding too; check_framing() then says it
  // precisely.
  const bool framing_of_beast = error == beast::http::error::bad_content_length ||
                                error == beast::http::error::bad_transfer_encoding ||
                                error == beast::http::error::multiple_content_length;
  if (error && framing_of_beast) {
    return std::unexpected(FramingError{Code::bad_request, "ambiguous or invalid body length"});
  }
  if (error && error != beast::http::error::need_more) {
    return std::unexpected(FramingError{Code::bad_request, "not a valid request head"});
  }
  return {};
}

struct ChunkedDecoder::Impl final : BodyParser<true> {
  Impl() {
    // A head of our own puts Beast's parser into the chunked state.
    static constexpr std::string_view kHead =
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    body_limit(boost::none);
    BoostError error;
    put(boost::asio::const_buffer(kHead.data(), kHead.size()), error);
    eager(true);
  }
};

ChunkedDecoder::ChunkedDecoder() : impl_(std::make_unique<Impl>()) {}
ChunkedDecoder::~ChunkedDecoder() = default;

std::expected<ChunkedDecoder::Step, ErrorCode> ChunkedDecoder::put(std::string_view in,
                                                                   std::string& out,
                                                                   std::uint64_t limit) {
  impl_->sink = &out;
  impl_->limit = limit;
  Step step;
  while (!impl_->is_done() && step.consumed < in.size()) {
    BoostError error;
    const auto rest = in.substr(step.consumed);
    const std::size_t used = impl_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    step.consumed += used;
    if (error == beast::http::error::need_more) {
      if (rest.size() - used > kMaxHeadBytes) return std::unexpected(ErrorCode::malformed);
      break;
    }
    if (error == beast::http::error::body_limit) return std::unexpected(ErrorCode::too_large);
    if (error) return std::unexpected(ErrorCode::malformed);
    if (used == 0) break;
  }
  step.done = impl_->is_done();
  return step;
}

struct ResponseParser::Impl final : BodyParser<false> {
  explicit Impl(bool head_request) : for_head(head_request) {
    header_limit(kMaxResponseHead);
    body_limit(boost::none);
    if (head_request) skip(true);
  }
  const bool for_head;
  ResponseHeadView view;

 private:
  void on_response_impl(int code, beast::string_view, int, BoostError&) override {
    view.status = code;
  }
  void on_field_impl(beast::http::field name, beast::string_view, beast::string_view value,
                     BoostError&) override {
    if (head_seen_) return;  // trailers
    const std::string_view text(value.data(), value.size());
    using beast::http::field;
    if (name == field::content_type) view.content_type = text;
    if (name == field::content_encoding) view.content_encoding = text;
    if (name == field::retry_after) view.retry_after = text;
    if (name == field::keep_alive) view.keep_alive_header = text;
  }
  void on_header_impl(BoostError&) override {
    head_seen_ = true;
    view.keep_alive = keep_alive();
    view.chunked = chunked();
    if (const auto length = content_length()) view.content_length = *length;
  }
  bool head_seen_ = false;
};

ResponseParser::ResponseParser(bool head_request) : impl_(std::make_unique<Impl>(head_request)) {}
ResponseParser::~ResponseParser() = default;

std::expected<std::size_t, ErrorCode> ResponseParser::put(std::string_view in, std::string& body) {
  std::size_t consumed = 0;
  while (consumed < in.size() && !impl_->is_done()) {
    impl_->sink = &body;
    BoostError error;
    const auto rest = in.substr(consumed);
    const std::size_t used = impl_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    consumed += used;
    if (error == beast::http::error::need_more) break;
    if (error == beast::http::error::header_limit) return std::unexpected(ErrorCode::too_large);
    if (error) return std::unexpected(ErrorCode::malformed);
    if (impl_->is_header_done() && impl_->view.status >= 100 && impl_->view.status < 200) {
      if (impl_->view.status == 101) return std::unexpected(ErrorCode::malformed);
      impl_ = std::make_unique<Impl>(impl_->for_head);  // an interim answer; the real one follows
      continue;
    }
    if (used == 0) break;
  }
  return consumed;
}

std::expected<void, ErrorCode> ResponseParser::put_eof() {
  BoostError error;
  if (impl_->got_some()) impl_->put_eof(error);
  if (error || !impl_->is_done()) return std::unexpected(ErrorCode::closed);
  return {};
}

bool ResponseParser::head_done() const noexcept { return impl_->is_header_done(); }
bool ResponseParser::done() const noexcept { return impl_->is_done(); }
const ResponseHeadView& ResponseParser::head() const noexcept { return impl_->view; }

}  // namespace portcullis::http
