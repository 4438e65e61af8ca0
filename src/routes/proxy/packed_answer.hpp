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

}  // namespace portcullis::routes
