#include "http/event_stream.hpp"

#include <string>
#include <vector>

#include "proves.hpp"

namespace portcullis::http {
namespace {

struct Event {
  std::string id, name, data;
  bool operator==(const Event&) const = default;
};

/// Reads a stream as a browser does (WHATWG HTML, section 9.2.6).
std::vector<Event> read_as_browser(const std::string& stream) {
  std::vector<Event> out;
  Event event;
  bool has_data = false;
  std::size_t at = 0;
  while (at < stream.size()) {
    const auto end = stream.find_first_of("\r\n", at);
    if (end == std::string::npos) break;
    const std::string line = stream.substr(at, end - at);
    at = end + (stream.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    if (line.empty()) {
      if (has_data) out.push_back(event);
      event = {};
      has_data = false;
      continue;
    }
    const auto colon = line.find(':');
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    const std::string field = line.substr(0, colon);
    if (field == "id") event.id = value;
    if (field == "event") event.name = value;
    if (field == "data") {
      event.data += (has_data ? "\n" : "") + value;
      has_data = true;
    }
  }
  return out;
}

std::string written(std::uint64_t id, std::string_view name, std::string_view data) {
  std::string out;
  sse::append_event(out, id, name, data);
  return out;
}

TEST(EventStream, WritesTheFieldsThatAreThere) {
  EXPECT_EQ(written(7, {}, "x"), "id: 7\ndata: x\n\n");
  EXPECT_EQ(written(0, "heartbeat", "{}"), "event: heartbeat\ndata: {}\n\n");
  EXPECT_EQ(written(0, {}, ""), "data: \n\n");
  std::string out;
  sse::append_retry(out, 2000);
  EXPECT_EQ(out, "retry: 2000\n\n");
}

TEST(EventStream, NoTextBreaksOutOfItsEvent) {
  PROVES("F012");
  for (const std::string_view data :
       {"a\n\ndata: evil", "a\r\rdata: evil", "a\r\n\r\nevent: evil\ndata: x", "\n", "\r\n\n\r",
        "id: 9\nretry: 1", ": comment", " leading", "trailing\n", "data: data: x"}) {
    const auto events = read_as_browser(written(5, {}, data));
    ASSERT_EQ(events.size(), 1U) << data;
    EXPECT_EQ(events[0].id, "5");
    EXPECT_EQ(events[0].name, "");
    std::string expected(data);  // a browser gives every line end back as LF
    for (auto at = expected.find("\r\n"); at != std::string::npos; at = expected.find("\r\n", at))
      expected.erase(at, 1);
    for (char& c : expected) c = c == '\r' ? '\n' : c;
    EXPECT_EQ(events[0].data, expected);
  }
}

TEST(EventStream, EveryByteSurvivesOrIsALineEnd) {
  for (int c = 1; c < 256; ++c) {
    const std::string data = std::string("a") + static_cast<char>(c) + "b";
    const auto events = read_as_browser(written(1, {}, data));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].data, c == '\r' ? "a\nb" : data);
  }
}

}  // namespace
}  // namespace portcullis::http
