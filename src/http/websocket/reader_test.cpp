#include "http/websocket/reader.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "proves.hpp"

namespace portcullis::http::websocket {
namespace {

using Event = MessageReader::Event;

/// Bytes written as hex digits, blanks between them as one likes.
std::string bytes(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

/// A frame with all of its bits chosen; masked with 0x01020304 unless `mask` is false.
struct Frame {
  int opcode = 1;
  std::string payload{};
  bool final = true;
  int reserved = 0;  ///< RSV1 is 4
  bool mask = true;

  std::string text() const {
    std::string out;
    out += static_cast<char>((final ? 0x80 : 0) | reserved << 4 | opcode);
    const int masked = mask ? 0x80 : 0;
    if (payload.size() < 126) {
      out += static_cast<char>(masked | static_cast<int>(payload.size()));
    } else if (payload.size() <= 0xffff) {
      out += static_cast<char>(masked | 126);
      out += static_cast<char>(payload.size() >> 8);
      out += static_cast<char>(payload.size() & 0xff);
    } else {
      out += static_cast<char>(masked | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        out += static_cast<char>(payload.size() >> shift & 0xff);
      }
    }
    if (!mask) return out + payload;
    const std::string key = bytes("01020304");
    out += key;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      out += static_cast<char>(payload[i] ^ key[i % 4]);
    }
    return out;
  }
};

/// What a reader made of some bytes: "text:…", "ping:…", "close:1000:…", "failed:1002".
std::vector<std::string> read(MessageReader& reader, std::string_view pieces_of,
                              std::size_t piece) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < pieces_of.size(); from += piece) {
    std::string part(pieces_of.substr(from, piece));
    for (std::size_t at = 0; at < part.size();) {
      const auto step = reader.put(std::span(part).subspan(at));
      at += step.used;
      switch (step.event) {
        case Event::none:
          EXPECT_EQ(at, part.size()) << "what is not complete takes all there is";
          break;
        case Event::message:
          out.push_back((reader.kind() == Opcode::text ? "text:" : "binary:") + reader.payload());
          break;
        case Event::ping:
          out.push_back("ping:" + reader.payload());
          break;
        case Event::pong:
          out.push_back("pong:" + reader.payload());
          break;
        case Event::close:
          out.push_back("close:" + std::to_string(reader.code()) + ":" + reader.payload());
          return out;
        case Event::failed:
          EXPECT_FALSE(reader.fault().empty());
          out.push_back("failed:" + std::to_string(reader.code()));
          return out;
      }
    }
  }
  return out;
}

using Said = std::vector<std::string>;

Said read_whole(std::string_view in, Role role = Role::server, bool deflate = false,
                const MessageLimits& limits = {}) {
  MessageReader reader(role, limits, deflate);
  return read(reader, in, in.size());
}

TEST(MessageReader, ReadsTheExamplesOfTheSpecification) {
  // RFC 6455 section 5.7.
  EXPECT_EQ(read_whole(bytes("81 05 48 65 6c 6c 6f"), Role::client), Said{"text:Hello"});
  EXPECT_EQ(read_whole(bytes("81 85 37 fa 21 3d 7f 9f 4d 51 58")), Said{"text:Hello"});
  EXPECT_EQ(read_whole(bytes("01 03 48 65 6c 80 02 6c 6f"), Role::client), Said{"text:Hello"});
  EXPECT_EQ(read_whole(bytes("89 05 48 65 6c 6c 6f"), Role::client), Said{"ping:Hello"});
  EXPECT_EQ(read_whole(bytes("8a 85 37 fa 21 3d 7f 9f 4d 51 58")), Said{"pong:Hello"});
  for (const std::size_t size : {std::size_t{256}, std::size_t{65536}}) {
    const std::string data(size, 'x');
    const auto head = size == 256 ? bytes("82 7e 01 00") : bytes("82 7f 00 00 00 00 00 01 00 00");
    EXPECT_EQ(read_whole(head + data, Role::client), Said{"binary:" + data});
  }
  // RFC 7692 section 7.2.3: compressed, twice the same, stored, with a last block, in two blocks.
  for (const auto* text :
       {"c1 07 f2 48 cd c9 c9 07 00", "c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00",
        "c1 08 f3 48 cd c9 c9 07 00 00", "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00"}) {
    EXPECT_EQ(read_whole(bytes(text), Role::client, true), Said{"text:Hello"}) << text;
  }
  EXPECT_EQ(read_whole(bytes("41 03 f2 48 cd 80 04 c9 c9 07 00"), Role::client, true),
            Said{"text:Hello"});
}

TEST(MessageReader, GivesTheSameHoweverItIsCut) {
  const std::string in = Frame{.opcode = 1, .payload = "one \xc3\xa9", .final = false}.text() +
                         Frame{.opcode = 9, .payload = "between"}.text() +
                         Frame{.opcode = 0, .payload = "", .final = false}.text() +
                         Frame{.opcode = 0, .payload = " \xf0\x9f\x90\x98"}.text() +
                         Frame{.opcode = 2, .payload = std::string(300, '\xff')}.text() +
                         Frame{.opcode = 10}.text() + Frame{.opcode = 1, .payload = ""}.text() +
                         Frame{.opcode = 8, .payload = bytes("03e8") + "bye"}.text();
  const Said expected{"ping:between",
                      "text:one \xc3\xa9 \xf0\x9f\x90\x98",
                      "binary:" + std::string(300, '\xff'),
                      "pong:",
                      "text:",
                      "close:1000:bye"};
  for (std::size_t piece = 1; piece <= in.size(); ++piece) {
    MessageReader reader(Role::server, {});
    EXPECT_EQ(read(reader, in, piece), expected) << piece;
  }
}

struct Violation {
  std::string_view name;
  std::string bytes;
  std::string_view outcome;
};

TEST(MessageReader, RefusesEveryViolationOfTheFraming) {
  const Frame begun{.opcode = 1, .payload = "a", .final = false};
  std::vector<Violation> table{
      {"RSV1 without an extension", Frame{.reserved = 4}.text(), "failed:1002"},
      {"RSV2", Frame{.reserved = 2}.text(), "failed:1002"},
      {"RSV3", Frame{.reserved = 1}.text(), "failed:1002"},
      {"RSV on a ping", Frame{.opcode = 9, .reserved = 4}.text(), "failed:1002"},
      {"not masked", Frame{.payload = "a", .mask = false}.text(), "failed:1002"},
      {"ping in fragments", Frame{.opcode = 9, .final = false}.text(), "failed:1002"},
      {"close in fragments", Frame{.opcode = 8, .final = false}.text(), "failed:1002"},
      {"ping of 126 bytes", Frame{.opcode = 9, .payload = std::string(126, 'a')}.text(),
       "failed:1002"},
      {"close of 126 bytes",
       Frame{.opcode = 8, .payload = bytes("03e8") + std::string(124, 'a')}.text(), "failed:1002"},
      {"continuation of nothing", Frame{.opcode = 0, .payload = "a"}.text(), "failed:1002"},
      {"continuation after an end",
       Frame{.payload = "a"}.text() + Frame{.opcode = 0, .payload = "b"}.text(), "failed:1002"},
      {"message inside of a message", begun.text() + Frame{.payload = "b"}.text(), "failed:1002"},
      {"length of 125 in two bytes", bytes("81 fe 00 7d 00 00 00 00"), "failed:1002"},
      {"length of 65535 in eight", bytes("81 ff 00 00 00 00 00 00 ff ff 00 00 00 00"),
       "failed:1002"},
      {"length with the highest bit", bytes("81 ff 80 00 00 00 00 00 00 00 00 00 00 00"),
       "failed:1002"},
      {"length beyond the limit", bytes("81 ff 00 00 00 00 00 01 00 01 00 00 00 00"),
       "failed:1009"},
      {"half a close code", Frame{.opcode = 8, .payload = "a"}.text(), "failed:1002"},
      {"close reason that is not UTF-8", Frame{.opcode = 8, .payload = bytes("03e8 ff")}.text(),
       "failed:1007"},
      {"text that is not UTF-8", Frame{.payload = "\xff"}.text(), "failed:1007"},
      {"text that ends in a character", Frame{.payload = "\xc3"}.text(), "failed:1007"},
      {"surrogate", Frame{.payload = "\xed\xa0\x80"}.text(), "failed:1007"},
      {"overlong", Frame{.payload = "\xc0\xaf"}.text(), "failed:1007"},
      {"beyond Unicode", Frame{.payload = "\xf4\x90\x80\x80"}.text(), "failed:1007"},
  };
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    table.push_back({"opcode", Frame{.opcode = opcode}.text(), "failed:1002"});
  }
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    std::string payload;
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    table.push_back({"close code", Frame{.opcode = 8, .payload = payload}.text(), "failed:1002"});
  }
  for (const auto& one : table) {
    for (std::size_t piece : {std::size_t{1}, one.bytes.size()}) {
      MessageReader reader(Role::server, {});
      const auto said = read(reader, one.bytes, piece);
      ASSERT_FALSE(said.empty()) << one.name;
      EXPECT_EQ(said.back(), one.outcome) << one.name;
    }
  }
  EXPECT_EQ(read_whole(Frame{.payload = "a"}.text(), Role::client), Said{"failed:1002"})
      << "no server masks";
}

TEST(MessageReader, AcceptsEveryCloseCodeThatOneMaySend) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    const auto in = Frame{.opcode = 8, .payload = close_payload(static_cast<std::uint16_t>(code))};
    EXPECT_EQ(read_whole(in.text()), Said{"close:" + std::to_string(code) + ":"});
  }
  EXPECT_EQ(read_whole(Frame{.opcode = 8}.text()), Said{"close:1005:"});
}

TEST(MessageReader, FailsAtTheFirstByteThatNoTextCanHave) {
  // A valid beginning, then a byte that is wrong in its place, in the middle of a frame that never
  // ends.
  const auto frame = Frame{.payload = "\xce\xba\xe1\xbd\xb9\xf4\x90" + std::string(40, 'a')}.text();
  MessageReader reader(Role::server, {});
  EXPECT_EQ(read(reader, std::string_view(frame).substr(0, 6 + 7), 1), Said{"failed:1007"});
}

TEST(MessageReader, CountsBytesOverAllFragmentsAndNotCharacters) {
  PROVES("F185");
  const MessageLimits limits{.bytes = 8, .fragments = 4};
  EXPECT_EQ(read_whole(Frame{.payload = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"}.text(), Role::server,
                       false, limits),
            Said{"text:\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"});
  EXPECT_EQ(read_whole(Frame{.payload = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9."}.text(), Role::server,
                       false, limits),
            Said{"failed:1009"});
  const std::string half = Frame{.payload = "12345", .final = false}.text();
  const std::string rest = Frame{.opcode = 0, .payload = "6789"}.text();
  EXPECT_EQ(read_whole(half + rest, Role::server, false, limits), Said{"failed:1009"});
}

TEST(MessageReader, CountsFragments) {
  const MessageLimits limits{.bytes = 100, .fragments = 3};
  std::string in = Frame{.payload = "a", .final = false}.text();
  for (int i = 0; i < 2; ++i) in += Frame{.opcode = 0, .payload = "b", .final = false}.text();
  EXPECT_EQ(read_whole(in, Role::server, false, limits), Said{});
  EXPECT_EQ(read_whole(in + Frame{.opcode = 0}.text(), Role::server, false, limits),
            Said{"failed:1008"});
}

TEST(MessageReader, LetsNoCompressedMessageGrowBeyondItsLimit) {
  const auto bomb = [](std::size_t size, const MessageLimits& limits) {
    std::string in;
    append_frame(in, Opcode::text, compress(std::string(size, 'a'), 15), Role::client, true);
    return read_whole(in, Role::server, true, limits);
  };
  const MessageLimits limits{.bytes = 1 << 20, .fragments = 4, .deflate_ratio = 2000};
  EXPECT_EQ(bomb(1 << 20, limits).back().size(), 5U + (1 << 20));
  EXPECT_EQ(bomb((1 << 20) + 1, limits), Said{"failed:1009"});
  EXPECT_EQ(bomb(1 << 20, {.bytes = 1 << 20, .fragments = 4}), Said{"failed:1009"})
      << "a thousandfold is no text";
  EXPECT_EQ(bomb(MessageLimits::kRatioFrom, {}).size(), 1U) << "short ones may be monotonous";
}

TEST(MessageReader, RefusesWhatDoesNotDecompress) {
  EXPECT_EQ(read_whole(Frame{.payload = "\xff\xff\xff", .reserved = 4}.text(), Role::server, true),
            Said{"failed:1007"});
  EXPECT_EQ(read_whole(Frame{.payload = "a", .final = false}.text() +
                           Frame{.opcode = 0, .payload = "a", .reserved = 4}.text(),
                       Role::server, true),
            Said{"failed:1002"})
      << "only the first frame says that a message is compressed";
}

TEST(AppendFrame, WritesWhatAReaderReads) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 100000}) {
    const std::string payload(size, 'p');
    const MessageLimits limits{.bytes = 200'000, .fragments = 1};
    for (const auto role : {Role::server, Role::client}) {
      std::string out;
      append_frame(out, Opcode::binary, payload, role);
      const Role other = role == Role::server ? Role::client : Role::server;
      EXPECT_EQ(read_whole(out, other, false, limits), Said{"binary:" + payload}) << size;
    }
  }
}

TEST(AppendFrame, MasksAnewEachTime) {
  std::string first;
  std::string second;
  append_frame(first, Opcode::text, "the same", Role::client);
  append_frame(second, Opcode::text, "the same", Role::client);
  EXPECT_NE(first, second);
}

TEST(ApplyMask, IsTheSameFromAnyPlaceInAFrame) {
  std::string whole(64, '\0');
  apply_mask(whole.data(), whole.size(), 0x44332211, 0);
  EXPECT_EQ(whole.substr(0, 5), "\x11\x22\x33\x44\x11");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    std::string parts(64, '\0');
    apply_mask(parts.data(), cut, 0x44332211, 0);
    apply_mask(parts.data() + cut, parts.size() - cut, 0x44332211, cut);
    EXPECT_EQ(parts, whole) << cut;
  }
}

TEST(ChooseDeflate, TakesTheFirstOfferThatItCanKeep) {
  EXPECT_EQ(choose_deflate("permessage-deflate"), (Deflate{15, 15}));
  EXPECT_EQ(choose_deflate("permessage-deflate; client_max_window_bits"), (Deflate{15, 15}));
  EXPECT_EQ(choose_deflate("permessage-deflate; server_max_window_bits=10; "
                           "client_max_window_bits=\"9\""),
            (Deflate{10, 9}));
  EXPECT_EQ(choose_deflate("permessage-deflate; server_max_window_bits=8, permessage-deflate"),
            (Deflate{15, 15}))
      << "zlib cannot keep a window of 256 bytes";
  for (const char* bad :
       {"", "x-webkit-deflate-frame", "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
    EXPECT_FALSE(choose_deflate(bad)) << bad;
  }
  EXPECT_EQ(deflate_answer({10, 15}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10");
}

TEST(Compress, IsReadAgainWhateverTheWindow) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += std::to_string(i * 7919 % 1000) + ' ';
  for (int bits = 9; bits <= 15; ++bits) {
    std::string in;
    append_frame(in, Opcode::text, compress(text, bits), Role::client, true);
    EXPECT_LT(in.size(), text.size());
    EXPECT_EQ(read_whole(in, Role::server, true), Said{"text:" + text}) << bits;
  }
}

}  // namespace
}  // namespace portcullis::http::websocket
