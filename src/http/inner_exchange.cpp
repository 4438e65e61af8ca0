#include "http/inner_exchange.hpp"

#include "http/head_parser.hpp"

namespace portcullis::http {

InnerExchange::InnerExchange(const Exchange& outer, std::string head_text, std::string body)
    : Exchange(outer.worker()), head_text_(std::move(head_text)), body_(std::move(body)) {
  set_road(outer.road());
  client.peer = client.address = outer.client.peer;
  set_tls(outer.arrived_by_tls());
  if (auto parsed = parse_request_head(head_text_, head_); !parsed) {
    framing_error_ = parsed.error();
  } else if (auto framing = check_framing(head_); !framing) {
    framing_error_ = framing.error();
  } else {
    framing_ = *framing;
  }
}

Eventual<Result<std::string_view>> InnerExchange::do_read_body(std::uint64_t limit) {
  if (body_.size() > limit) {
    return fail(ErrorCode::too_large, "the body is above its limit", ErrorOrigin::client);
  }
  body_read_ = true;
  return Result<std::string_view>(body_);
}

Eventual<Result<std::string_view>> InnerExchange::do_read_some_body(std::uint64_t limit) {
  if (body_read_) return Result<std::string_view>(std::string_view());
  return do_read_body(limit);
}

Task<Result<void>> InnerExchange::result_of(Task<bool> taken) {
  if (co_await taken) co_return Result<void>{};
  co_return fail(ErrorCode::closed, "the connection has ended", ErrorOrigin::client);
}

Eventual<Result<void>> InnerExchange::do_send(const Response& response) {
  return result_of(take_answer(response));
}

Eventual<Result<void>> InnerExchange::do_start(const ResponseHead& head) {
  (void)head;
  return Result<void>{};
}

Eventual<Result<void>> InnerExchange::do_write(std::string_view chunk) {
  return result_of(take_chunk(chunk));
}

Eventual<Result<void>> InnerExchange::do_end() { return Result<void>{}; }

Task<Result<Exchange::Upgraded>> InnerExchange::do_upgrade(const ResponseHead& head) {
  (void)head;
  co_return fail(ErrorCode::internal, "a message is no request for an upgrade");
}

}  // namespace portcullis::http
