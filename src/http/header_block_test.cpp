#include "http/header_block.hpp"

#include <string>

#include "proves.hpp"

namespace portcullis::http {
namespace {

TEST(HeaderBlock, WritesOneLineForEachHeader) {
  HeaderBlock block;
  block.add("A", "b");
  block.add_number("N", -12);
  block.add("Empty", "");
  EXPECT_EQ(block.text(), "A: b\r\nN: -12\r\nEmpty: \r\n");
  EXPECT_EQ(block.find("a"), "b");
  EXPECT_EQ(block.find("n"), "-12");
  EXPECT_TRUE(block.contains("empty"));
  EXPECT_FALSE(block.contains("b"));
  EXPECT_EQ(block.find("b"), "");
}

TEST(HeaderBlock, NoValueCanStartAHeaderOfItsOwn) {
  for (const std::string value :
       {"x\r\nSet-Cookie: a=b", "x\nSet-Cookie: a=b", "x\rSet-Cookie: a=b", "\r\n\r\n<html>",
        "\r\n", "x\r\n\t folded"}) {
    HeaderBlock block;
    block.add("Location", value);
    block.add("After", "y");
    std::size_t lines = 0;
    block.for_each([&](std::string_view name, std::string_view) {
      ++lines;
      EXPECT_TRUE(name == "Location" || name == "After");
    });
    EXPECT_EQ(lines, 2U);
    EXPECT_FALSE(block.contains("Set-Cookie"));
    EXPECT_EQ(block.text().find("\r\n\r\n"), std::string::npos);
  }
}

TEST(HeaderBlock, EveryByteThatEndsALineBecomesASpace) {
  for (int c = 0; c < 256; ++c) {
    HeaderBlock block;
    block.add("X", std::string("a") + static_cast<char>(c) + "b");
    const auto value = block.find("X");
    ASSERT_EQ(value.size(), 3U) << c;
    const bool ends = c == '\r' || c == '\n' || c == 0;
    EXPECT_EQ(value[1], ends ? ' ' : static_cast<char>(c));
  }
}

TEST(HeaderBlock, AddsABlockWholeAndKeepsTheFirstValueInFront) {
  HeaderBlock a;
  HeaderBlock b;
  a.add("X", "1");
  b.add("X", "2");
  a.add_block(b);
  EXPECT_EQ(a.find("x"), "1");
  EXPECT_EQ(a.text(), "X: 1\r\nX: 2\r\n");
  EXPECT_TRUE(HeaderBlock{}.empty());
}

}  // namespace
}  // namespace portcullis::http
