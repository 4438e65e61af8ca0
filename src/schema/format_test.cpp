#include "schema/format.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::schema {
namespace {

void expect(Format format, const std::vector<std::string>& yes,
            const std::vector<std::string>& no) {
  for (const auto& text : yes) EXPECT_TRUE(has_format(text, format)) << text;
  for (const auto& text : no) EXPECT_FALSE(has_format(text, format)) << text;
}

TEST(Format, DateTime) {
  expect(Format::date_time,
         {"2026-12-01T15:09:04Z", "1963-06-19t08:30:06.283185z", "2024-02-29T00:00:00+05:30",
          "1990-12-31T23:59:60Z", "1990-12-31T15:59:60.123-08:00", "0000-01-01T00:00:00Z"},
         {"", "2026-12-01", "2026-12-01T15:09Z", "2026-12-01 15:09:04Z", "2026-12-01T15:09:04",
          "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
          "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
          "2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z", "2026-01-01T00:00:00.Z",
          "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0530", "2026-01-01T00:00:00Zx",
          "+026-01-01T00:00:00Z", "2026-01-01T00:00:00\u0666Z"});
}

TEST(Format, Email) {
  expect(Format::email,
         {"a@b", "joe.bloggs@example.com", "te~st+tag@sub.example.org", "o'neil@example.com"},
         {"",
          "a",
          "@b",
          "a@",
          "a@b@c",
          ".a@b.c",
          "a.@b.c",
          "a..b@c.d",
          "a@.b",
          "a@b.",
          "a@b..c",
          "a@-b.c",
          "a@b-.c",
          "a b@c.d",
          "\"a b\"@c.d",
          "a@[127.0.0.1]",
          "a@b_c.d",
          "a@b.c\n",
          "a\r\nBcc: x@b.c",
          "é@b.c",
          std::string(65, 'a') + "@b.c",
          "a@" + std::string(64, 'b')});
}

TEST(Format, Uri) {
  expect(Format::uri,
         {"https://example.com/a?b#c", "urn:oasis:names", "mailto:a@b.c", "http://[::1]:8080/",
          "file:///a"},
         {"", "/a", "//example.com/a", "a b:c", "http://exa mple.com", "http://a/<b>", "\\\\a\\b",
          "http://a/%zz", "http://é.com/"});
}

TEST(Format, Uuid) {
  expect(Format::uuid,
         {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
          "00000000-0000-0000-0000-000000000000"},
         {"", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
          "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", "2eb8aa08-aa98-11ea-b4aa-73b441d163800",
          "{2eb8aa08-aa98-11ea-b4aa-73b441d1638}", "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380"});
}

TEST(Format, HasAName) {
  for (const auto format : {Format::date_time, Format::email, Format::uri, Format::uuid}) {
    EXPECT_EQ(format_of(name_of(format)), format);
  }
  EXPECT_EQ(format_of("ipv4"), std::nullopt);
}

}  // namespace
}  // namespace portcullis::schema
