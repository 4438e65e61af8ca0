#include "routes/proxy/packed_answer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/fields.hpp"

namespace portcullis::routes {
namespace {

/// Of the bytes as the service has them.
constexpr std::array<std::string_view, 6> kTiedToBytes = {
    "content-encoding", "content-range", "content-digest", "repr-digest", "digest", "content-md5"};

bool is_text(std::string_view type) {
  // Events are read one by one as they come, and some read them before they unpack.
  constexpr std::array<std::string_view, 2> kStreams = {"text/event-stream",
                                                        "application/stream+json"};
  constexpr std::array<std::string_view, 3> kTexts = {"application/json", "application/javascript",
                                                      "application/xml"};
  if (std::ranges::find(kStreams, type) != kStreams.end()) return false;
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") ||
         std::ranges::find(kTexts, type) != kTexts.end();
}

bool may_be_packed(const http::ResponseHead& answer) {
  const auto& fields = answer.headers;
  if (answer.status != 200 ||
      answer.content_length.value_or(coding::kWorthPacking) < coding::kWorthPacking) {
    return false;
  }
  if (std::ranges::any_of(kTiedToBytes, [&](auto name) { return fields.contains(name); })) {
    return false;
  }
  return !http::has_token(fields, "cache-control", "no-transform") &&
         is_text(http::media_type(fields.find("content-type")));
}

/// As the fields of a packed answer are: without ranges, which would be of other bytes.
http::HeaderBlock with_weak_tag(const http::HeaderBlock& fields) {
  http::HeaderBlock out;
  fields.for_each([&](std::string_view name, std::string_view value) {
    if (text::iequals(name, "accept-ranges")) return;
    const bool strong = text::iequals(name, "etag") && value.starts_with('"');
    out.add(name, strong ? "W/" + std::string(value) : std::string(value));
  });
  return out;
}

/// Whether the client has the packed one, of which it hears that it is as it was.
bool confirms_packed(const http::Exchange& exchange, const http::ResponseHead& answer) {
  if (answer.status != 304) return false;
  const std::string weak = "W/" + std::string(answer.headers.find("etag"));
  return weak.ends_with('"') && exchange.head().has_token("if-none-match", weak);
}

}  // namespace

std::unique_ptr<coding::Encoder> pack_answer(const http::Exchange& exchange,
                                             http::ResponseHead& answer) {
  if (confirms_packed(exchange, answer)) {
    answer.headers = with_weak_tag(answer.headers);
    http::add_vary(answer.headers, "Accept-Encoding");
    return nullptr;
  }
  if (!may_be_packed(answer)) return nullptr;
  const auto coding = http::answer_coding(exchange.head());
  if (coding) {
    answer.headers = with_weak_tag(answer.headers);
    answer.content_length.reset();
  }
  http::add_vary(answer.headers, "Accept-Encoding");
  // What is said of an answer without its body is what would be said with it, but for what shows
  // only in packing it.
  if (!coding || exchange.head().method == http::Method::head) return nullptr;
  answer.headers.add("Content-Encoding", name_of(*coding));
  return coding::make_encoder(*coding);
}

Task<Result<void>> AnswerWriter::start(http::ResponseHead head) {
  if (compresses_) encoder_ = pack_answer(exchange_, head);
  co_return co_await exchange_.start(std::move(head));
}

Task<Result<void>> AnswerWriter::write(std::string_view piece, bool last) {
  std::string packed;
  if (encoder_ && (last || !piece.empty())) {
    encoder_->put(piece, last ? coding::Encoder::Flush::end : coding::Encoder::Flush::all, packed);
    piece = packed;
  }
  if (piece.empty()) co_return Result<void>{};
  co_return co_await exchange_.write(piece);
}

}  // namespace portcullis::routes
