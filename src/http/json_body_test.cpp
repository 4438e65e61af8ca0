#include "http/json_body.hpp"

#include <boost/json/serialize.hpp>
#include <string>

#include "proves.hpp"

namespace portcullis::http {
namespace {

using Kind = JsonError::Kind;

/// The reason for which `text` is refused; nullopt where it is accepted.
std::optional<Kind> refusal(std::string_view text) {
  const auto parsed = parse_json(text);
  if (parsed) return std::nullopt;
  EXPECT_FALSE(parsed.error().detail.empty());
  return parsed.error().kind;
}

std::string nested(std::size_t depth, const char* open, const char* inner, const char* close) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += open;
  out += inner;
  for (std::size_t i = 0; i < depth; ++i) out += close;
  return out;
}

std::string object_of(std::size_t keys) {
  std::string out = "{";
  for (std::size_t i = 0; i < keys; ++i) {
    if (i > 0) out += ",";
    out += "\"k" + std::to_string(i) + "\":0";
  }
  return out + "}";
}

TEST(JsonBody, KeepsEveryValueAsItWas) {
  const char* text =
      R"({"s":"a\u00e9\ud83d\ude00\n\"\\\/","n":null,"t":true,"f":false,"i":-12,"u":18446744073709551615,"d":1.5,"a":[1,"x",[],{}],"o":{"p":{}}})";
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed);
  const auto& o = parsed->as_object();
  EXPECT_EQ(o.at("s").as_string(), "a\xc3\xa9\xf0\x9f\x98\x80\n\"\\/");
  EXPECT_TRUE(o.at("n").is_null());
  EXPECT_TRUE(o.at("t").as_bool());
  EXPECT_EQ(o.at("i").as_int64(), -12);
  EXPECT_EQ(o.at("u").as_uint64(), UINT64_MAX);
  EXPECT_EQ(o.at("d").as_double(), 1.5);
  EXPECT_EQ(boost::json::serialize(o.at("a")), R"([1,"x",[],{}])");
}

TEST(JsonBody, AcceptsScalarsAndWhiteSpaceAround) {
  for (const char* text : {"0", "\"x\"", "null", " \t\r\n{ } \r\n", "[]", "-0.0e-1"}) {
    EXPECT_FALSE(refusal(text)) << text;
  }
}

TEST(JsonBody, RefusesDuplicateKeysInEverySpelling) {
  for (const char* text : {R"({"a":1,"a":2})", R"({"a":1,"b":2,"a":3})", R"({"a":1,"\u0061":2})",
                           R"({"\u0061":1,"a":2})", R"({"session_id":1,"session\u005fid":2})",
                           R"({"x":{"a":1,"a":1}})", R"([{"a":1},{"a":1,"a":1}])", R"({"":1,"":2})",
                           R"({"é":1,"\u00e9":2})", R"({"😀":1,"\ud83d\ude00":2})",
                           R"({"a\/b":1,"a/b":2})", R"({"a\u0000b":1,"a\u0000b":2})"}) {
    EXPECT_EQ(refusal(text), Kind::duplicate_key) << text;
  }
}

TEST(JsonBody, TheSameKeyInDifferentObjectsIsNoDuplicate) {
  for (const char* text :
       {R"({"a":{"a":{"a":1}},"b":{"a":2}})", R"([{"a":1},{"a":2}])", R"({"a":1,"A":2})",
        R"({"ab":1,"a":2,"b":3})", R"({"a\u0000b":1,"a\u0000c":2})"}) {
    EXPECT_FALSE(refusal(text)) << text;
  }
}

TEST(JsonBody, FindsADuplicateAmongManyKeysAtEveryDistance) {
  for (const std::size_t count : {15U, 16U, 17U, 18U, 40U, 500U}) {
    for (std::size_t repeated = 0; repeated < count; repeated += count > 100 ? 37 : 1) {
      std::string text = object_of(count);
      text.pop_back();
      EXPECT_EQ(refusal(text + ",\"\\u006b" + std::to_string(repeated) + "\":1}"),
                Kind::duplicate_key)
          << repeated << " of " << count;
    }
    EXPECT_FALSE(refusal(object_of(count)));
  }
}

TEST(JsonBody, AllowsThirtyTwoLevelsAndNoMore) {
  PROVES("F164");
  for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}}) {
    EXPECT_FALSE(refusal(nested(32, open, "1", close))) << open;
    EXPECT_EQ(refusal(nested(33, open, "1", close)), Kind::too_deep) << open;
    EXPECT_EQ(refusal(nested(100'000, open, "1", close)), Kind::too_deep) << open;
    EXPECT_EQ(refusal(nested(100'000, open, "", "")), Kind::too_deep) << open;
  }
}

TEST(JsonBody, AllowsAThousandKeysInAllObjectsTogether) {
  EXPECT_FALSE(refusal(object_of(1000)));
  EXPECT_EQ(refusal(object_of(1001)), Kind::too_many_keys);
  EXPECT_FALSE(refusal("[" + object_of(600) + "," + object_of(400) + "]"));
  EXPECT_EQ(refusal("[" + object_of(600) + "," + object_of(401) + "]"), Kind::too_many_keys);
}

TEST(JsonBody, AllowsAHundredThousandValuesOfAnyKind) {
  for (const std::string value :
       {"[]", "{}", "1", "1.5", "null", "true", "\"\"", "18446744073709551615"}) {
    std::string text = "[" + value;
    for (int i = 2; i < 100'000; ++i) (text += ',') += value;
    EXPECT_FALSE(refusal(text + "]")) << value;
    EXPECT_EQ(refusal(text + "," + value + "]"), Kind::too_many_values) << value;
  }
}

TEST(JsonBody, LimitsCanBeNarrowed) {
  const JsonLimits limits{.max_depth = 2, .max_keys = 3};
  EXPECT_TRUE(parse_json(R"({"a":{"b":1},"c":2})", limits));
  EXPECT_FALSE(parse_json(R"({"a":{"b":1},"c":2,"d":3})", limits));
  EXPECT_FALSE(parse_json(R"({"a":{"b":[]}})", limits));
}

TEST(JsonBody, RefusesWhatIsNotUtf8) {
  for (const std::string_view text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"", "{\"\xe2\x82\":1}", "\xef\xbb"}) {
    EXPECT_EQ(refusal(text), Kind::not_utf8);
  }
}

TEST(JsonBody, RefusesLoneSurrogatesInEscapes) {
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\u0041")", R"({"\ud800":1})"}) {
    EXPECT_TRUE(refusal(text)) << text;
  }
}

TEST(JsonBody, RefusesWhatIsNotRfc8259) {
  for (const std::string_view text : {
           "",          " ",          "{",          "}",
           "{]",        "[1,]",       "{\"a\":1,}", "{a:1}",
           "{'a':1}",   "{\"a\" 1}",  "{\"a\":}",   "[1 2]",
           "nul",       "True",       "NaN",        "Infinity",
           "-",         "+1",         "01",         "1.",
           ".5",        "1e",         "0x1",        "\"\t\"",
           "\"\n\"",    "\"\\x\"",    "\"\\u12\"",  "\"",
           "// c\n1",   "/* c */1",   "[1]//",      "\xef\xbb\xbf{}",
           "{}{}",      "{},",        "[]]",        "1 1",
           "null null", "{}\xc2\xa0",
       }) {
    EXPECT_EQ(refusal(text), Kind::malformed) << text;
  }
  EXPECT_EQ(refusal(std::string_view("{}\0", 3)), Kind::malformed);
  EXPECT_EQ(refusal(std::string_view("{\"a\":\"\0\"}", 9)), Kind::malformed);
}

TEST(JsonBody, OnlyTheWhiteSpaceOfJsonMayFollow) {
  EXPECT_EQ(refusal("{}\f"), Kind::malformed);
  EXPECT_EQ(refusal("{}\v"), Kind::malformed);
  EXPECT_EQ(refusal("\f{}"), Kind::malformed);
}

TEST(JsonBody, TakesLargeNumbersWithoutHarm) {
  for (const char* text :
       {"123456789012345678901234567890", "1e308", "-1e-400", "1e99999999999",
        "0.00000000000000000000000000000000001", "[18446744073709551616,-9223372036854775809]"}) {
    (void)parse_json(text);
  }
  EXPECT_TRUE(parse_json("9223372036854775807")->is_int64());
  (void)parse_json(std::string(100'000, '9'));
  (void)parse_json("0." + std::string(100'000, '0') + "1");
}

TEST(JsonBody, ANumberBeyondEveryDoubleIsRefused) {
  for (const char* text : {"1e400", "-1e400", "{\"a\":[1e999]}"}) {
    EXPECT_EQ(refusal(text), Kind::malformed) << text << " would be passed on as infinity";
  }
}

TEST(JsonBody, AKeyLongerThanAnyOfOursIsRefusedOrKept) {
  const std::string key(70'000, 'k');
  EXPECT_EQ(refusal("{\"" + key + "\":1}"), Kind::malformed);
  EXPECT_FALSE(refusal("{\"" + key.substr(0, 60'000) + "\":1}"));
}

TEST(JsonBody, TheDetailTellsNothingOfTheText) {
  const auto parsed = parse_json(R"({"password":"hunter2",})");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().detail.find("hunter2"), std::string::npos);
  EXPECT_EQ(parsed.error().detail.find("password"), std::string::npos);
}

TEST(JsonBody, RefusesAMegabyteOfAnythingQuickly) {
  for (const char c : {'[', '{', '"', '1', ' ', ',', ':', '-', '\\', 'n'}) {
    EXPECT_TRUE(refusal(std::string(1 << 20, c)) || c == '1') << c;
  }
}

TEST(RawMember, GivesTheBytesAsTheyStand) {
  const std::string_view object =
      R"( { "a" : 1.50 ,"b":{"x": [1, "}\""], "a": 2}, "c\u0064" : "q\\", "e":[ ] , "f":null} )";
  EXPECT_EQ(raw_member(object, "a"), "1.50");
  EXPECT_EQ(raw_member(object, "b"), R"({"x": [1, "}\""], "a": 2})");
  EXPECT_EQ(raw_member(object, "cd"), R"("q\\")") << "a key with escapes";
  EXPECT_EQ(raw_member(object, "e"), "[ ]");
  EXPECT_EQ(raw_member(object, "f"), "null");
  EXPECT_EQ(raw_member(object, "x"), "") << "a member of a member";
  EXPECT_EQ(raw_member("{}", "a"), "");
  EXPECT_EQ(raw_member(R"({"a":123456789012345678901234567890})", "a"),
            "123456789012345678901234567890");
}

TEST(JsonBody, KeepsNumbersAsTheyWereWrittenWhereAValueWouldRoundThem) {
  const auto literals_of = [](const std::string& text) {
    JsonBody body;
    EXPECT_TRUE(parse_json(text, {}, body)) << text;
    std::string out;
    const auto add = [&](const boost::json::value& number) {
      (out += body.literals.of(number)) += ';';
    };
    if (const auto* array = body.value.if_array()) {
      for (const auto& item : *array) add(item);
    } else {
      add(body.value);
    }
    return out;
  };
  EXPECT_EQ(literals_of("12345678901234567890123"), "12345678901234567890123;");
  EXPECT_EQ(literals_of("[1,-9223372036854775808,18446744073709551615]"), ";;;");
  EXPECT_EQ(literals_of("[0.1,19.99,123456789012.345,1e7,1.5E-7]"), ";;;;;");
  EXPECT_EQ(literals_of("[0.5,100.00000000000000000001,0.25,1e-400,1e22,18446744073709551616]"),
            ";100.00000000000000000001;;1e-400;1e22;18446744073709551616;");
  JsonBody body;
  ASSERT_TRUE(parse_json(R"({"a":[1.5,{"b":0.1234567890123456789}],"c":1.5,"d":1e300})", {}, body));
  const auto& object = body.value.get_object();
  EXPECT_EQ(body.literals.of(object.at("a").at(1).at("b")), "0.1234567890123456789");
  EXPECT_EQ(body.literals.of(object.at("d")), "1e300");
  EXPECT_EQ(body.literals.of(object.at("c")), "");
}

}  // namespace
}  // namespace portcullis::http
