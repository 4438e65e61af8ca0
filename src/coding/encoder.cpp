#include "coding/encoder.hpp"

#include <brotli/encode.h>

#include <new>

#include "coding/zlib_stream.hpp"

namespace portcullis::coding {
namespace {

constexpr int kGzipLevel = 5;
constexpr int kGzipWindow = 16 + 15;
constexpr int kGzipMemoryLevel = 8;
constexpr std::uint32_t kBrotliQuality = 4;
constexpr std::uint32_t kBrotliWindow = 18;

class GzipEncoder final : public Encoder {
 public:
  void put(std::string_view piece, Flush flush, std::string& out) override {
    stream_.append(piece,
                   flush == Flush::end   ? Z_FINISH
                   : flush == Flush::all ? Z_SYNC_FLUSH
                                         : Z_NO_FLUSH,
                   out);
  }

 private:
  DeflateStream stream_{kGzipLevel, kGzipWindow, kGzipMemoryLevel};
};

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kBrotliQuality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kBrotliWindow);
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }
  BrotliEncoder(const BrotliEncoder&) = delete;
  BrotliEncoder& operator=(const BrotliEncoder&) = delete;

  void put(std::string_view piece, Flush flush, std::string& out) override {
    const auto operation = flush == Flush::end   ? BROTLI_OPERATION_FINISH
                           : flush == Flush::all ? BROTLI_OPERATION_FLUSH
                                                 : BROTLI_OPERATION_PROCESS;
    std::size_t left = piece.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(piece.data());
    bool more = true;
    while (more || left > 0) {
      std::size_t room = 0;
      if (BrotliEncoderCompressStream(state_, operation, &left, &in, &room, nullptr, nullptr) ==
          BROTLI_FALSE) {
        throw std::bad_alloc();
      }
      // Before it is taken: while there was some, more may wait behind it.
      more = BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE;
      std::size_t made = 0;
      const auto* ready = BrotliEncoderTakeOutput(state_, &made);
      out.append(reinterpret_cast<const char*>(ready), made);
    }
  }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(ContentCoding coding) {
  if (coding == ContentCoding::brotli) return std::make_unique<BrotliEncoder>();
  return std::make_unique<GzipEncoder>();
}

}  // namespace portcullis::coding
