#include "upstream/event_reader.hpp"

#include <gtest/gtest.h>

namespace portcullis::upstream {
namespace {

using Events = std::vector<EventReader::Event>;

std::string text_of(const Events& events) {
  std::string out;
  for (const auto& event : events) out += event.name + "|" + event.data + "\n";
  return out;
}

TEST(EventReader, ReadsEventsSplitAtEveryByte) {
  const std::string stream =
      "\r\n: comment\nid: 7\nretry: 5\ndata: a\ndata:b\r\n\r\nevent: x\rdata:  c\r\r"
      "event: no data\n\ndata\n\ndata: last";
  const std::string expected = "|a\nb\nx| c\n|\n|last\n";
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    EventReader reader(64);
    Events events;
    ASSERT_TRUE(reader.put(std::string_view(stream).substr(0, at), events));
    ASSERT_TRUE(reader.put(std::string_view(stream).substr(at), events));
    ASSERT_TRUE(reader.finish(events));
    ASSERT_EQ(text_of(events), expected) << at;
  }
}

TEST(EventReader, ALineAndAnEventAreBounded) {
  Events events;
  EventReader line(64);
  Result<void> outcome;
  for (int i = 0; i < 100 && outcome; ++i) outcome = line.put("data: x", events);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::too_large);
  EventReader event(64);
  outcome = {};
  for (int i = 0; i < 100 && outcome; ++i) outcome = event.put("data: x\n", events);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::too_large);
  EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace portcullis::upstream
