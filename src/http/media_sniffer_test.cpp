#include "http/media_sniffer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::http {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

TEST(MediaSniffer, KnowsFilesByTheirFirstBytes) {
  EXPECT_EQ(sniff_media_type("\x89PNG\r\n\x1a\n...."), "image/png");
  EXPECT_EQ(sniff_media_type("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(sniff_media_type("GIF89a"), "image/gif");
  EXPECT_EQ(sniff_media_type("RIFF\x10\0\0\0WEBPVP8 "s), "image/webp");
  EXPECT_EQ(sniff_media_type("RIFF\x10\0\0\0WAVEfmt "s), "audio/wav");
  EXPECT_EQ(sniff_media_type("%PDF-1.7"), "application/pdf");
  EXPECT_EQ(sniff_media_type("PK\x03\x04"), "application/zip");
  EXPECT_EQ(sniff_media_type("ID3\x04"), "audio/mpeg");
  EXPECT_EQ(sniff_media_type("OggS\0"s), "audio/ogg");
  EXPECT_EQ(sniff_media_type("\0\0\0\x18"
                             "ftypmp42"s),
            "video/mp4");
  EXPECT_EQ(sniff_media_type("\x1a\x45\xdf\xa3"), "video/webm");
}

TEST(MediaSniffer, TakesForTextWhatIsTextAndForMarkupWhatBrowsersRun) {
  EXPECT_EQ(sniff_media_type("Gr\xc3\xbc\xc3\x9f"
                             "e,\r\n\t1 < 2"),
            "text/plain");
  EXPECT_EQ(sniff_media_type("< 3 is a heart"), "text/plain");
  for (const char* text : {"<!DOCTYPE html>", "  \n<script>", "\xef\xbb\xbf<svg>", "<?xml version",
                           "<!-- x -->", "</p>"}) {
    EXPECT_EQ(sniff_media_type(text), "text/html") << text;
  }
}

TEST(MediaSniffer, KnowsNothingOfTheRest) {
  for (const std::string& bytes :
       {""s, "MZ\x90\0"s,
        "\x7f"
        "ELF"s,
        "text\0text"s, "latin \xfc"s, "RIFF\x10\0\0\0AVI "s, "esc\x1b[0m"s}) {
    EXPECT_EQ(sniff_media_type(bytes), "") << bytes;
  }
}

TEST(MediaSniffer, AnExtensionFitsItsContentOrDoesNot) {
  EXPECT_TRUE(extension_fits("photo.PNG", "image/png"));
  EXPECT_TRUE(extension_fits("a.tar.txt", "text/plain"));
  EXPECT_TRUE(extension_fits("README", "text/plain"));
  EXPECT_TRUE(extension_fits("report.docx", "application/zip"));
  for (const char* name : {"photo.jpg", "photo.html", "photo.", "photo.png.exe", "photo.pn"}) {
    EXPECT_FALSE(extension_fits(name, "image/png")) << name;
  }
  EXPECT_FALSE(extension_fits("a.txt", "unknown/type"));
}

TEST(MediaSniffer, ADeclarationFitsWhereNobodyWhoBelievesItDoesAnythingElse) {
  for (const char* type : {"", "application/octet-stream", "image/jpeg", "image/jpg"}) {
    EXPECT_TRUE(declaration_fits(type, "image/jpeg")) << type;
  }
  for (const char* type : {"text/csv", "application/json", "text/plain"}) {
    EXPECT_TRUE(declaration_fits(type, "text/plain")) << type;
  }
  for (const char* type : {"text/html", "image/svg+xml", "application/javascript",
                           "multipart/mixed", "image/png", "application/x-httpd-php", "text/xml"}) {
    EXPECT_FALSE(declaration_fits(type, "text/plain")) << type;
  }
  EXPECT_FALSE(declaration_fits("text/html", "image/png"));
}

}  // namespace
}  // namespace portcullis::http
