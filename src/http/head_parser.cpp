#include "http/head_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>

namespace portcullis::http {
namespace {

namespace beast = boost::beast;
using beast::http::basic_parser;
using BoostError = beast::error_code;

constexpr std::size_t kMaxResponseHead = 64 * 1024;

/// Beast's parser for the head alone: what it says of a body is left unheard.
template <bool IsRequest>
class HeadOnlyParser : public basic_parser<IsRequest> {
 protected:
  explicit HeadOnlyParser(std::uint32_t most_bytes) {
    this->header_limit(most_bytes);
    this->body_limit(boost::none);
    this->eager(false);
  }

 private:
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       BoostError&) override {}
  void on_response_impl(int, beast::string_view, int, BoostError&) override {}
  void on_header_impl(BoostError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(beast::string_view body, BoostError&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, BoostError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, BoostError&) override {
    return body.size();
  }
  void on_finish_impl(BoostError&) override {}
};

/// Leads what is parsed into a RequestHead.
class RequestHeadParser final : public HeadOnlyParser<true> {
 public:
  explicit RequestHeadParser(RequestHead& head)
      : HeadOnlyParser(kMaxHeadBytes + 1024), out_(head) {}

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, BoostError&) override {
    out_.version = version;
    out_.set_request_line({method.data(), method.size()}, {target.data(), target.size()});
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     BoostError&) override {
    out_.add_field({name.data(), name.size()}, {value.data(), value.size()});
  }

  RequestHead& out_;
};

}  // namespace

std::expected<void, FramingError> parse_request_head(std::string_view bytes, RequestHead& head) {
  if (auto raw = check_raw_head(bytes); !raw) return raw;
  head.reset(bytes);
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
  if (error || !parser.is_header_done()) {
    return std::unexpected(FramingError{Code::bad_request, "not a valid request head"});
  }
  return {};
}

/// Notes what the gateway wants to know of an answer's head.
class ResponseHeadParser final : public HeadOnlyParser<false> {
 public:
  explicit ResponseHeadParser(ResponseParser::Wants wants)
      : HeadOnlyParser(kMaxResponseHead), keeps_fields_(wants.fields) {
    if (wants.head_request) skip(true);
  }
  ResponseHeadView view;

 private:
  void on_response_impl(int code, beast::string_view, int, BoostError& error) override {
    view.status = code;
    if (code < 100 || code > 599) error = beast::http::error::bad_status;
  }
  void on_field_impl(beast::http::field name, beast::string_view written, beast::string_view value,
                     BoostError&) override {
    const std::string_view text(value.data(), value.size());
    if (keeps_fields_) view.fields.add({written.data(), written.size()}, text);
    using beast::http::field;
    if (beast::iequals(written, "retry-after-ms")) {
      view.retry_after_ms = text;
    }
    if (name == field::transfer_encoding) has_coding_ = true;
    if (name == field::content_type) view.content_type = text;
    if (name == field::content_encoding) view.content_encoding = text;
    if (name == field::retry_after) view.retry_after = text;
    if (name == field::keep_alive) view.keep_alive_header = text;
  }
  void on_header_impl(BoostError& error) override {
    view.keep_alive = keep_alive();
    view.chunked = chunked();
    // Of another coding nobody knows where the body ends.
    if (has_coding_ && !view.chunked) error = beast::http::error::bad_transfer_encoding;
    if (const auto length = content_length()) view.content_length = *length;
  }

  const bool keeps_fields_;
  bool has_coding_ = false;
};

struct ResponseParser::Impl {
  explicit Impl(Wants wanted) : wants(wanted), head(wanted) {}

  /// The head has been read: what follows it?
  void start_body() {
    const auto& view = head.view;
    const bool bodiless =
        wants.head_request || view.status == 204 || view.status == 304 || view.status < 200;
    if (bodiless || (!view.chunked && view.content_length == 0U)) {
      done = true;
    } else if (!view.chunked && view.content_length) {
      left = *view.content_length;
    } else {
      until_eof = !view.chunked;
    }
  }

  /// Body bytes in whatever framing; returns how many were consumed.
  std::expected<std::size_t, ErrorCode> take_body(std::string_view in, std::string& body) {
    if (head.view.chunked) {
      const auto step = chunks.put(in, body, UINT64_MAX);
      if (!step) return std::unexpected(step.error());
      done = step->done;
      return step->consumed;
    }
    const auto take =
        until_eof
            ? in
            : in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, in.size())));
    body += take;
    if (!until_eof) {
      left -= take.size();
      done = left == 0;
    }
    return take.size();
  }

  const Wants wants;
  ResponseHeadParser head;
  ChunkedDecoder chunks;
  std::uint64_t left = 0;
  bool until_eof = false;
  bool done = false;
};

ResponseParser::ResponseParser(Wants wants) : impl_(std::make_unique<Impl>(wants)) {}
ResponseParser::~ResponseParser() = default;

std::expected<std::size_t, ErrorCode> ResponseParser::put(std::string_view in, std::string& body) {
  std::size_t consumed = 0;
  while (consumed < in.size() && !impl_->done) {
    const auto rest = in.substr(consumed);
    if (impl_->head.is_header_done()) {
      const auto taken = impl_->take_body(rest, body);
      if (!taken) return taken;
      consumed += *taken;
      continue;
    }
    BoostError error;
    consumed += impl_->head.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == beast::http::error::need_more) break;
    if (error == beast::http::error::header_limit) return std::unexpected(ErrorCode::too_large);
    if (error || !impl_->head.is_header_done()) return std::unexpected(ErrorCode::malformed);
    const int status = impl_->head.view.status;
    const bool upgrades = status == 101;
    if (upgrades && !impl_->wants.upgrade) return std::unexpected(ErrorCode::malformed);
    if (status < 200 && !upgrades) {
      impl_ = std::make_unique<Impl>(impl_->wants);  // an interim answer; the real one follows
    } else {
      impl_->start_body();
    }
  }
  return consumed;
}

std::expected<void, ErrorCode> ResponseParser::put_eof() {
  if (impl_->until_eof && impl_->head.is_header_done()) impl_->done = true;
  if (!impl_->done) return std::unexpected(ErrorCode::closed);
  return {};
}

bool ResponseParser::head_done() const noexcept { return impl_->head.is_header_done(); }
bool ResponseParser::done() const noexcept { return impl_->done; }
const ResponseHeadView& ResponseParser::head() const noexcept { return impl_->head.view; }

}  // namespace portcullis::http
