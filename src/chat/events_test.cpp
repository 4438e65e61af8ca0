#include "chat/events.hpp"

#include <boost/json.hpp>
#include <string>

#include "proves.hpp"

namespace portcullis::chat {
namespace {

boost::json::object parsed(const std::string& text) { return boost::json::parse(text).as_object(); }

TEST(Events, AreJsonObjectsWithTypeIdAndMessage) {
  for (const auto& [type, text] :
       {std::pair<std::string, std::string>{"begin", begin_event(7, "m")},
        {"item", item_event(7, "m", "text")},
        {"end", end_event(7, "m")},
        {"error", error_event(7, "m", http::Code::upstream_timeout, "too late", "01ID")}}) {
    const auto o = parsed(text);
    EXPECT_EQ(o.at("type").as_string(), type);
    EXPECT_EQ(o.at("id").as_int64(), 7);
    EXPECT_EQ(o.at("message_id").as_string(), "m");
  }
  const auto error = parsed(error_event(7, "m", http::Code::upstream_timeout, "too late", "01ID"));
  EXPECT_EQ(error.at("code").as_string(), "UPSTREAM_TIMEOUT");
  EXPECT_EQ(error.at("message").as_string(), "too late");
  EXPECT_EQ(error.at("error_id").as_string(), "01ID");
}

TEST(Events, AnAssistantsTextStaysInsideItsEvent) {
  PROVES("F012");
  for (const std::string_view text :
       {"a\n\ndata: evil\n\n", "\"}\n{\"type\":\"end\"}", "\r\n", "</script>", "\xe2\x80\xa8"}) {
    const std::string json = item_event(1, "m", text);
    EXPECT_EQ(std::string_view(parsed(json).at("content").as_string()), text);
    std::string sse;
    append_event(sse, Face::sse, 1, json);
    EXPECT_EQ(sse, "id: 1\ndata: " + json + "\n\n");
    std::string lines;
    append_event(lines, Face::ndjson, 1, json);
    EXPECT_EQ(lines.find('\n'), lines.size() - 1);
  }
}

TEST(Events, EachFaceHasItsOpeningHeartbeatResetAndEnd) {
  std::string sse;
  append_opening(sse, Face::sse);
  append_heartbeat(sse, Face::sse);
  append_reset(sse, Face::sse);
  append_done(sse, Face::sse);
  EXPECT_EQ(sse,
            "retry: 2000\n\nevent: heartbeat\ndata: {}\n\nevent: reset\ndata: {}\n\n"
            "data: [DONE]\n\n");
  std::string lines;
  append_opening(lines, Face::ndjson);
  append_heartbeat(lines, Face::ndjson);
  append_reset(lines, Face::ndjson);
  append_done(lines, Face::ndjson);
  EXPECT_EQ(lines, "{\"type\":\"heartbeat\"}\n{\"type\":\"reset\"}\n");
}

}  // namespace
}  // namespace portcullis::chat
