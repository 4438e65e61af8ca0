#pragma once
#include <initializer_list>
#include <string>
#include <utility>

#include "http/exchange.hpp"
#include "http/head_parser.hpp"

namespace portcullis::http {

/// An exchange without a connection: guards and routes are tested on it.
class MemoryExchange final : public Exchange {
 public:
  /// `head_text` is a request head as it would come over the wire, `body` what would follow it.
  MemoryExchange(net::Worker& owner, std::string head_text, std::string body = {})
      : Exchange(owner), head_text_(std::move(head_text)), body_(std::move(body)) {
    if (auto parsed = parse_request_head(head_text_, head_); !parsed) {
      framing_error_ = parsed.error();
    } else if (auto framing = check_framing(head_); !framing) {
      framing_error_ = framing.error();
    } else {
      framing_ = *framing;
    }
    client.peer = client.address = IpAddress::v4(0x7f000001);
  }

  /// The whole answer: a Response or everything that was streamed.
  const std::string& output() const noexcept { return output_; }
  const HeaderBlock& response_headers() const noexcept { return headers_; }
  bool stream_ended() const noexcept { return ended_; }
  bool body_done() const noexcept override { return body_read_ || body_.empty(); }

  // What the other side does.
  void leave() { set_gone(); }
  void start_draining() { set_draining(); }
  /// The next write fails as if the client had gone.
  bool fail_writes = false;

 protected:
  Eventual<Result<std::string_view>> do_read_body(std::uint64_t limit) override {
    if (body_.size() > limit) return fail(ErrorCode::too_large, "too large", ErrorOrigin::client);
    body_read_ = true;
    return Result<std::string_view>(body_);
  }
  Eventual<Result<std::string_view>> do_read_some_body(std::uint64_t limit) override {
    if (body_read_) return Result<std::string_view>(std::string_view());
    return do_read_body(limit);
  }
  Eventual<Result<void>> do_send(const Response& response) override {
    headers_ = response.headers;
    output_ = response.bytes();
    return Result<void>{};
  }
  Eventual<Result<void>> do_start(const ResponseHead& head) override {
    headers_ = head.headers;
    return Result<void>{};
  }
  Eventual<Result<void>> do_write(std::string_view chunk) override {
    if (fail_writes) return fail(ErrorCode::reset, "gone", ErrorOrigin::client);
    output_ += chunk;
    return Result<void>{};
  }
  Eventual<Result<void>> do_end() override {
    ended_ = true;
    return Result<void>{};
  }
  Task<Result<Upgraded>> do_upgrade(const ResponseHead& head) override {
    headers_ = head.headers;
    co_return Upgraded{};
  }

 private:
  std::string head_text_;
  std::string body_;
  std::string output_;
  HeaderBlock headers_;
  bool body_read_ = false;
  bool ended_ = false;
};

}  // namespace portcullis::http
