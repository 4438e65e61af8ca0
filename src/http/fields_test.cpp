#include "http/fields.hpp"

#include <array>
#include <string>

#include "http/head_parser.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

/// A head whose bytes live as long as it does.
struct Head {
  explicit Head(const std::string& fields)
      : bytes("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    EXPECT_TRUE(parse_request_head(bytes, head)) << fields;
  }
  std::string bytes;
  RequestHead head;
};

using Values = std::vector<std::string_view>;

TEST(CookieValues, FindsACookieAmongOthers) {
  const Head h("Cookie: a=1; sid=abc; b=2\r\n");
  EXPECT_EQ(cookie_values(h.head, "sid"), Values{"abc"});
  EXPECT_EQ(cookie_values(h.head, "a"), Values{"1"});
  EXPECT_EQ(cookie_values(h.head, "c"), Values{});
}

TEST(CookieValues, NamesAreComparedExactly) {
  const Head h("Cookie: SID=1; xsid=2; sid2=3; si=4; sid =5; =6; sid\r\n");
  EXPECT_EQ(cookie_values(h.head, "sid"), Values{});
}

TEST(CookieValues, ShowsEveryCookieOfTheSameNameUpToABound) {
  const Head two("Cookie: sid=evil; sid=good\r\n");
  EXPECT_EQ(cookie_values(two.head, "sid"), (Values{"evil", "good"}));
  const Head lines("Cookie: sid=1\r\nCookie: sid=2\r\n");
  EXPECT_EQ(cookie_values(lines.head, "sid"), (Values{"1", "2"}));
  std::string many = "Cookie: sid=0";
  for (int i = 1; i < 500; ++i) many += ";sid=" + std::to_string(i);
  const Head h(many + "\r\n");
  EXPECT_EQ(cookie_values(h.head, "sid").size(), 4U);
  EXPECT_EQ(cookie_values(h.head, "sid", 2).size(), 2U);
}

TEST(CookieValues, TakesOddFormsAsTheyAre) {
  const Head h("Cookie: ;; sid=a=b==;sid=;  sid= x ;\r\n");
  EXPECT_EQ(cookie_values(h.head, "sid"), (Values{"a=b==", "", " x"}));
}

TEST(BearerToken, TakesOneAuthorizationOfTheSchemeOnly) {
  EXPECT_EQ(bearer_token(Head("Authorization: Bearer abc\r\n").head), "abc");
  EXPECT_EQ(bearer_token(Head("authorization: bEARER   abc \r\n").head), "abc");
  EXPECT_EQ(bearer_token(Head("Authorization: Basic abc\r\n").head), std::nullopt);
  EXPECT_EQ(bearer_token(Head("Authorization: Bearerabc\r\n").head), std::nullopt);
  EXPECT_EQ(bearer_token(Head("Authorization: Bearer\r\n").head), std::nullopt);
  EXPECT_EQ(bearer_token(Head("X: y\r\n").head), std::nullopt);
  EXPECT_EQ(bearer_token(Head("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n").head),
            std::nullopt);
}

constexpr std::array<std::string_view, 3> kOffered{"application/json", "text/event-stream",
                                                   "application/x-ndjson"};

TEST(Negotiate, FollowsRfc9110) {
  struct Case {
    std::string_view accept;
    std::optional<std::size_t> best;
  };
  for (const auto& [accept, best] : {
           Case{"", 0},
           Case{"*/*", 0},
           Case{"application/*", 0},
           Case{"text/event-stream", 1},
           Case{"TEXT/Event-Stream", 1},
           Case{"text/*", 1},
           Case{"application/x-ndjson, application/json;q=0.5", 2},
           Case{"application/json;q=0.5, application/x-ndjson;q=0.501", 2},
           Case{"*/*;q=0.1, text/event-stream", 1},
           Case{"text/event-stream, */*", 1},
           Case{"application/json;q=0, */*", 1},
           Case{"application/*;q=0, */*;q=0.5", 1},
           Case{"text/html", std::nullopt},
           Case{"text/html, image/*;q=0.8", std::nullopt},
           Case{"*/*;q=0", std::nullopt},
           Case{"application/json;q=0", std::nullopt},
           Case{"application/json;version=1;q=0.3", 0},
           Case{"application/json;Q=0", std::nullopt},
           Case{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 0},
           Case{" , ,text/event-stream, ", 1},
           Case{"application/jsonx, text/event-streamy", std::nullopt},
       }) {
    EXPECT_EQ(negotiate(accept, kOffered), best) << accept;
  }
  EXPECT_EQ(negotiate("*/*", {}), std::nullopt);
  EXPECT_EQ(negotiate("", {}), std::nullopt);
}

TEST(Negotiate, AMalformedQualityMeansNo) {
  for (const char* q : {"q=", "q=2", "q=-1", "q=0.1234", "q=x", "q=.5", "q=0,5", "q=1e0", "q=0.5x",
                        "q=0x5", "q=1.5"}) {
    EXPECT_EQ(negotiate("application/json;" + std::string(q), kOffered), std::nullopt) << q;
  }
}

TEST(Negotiate, ManyRangesAreBounded) {
  std::string accept;
  for (int i = 0; i < 5000; ++i) accept += "a/b" + std::to_string(i) + ",";
  EXPECT_EQ(negotiate(accept + "application/json", kOffered), std::nullopt);
}

/// `lines`: values of one field, each in a line of its own.
RequestHead head_with(std::string& bytes, const char* name, std::vector<std::string> lines) {
  bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const auto& line : lines) bytes += std::string(name) + ": " + line + "\r\n";
  bytes += "\r\n";
  RequestHead head;
  EXPECT_TRUE(parse_request_head(bytes, head));
  return head;
}

TEST(NegotiateCoding, TakesTheOneThatIsLikedBest) {
  constexpr std::string_view kCodings[] = {"br", "gzip", "identity"};
  const std::optional<std::string_view> none;
  using Lines = std::vector<std::string>;
  const std::pair<Lines, std::optional<std::string_view>> cases[] = {
      {{}, "identity"},
      {{""}, "identity"},
      {{"gzip"}, "gzip"},
      {{"x-gzip"}, "gzip"},
      {{"GZIP, Br"}, "br"},
      {{"gzip, deflate, br, zstd"}, "br"},
      {{"deflate"}, "identity"},
      {{"zstd"}, "identity"},
      {{"br;q=0.5, gzip"}, "gzip"},
      {{"br;q=0.5, gzip;q=0.501"}, "gzip"},
      {{"br ; q=0.5 , gzip ; q=0.5"}, "br"},
      {{"br;q=0, gzip;q=0.001"}, "gzip"},
      {{"br;q=0, gzip;q=0"}, "identity"},
      {{"identity"}, "identity"},
      {{"identity, gzip;q=0.9"}, "identity"},
      {{"identity;q=0.5, gzip;q=0.9"}, "gzip"},
      {{"*"}, "br"},
      {{"*;q=0.5, gzip"}, "gzip"},
      {{"*, br;q=0"}, "gzip"},
      {{"*;q=0, gzip;q=0.1"}, "gzip"},
      {{"identity;q=0, br;q=0.1"}, "br"},
      {{"gzip", "br"}, "br"},
      {{"gzip;q=1", "br;q=0.1"}, "gzip"},
      {{"gzip;q=2"}, "identity"},
      {{"identity;q=0"}, none},
      {{"*;q=0"}, none},
      {{"identity;q=0", "deflate, br;q=0"}, none},
  };
  for (const auto& [lines, best] : cases) {
    std::string bytes;
    EXPECT_EQ(negotiate_coding(head_with(bytes, "Accept-Encoding", lines), kCodings), best)
        << testing::PrintToString(lines);
  }
}

TEST(AnswerCoding, IsNoneWhereThePlainAnswerIsLikedAsMuch) {
  std::string bytes;
  const auto coding = [&](std::string value) {
    return answer_coding(head_with(bytes, "Accept-Encoding", {std::move(value)}));
  };
  EXPECT_EQ(coding("gzip, br"), coding::ContentCoding::brotli);
  EXPECT_EQ(coding("gzip"), coding::ContentCoding::gzip);
  for (const auto* plain : {"", "zstd", "identity", "*;q=0", "identity;q=0"}) {
    EXPECT_EQ(coding(plain), std::nullopt) << plain;
  }
}

TEST(NoneMatch, ComparesWeakly) {
  std::string bytes;
  const auto names = [&](std::vector<std::string> lines) {
    return none_match_names(head_with(bytes, "If-None-Match", std::move(lines)), "\"a\"");
  };
  for (const auto& lines : std::vector<std::vector<std::string>>{
           {"\"a\""}, {"W/\"a\""}, {"*"}, {"\"b\", W/\"a\""}, {"\"b\"", "\"a\""}}) {
    EXPECT_TRUE(names(lines)) << testing::PrintToString(lines);
  }
  for (const auto& lines : std::vector<std::vector<std::string>>{
           {}, {"\"b\""}, {"a"}, {"\"A\""}, {"\"a-br\""}, {"w/\"a\""}}) {
    EXPECT_FALSE(names(lines)) << testing::PrintToString(lines);
  }
}

TEST(MediaType, LosesParametersAndCase) {
  EXPECT_EQ(media_type("Application/JSON ; charset=UTF-8"), "application/json");
  EXPECT_EQ(media_type("application/json"), "application/json");
  EXPECT_EQ(media_type(""), "");
  EXPECT_EQ(media_type(";x"), "");
}

TEST(Charset, IsFoundAmongParameters) {
  EXPECT_EQ(charset("a/b; charset=UTF-8"), "utf-8");
  EXPECT_EQ(charset("a/b;x=y;CHARSET=\"ISO-8859-1\" "), "iso-8859-1");
  EXPECT_EQ(charset("a/b"), "");
  EXPECT_EQ(charset("a/b; charset="), "");
  EXPECT_EQ(charset("a/b; xcharset=c"), "");
  EXPECT_EQ(charset("a/b; charset=\""), "\"");
}

using Status = QueryParameter::Status;

TEST(QueryParameter, DecodesOneValue) {
  const auto value = [](std::string_view query, std::string_view name) {
    const auto parameter = query_parameter(query, name);
    EXPECT_TRUE(parameter.given()) << query;
    return parameter.value;
  };
  EXPECT_EQ(value("a=1&b=x%20y+z%2B&c", "b"), "x y z+");
  EXPECT_EQ(value("a=1&b=x&c", "a"), "1");
  EXPECT_EQ(value("a=1&b=x&c", "c"), "");
  EXPECT_EQ(value("a==1", "a"), "=1");
  EXPECT_EQ(value("a=", "a"), "");
  EXPECT_EQ(value("&&a=1&", "a"), "1");
}

TEST(QueryParameter, TellsWhatIsMissingFromWhatIsAmbiguousOrBroken) {
  for (const std::string_view query : {"", "ab=1&A=2", "b=a", "%61=1"}) {
    EXPECT_EQ(query_parameter(query, "a").status, Status::missing) << query;
  }
  for (const std::string_view query :
       {"a=1&a=1", "a=1&b=2&a=3", "a&a", "a=%", "a=%4", "a=%zz", "a=1&a=%zz", "a=%zz&a=1"}) {
    const auto parameter = query_parameter(query, "a");
    EXPECT_EQ(parameter.status, Status::malformed) << query;
    EXPECT_EQ(parameter.value, "");
  }
}

TEST(Preference, IsFoundInEveryPreferHeader) {
  EXPECT_TRUE(has_preference(Head("Prefer: respond-async\r\n").head, "respond-async"));
  EXPECT_TRUE(has_preference(Head("Prefer: wait=5, Respond-Async;x=y\r\n").head, "respond-async"));
  EXPECT_TRUE(has_preference(Head("Prefer: a\r\nPrefer: respond-async\r\n").head, "respond-async"));
  EXPECT_FALSE(has_preference(Head("Prefer: respond-asynchronously\r\n").head, "respond-async"));
  EXPECT_FALSE(has_preference(Head("X: y\r\n").head, "respond-async"));
}

TEST(Languages, ComeInTheOrderOfPreference) {
  EXPECT_EQ(languages("de-CH, en;q=0.7, fr;q=0.9, *;q=0.5"),
            (std::vector<std::string>{"de-ch", "fr", "en"}));
  EXPECT_EQ(languages("a, b, c"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(languages("").empty());
  EXPECT_TRUE(languages("de;q=0, *").empty());
  EXPECT_TRUE(languages(std::string(36, 'x')).empty());
  EXPECT_EQ(languages("a,b,c,d,e,f,g,h,i,j,k,l").size(), 10U);
}

}  // namespace
}  // namespace portcullis::http
