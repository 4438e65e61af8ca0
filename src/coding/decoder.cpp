#include "coding/decoder.hpp"

#include <brotli/decode.h>
#include <zstd.h>

#include <array>
#include <cstdint>
#include <new>

#include "coding/zlib_stream.hpp"

namespace portcullis::coding {
namespace {

constexpr int kGzipWindow = 16 + 15;
constexpr int kZstdWindowLog = 23;  // RFC 9659 section 3: 8 MiB

auto broken(ContentCoding coding) {
  return fail(ErrorCode::malformed, "the body is not valid " + std::string(name_of(coding)),
              ErrorOrigin::client);
}

class GzipDecoder final : public Decoder {
 public:
  Result<Step> run(std::string_view& rest, std::span<char> out) override {
    if (complete_ && !rest.empty()) stream_.restart();
    auto piece = rest.substr(0, kMostTaken);
    const std::size_t given = piece.size();
    const auto step = stream_.run(piece, out);
    if (step.status != Z_OK && step.status != Z_STREAM_END && step.status != Z_BUF_ERROR) {
      return broken(ContentCoding::gzip);
    }
    rest.remove_prefix(given - piece.size());
    complete_ = step.status == Z_STREAM_END;
    return Step{step.made, complete_};
  }

 private:
  InflateStream stream_{kGzipWindow};
  bool complete_ = false;
};

class BrotliDecoder final : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    BrotliDecoderSetParameter(state_, BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
  }
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;

  Result<Step> run(std::string_view& rest, std::span<char> out) override {
    // It has an end, and nothing comes behind it.
    if (complete_ && !rest.empty()) return broken(ContentCoding::brotli);
    const auto piece = rest.substr(0, kMostTaken);
    std::size_t left = piece.size();
    std::size_t room = out.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(piece.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    const auto result = BrotliDecoderDecompressStream(state_, &left, &in, &room, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) return broken(ContentCoding::brotli);
    rest.remove_prefix(piece.size() - left);
    complete_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    return Step{out.size() - room, complete_};
  }

 private:
  BrotliDecoderState* state_;
  bool complete_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kZstdWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  Result<Step> run(std::string_view& rest, std::span<char> out) override {
    if (at_frame_ && !is_frame(rest)) return broken(ContentCoding::zstd);
    const auto piece = rest.substr(0, kMostTaken);
    ZSTD_inBuffer from{piece.data(), piece.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_, &to, &from);
    if (ZSTD_isError(result) != 0U) return broken(ContentCoding::zstd);
    rest.remove_prefix(from.pos);
    at_frame_ = result == 0;
    return Step{to.pos, at_frame_};
  }

 private:
  /// Whether one of RFC 8878 begins here: the library may read others too.
  static bool is_frame(std::string_view bytes) {
    constexpr std::uint32_t kMagic = 0xfd2fb528;
    constexpr std::uint32_t kSkippable = 0x184d2a50;
    if (bytes.size() < 4) return false;
    std::uint32_t magic = 0;
    for (std::size_t i = 4; i-- > 0;) magic = magic << 8 | static_cast<unsigned char>(bytes[i]);
    return magic == kMagic || (magic & 0xfffffff0) == kSkippable;
  }

  ZSTD_DCtx* context_;
  bool at_frame_ = true;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::gzip:
      return std::make_unique<GzipDecoder>();
    case ContentCoding::brotli:
      return std::make_unique<BrotliDecoder>();
    case ContentCoding::zstd:
      return std::make_unique<ZstdDecoder>();
  }
  return nullptr;
}

}  // namespace portcullis::coding
