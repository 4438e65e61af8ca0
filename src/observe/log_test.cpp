#include "observe/log.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::observe {
namespace {

const WallTime kTime = from_epoch_seconds(1795300995) + Milliseconds{42};

std::string json_line(std::string_view message, std::initializer_list<LogField> fields = {}) {
  return Log::format_line(LogFormat::json, kTime, Level::warning, message, fields);
}
std::string text_line(std::string_view message, std::initializer_list<LogField> fields = {}) {
  return Log::format_line(LogFormat::text, kTime, Level::warning, message, fields);
}

TEST(Log, AJsonLineHasTimeLevelMessageAndTypedFields) {
  const auto o = boost::json::parse(json_line("request", {{"route", "health"},
                                                          {"status", std::int64_t{200}},
                                                          {"ms", 1.5},
                                                          {"https", true}}))
                     .as_object();
  EXPECT_EQ(o.at("time").as_string(), "2026-11-21T22:43:15.042Z");
  EXPECT_EQ(o.at("level").as_string(), "warning");
  EXPECT_EQ(o.at("message").as_string(), "request");
  EXPECT_EQ(o.at("route").as_string(), "health");
  EXPECT_EQ(o.at("status").as_int64(), 200);
  EXPECT_EQ(o.at("ms").as_double(), 1.5);
  EXPECT_TRUE(o.at("https").as_bool());
}

TEST(Log, ATextLineIsForPeople) {
  EXPECT_EQ(text_line("request", {{"route", "health"},
                                  {"status", std::int64_t{200}},
                                  {"ms", 1.25},
                                  {"https", false},
                                  {"empty", ""},
                                  {"words", "a b"}}),
            "22:43:15.042 warning  request route=health status=200 ms=1.250 https=false "
            "words=\"a b\"");
}

TEST(Log, EveryLevelHasItsName) {
  const std::pair<Level, const char*> names[] = {{Level::debug, "debug"},
                                                 {Level::info, "info"},
                                                 {Level::warning, "warning"},
                                                 {Level::error, "error"},
                                                 {Level::critical, "critical"}};
  for (const auto& [level, name] : names) {
    const auto o =
        boost::json::parse(Log::format_line(LogFormat::json, kTime, level, "m", {})).as_object();
    EXPECT_EQ(o.at("level").as_string(), name);
  }
}

TEST(Log, NoValueStartsALineOrAFieldOfItsOwn) {
  for (const std::string_view hostile :
       {"a\nlevel=critical", "a\r\nb", "x\" status=\"500", "x\",\"level\":\"critical", "a=b", "a b",
        "\\", "\x1b[31mred", "\xff\xfe", "\xe2\x80\xa8", "\x7f"}) {
    const std::string json = json_line("m", {{"path", hostile}});
    const std::string text = text_line("m", {{"path", hostile}});
    for (const auto& line : {json, text}) {
      EXPECT_EQ(line.find_first_of("\r\n\x1b"), std::string::npos) << line;
      EXPECT_TRUE(text::is_utf8(line)) << line;
    }
    const auto o = boost::json::parse(json).as_object();
    EXPECT_EQ(o.size(), 4U);
    EXPECT_EQ(o.at("level").as_string(), "warning");
    EXPECT_EQ(std::string_view(o.at("path").as_string()), text::to_valid_utf8(hostile));
    EXPECT_TRUE(text.find("path=\"") != std::string::npos) << "quoted where it is not plain";
  }
}

TEST(Log, ADoubleThatIsNoNumberKeepsTheLineJson) {
  for (const double value : {0.0, -1.0, 1e300}) {
    EXPECT_NO_THROW((void)boost::json::parse(json_line("m", {{"ms", value}}))) << value;
  }
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  Log log(Level::warning, LogFormat::json);
  EXPECT_FALSE(log.enabled(Level::info));
  EXPECT_TRUE(log.enabled(Level::warning));
  log.set_level(Level::debug);
  EXPECT_TRUE(log.enabled(Level::debug));
}

TEST(Log, WritesLinesToStandardErrorInTheirOrder) {
  testing::internal::CaptureStderr();
  {
    ManualClock clock;
    Log log(Level::info, LogFormat::json, clock);
    for (int i = 0; i < 100; ++i) log.write(Level::info, "line", {{"n", std::int64_t{i}}});
    log.write(Level::debug, "not this one");
    log.flush();
    log.write(Level::error, "nor one after the end");
  }
  std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 100);
  std::int64_t expected = 0;
  for (const auto line : text::split_list(out, '\n')) {
    EXPECT_EQ(
        boost::json::parse(boost::json::string_view(line.data(), line.size())).at("n").as_int64(),
        expected++);
  }
}

}  // namespace
}  // namespace portcullis::observe
