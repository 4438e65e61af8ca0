#pragma once
#include <memory>

#include "coding/encoder.hpp"
#include "http/exchange.hpp"

namespace portcullis::routes {

/// What packs an answer of a service on its way to the client; null: it goes as it came. The fields
/// say which: of what may be packed they say that it varies with Accept-Encoding, of what is packed
/// by what, with a weak entity tag, since the bytes are not those that the service tagged.
///
/// Texts of status 200 are packed that are not short, no stream of events, and not packed already;
/// not what the service forbids (`no-transform`) or says a digest of.
/// Source: RFC 9110 sections 7.7, 8.4, 8.8.3.3, 12.5.5 and 15.4.5.
std::unique_ptr<coding::Encoder> pack_answer(const http::Exchange& exchange,
                                             http::ResponseHead& answer);

/// An answer of a service on its way to the client, packed where the route and the client want it.
/// Nothing is kept back: the next piece may be long in coming.
///
/// Threads, errors: as the exchange.
class AnswerWriter {
 public:
  AnswerWriter(http::Exchange& exchange, bool compresses)
      : exchange_(exchange), compresses_(compresses) {}

  Task<Result<void>> start(http::ResponseHead head);
  /// Nothing is sent of a piece that is empty, unless it is the last one.
  Task<Result<void>> write(std::string_view piece, bool last);

 private:
  http::Exchange& exchange_;
  const bool compresses_;
  std::unique_ptr<coding::Encoder> encoder_;
};

}  // namespace portcullis::routes
