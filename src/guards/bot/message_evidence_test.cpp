#include "guards/bot/message_evidence.hpp"

#include "guards/bot/trails.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

MessageTraits traits(std::string_view text) {
  constexpr std::array<std::string_view, 2> kOwn{"shop.example", "chat.shop.example"};
  return MessageTraits::of(text, kOwn);
}
Score bot(std::string_view text) { return judge_message(text, traits(text)); }
Score spam(std::string_view text) { return judge_spam(traits(text)); }

TEST(MessageEvidenceTest, TestPhrasesAreKnown) {
  PROVES("F053");
  for (const char* text :
       {"test", "Hello!", " hi ", "123", "ABC", "Test message.", "automated test", "bot test"}) {
    EXPECT_GE(bot(text).points(), 30) << text;
    EXPECT_TRUE(bot(text).has("test_phrase")) << text;
  }
  EXPECT_EQ(bot("hello, do you have this in blue?").points(), 0);
  EXPECT_EQ(bot("the test was positive").points(), 0);
}

TEST(MessageEvidenceTest, PatternsOfMachinesAreKnown) {
  PROVES("F052");
  EXPECT_EQ(bot(std::string(200, 'a')).text(), "monotonous");
  EXPECT_EQ(bot("asdfasdfasdfasdfasdfasdfasdfasdf").text(), "monotonous");
  EXPECT_EQ(bot("asdfasdfasdfasdfasdfasdfasdfasdf").points(), 20);
  EXPECT_EQ(bot("ok").text(), "short");
  // People, in any language and at any length.
  std::string essay;
  for (int i = 0; i < 40; ++i) essay += "We ordered the blue one and got the green one instead. ";
  for (const std::string& text :
       {std::string("你好"), std::string("これはいくらですか？もう少し安くなりますか？"),
        std::string("Сколько стоит доставка в Новосибирск и как долго она идёт?"),
        std::string("ราคาเท่าไหร่ครับ มีส่วนลดไหม อยากได้สองชิ้น"), essay}) {
    EXPECT_EQ(bot(text).points(), 0) << text;
  }
}

TEST(MessageEvidenceTest, LinksAreCountedByWhereTheyLead) {
  PROVES("F055");
  EXPECT_EQ(traits("see https://www.x.com.").links, 1U) << "one link is one link";
  EXPECT_EQ(traits("https://a.example/1, https://a.example/2 and www.a.example").hosts, 1U);
  EXPECT_EQ(traits("(https://a.example) <http://b.example/?q=1> www.c.example!").hosts, 3U);
  EXPECT_EQ(
      traits("https://shop.example/a https://www.shop.example/b https://shop.example/c").links, 0U)
      << "the site's own pages";
  EXPECT_EQ(traits("http:// https://nodot www. w h xhttp://a.example").links, 0U);
  EXPECT_EQ(spam("https://a.example https://b.example https://c.example").text(), "links");
  EXPECT_EQ(spam("https://a.example https://b.example").points(), 0);
}

TEST(MessageEvidenceTest, SpamIsKnownByMoreThanOneSign) {
  PROVES("F055,F056,F057,F058,F059");
  const auto advert = spam(
      "WIN A FREE PRIZE NOW!!! CLICK HERE https://a.example https://b.example https://c.example");
  EXPECT_EQ(advert.text(), "links,capitals,spam_words");
  EXPECT_GT(advert.points(), 40);
  EXPECT_TRUE(spam("!!! ?!?! ... ;;; !!! go go www.a.example ,,, !!!! ??").has("punctuation"));
  EXPECT_TRUE(spam("KAUFEN SIE JETZT SOFORT HIER EIN www.a.example").has("capitals"));
  EXPECT_TRUE(spam("ПОКУПАЙТЕ ПРЯМО СЕЙЧАС ЗДЕСЬ www.a.example").has("capitals"));
  EXPECT_TRUE(spam("free money and a prize at www.a.example").has("spam_words"));
}

TEST(MessageEvidenceTest, WhatShoppersSayIsNoSpam) {
  PROVES("F059");
  for (const char* text : {
           "Is there free shipping, and does the discount hold for this offer? "
           "https://shop.example/p/12",
           "Is there free shipping, and does the discount hold for this offer? https://x.example/p",
           "I saw the window in the showroom, is the offer free of charge?",
           "OK!",
           "WHERE IS MY ORDER? I HAVE BEEN WAITING FOR THREE WEEKS!!!",
           "Which is cheaper: https://a.example/x or https://b.example/x?",
           "My win was a cash prize, can I get the money as a discount?",
       }) {
    EXPECT_LE(spam(text).points(), 40) << text;
  }
}

TEST(TextFingerprintTest, TextsThatReadAlikeAreNear) {
  PROVES("F052");
  const auto near = [](std::string_view a, std::string_view b) {
    return std::popcount(text_fingerprint(a) ^ text_fingerprint(b)) <= 8;
  };
  EXPECT_TRUE(near("Visit our new shop for watches and bags, order number 1042",
                   "visit our new shop for watches and bags; order number 77"));
  EXPECT_FALSE(near("Visit our new shop for watches and bags, order number 1042",
                    "Where is my parcel? It should have been here on Monday."));
  EXPECT_FALSE(near("What are your opening hours on Sunday?", "What is your return policy?"));
  EXPECT_EQ(text_fingerprint("hi there 12345678901234567890"), 0U) << "too short to tell";
}

class TrailsTest : public testing::Test {
 protected:
  Repetition say(std::string_view text, Milliseconds after) {
    now_ += after;
    return trails_.note(state::key_of("session", "s"), text_fingerprint(text), now_);
  }
  Trails trails_;
  MonotonicTime now_{Seconds{1000}};
};

TEST_F(TrailsTest, RepetitionsAreCountedForTenMinutes) {
  PROVES("F052");
  const std::string text = "Please visit our shop for cheap watches";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(say(text, Seconds{20 + i}).similar, i);
  EXPECT_EQ(say("Something else altogether, thank you", Seconds{9}).similar, 0);
  EXPECT_EQ(say(text, Seconds{601}).similar, 0) << "forgotten";
  for (int i = 0; i < 40; ++i) say(text, Seconds{1});
  EXPECT_EQ(say(text, Seconds{1}).similar, 16) << "so many are kept";
}

TEST_F(TrailsTest, HurryAndAClockworkAreSeen) {
  PROVES("F052");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(say("a", Milliseconds{700}).hurried);
  EXPECT_TRUE(say("a", Milliseconds{700}).hurried);
  EXPECT_FALSE(say("a", Seconds{30}).hurried);
  EXPECT_FALSE(say("a", Milliseconds{31000}).steady);
  for (int i = 0; i < 3; ++i) say("a", Milliseconds{30000 + 20 * i});
  EXPECT_FALSE(say("a", Milliseconds{29990}).steady);
  EXPECT_TRUE(say("a", Milliseconds{30010}).steady);
  EXPECT_FALSE(say("a", Milliseconds{33000}).steady);
}

TEST_F(TrailsTest, MemoryIsBounded) {
  for (std::uint64_t i = 0; i < Trails::kSubjects + 1000; ++i) {
    trails_.note({i * 0x9e3779b97f4a7c15, i}, 1, now_);
  }
  EXPECT_EQ(trails_.size(), Trails::kSubjects);
}

}  // namespace
}  // namespace portcullis::guards
