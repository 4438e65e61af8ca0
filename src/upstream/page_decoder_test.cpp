#include "upstream/page_decoder.hpp"

#include <gtest/gtest.h>

namespace portcullis::upstream {
namespace {

Result<std::vector<std::string>> decode(std::string_view type, std::string_view bytes,
                                        std::size_t most = 100) {
  PageDecoder decoder(type, most);
  std::vector<std::string> pieces;
  for (const char c : bytes) {
    if (auto put = decoder.put({&c, 1}, pieces); !put) return std::unexpected(put.error());
  }
  if (auto done = decoder.finish(pieces); !done) return std::unexpected(done.error());
  return pieces;
}

TEST(PageDecoder, TakesAPageAsItIs) {
  EXPECT_EQ(*decode("text/html; charset=utf-8", "<p>\xc3\xa4</p>"),
            std::vector<std::string>{"<p>\xc3\xa4</p>"});
  EXPECT_EQ(*decode("Text/HTML", "x"), std::vector<std::string>{"x"});
}

TEST(PageDecoder, TakesNothingElse) {
  EXPECT_EQ(decode("application/json", "{}").error().origin, ErrorOrigin::gateway);
  EXPECT_EQ(decode("text/htmlx", "x").error().code, ErrorCode::malformed);
  EXPECT_EQ(decode("text/html", "").error().code, ErrorCode::malformed);
  EXPECT_EQ(decode("text/html", "\xff").error().code, ErrorCode::malformed);
  EXPECT_EQ(decode("text/html", std::string(101, 'x')).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace portcullis::upstream
