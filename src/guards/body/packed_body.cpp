#include "guards/body/packed_body.hpp"

#include "base/text.hpp"
#include "coding/unpacker.hpp"

namespace portcullis::guards {
namespace {

Task<Result<std::string_view>> unpack(http::Exchange& exchange,
                                      Eventual<Result<std::string_view>> body,
                                      coding::ContentCoding coding, std::uint64_t limit) {
  const auto packed = co_await body;
  if (!packed) co_return packed;
  coding::Unpacker unpacker(coding, *packed, limit);
  while (true) {
    const auto done = unpacker.step();
    if (!done) co_return std::unexpected(done.error());
    if (*done) break;
    co_await exchange.worker().yield();
    if (exchange.gone()) co_return fail(ErrorCode::closed, "the client has gone");
  }
  exchange.replace_body(unpacker.take());
  exchange.plain_body = true;
  co_return co_await exchange.read_body(limit);
}

}  // namespace

Result<std::optional<coding::ContentCoding>> body_coding(const http::RequestHead& head) {
  if (head.count("content-encoding") > 1) {
    return fail(ErrorCode::malformed, "Content-Encoding twice", ErrorOrigin::client);
  }
  const auto named = head.get("content-encoding");
  if (named.empty() || text::iequals(named, "identity")) return std::nullopt;
  const auto coding = coding::content_coding_of(named);
  if (!coding) return fail(ErrorCode::malformed, "Content-Encoding", ErrorOrigin::client);
  return coding;
}

Eventual<Result<std::string_view>> read_plain_body(http::Exchange& exchange,
                                                   std::optional<coding::ContentCoding> coding,
                                                   std::uint64_t limit) {
  auto body = exchange.read_body(limit);
  if (coding) return unpack(exchange, std::move(body), *coding, limit);
  exchange.plain_body = true;
  return body;
}

}  // namespace portcullis::guards
