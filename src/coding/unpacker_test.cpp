#include "coding/unpacker.hpp"

#include <brotli/encode.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <array>

#include "coding/encoder.hpp"
#include "coding/zlib_stream.hpp"

namespace portcullis::coding {
namespace {

constexpr std::uint64_t kPlenty = 1 << 30;

struct ZstdOptions {
  int window_log = 0;
  int checksum = 1;
};

std::string zstd(std::string_view text, ZstdOptions options = {}) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, options.window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, options.checksum);
  std::string out(ZSTD_compressBound(text.size()) + 64, 0);
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // In two calls, so that the frame does not say how long it is and has the window that is asked.
  ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0U);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

std::string packed(ContentCoding coding, std::string_view text) {
  if (coding == ContentCoding::zstd) return zstd(text);
  std::string out;
  make_encoder(coding)->put(text, Encoder::Flush::end, out);
  return out;
}

std::string deflated(std::string_view text, int window_bits) {
  std::string out;
  DeflateStream(6, window_bits, 8).append(text, Z_FINISH, out);
  return out;
}

Result<std::string> unpack(ContentCoding coding, std::string_view bytes,
                           std::uint64_t most = kPlenty) {
  Unpacker unpacker(coding, bytes, most);
  while (true) {
    TRY(const bool done, unpacker.step());
    if (done) return unpacker.take();
  }
}

ErrorCode fault(ContentCoding coding, std::string_view bytes, std::uint64_t most = kPlenty) {
  const auto out = unpack(coding, bytes, most);
  EXPECT_FALSE(out) << "it unpacks";
  return out ? ErrorCode::internal : out.error().code;
}

std::string json(std::size_t rows) {
  std::string out = "[";
  for (std::size_t i = 0; i < rows; ++i) {
    out += R"({"id":)" + std::to_string(i * 7919 % 100003) + R"(,"name":"caf\u00e9 )" +
           std::to_string(i * i) + "\"},";
  }
  return out + "{}]";
}

class EveryCoding : public testing::TestWithParam<ContentCoding> {};

TEST_P(EveryCoding, UnpacksWhatWasPacked) {
  for (const auto& text : {std::string(), std::string("{}"), json(10), json(20000)}) {
    EXPECT_EQ(unpack(GetParam(), packed(GetParam(), text)), text);
  }
}

TEST_P(EveryCoding, SeesWhereABodyHasBrokenOff) {
  const auto whole = packed(GetParam(), json(20));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(fault(GetParam(), std::string_view(whole).substr(0, size)), ErrorCode::malformed)
        << size;
  }
}

TEST_P(EveryCoding, LeavesNothingBehindTheEndUnseen) {
  const auto whole = packed(GetParam(), json(20));
  for (const auto& rest : {std::string(1, '\0'), std::string("x"), std::string(100, '\0'),
                           std::string("{\"hidden\":1}"), whole.substr(0, whole.size() / 2)}) {
    EXPECT_EQ(fault(GetParam(), whole + rest), ErrorCode::malformed);
  }
}

TEST_P(EveryCoding, RefusesOtherCodings) {
  for (const auto& other :
       {json(3), deflated("{}", 15), deflated("{}", -15), std::string(50, '\xff')}) {
    EXPECT_EQ(fault(GetParam(), other), ErrorCode::malformed);
  }
  for (const auto coding : {ContentCoding::gzip, ContentCoding::brotli, ContentCoding::zstd}) {
    if (coding == GetParam()) continue;
    EXPECT_EQ(fault(GetParam(), packed(coding, json(100))), ErrorCode::malformed);
  }
}

TEST_P(EveryCoding, KeepsToTheBoundOfBytes) {
  const auto text = json(5000);
  const auto whole = packed(GetParam(), text);
  EXPECT_EQ(unpack(GetParam(), whole, text.size()), text);
  EXPECT_EQ(fault(GetParam(), whole, text.size() - 1), ErrorCode::too_large);
  EXPECT_EQ(fault(GetParam(), whole, 0), ErrorCode::too_large);
}

TEST_P(EveryCoding, KeepsToTheRatioOnceThereIsMuch) {
  const std::string small(Unpacker::kRatioFloor, ' ');
  EXPECT_EQ(unpack(GetParam(), packed(GetParam(), small)), small) << "short texts may be dull";
  const auto bomb = packed(GetParam(), std::string(64 << 20, ' '));
  Unpacker unpacker(GetParam(), bomb, kPlenty);
  std::size_t steps = 1;
  auto done = unpacker.step();
  for (; done && !*done; done = unpacker.step()) ++steps;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::exhausted);
  EXPECT_LE(steps, bomb.size() * Unpacker::kMaxRatio / Unpacker::kStepBytes + 2);
}

TEST_P(EveryCoding, LetsOthersRunBetweenItsSteps) {
  const auto text = json(20000);
  const auto whole = packed(GetParam(), text);
  Unpacker unpacker(GetParam(), whole, kPlenty);
  std::size_t steps = 1;
  for (auto done = unpacker.step(); !done.value(); done = unpacker.step()) ++steps;
  EXPECT_GE(steps, text.size() / (Unpacker::kStepBytes + Decoder::kMostTaken * 2));
  EXPECT_EQ(unpacker.take(), text);
}

TEST_P(EveryCoding, ChangedBytesAreNoCrash) {
  const auto whole = packed(GetParam(), json(50));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    const auto out = unpack(GetParam(), changed, 1 << 20);
    if (!out) EXPECT_TRUE(!out.error().detail.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Coding, EveryCoding,
                         testing::Values(ContentCoding::gzip, ContentCoding::brotli,
                                         ContentCoding::zstd),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Unpacker, TakesMembersOfGzipForOneBody) {
  const auto gzip = [](std::string_view text) { return packed(ContentCoding::gzip, text); };
  EXPECT_EQ(unpack(ContentCoding::gzip, gzip("{\"a\"") + gzip("") + gzip(":1}")), "{\"a\":1}");
  EXPECT_EQ(fault(ContentCoding::gzip, gzip("{}") + gzip("x").substr(0, 9)), ErrorCode::malformed);
}

TEST(Unpacker, ChecksTheSumOfGzip) {
  auto whole = packed(ContentCoding::gzip, "{\"a\":1}");
  whole[whole.size() - 6] = static_cast<char>(whole[whole.size() - 6] ^ 1);
  EXPECT_EQ(fault(ContentCoding::gzip, whole), ErrorCode::malformed);
}

TEST(Unpacker, TakesFramesOfZstdForOneBodyAndSkipsWhatIsToBeSkipped) {
  const std::string skippable("\x5a\x2a\x4d\x18\x05\0\0\0<xss>", 13);
  EXPECT_EQ(unpack(ContentCoding::zstd, skippable + zstd("{\"a\"") + skippable + zstd(":1}")),
            "{\"a\":1}");
  EXPECT_EQ(unpack(ContentCoding::zstd, skippable), "");
  EXPECT_EQ(fault(ContentCoding::zstd, skippable.substr(0, 12)), ErrorCode::malformed);
}

TEST(Unpacker, RefusesFormatsOfZstdFromBeforeItsFirstVersion) {
  auto old = zstd("{}");
  for (const char version : {'\x27', '\x26', '\x25', '\x24', '\x23', '\x22', '\x1e'}) {
    old[0] = version;
    EXPECT_EQ(fault(ContentCoding::zstd, old), ErrorCode::malformed);
  }
}

TEST(Unpacker, GivesNoWindowAboveWhatTheCodingHas) {
  const auto text = json(300);
  EXPECT_EQ(unpack(ContentCoding::zstd, zstd(text, {.window_log = 23})), text);
  EXPECT_EQ(fault(ContentCoding::zstd, zstd(text, {.window_log = 24})), ErrorCode::malformed);

  BrotliEncoderState* state = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
  BrotliEncoderSetParameter(state, BROTLI_PARAM_LARGE_WINDOW, 1);
  BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, 28);
  std::size_t left = text.size();
  const auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t room = 0;
  std::string large;
  BrotliEncoderCompressStream(state, BROTLI_OPERATION_FINISH, &left, &in, &room, nullptr, nullptr);
  const auto* made = BrotliEncoderTakeOutput(state, &room);
  large.assign(reinterpret_cast<const char*>(made), room);
  BrotliEncoderDestroyInstance(state);
  ASSERT_FALSE(large.empty());
  EXPECT_EQ(fault(ContentCoding::brotli, large), ErrorCode::malformed);
}

TEST(ContentCodings, AreKnownByTheirNamesInAnyCase) {
  EXPECT_EQ(content_coding_of("GZip"), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of("x-gzip"), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of("BR"), ContentCoding::brotli);
  EXPECT_EQ(content_coding_of("zstd"), ContentCoding::zstd);
  for (const auto* none : {"", "identity", "deflate", "compress", "x-br", "gzip;q=1", "gzip,br"}) {
    EXPECT_EQ(content_coding_of(none), std::nullopt) << none;
  }
}

/// What hardly packs at all.
std::string noise(std::size_t bytes) {
  std::string out;
  for (std::uint64_t x = 88172645463325252U; out.size() < bytes; x ^= x << 17) {
    x ^= x << 13;
    x ^= x >> 7;
    out += static_cast<char>(x >> 24);
  }
  return out;
}

class EveryAnswerCoding : public testing::TestWithParam<ContentCoding> {};

TEST_P(EveryAnswerCoding, WhatIsFlushedCanBeReadAtOnce) {
  const auto encoder = make_encoder(GetParam());
  const auto decoder = make_decoder(GetParam());
  std::string said;
  std::string heard;
  for (int piece = 0; piece < 40; ++piece) {
    auto text = json(static_cast<std::size_t>(piece * piece));
    if (piece % 10 == 9) text += noise(static_cast<std::size_t>(piece) * 20000);
    said += text;
    std::string out;
    encoder->put(text, Encoder::Flush::all, out);
    std::array<char, 4096> made;
    for (std::string_view rest = out;;) {
      const auto step = decoder->run(rest, made);
      ASSERT_TRUE(step);
      heard.append(made.data(), step->made);
      if (rest.empty() && step->made == 0) break;
    }
    ASSERT_EQ(heard, said) << piece;
  }
}

TEST_P(EveryAnswerCoding, PacksWhatComesInPieces) {
  const auto encoder = make_encoder(GetParam());
  const auto text = json(3000);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 1000) {
    encoder->put(std::string_view(text).substr(at, 1000), Encoder::Flush::none, out);
  }
  encoder->put({}, Encoder::Flush::end, out);
  EXPECT_EQ(unpack(GetParam(), out), text);
  EXPECT_LT(out.size(), text.size() / 3);
}

TEST_P(EveryAnswerCoding, PacksWhatHardlyPacks) {
  for (const std::size_t bytes : {1, 5000, 70000, 1000000}) {
    const auto text = noise(bytes);
    EXPECT_EQ(unpack(GetParam(), packed(GetParam(), text)), text) << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(Coding, EveryAnswerCoding,
                         testing::Values(ContentCoding::gzip, ContentCoding::brotli),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace portcullis::coding
