#include "detect/decoder.hpp"

#include <string>

#include "detect/views.hpp"
#include "proves.hpp"

namespace portcullis::detect {
namespace {

std::string escapes_of(std::string_view text) {
  std::string out;
  return decode_escapes(text, out) ? out : "(unchanged)";
}
std::string folded(std::string_view text) {
  std::string out;
  return fold_characters(text, out) ? out : "(unchanged)";
}
/// Whether one of the forms that decoding yields is this one.
bool has_view(std::string_view text, std::string_view wanted) {
  Views views;
  views.build(text);
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (views[i].text == wanted) return true;
  }
  return false;
}

TEST(Decoder, ReadsPercentBackslashAndHtmlEscapes) {
  EXPECT_EQ(escapes_of("%3Cscript%3e"), "<script>");
  EXPECT_EQ(escapes_of("%u003cb%U003E"), "<b>");
  EXPECT_EQ(escapes_of("\\x3c\\u003e\\u{27}\\101\\/"), "<>'A/");
  EXPECT_EQ(escapes_of("&#60;&#x3E;&lt;&QUOT;&#0000039;"), "<><\"'");
  EXPECT_EQ(escapes_of("&#60script&#62"), "<script>") << "without its semicolon";
}

TEST(Decoder, LeavesWhatIsNoEscape) {
  for (const char* text : {"100% sure", "a & b", "C:\\new\\table", "&nothing;", "%zz", "%u12", "\\",
                           "\\u12", "&#;", "&", "%"}) {
    EXPECT_EQ(escapes_of(text), "(unchanged)") << text;
  }
}

TEST(Decoder, FoldsWhatOnlyLooksDifferent) {
  EXPECT_EQ(folded("\uFF1Cscript\uFF1E"), "<script>");
  EXPECT_EQ(folded("ig\u200Bno\u00ADre"), "ignore");
  EXPECT_EQ(folded(std::string_view("scr\0ipt", 7)), "script");
  EXPECT_EQ(folded("\xc0\xae\xc0\xae\xc0\xaf"), "../") << "overlong";
  EXPECT_EQ(folded("\xe0\x80\xaf"), "/");
  EXPECT_EQ(folded("\U0001D400\U0001D41A\U0001D7D0"), "Aa2") << "mathematical letters";
  EXPECT_EQ(folded("Grüße, 你好, Привет"), "(unchanged)");
}

TEST(Decoder, FindsBase64ThatIsText) {
  std::string out;
  ASSERT_TRUE(decode_base64_runs("see PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg== there", out));
  EXPECT_EQ(out, "<script>alert(1)</script>\n");
  EXPECT_FALSE(decode_base64_runs("internationalization understanding", out)) << "words";
  EXPECT_FALSE(decode_base64_runs("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB", out)) << "a picture";
}

TEST(Views, DecodeAgainAndAgain) {
  EXPECT_TRUE(has_view("%253Cb%253E", "<b>"));
  EXPECT_TRUE(has_view("%26lt%3Bb%26gt%3B", "<b>"));
  EXPECT_TRUE(has_view("JTNDYiUzRSUzQ2IlM0U=", "<b><b>\n")) << "percent inside of base64";
  EXPECT_TRUE(has_view("..%c0%af..%c0%af", "../../"));
}

TEST(Views, AreBoundedInNumberDepthAndSize) {
  std::string nested = "<";
  for (int i = 0; i < 12; ++i) {
    std::string outer;
    for (const char c : nested) outer += c == '%' || c == '<' ? "%25" : std::string(1, c);
    nested = outer + "3C";
  }
  Views views;
  views.build(nested);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    EXPECT_LE(views[i].depth, Views::kDepth);
    bytes += views[i].text.size();
  }
  EXPECT_LE(views.size(), Views::kMost);
  EXPECT_LE(bytes, (Views::kGrowth + 1) * nested.size());
}

TEST(Views, OfAPlainTextAreTheTextAlone) {
  Views views;
  views.build("Do you have a table for two on Friday, at 8?");
  EXPECT_EQ(views.size(), 1U);
}

}  // namespace
}  // namespace portcullis::detect
