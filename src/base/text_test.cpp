#include "base/text.hpp"

#include <boost/json.hpp>
#include <random>
#include <string>

#include "proves.hpp"

namespace portcullis::text {
namespace {

/// Every string of up to four bytes out of those where UTF-8 changes its mind.
template <class Visit>
void for_each_edge_string(Visit visit) {
  constexpr unsigned char kEdges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                      0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
                                      0xe1, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
  constexpr std::size_t n = std::size(kEdges);
  std::string s;
  for (std::size_t length = 0; length <= 4; ++length) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < length; ++i) count *= n;
    for (std::size_t k = 0; k < count; ++k) {
      s.clear();
      for (std::size_t i = 0, rest = k; i < length; ++i, rest /= n)
        s += static_cast<char>(kEdges[rest % n]);
      visit(s);
    }
  }
}

/// RFC 3629 by its definition: decode, then look at the code point.
bool is_utf8_by_definition(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto lead = static_cast<unsigned char>(s[i]);
    const std::size_t length = lead < 0x80       ? 1
                               : lead >> 5 == 6  ? 2
                               : lead >> 4 == 14 ? 3
                               : lead >> 3 == 30 ? 4
                                                 : 0;
    if (length == 0 || i + length > s.size()) return false;
    std::uint32_t value = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto c = static_cast<unsigned char>(s[i + k]);
      if (c >> 6 != 2) return false;
      value = value << 6 | (c & 0x3fU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
      return false;
    i += length;
  }
  return true;
}

TEST(Text, Utf8IsWhatRfc3629Says) {
  for_each_edge_string(
      [](const std::string& s) { ASSERT_EQ(is_utf8(s), is_utf8_by_definition(s)) << hex(s); });
}

TEST(Text, RepairedTextIsValidAndValidTextIsKept) {
  for_each_edge_string([](const std::string& s) {
    const std::string repaired = to_valid_utf8(s);
    ASSERT_TRUE(is_utf8(repaired)) << hex(s);
    if (is_utf8(s)) {
      ASSERT_EQ(repaired, s);
    }
  });
}

TEST(Text, AnIncompleteSuffixIsWhatFurtherBytesCouldMend) {
  EXPECT_EQ(incomplete_utf8_suffix(""), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("abc"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("\xe2\x82\xac"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xe2"), 1U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xe2\x82"), 2U);
  EXPECT_EQ(incomplete_utf8_suffix("\xf0\x9f\x98"), 3U);
  EXPECT_EQ(incomplete_utf8_suffix("\xc3"), 1U);
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80\x80\x80"), 0U);
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const auto part = std::string_view(text).substr(0, i);
    EXPECT_TRUE(is_utf8(part.substr(0, i - incomplete_utf8_suffix(part)))) << i;
  }
}

TEST(Text, APrefixNeverCutsACodePoint) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (std::size_t i = 0; i <= text.size() + 2; ++i) {
    const auto prefix = utf8_prefix(text, i);
    EXPECT_LE(prefix.size(), i);
    EXPECT_TRUE(is_utf8(prefix));
    EXPECT_LT(std::min(i, text.size()) - prefix.size(), 4U);
  }
  EXPECT_EQ(utf8_length(text), 5U);
}

TEST(Text, BlankIsWhatAPersonCallsBlank) {
  for (const std::string_view blank :
       {"", " \t\r\n", "\xc2\xa0", "\xe2\x80\x8b", "\xe2\x80\x8d", "\xef\xbb\xbf", "\xe3\x80\x80",
        "\xe2\x81\xa0", "\xe1\x85\x9f", "\xe3\x85\xa4", " \xc2\xad \xe2\x80\xa8"}) {
    EXPECT_EQ(trim_unicode(blank), "") << hex(blank);
  }
  EXPECT_EQ(trim_unicode("\xe2\x80\x8b a b \xc2\xa0"), "a b");
  EXPECT_EQ(trim_unicode("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(trim_unicode("."), ".");
}

TEST(Text, ListsLoseEmptyPiecesAndSpace) {
  EXPECT_EQ(split_list(" a, b ,,c,"), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_EQ(split_list(""), std::vector<std::string_view>{});
  EXPECT_EQ(split_list(" , ,"), std::vector<std::string_view>{});
  EXPECT_EQ(split_list("a;b", ';'), (std::vector<std::string_view>{"a", "b"}));
}

TEST(Text, ComparesAsciiLettersOnlyWithoutCase) {
  EXPECT_TRUE(iequals("AbC-1", "aBc-1"));
  EXPECT_FALSE(iequals("abc", "abcd"));
  EXPECT_FALSE(iequals("@", "`"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_FALSE(iequals("\xc3\x84", "\xc3\xa4"));
  EXPECT_TRUE(istarts_with("Bearer x", "bearer "));
  EXPECT_FALSE(istarts_with("Bea", "bearer"));
  EXPECT_EQ(to_lower("A\xc3\x84z"), "a\xc3\x84z");
  EXPECT_EQ(to_upper("a.b_1"), "A.B_1");
}

TEST(Text, NumbersAreWholeAndFit) {
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::int64_t>("-5"), -5);
  for (const char* bad : {"", " 1", "1 ", "+1", "65536", "-1", "1.0", "0x1", "1e1", "\xd9\xa1"}) {
    EXPECT_EQ(parse_number<std::uint16_t>(bad), std::nullopt) << bad;
  }
  std::string out;
  append_number(out, INT64_MIN);
  append_number(out, std::uint64_t{UINT64_MAX});
  EXPECT_EQ(out, "-922337203685477580818446744073709551615");
}

TEST(Text, PercentDecodesOnce) {
  EXPECT_EQ(percent_decode("a%20b%2525%c3%A9+"), "a b%25\xc3\xa9+");
  EXPECT_EQ(percent_decode("%41"), "A");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  for (const char* bad : {"%", "%4", "a%", "%g1", "%1g", "% 1", "%-1", "%%41"}) {
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  }
}

TEST(Text, Base64UrlHasOneSpellingForEachValue) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url_decode("Zm9vYmFy"), "foobar");
  for (const char* bad :
       {"Z", "Zg==", "Zh", "Zm9", "Zm9v!", "Zm9v ", "+/+/", "Zm9v\n", "Zm8=", "\xc3\xa9zz"}) {
    EXPECT_EQ(base64url_decode(bad), std::nullopt) << bad;
  }
  std::mt19937_64 random(3);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const auto text = base64url(bytes);
    ASSERT_EQ(base64url_decode(text), bytes);
    // Whatever else decodes to these bytes must be this text.
    if (text.empty()) continue;
    for (int c = 0; c < 256; ++c) {
      std::string varied = text;
      varied.back() = static_cast<char>(c);
      if (varied != text) {
        ASSERT_NE(base64url_decode(varied), bytes);
      }
    }
  }
}

TEST(Text, HexIsLowerCase) { EXPECT_EQ(hex(std::string_view("\x00\xab\xff", 3)), "00abff"); }

TEST(Text, DatesHaveTheirForms) {
  const WallTime time = from_epoch_seconds(1795300995) + Milliseconds{7};
  EXPECT_EQ(iso8601(time), "2026-11-21T22:43:15Z");
  EXPECT_EQ(iso8601_millis(time), "2026-11-21T22:43:15.007Z");
  EXPECT_EQ(http_date(time), "Sat, 21 Nov 2026 22:43:15 GMT");
  EXPECT_EQ(http_date(from_epoch_seconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(iso8601(from_epoch_seconds(1709164800)), "2024-02-29T00:00:00Z");
}

TEST(Text, ATokenHasTheCharactersOfRfc9110) {
  EXPECT_TRUE(is_token("X-Real_IP.2!#$%&'*+^`|~"));
  EXPECT_FALSE(is_token(""));
  for (int c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    const bool expected =
        c > 0x20 && c < 0x7f &&
        std::string_view("\"(),/:;<=>?@[\\]{}").find(ch) == std::string_view::npos;
    EXPECT_EQ(is_token(std::string(1, ch)), expected) << c;
  }
}

TEST(Text, AJsonStringIsAlwaysValidJsonAndScript) {
  PROVES("F012");
  for_each_edge_string([](const std::string& s) {
    std::string out;
    append_json_string(out, s);
    ASSERT_TRUE(is_utf8(out)) << hex(s);
    boost::system::error_code error;
    const auto value = boost::json::parse(out, error);
    ASSERT_FALSE(error) << hex(s);
    if (is_utf8(s)) {
      ASSERT_EQ(std::string_view(value.as_string()), s) << hex(s);
    } else {
      ASSERT_EQ(std::string_view(value.as_string()), to_valid_utf8(s)) << hex(s);
    }
  });
  std::string out;
  append_json_string(out, "a\"\\\n\r\t\x01/\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\r\\t\\u0001/\\u2028\\u2029\xe2\x80\xaa\"");
}

TEST(Text, AJsonStringFindsWhatNeedsCareAtEveryPlaceOfEveryLength) {
  for (std::size_t length = 1; length <= 70; ++length) {
    for (std::size_t first = 0; first < length; ++first) {
      for (const std::size_t second : {first, first / 2, length - 1}) {
        for (const char* care : {"\"", "\\", "\n", "\x1f", "\x80"}) {
          std::string s(length, '~');
          s[first] = s[second] = *care;
          std::string out;
          append_json_string(out, s);
          boost::system::error_code error;
          const auto value = boost::json::parse(out, error);
          ASSERT_FALSE(error) << hex(s);
          ASSERT_EQ(std::string_view(value.as_string()), to_valid_utf8(s)) << hex(s);
        }
      }
    }
  }
}

TEST(Text, TimesAreReadInEveryFormOfRfc3339) {
  const auto millis = [](std::string_view s) { return epoch_millis(parse_iso8601(s).value()); };
  EXPECT_EQ(millis("2026-11-21T22:43:15Z"), 1'795'300'995'000);
  EXPECT_EQ(millis("2026-11-21T22:43:15.007Z"), 1'795'300'995'007);
  EXPECT_EQ(millis("2026-11-21T22:43:15.0074999999999Z"), 1'795'300'995'007);
  EXPECT_EQ(millis("2026-11-21T23:43:15+01:00"), 1'795'300'995'000);
  EXPECT_EQ(millis("2026-11-21T17:13:15.5-05:30"), 1'795'300'995'500);
  EXPECT_EQ(millis("2024-02-29T00:00:00Z"), 1'709'164'800'000);
  EXPECT_EQ(millis("1970-01-01T00:00:60Z"), 60'000);
}

TEST(Text, WhatIsNoTimeIsNotRead) {
  for (const char* s : {"",
                        "Z",
                        "2026-11-21",
                        "2026-11-21T22:43:15",
                        "2026-11-21 22:43:15Z",
                        "2026-11-21t22:43:15Z",
                        "2026-11-21T22:43:15.Z",
                        "2026-11-21T22:43:15.0",
                        "2026-02-29T00:00:00Z",
                        "2026-13-01T00:00:00Z",
                        "2026-00-01T00:00:00Z",
                        "2026-11-31T00:00:00Z",
                        "2026-11-21T24:00:00Z",
                        "2026-11-21T22:60:00Z",
                        "2026-11-21T22:43:61Z",
                        "2026-11-21T22:43:15+0100",
                        "2026-11-21T22:43:15+24:00",
                        "2026-11-21T22:43:15Z ",
                        "0000-01-01T00:00:00Z",
                        "1969-12-31T23:59:59Z",
                        "9999-12-31T23:59:59Z",
                        "-026-11-21T22:43:15Z",
                        "2026-11-21T22:43:15+1:000"}) {
    EXPECT_FALSE(parse_iso8601(s)) << s;
  }
}

TEST(Text, AValueOfAFormHoldsNothingThatEndsIt) {
  std::string out;
  append_percent_encoded(out, "aZ09-._~ &=+%\x01\xff/");
  EXPECT_EQ(out, "aZ09-._~%20%26%3D%2B%25%01%FF%2F");
}

}  // namespace
}  // namespace portcullis::text
