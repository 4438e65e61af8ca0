// Packed bodies: within the bounds, to the same end as the libraries' own one-shot decoders come
// to, and what this packs it unpacks.
#include <brotli/decode.h>
#include <zstd.h>

#include <string>

#include "coding/encoder.hpp"
#include "coding/unpacker.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using portcullis::fuzz::require;
using namespace portcullis::coding;  // NOLINT(google-build-using-namespace)

constexpr std::uint64_t kMost = 1 << 20;

portcullis::Result<std::string> unpack(ContentCoding coding, std::string_view packed,
                                       std::uint64_t most) {
  Unpacker unpacker(coding, packed, most);
  while (true) {
    const auto done = unpacker.step();
    if (!done) return std::unexpected(done.error());
    if (*done) return unpacker.take();
  }
}

/// What another reader of the same bytes makes of them.
void compare(ContentCoding coding, std::string_view packed, const std::string& text) {
  std::string other(text.size() + 1, 0);
  std::size_t size = other.size();
  if (coding == ContentCoding::brotli) {
    const auto result =
        BrotliDecoderDecompress(packed.size(), reinterpret_cast<const std::uint8_t*>(packed.data()),
                                &size, reinterpret_cast<std::uint8_t*>(other.data()));
    require(result == BROTLI_DECODER_RESULT_SUCCESS, "what unpacks is whole Brotli");
  } else if (coding == ContentCoding::zstd) {
    size = ZSTD_decompress(other.data(), other.size(), packed.data(), packed.size());
    // It refuses an empty compressed block, which its own streaming decoder skips.
    if (ZSTD_isError(size) != 0) return;
  } else {
    return;
  }
  require(other.substr(0, size) == text, "two readers see the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto coding = static_cast<ContentCoding>(data[0] % 3);
  const auto bytes = portcullis::fuzz::text_of(data + 1, size - 1);
  const auto out = unpack(coding, bytes, kMost);
  if (out) {
    const auto most = std::max(Unpacker::kRatioFloor, bytes.size() * Unpacker::kMaxRatio);
    require(out->size() <= std::min(kMost, most), "the bounds hold");
    compare(coding, bytes, *out);
    const auto less = unpack(coding, bytes, out->size() - (out->empty() ? 0 : 1));
    require(out->empty() || !less, "a bound that is one too low is seen");
    require(!unpack(coding, std::string(bytes) + '\x01', kMost), "a byte behind the end is seen");
  } else {
    require(!out.error().detail.empty(), "a fault can be told");
  }
  if (coding != ContentCoding::zstd) {
    std::string packed;
    const auto encoder = make_encoder(coding);
    encoder->put(bytes.substr(0, bytes.size() / 2), Encoder::Flush::all, packed);
    encoder->put(bytes.substr(bytes.size() / 2), Encoder::Flush::end, packed);
    const auto back = unpack(coding, packed, bytes.size());
    require(back && *back == bytes, "what was packed comes back");
  }
  return 0;
}
