#include "detect/sanitised_copy.hpp"

#include <string>

#include "detect/decoder.hpp"
#include "proves.hpp"

namespace portcullis::detect {
namespace {

TEST(SanitisedCopy, HasNoTags) {
  PROVES("F163");
  EXPECT_EQ(sanitised_copy("<b>bold</b> and <script>alert(1)</script>"), "bold and alert(1)");
  EXPECT_EQ(sanitised_copy("an <img src=x onerror=alert(1)"), "an ") << "a tag without its end";
  EXPECT_EQ(sanitised_copy("<!-- c --><?php x ?>y"), "y");
}

TEST(SanitisedCopy, KeepsWhatIsNoTag) {
  PROVES("F163");
  for (const char* text : {"a < b and c > d", "I <3 you", "2 <= 3", "It's R&D, 100%", "x <"}) {
    EXPECT_EQ(sanitised_copy(text), text);
  }
}

TEST(SanitisedCopy, MakesNoTagOfItsPieces) {
  PROVES("F163");
  EXPECT_EQ(sanitised_copy("<<b>script>alert(1)<<b>/script>"), "alert(1)");
  EXPECT_EQ(sanitised_copy("<scr<b>ipt>x"), "ipt>x");
}

TEST(SanitisedCopy, MakesNoTagByDecoding) {
  PROVES("F163");
  for (const std::string text :
       {"&lt;script&gt;alert(1)&lt;/script&gt;", "&amp;lt;b&amp;gt;x", "%3Cb%3Ex", "%253Cb%253Ex",
        "&#x26;lt;b>", "%2525253Cb>", "\\u003cb\\u003e", "&amp;amp;amp;amp;amp;amp;amp;lt;b>"}) {
    std::string form = sanitised_copy(text);
    std::string next;
    for (int i = 0; i < 16; ++i) {
      EXPECT_EQ(form.find("<b"), std::string::npos) << text;
      EXPECT_EQ(form.find("<script"), std::string::npos) << text;
      if (!decode_escapes(form, next)) break;
      form.swap(next);
    }
  }
}

}  // namespace
}  // namespace portcullis::detect
