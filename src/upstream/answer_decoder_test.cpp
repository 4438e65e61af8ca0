#include "upstream/answer_decoder.hpp"

#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::upstream {
namespace {

constexpr std::size_t kMax = 64 * 1024;

struct Decoded {
  bool ok = false;
  std::string text;  ///< all pieces together
  std::vector<std::string> pieces;
  ErrorCode code = ErrorCode::internal;

  bool operator==(const Decoded& other) const {
    return ok == other.ok && (ok ? text == other.text : code == other.code);
  }
  ErrorOrigin origin = ErrorOrigin::client;
};
std::ostream& operator<<(std::ostream& out, const Decoded& d) {
  return out << (d.ok ? "ok: " : "refused, after: ") << d.text.substr(0, 300);
}

/// What chunks of an answer decode to.
Decoded decode_chunks(std::string_view type, const std::vector<std::string_view>& chunks,
                      std::size_t max = kMax) {
  AnswerDecoder decoder(type, max);
  Decoded out;
  Result<void> result{};
  for (const auto chunk : chunks) {
    result = decoder.put(chunk, out.pieces);
    if (!result) break;
  }
  if (result) result = decoder.finish(out.pieces);
  out.ok = result.has_value();
  if (!result) {
    out.code = result.error().code;
    out.origin = result.error().origin;
  }
  for (const auto& piece : out.pieces) {
    EXPECT_FALSE(piece.empty());
    EXPECT_TRUE(text::is_utf8(piece));
    out.text += piece;
  }
  return out;
}

Decoded decode(std::string_view type, std::string_view answer) {
  return decode_chunks(type, {answer});
}

struct Answer {
  const char* name;
  std::string_view type;
  std::string_view bytes;
  std::string_view text;
};

const Answer kAnswers[] = {
    {"n8n stream", "application/json",
     "{\"type\":\"begin\",\"metadata\":{\"nodeId\":\"1\"}}\n"
     "{\"type\":\"item\",\"content\":\"Hel\",\"metadata\":{}}\n"
     "{\"type\":\"item\",\"content\":\"lo w\xc3\xb6rld \xf0\x9f\x98\x80\",\"metadata\":{}}\n"
     "{\"type\":\"end\",\"metadata\":{}}\n",
     "Hello w\xc3\xb6rld \xf0\x9f\x98\x80"},
    {"NDJSON without a last newline", "application/x-ndjson",
     "{\"type\":\"item\",\"content\":\"a\"}\r\n{\"type\":\"item\",\"content\":\"b\"}", "ab"},
    {"several objects without a separator", "application/json",
     "{\"type\":\"item\",\"content\":\"a\"}{\"type\":\"item\",\"content\":\"}{\\\"\"}{\"type\":"
     "\"end\"}",
     "a}{\""},
    {"one object", "application/json", "{\"output\":\"Hello there\"}", "Hello there"},
    {"one object with response", "application/json; charset=utf-8",
     "  { \"response\" : \"Hi\\u00e9 \\ud83d\\ude00\" }\n ", "Hi\xc3\xa9 \xf0\x9f\x98\x80"},
    {"array of one", "application/json", "[{\"output\":\"In an array\"}]", "In an array"},
    {"array of several", "application/json",
     "[ {\"text\":\"one \"}, {\"json\":{\"output\":\"two\"}} ]", "one two"},
    {"nested", "application/json", "{\"message\":{\"content\":\"deep\"}}", "deep"},
    {"answer", "application/json", "{\"answer\":\"x\",\"error\":null,\"stack\":\"\"}", "x"},
    {"plain text", "text/plain", "Just some words,\nin two lines.",
     "Just some words,\nin two lines."},
    {"plain text without a type", "", "Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac",
     "Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac"},
    {"short text", "text/plain", "Yes", "Yes"},
    {"text that speaks of errors", "text/plain",
     "An error like that? The exception proves the rule: restart it.",
     "An error like that? The exception proves the rule: restart it."},
    {"a second line that looks like a stack frame for a moment", "text/plain",
     "You can find us\nat the old mill (open: 9 to 5) every day.",
     "You can find us\nat the old mill (open: 9 to 5) every day."},
    {"server-sent events", "text/event-stream",
     ": comment\nevent: message\nid: 1\ndata: {\"type\":\"item\",\"content\":\"Hel\"}\n\n"
     "data: {\"type\":\"item\",\"content\":\"lo\"}\r\n\r\nevent: ping\ndata: {}\n\ndata: "
     "[DONE]\n\n",
     "Hello"},
    {"events with CR alone", "text/event-stream", "data: a\r\rdata: b\r\r", "ab"},
    {"events of plain text", "text/event-stream", "data: one\ndata: two\n\ndata:three\n\n",
     "one\ntwothree"},
    {"events without a last empty line", "text/event-stream", "data: one\n\ndata: two", "onetwo"},
    {"events that nobody announced", "text/plain", "data: {\"content\":\"x\"}\n\n", "x"},
    {"events as n8n types them", "application/json", "event: m\ndata: x1\n\ndata: [DONE]\n\n",
     "x1"},
    {"deltas", "text/event-stream",
     "data: {\"delta\":{\"content\":\"a\"}}\n\ndata: {\"delta\":{\"text\":\"b\"}}\n\n", "ab"},
    {"what follows DONE is ignored", "text/event-stream",
     "data: a\n\ndata: [DONE]\n\ndata: {\"type\":\"error\"}\n\n", "a"},
    {"byte order mark before JSON", "application/json", "\xef\xbb\xbf{\"output\":\"bom\"}", "bom"},
    {"byte order mark before events", "text/event-stream",
     "\xef\xbb\xbf"
     "data: bom\n\n",
     "bom"},
    {"byte order mark before text", "text/plain", "\xef\xbb\xbfplain words here",
     "plain words here"},
    {"JSON string", "application/json", "\"Hi \\\"you\\\"\"", "Hi \"you\""},
    {"long JSON string", "application/json", "\"A string that is \\u0022longer\\u0022 than that\"",
     "A string that is \"longer\" than that"},
    {"ill-formed UTF-8", "text/plain", "ok \xff\xc3( \xe2\x82 end of it",
     "ok \xef\xbf\xbd\xef\xbf\xbd( \xef\xbf\xbd\xef\xbf\xbd end of it"},
};

TEST(AnswerDecoder, UnderstandsEveryFormOfAnAnswer) {
  for (const auto& answer : kAnswers) {
    SCOPED_TRACE(answer.name);
    const auto decoded = decode(answer.type, answer.bytes);
    EXPECT_TRUE(decoded.ok);
    EXPECT_EQ(decoded.text, answer.text);
  }
}

TEST(AnswerDecoder, IsIndifferentToWhereTheBytesAreSplit) {
  for (const auto& answer : kAnswers) {
    SCOPED_TRACE(answer.name);
    const Decoded whole = decode(answer.type, answer.bytes);
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < answer.bytes.size(); ++i)
      single.push_back(answer.bytes.substr(i, 1));
    EXPECT_EQ(decode_chunks(answer.type, single), whole) << "byte by byte";
    for (std::size_t i = 0; i <= answer.bytes.size(); ++i) {
      const auto halves =
          decode_chunks(answer.type, {answer.bytes.substr(0, i), answer.bytes.substr(i)});
      ASSERT_EQ(halves, whole) << "split at " << i;
    }
    std::mt19937_64 random(1);
    for (int round = 0; round < 30; ++round) {
      std::vector<std::string_view> chunks;
      for (std::size_t at = 0; at < answer.bytes.size();) {
        const std::size_t take = std::min<std::size_t>(random() % 9, answer.bytes.size() - at);
        chunks.push_back(answer.bytes.substr(at, take));
        at += take;
      }
      ASSERT_EQ(decode_chunks(answer.type, chunks), whole);
    }
  }
}

TEST(AnswerDecoder, WhiteSpaceInFrontIsTreatedAlikeHoweverItIsSplit) {
  for (const std::string_view answer :
       {"\n \xc3\x89t\xc3\xa9 comme hiver, il fait toujours beau temps ici",
        "\n\n\xe2\x82\xac 5 a month", "  \xf0\x9f\x98\x80"}) {
    const Decoded whole = decode("text/plain", answer);
    EXPECT_TRUE(whole.ok);
    for (std::size_t i = 0; i <= answer.size(); ++i) {
      EXPECT_EQ(decode_chunks("text/plain", {answer.substr(0, i), answer.substr(i)}), whole)
          << "split at " << i;
    }
  }
}

struct Failure {
  const char* name;
  std::string_view type;
  std::string_view bytes;
};

const Failure kFailures[] = {
    {"empty", "application/json", ""},
    {"only white space", "text/plain", " \r\n\t "},
    {"error event", "application/json",
     "{\"type\":\"begin\"}\n{\"type\":\"error\",\"content\":\"boom\"}\n"},
    {"error object", "application/json", "{\"error\":\"boom\"}"},
    {"n8n error", "application/json",
     "{\"code\":404,\"message\":\"The webhook is not registered\"}"},
    {"error with a stack", "application/json", "{\"errorMessage\":\"x\",\"output\":\"y\"}"},
    {"stack in an object", "application/json", "{\"message\":\"y\",\"stack\":\"at f (a.js:1:1)\"}"},
    {"workflow notice", "application/json", "{\"message\":\"Workflow was started\"}"},
    {"execution started", "application/json", "{\"executionStarted\":true,\"executionId\":\"7\"}"},
    {"HTML by type", "text/html", "<p>Hello</p>"},
    {"HTML by form", "text/plain", "<!DOCTYPE html><html><body>Bad</body></html>"},
    {"HTML after white space", "text/plain", "\r\n                <html><head></head></html>"},
    {"HTML in an object", "application/json", "{\"output\":\"<html><body>x</body></html>\"}"},
    {"Python traceback", "text/plain",
     "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n"},
    {"JavaScript exception", "text/plain",
     "TypeError: Cannot read properties of undefined (reading 'x')\n    at Object.f "
     "(/a/b.js:1:2)\n"},
    {"exception with a long name", "text/plain", "com.example.internal.SomethingException: no\n"},
    {"stack frame on the second line", "text/plain",
     "Cannot do what was asked for\n    at Object.f (/a/b.js:1:2)\n    at g (/a/c.js:3:4)\n"},
    {"proxy failure", "text/plain", "Internal Server Error"},
    {"another proxy failure", "text/plain", "Service Unavailable: try later"},
    {"gateway failure", "text/plain", "Gateway Timeout"},
    {"notice as text", "text/plain", "Workflow could not be started!"},
    {"cut JSON", "application/json", "{\"output\":\"Hel"},
    {"cut stream", "application/json", "{\"type\":\"item\",\"content\":\"a\"}\n{\"type\":\"it"},
    {"JSON that does not parse", "application/json", "{\"output\":\"a\" \"b\"}"},
    {"mismatched brackets", "application/json", "{\"output\":[\"a\"}}"},
    {"object without an answer", "application/json", "{\"status\":\"ok\"}"},
    {"number", "application/json", "42"},
    {"null", "application/json", "null"},
    {"begin and end only", "application/json", "{\"type\":\"begin\"}\n{\"type\":\"end\"}\n"},
    {"empty array", "application/json", "[]"},
    {"empty text", "application/json", "{\"output\":\"\"}"},
    {"error event by name", "text/event-stream", "event: error\ndata: boom\n\n"},
    {"events without data", "text/event-stream", ": nothing\n\nevent: ping\n\n"},
    {"only DONE", "text/event-stream", "data: [DONE]\n\n"},
    {"too deep", "application/json",
     "{\"output\":{\"output\":{\"output\":{\"output\":{\"output\":{\"output\":\"x\"}}}}}}"},
};

TEST(AnswerDecoder, NeverLetsAFailurePassForAnAnswer) {
  PROVES("F065");
  for (const auto& failure : kFailures) {
    SCOPED_TRACE(failure.name);
    const auto decoded = decode(failure.type, failure.bytes);
    EXPECT_FALSE(decoded.ok) << decoded;
    EXPECT_EQ(decoded.code, ErrorCode::malformed);
  }
}

TEST(AnswerDecoder, WordsThatAVisitorCanAskForAreNoFailureOfTheUpstream) {
  for (const char* words : {R"({"output":"TypeError: x"})", R"({"output":"<html></html>"})",
                            R"({"output":""})", "Internal Server Error"}) {
    const auto decoded = decode("application/json", words);
    EXPECT_FALSE(decoded.ok) << words;
    EXPECT_EQ(decoded.origin, ErrorOrigin::gateway) << words;
  }
  for (const char* form : {R"({"error":"boom"})", R"({"output":"cut)", R"({"status":"ok"})",
                           "<!doctype html><p>x", R"({"message":"Workflow was started"})"}) {
    const auto decoded = decode("application/json", form);
    EXPECT_FALSE(decoded.ok) << form;
    EXPECT_EQ(decoded.origin, ErrorOrigin::upstream) << form;
  }
}

TEST(AnswerDecoder, SeesAFailureWhereverTheBytesAreSplit) {
  for (const auto& failure : kFailures) {
    SCOPED_TRACE(failure.name);
    for (std::size_t i = 0; i <= failure.bytes.size(); ++i) {
      const auto decoded =
          decode_chunks(failure.type, {failure.bytes.substr(0, i), failure.bytes.substr(i)});
      EXPECT_FALSE(decoded.ok) << "split at " << i << ": " << decoded;
      if (decoded.ok) break;
    }
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < failure.bytes.size(); ++i)
      single.push_back(failure.bytes.substr(i, 1));
    EXPECT_FALSE(decode_chunks(failure.type, single).ok) << "byte by byte";
  }
}

TEST(AnswerDecoder, PassesTextOnBeforeTheAnswerIsComplete) {
  AnswerDecoder events("text/event-stream", kMax);
  std::vector<std::string> pieces;
  ASSERT_TRUE(events.put("data: Hel\n\ndata: l", pieces));
  EXPECT_EQ(pieces, std::vector<std::string>{"Hel"});

  AnswerDecoder stream("application/json", kMax);
  pieces.clear();
  ASSERT_TRUE(stream.put("{\"type\":\"item\",\"content\":\"Hel\"}", pieces));
  EXPECT_EQ(pieces, std::vector<std::string>{"Hel"}) << "without waiting for the newline";

  AnswerDecoder text("text/plain", kMax);
  pieces.clear();
  ASSERT_TRUE(text.put("The first sentence is long enough to be told from a failure. The", pieces));
  EXPECT_EQ(pieces.size(), 1U);
  ASSERT_TRUE(text.put(" second", pieces));
  EXPECT_EQ(pieces.size(), 2U);
}

TEST(AnswerDecoder, RefusesAnAnswerAboveTheLimit) {
  const std::string many(5000, 'x');
  EXPECT_EQ(decode_chunks("text/plain", {many}, 4096).code, ErrorCode::too_large);
  const std::string object = "{\"output\":\"" + many + "\"}";
  EXPECT_EQ(decode_chunks("application/json", {object}, 4096).code, ErrorCode::too_large);
  std::string items;
  for (int i = 0; i < 500; ++i) items += "{\"type\":\"item\",\"content\":\"0123456789\"}\n";
  EXPECT_EQ(decode_chunks("application/json", {items}, 4096).code, ErrorCode::too_large);
  EXPECT_TRUE(decode_chunks("text/plain", {std::string_view(many).substr(0, 4096)}, 4096).ok);
}

TEST(AnswerDecoder, HoldsNoMoreThanItsLimitOfWhatNeverEnds) {
  for (const auto& [type, start, filler] :
       {std::tuple<std::string_view, std::string_view, std::string>{
            "application/json", "{\"output\":\"", std::string(8192, 'x')},
        {"application/json", "[", std::string(8192, '[')},
        {"text/event-stream", "data: ", std::string(8192, 'x')},
        {"text/plain", "", std::string(8192, ' ')}}) {
    SCOPED_TRACE(start);
    AnswerDecoder decoder(type, 4096);
    std::vector<std::string> pieces;
    auto result = decoder.put(start, pieces);
    int chunks = 0;
    while (result && ++chunks < 100) result = decoder.put(filler, pieces);
    EXPECT_FALSE(result) << "100 chunks of 8 KiB were held";
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::too_large);
    }
  }
}

TEST(AnswerDecoder, ManyEventsOfOneChunkTakeLinearTime) {
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "data: x\n\n";
  const auto decoded = decode_chunks("text/event-stream", {many}, 1 << 20);
  EXPECT_TRUE(decoded.ok);
  EXPECT_EQ(decoded.pieces.size(), 20'000U);
}

}  // namespace
}  // namespace portcullis::upstream
