#include "http/file_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::http {
namespace {

TEST(FileName, IsSafeWhereEverySystemTakesItAndItSaysWhatItIs) {
  for (const char* name :
       {"a", "photo 1.png", "R\xc3\xa9sum\xc3\xa9.pdf", "100%.txt", "a.tar.gz", "console.log",
        "app.min.js.txt", "php.txt", "report.v2.pdf", "com10.txt", "a'b (2).txt"}) {
    EXPECT_TRUE(is_safe_file_name(name)) << name;
  }
}

TEST(FileName, IsRefusedWhereASystemOrAReaderWouldMakeAnotherOneOfIt) {
  for (const std::string name : {"",
                                 ".",
                                 "..",
                                 ".htaccess",
                                 "a.",
                                 "a ",
                                 " a",
                                 "a..b",
                                 "../a",
                                 "a/b",
                                 "a\\b",
                                 "c:a",
                                 "a?",
                                 "a*",
                                 "a<b",
                                 "a|b",
                                 "a;.txt",
                                 "x.php.txt",
                                 "x.PhP5.jpg",
                                 "x.asp.;.png",
                                 "a.b.phtml.c.txt",
                                 "x.php .txt",
                                 "x.jsp\xc2\xa0.txt",
                                 "x.htaccess.txt",
                                 "x.exe.pdf",
                                 "x.sh.txt",
                                 "a%2fb",
                                 "a%22",
                                 "a&#47;b",
                                 "a\nb",
                                 "a\x7f",
                                 "a\xff",
                                 "CON",
                                 "nul.txt",
                                 "Com1.log",
                                 "LPT9",
                                 "aux .txt",
                                 "exe\xe2\x80\xae"
                                 "gpj.exe"}) {
    EXPECT_FALSE(is_safe_file_name(name)) << name;
  }
  EXPECT_FALSE(is_safe_file_name(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace portcullis::http
