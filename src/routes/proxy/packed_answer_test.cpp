#include "routes/proxy/packed_answer.hpp"

#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::routes {
namespace {

using Fields = std::vector<std::pair<const char*, const char*>>;

class PackedAnswerTest : public testing::Test {
 protected:
  struct Made {
    bool packs;
    std::string fields;
    std::optional<std::uint64_t> length;

    bool has(const std::string& line) const {
      return ("\r\n" + fields).find("\r\n" + line + "\r\n") != std::string::npos;
    }
  };
  Made made(const Fields& fields, std::uint16_t status = 200,
            std::optional<std::uint64_t> length = {},
            const std::string& request = "Accept-Encoding: gzip, br\r\n",
            const std::string& method = "GET") {
    http::MemoryExchange exchange(worker_,
                                  method + " / HTTP/1.1\r\nHost: a\r\n" + request + "\r\n");
    http::ResponseHead head;
    head.status = status;
    head.content_length = length;
    for (const auto& [name, value] : fields) head.headers.add(name, value);
    const auto encoder = pack_answer(exchange, head);
    return {encoder != nullptr, std::string(head.headers.text()), head.content_length};
  }

  net::Worker worker_{0};
};

constexpr const char* kType = "Content-Type";

TEST_F(PackedAnswerTest, TextsAreSaidToBePackedAndAreOtherBytes) {
  PROVES("F126");
  const auto out = made({{"content-type", "application/json; charset=utf-8"},
                         {"etag", "\"v1\""},
                         {"Accept-Ranges", "bytes"},
                         {"X-Kept", "1"}},
                        200, 5000);
  EXPECT_TRUE(out.packs);
  EXPECT_EQ(out.length, std::nullopt);
  EXPECT_EQ(out.fields,
            "content-type: application/json; charset=utf-8\r\netag: W/\"v1\"\r\nX-Kept: 1\r\n"
            "Vary: Accept-Encoding\r\nContent-Encoding: br\r\n");
  EXPECT_TRUE(made({{kType, "text/html"}, {"ETag", "W/\"v1\""}}).has("ETag: W/\"v1\""));
  EXPECT_TRUE(made({{kType, "text/html"}}, 200, {}, "Accept-Encoding: gzip\r\n")
                  .has("Content-Encoding: gzip"));
}

TEST_F(PackedAnswerTest, KnowsWhichTypesPack) {
  PROVES("F126");
  for (const auto* type : {"text/plain", "TEXT/HTML", "text/css; charset=utf-8", "text/javascript",
                           "application/json", "application/problem+json", "application/javascript",
                           "application/xml", "application/atom+xml", "image/svg+xml"}) {
    EXPECT_TRUE(made({{kType, type}}).packs) << type;
  }
  for (const auto* type :
       {"text/event-stream", "text/event-stream; charset=utf-8", "application/x-ndjson",
        "application/stream+json", "application/json-seq", "image/png", "application/zip",
        "application/octet-stream", "video/mp4", "application/grpc", "jsontext/"}) {
    const auto out = made({{kType, type}}, 200, 5000);
    EXPECT_FALSE(out.packs) << type;
    EXPECT_EQ(out.length, 5000U);
    EXPECT_EQ(out.fields.find("Vary"), std::string::npos);
  }
  EXPECT_FALSE(made({}).packs);
}

TEST_F(PackedAnswerTest, LeavesAloneWhatMustNotBePacked) {
  PROVES("F126");
  EXPECT_TRUE(made({{kType, "text/plain"}}, 200, 1024).packs);
  EXPECT_FALSE(made({{kType, "text/plain"}}, 200, 1023).packs);
  for (const std::uint16_t status :
       std::initializer_list<std::uint16_t>{201, 204, 206, 304, 404, 500}) {
    EXPECT_FALSE(made({{kType, "text/plain"}}, status).packs) << status;
  }
  for (const auto& [name, value] : Fields{{"Content-Encoding", "gzip"},
                                          {"content-encoding", "zstd"},
                                          {"Cache-Control", "max-age=5, No-Transform"},
                                          {"Content-Range", "bytes 0-1/5"},
                                          {"Content-Digest", "sha-256=:x:"},
                                          {"Repr-Digest", "sha-256=:x:"},
                                          {"Digest", "sha-256=x"},
                                          {"Content-MD5", "x"}}) {
    const auto out = made({{kType, "text/plain"}, {name, value}, {"ETag", "\"a\""}}, 200, 5000);
    EXPECT_FALSE(out.packs) << name;
    EXPECT_TRUE(out.has("ETag: \"a\"")) << name;
    EXPECT_EQ(out.length, 5000U) << name;
  }
}

TEST_F(PackedAnswerTest, WhoTakesNoneGetsItAsItIsAndCachesHearWhy) {
  PROVES("F126");
  for (const auto* asks : {"", "Accept-Encoding: zstd\r\n", "Accept-Encoding: br;q=0\r\n",
                           "Accept-Encoding: identity, br;q=0.5\r\n"}) {
    const auto out = made({{kType, "text/plain"}, {"ETag", "\"a\""}}, 200, 5000, asks);
    EXPECT_FALSE(out.packs) << asks;
    EXPECT_EQ(out.length, 5000U);
    EXPECT_TRUE(out.has("ETag: \"a\"")) << asks;
    EXPECT_TRUE(out.has("Vary: Accept-Encoding")) << asks;
  }
  const auto varies = made({{kType, "text/plain"}, {"vary", "Cookie, accept-encoding"}});
  EXPECT_EQ(varies.fields.find("Vary"), std::string::npos) << "it says so already";
}

TEST_F(PackedAnswerTest, HeadSaysWhatIsSaidOfTheWhole) {
  PROVES("F126");
  const auto out = made({{kType, "text/plain"}, {"ETag", "\"a\""}, {"Accept-Ranges", "bytes"}}, 200,
                        5000, "Accept-Encoding: br\r\n", "HEAD");
  EXPECT_FALSE(out.packs);
  EXPECT_EQ(out.length, std::nullopt);
  EXPECT_TRUE(out.has("ETag: W/\"a\""));
  EXPECT_TRUE(out.has("Vary: Accept-Encoding"));
  EXPECT_EQ(out.fields.find("Content-Encoding"), std::string::npos);
}

TEST_F(PackedAnswerTest, WhoHasThePackedOneHearsThatItIsUnchanged) {
  PROVES("F126");
  const auto weak = made({{"ETag", "\"a\""}}, 304, {}, "If-None-Match: \"b\", W/\"a\"\r\n");
  EXPECT_TRUE(weak.has("ETag: W/\"a\""));
  EXPECT_TRUE(weak.has("Vary: Accept-Encoding"));
  const auto strong = made({{"ETag", "\"a\""}}, 304, {}, "If-None-Match: \"a\"\r\n");
  EXPECT_TRUE(strong.has("ETag: \"a\"")) << "that one was not packed";
}

}  // namespace
}  // namespace portcullis::routes
