#include "upstream/history_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::upstream {
namespace {

Result<std::string> decode(const std::string& text, std::size_t max_bytes = 1 << 20) {
  HistoryDecoder decoder(max_bytes);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size(); at += 7) {
    if (auto put = decoder.put(std::string_view(text).substr(at, 7), pieces); !put)
      return std::unexpected(put.error());
  }
  if (auto done = decoder.finish(pieces); !done) return std::unexpected(done.error());
  EXPECT_EQ(pieces.size(), 1U);
  return pieces.front();
}

std::string message(const std::string& role, const std::string& content) {
  return R"({"lc":1,"type":"constructor","id":["langchain_core","messages",")" + role +
         R"("],"kwargs":{"content":)" + content + R"(,"additional_kwargs":{"secret":1}}})";
}

TEST(HistoryDecoder, WritesWhatWasSaidAnew) {
  EXPECT_EQ(*decode(R"({"data":[]})"), HistoryDecoder::empty());
  EXPECT_EQ(
      *decode(R"({"data":[)" + message("HumanMessage", R"("Hi \"you\"")") + "," +
              message("AIMessage", R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])") +
              R"(],"more":1})"),
      R"({"data":[{"lc":1,"type":"constructor","id":["langchain_core","messages","HumanMessage"],)"
      R"("kwargs":{"content":"Hi \"you\""}},)"
      R"({"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],)"
      R"("kwargs":{"content":"ab"}}]})");
}

TEST(HistoryDecoder, LeavesBehindWhatIsNotForVisitors) {
  EXPECT_EQ(*decode(R"({"data":[)" + message("SystemMessage", R"("secret")") + "," +
                    message("ToolMessage", R"("secret")") + "," + message("AIMessage", R"("")") +
                    "," + message("AIMessage", "7") + R"(,1,{"id":"HumanMessage"},null]})"),
            HistoryDecoder::empty());
}

TEST(HistoryDecoder, TakesNothingElseForAHistoryAndBlamesNobody) {
  for (const char* text : {"", "{", "[]", "{}", R"({"data":{}})", R"({"output":"Hi"})",
                           R"({"data":[]} x)", "<html></html>"}) {
    const auto decoded = decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::malformed);
    EXPECT_EQ(decoded.error().origin, ErrorOrigin::gateway);
  }
}

TEST(HistoryDecoder, HoldsItsLimits) {
  EXPECT_EQ(decode(R"({"data":[]})", 10).error().code, ErrorCode::too_large);
  std::string many = R"({"data":[)";
  for (int i = 0; i < 600; ++i) {
    many += (i == 0 ? "" : ",") + message("HumanMessage", "\"m" + std::to_string(i) + "\"");
  }
  const auto kept = decode(many + "]}");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->find("\"m99\""), std::string::npos);
  EXPECT_NE(kept->find("\"m100\""), std::string::npos) << "the newest 500";
  EXPECT_NE(kept->find("\"m599\""), std::string::npos);
}

}  // namespace
}  // namespace portcullis::upstream
