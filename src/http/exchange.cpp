#include "http/exchange.hpp"

#include <cassert>

#include "http/json_body.hpp"
#include "http/multipart_form.hpp"

namespace portcullis::http {

Response Response::json(std::uint16_t status, std::string body) {
  return text(status, "application/json", std::move(body));
}

Response Response::text(std::uint16_t status, std::string_view content_type, std::string body) {
  Response out;
  out.status = status;
  out.content_type = content_type;
  out.body = std::move(body);
  return out;
}

Exchange::Exchange(net::Worker& owner)
    : worker_(owner), started_at_(owner.clock().monotonic()), started_wall_(owner.clock().wall()) {}

Exchange::~Exchange() = default;

Eventual<Result<std::string_view>> Exchange::read_some_body(std::uint64_t limit) {
  return do_read_some_body(limit);
}

std::optional<Origin> Exchange::requested_origin() const {
  const auto host = HostPort::parse(head_.get("host"));
  if (!host) return std::nullopt;
  const std::string scheme = client.https ? "https" : "http";
  return Origin{scheme, host->host, host->port.value_or(default_port(scheme))};
}

Eventual<Result<std::string_view>> Exchange::read_body(std::uint64_t limit) {
  if (!unpacked_body_) return do_read_body(limit);
  if (unpacked_body_->size() > limit) {
    return fail(ErrorCode::too_large, "the body is above its limit", ErrorOrigin::client);
  }
  return Result<std::string_view>(*unpacked_body_);
}

Task<void> Exchange::send(Response response) {
  assert(status_ == 0 && "an exchange is answered once");
  if (filter_ != nullptr) filter_->apply_whole(*this, response);
  status_ = response.status;
  bytes_sent_ = response.bytes().size();
  const auto sent = co_await do_send(response);
  if (!sent) set_gone();
}

Task<Result<void>> Exchange::start(ResponseHead head) {
  assert(status_ == 0 && "an exchange is answered once");
  if (filter_ != nullptr) filter_->apply(*this, head);
  status_ = head.status;
  streaming_ = true;
  json.reset();
  form.reset();
  unpacked_body_.reset();
  body_room.reset();
  auto started = co_await do_start(head);
  if (!started) set_gone();
  co_return started;
}

Task<Result<void>> Exchange::write(std::string_view chunk) {
  assert(streaming_);
  bytes_sent_ += chunk.size();
  auto written = co_await do_write(chunk);
  if (!written) set_gone();
  co_return written;
}

Task<void> Exchange::end() {
  assert(streaming_);
  if (gone_) co_return;
  const auto ended = co_await do_end();
  if (!ended) set_gone();
}

Task<Result<Exchange::Upgraded>> Exchange::upgrade(ResponseHead head) {
  assert(status_ == 0 && "an exchange is answered once");
  if (!body_done()) {
    co_return fail(ErrorCode::malformed, "an upgrade before the end of the request",
                   ErrorOrigin::client);
  }
  if (filter_ != nullptr) filter_->apply(*this, head);
  status_ = head.status;
  streaming_ = true;
  auto upgraded = co_await do_upgrade(head);
  if (!upgraded) set_gone();
  co_return upgraded;
}

void Exchange::set_gone() {
  if (std::exchange(gone_, true)) return;
  if (auto hook = std::exchange(hook_, nullptr)) hook();
}

void Exchange::set_draining() {
  if (std::exchange(draining_, true)) return;
  if (const auto& hook = hook_) hook();
}

}  // namespace portcullis::http
