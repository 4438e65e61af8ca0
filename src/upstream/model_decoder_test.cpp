#include "upstream/model_decoder.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace portcullis::upstream {
namespace {

constexpr std::string_view kOpenAi =
    ": a comment\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
    "\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\xc3\xbc\xc3\x9f"
    "e \"},\"finish_reason\":null}]}\r\n\r\n"
    "data: "
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"dich\"},\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5}}\n\n"
    "data: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"after the end\"}}]}\n\n";

constexpr std::string_view kAnthropic =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
    "{\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
    "{\"type\":\"text_delta\",\"text\":\"Gr\xc3\xbc\xc3\x9f"
    "e \"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
    "{\"type\":\"text_delta\",\"text\":\"dich\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
    "\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

struct Heard {
  std::string text;
  Result<void> outcome;
  Ending ending = Ending::none;
  TokenUsage usage;
  int reports = 0;
};

template <class Decoder>
Heard hear(std::initializer_list<std::string_view> chunks,
           std::string_view type = "text/event-stream", std::size_t max_bytes = 4096) {
  Heard out;
  Decoder decoder(type, max_bytes, [&](Ending ending, const TokenUsage& usage) {
    out.ending = ending;
    out.usage = usage;
    ++out.reports;
  });
  std::vector<std::string> pieces;
  for (const auto chunk : chunks) {
    out.outcome = decoder.put(chunk, pieces);
    if (!out.outcome) break;
  }
  if (out.outcome) out.outcome = decoder.finish(pieces);
  for (const auto& piece : pieces) out.text += piece;
  return out;
}

TEST(ModelDecoder, ReadsAStreamSplitAtEveryByte) {
  for (std::size_t at = 0; at <= kOpenAi.size(); ++at) {
    const auto heard = hear<OpenAiDecoder>({kOpenAi.substr(0, at), kOpenAi.substr(at)});
    ASSERT_TRUE(heard.outcome) << at;
    ASSERT_EQ(heard.text,
              "Gr\xc3\xbc\xc3\x9f"
              "e dich")
        << at;
    ASSERT_EQ(heard.reports, 1) << at;
    ASSERT_EQ(heard.usage.input, 12U);
    ASSERT_EQ(heard.usage.output, 5U);
  }
  for (std::size_t at = 0; at <= kAnthropic.size(); ++at) {
    const auto heard = hear<AnthropicDecoder>({kAnthropic.substr(0, at), kAnthropic.substr(at)});
    ASSERT_TRUE(heard.outcome) << at;
    ASSERT_EQ(heard.text,
              "Gr\xc3\xbc\xc3\x9f"
              "e dich")
        << at;
    ASSERT_EQ(heard.ending, Ending::done);
    ASSERT_EQ(heard.usage.input, 25U);
    ASSERT_EQ(heard.usage.output, 15U);
  }
}

TEST(ModelDecoder, AStreamThatIsCutAnywhereIsNoWholeAnswer) {
  const auto end = kOpenAi.find("\"stop\"");
  for (std::size_t at = 0; at < end; ++at) {
    ASSERT_FALSE(hear<OpenAiDecoder>({kOpenAi.substr(0, at)}).outcome) << at;
  }
  const auto stop = kAnthropic.find("\"end_turn\"");
  for (std::size_t at = 0; at < stop; ++at) {
    ASSERT_FALSE(hear<AnthropicDecoder>({kAnthropic.substr(0, at)}).outcome) << at;
  }
}

TEST(ModelDecoder, AnErrorTellsItsTypeAndNeverItsMessage) {
  const auto heard = hear<AnthropicDecoder>(
      {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
       "\"message\":\"secret\"}}\n\n"});
  ASSERT_FALSE(heard.outcome);
  EXPECT_EQ(heard.outcome.error().code, ErrorCode::unavailable);
  EXPECT_EQ(heard.outcome.error().detail, "the upstream sent an error of type overloaded_error");
  const auto other = hear<OpenAiDecoder>(
      {"data: {\"error\":{\"type\":\"a secret sentence\",\"message\":\"secret\"}}\n\n"});
  ASSERT_FALSE(other.outcome);
  EXPECT_EQ(other.outcome.error().detail, "the upstream sent an error");
}

TEST(ModelDecoder, WhatAVisitorCanBringAboutIsNoFailureOfTheUpstream) {
  const auto filtered = hear<OpenAiDecoder>(
      {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"content_filter\"}]}"
       "\n\ndata: [DONE]\n\n"});
  ASSERT_FALSE(filtered.outcome);
  EXPECT_EQ(filtered.outcome.error().origin, ErrorOrigin::gateway);
  EXPECT_EQ(filtered.outcome.error().code, ErrorCode::withheld);
  const auto silent = hear<OpenAiDecoder>({"data: [DONE]\n\n"});
  ASSERT_FALSE(silent.outcome);
  EXPECT_EQ(silent.outcome.error().origin, ErrorOrigin::gateway);
  const auto broken = hear<OpenAiDecoder>({"data: no json\n\n"});
  ASSERT_FALSE(broken.outcome);
  EXPECT_EQ(broken.outcome.error().origin, ErrorOrigin::upstream);
}

TEST(ModelDecoder, IsBoundedHoweverItIsFed) {
  const std::string many(5000, 'x');
  for (const std::string_view type : {"text/event-stream", "application/json"}) {
    const auto heard = hear<OpenAiDecoder>({"data: ", many}, type);
    ASSERT_FALSE(heard.outcome) << type;
    EXPECT_EQ(heard.outcome.error().code, ErrorCode::too_large) << type;
  }
  const std::string piece =
      "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(3000, 'y') + "\"}}]}\n\n";
  const auto heard = hear<OpenAiDecoder>({piece, piece});
  ASSERT_FALSE(heard.outcome);
  EXPECT_EQ(heard.outcome.error().code, ErrorCode::too_large);
}

TEST(ModelDecoder, ReadsAWholeAnswerAndSaysWhereItIsHalf) {
  const auto whole = hear<OpenAiDecoder>(
      {"{\"choices\":[{\"message\":{\"content\":\"Half\"},\"finish_reason\":\"length\"}],",
       "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"},
      "application/json; charset=utf-8");
  ASSERT_TRUE(whole.outcome);
  EXPECT_EQ(whole.text, "Half …");
  EXPECT_EQ(whole.ending, Ending::length);
  const auto other = hear<AnthropicDecoder>(
      {"{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":"
       "\"Yes\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1}}"},
      "application/json");
  ASSERT_TRUE(other.outcome);
  EXPECT_EQ(other.text, "Yes");
}

}  // namespace
}  // namespace portcullis::upstream
