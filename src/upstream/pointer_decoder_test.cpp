#include "upstream/pointer_decoder.hpp"

#include <gtest/gtest.h>

namespace portcullis::upstream {
namespace {

Result<std::string> read(const std::string& pointer, std::string_view answer, std::size_t at = 0) {
  PointerDecoder decoder(pointer, 200);
  std::vector<std::string> pieces;
  for (const auto chunk : {answer.substr(0, at), answer.substr(at)}) {
    if (auto put = decoder.put(chunk, pieces); !put) return std::unexpected(put.error());
  }
  if (auto end = decoder.finish(pieces); !end) return std::unexpected(end.error());
  std::string out;
  for (const auto& piece : pieces) out += piece;
  return out;
}

TEST(PointerDecoder, TakesTheTextAtItsPlaceHoweverTheAnswerIsCut) {
  constexpr std::string_view kAnswer =
      "{\"a/b\":[{\"~\":\"no\"},{\"text\":\"Gr\xc3\xbc\xc3\x9f"
      "e \\ud83d\\ude00\"}],\"error\":\"secret\"}";
  for (std::size_t at = 0; at <= kAnswer.size(); ++at) {
    const auto text = read("/a~1b/1/text", kAnswer, at);
    ASSERT_TRUE(text) << at << ' ' << text.error().detail;
    ASSERT_EQ(*text,
              "Gr\xc3\xbc\xc3\x9f"
              "e \xf0\x9f\x98\x80");
  }
  EXPECT_EQ(read("/a~1b/0/~0", kAnswer).value_or(""), "no");
}

TEST(PointerDecoder, WhatHasNoTextThereIsNoAnswerAndNotQuoted) {
  for (const std::string_view answer :
       {"", "secret", "{\"text\":7}", "{\"text\":null}", "{\"text\":{\"text\":\"secret\"}}", "[]",
        "\"secret\"", "{\"other\":\"secret\"}", "{\"text\":\"secret\"", "{\"text\":\"\"}",
        "{\"text\":\" \\n\xe3\x80\x80\"}", "{\"text\":\"\xff\"}"}) {
    const auto text = read("/text", answer);
    ASSERT_FALSE(text) << answer;
    EXPECT_EQ(text.error().code, ErrorCode::malformed) << answer;
    EXPECT_EQ(text.error().origin, ErrorOrigin::upstream) << answer;
    EXPECT_EQ(text.error().detail.find("secret"), std::string::npos) << answer;
  }
}

TEST(PointerDecoder, IsBounded) {
  const auto text = read("/text", "{\"text\":\"" + std::string(200, 'x') + "\"}", 150);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::too_large);
  const auto deep = read("/0", std::string(80, '[') + std::string(80, ']'));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace portcullis::upstream
