#include "http/chunked_decoder.hpp"

#include <optional>
#include <string>

#include "proves.hpp"

namespace portcullis::http {
namespace {

struct Body {
  std::string text;
  std::size_t consumed = 0;
  bool done = false;
  std::optional<ErrorCode> error;
};

/// Decodes bytes that arrive `step` at a time; what is not consumed is offered again.
Body decode_chunked(std::string_view bytes, std::size_t step, std::uint64_t limit = 1 << 20) {
  ChunkedDecoder decoder;
  Body out;
  std::string held;
  for (std::size_t at = 0; at < bytes.size() && !out.done; at += step) {
    held += bytes.substr(at, step);
    const auto put = decoder.put(held, out.text, limit);
    if (!put) {
      out.error = put.error();
      return out;
    }
    EXPECT_LE(put->consumed, held.size());
    held.erase(0, put->consumed);
    out.consumed += put->consumed;
    out.done = put->done;
  }
  return out;
}

TEST(ChunkedDecoder, DecodesWhateverWayItIsSplit) {
  const std::string_view bytes =
      "4\r\nWiki\r\n6;ext=1;b=\"c\"\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n000\r\nTrailer: "
      "x\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const auto body = decode_chunked(bytes, step);
    ASSERT_FALSE(body.error) << step;
    EXPECT_TRUE(body.done) << step;
    EXPECT_EQ(body.text, "Wikipedia in \r\n\r\nchunks.") << step;
    EXPECT_EQ(bytes.substr(body.consumed), "NEXT") << "the next request is not ours to eat";
  }
}

TEST(ChunkedDecoder, IsNotDoneBeforeTheLastChunkAndItsEmptyLine) {
  const std::string_view bytes = "1\r\na\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto body = decode_chunked(bytes.substr(0, cut), 1);
    EXPECT_FALSE(body.error) << cut;
    EXPECT_FALSE(body.done) << cut;
  }
}

TEST(ChunkedDecoder, RefusesWhatIsNoChunk) {
  for (const std::string_view bytes : {
           "x\r\n",
           "-1\r\na\r\n",
           "+1\r\na\r\n0\r\n\r\n",
           "0x1\r\na\r\n0\r\n\r\n",
           "\r\n",
           "1\na\n0\n\n",
           "1\r\nab\r\n0\r\n\r\n",
           "1\r\na0\r\n\r\n",
           "1\r\na\n0\r\n\r\n",
           "2\r\na\r\n0\r\n\r\n\r\n",
           "FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n",
           "10000000000000001\r\na\r\n0\r\n\r\n",
           " 1\r\na\r\n0\r\n\r\n",
           ";x\r\na\r\n0\r\n\r\n",
       }) {
    for (const std::size_t step : {std::size_t{1}, bytes.size()}) {
      const auto body = decode_chunked(bytes, step);
      EXPECT_TRUE(body.error.has_value() || !body.done) << bytes << " step " << step;
      EXPECT_FALSE(body.done) << bytes;
    }
  }
}

TEST(ChunkedDecoder, RefusesALineEndInsideAnExtension) {
  for (const std::string_view bytes :
       {"1;x=\"a\nb\"\r\na\r\n0\r\n\r\n", "1;x=\"a\rb\"\r\na\r\n0\r\n\r\n",
        "1;x=a\nb\r\na\r\n0\r\n\r\n", "0;x=\"\n\"\r\n\r\n"}) {
    EXPECT_FALSE(decode_chunked(bytes, bytes.size()).done) << bytes;
  }
}

TEST(ChunkedDecoder, AnEmptyBodyMayComeInPieces) {
  for (const std::string_view bytes : {"0\r\n\r\n", "000\r\n\r\n", "0;x\r\nTrailer: y\r\n\r\n"}) {
    const auto body = decode_chunked(bytes, 1);
    EXPECT_TRUE(body.done) << bytes;
    EXPECT_EQ(body.text, "");
    EXPECT_EQ(body.consumed, bytes.size());
  }
}

TEST(ChunkedDecoder, StopsAboveTheLimit) {
  PROVES("F160");
  const std::string chunk = "400\r\n" + std::string(1024, 'x') + "\r\n";
  const std::string bytes = chunk + chunk + "0\r\n\r\n";
  EXPECT_FALSE(decode_chunked(bytes, 100, 2048).error);
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}, bytes.size()}) {
    const auto body = decode_chunked(bytes, step, 2047);
    ASSERT_TRUE(body.error) << step;
    EXPECT_EQ(*body.error, ErrorCode::too_large);
    EXPECT_LE(body.text.size(), 2047U);
  }
  // A length near the largest number overflows nothing.
  EXPECT_TRUE(decode_chunked("FFFFFFFFFFFFFFFF\r\n" + std::string(4000, 'x'), 1000, 2048).error);
}

TEST(ChunkedDecoder, ExtensionsAndTrailersAreBounded) {
  const auto extension = decode_chunked("1;" + std::string(200'000, 'x'), 4096);
  EXPECT_TRUE(extension.error);
  std::string trailers = "1\r\na\r\n0\r\n";
  for (int i = 0; i < 20'000; ++i) trailers += "X: " + std::string(10, 'x') + "\r\n";
  EXPECT_TRUE(decode_chunked(trailers, 4096).error);
}

}  // namespace
}  // namespace portcullis::http
