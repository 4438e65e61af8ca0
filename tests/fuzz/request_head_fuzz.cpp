// A request head as bytes: whatever is accepted can be understood in one way only.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "http/framing.hpp"
#include "http/head_parser.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::http::Framing;
using portcullis::http::RequestHead;
namespace text = portcullis::text;

struct Field {
  std::string_view name, value;
};

/// The fields as the simplest reader sees them. REQUIRES: check_raw_head() accepted the bytes.
std::vector<Field> simple_fields(std::string_view bytes) {
  std::vector<Field> out;
  bytes.remove_prefix(bytes.find("\r\n") + 2);
  while (bytes.size() > 2) {
    const auto line = bytes.substr(0, bytes.find("\r\n"));
    bytes.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    out.push_back({line.substr(0, colon), value});
  }
  return out;
}

void check_parsed(std::string_view bytes, const RequestHead& head) {
  const auto line = bytes.substr(0, bytes.find("\r\n"));
  std::string expected(head.method_text());
  expected.append(" ")
      .append(head.target())
      .append(" HTTP/1.")
      .append(head.version == 10 ? "0" : "1");
  require(line == expected, "the request line is method, target and version, and nothing else");
  const auto fields = simple_fields(bytes);
  require(head.field_count() == fields.size(), "no header is lost or invented");
  std::size_t at = 0;
  head.for_each([&](std::string_view name, std::string_view value) {
    require(name == fields[at].name && value == fields[at].value, "headers are read as written");
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "no value ends its line");
    ++at;
  });
}

void check_accepted(const RequestHead& head, const Framing& framing) {
  require(head.version == 10 || head.version == 11, "version 1.0 or 1.1");
  require(head.version == 10 || head.count("host") == 1, "HTTP/1.1 has one Host");
  require(head.count("host") <= 1, "never two Hosts");
  const auto encodings = head.count("transfer-encoding");
  const auto lengths = head.count("content-length");
  require(encodings + lengths <= 1, "a length is stated once");
  require((framing.body == Framing::Body::chunked) == (encodings == 1), "chunked where it says so");
  require((framing.body == Framing::Body::length) == (framing.content_length > 0),
          "a length where there is one");
  if (lengths == 1) {
    require(text::parse_number<std::uint64_t>(head.get("content-length")) == framing.content_length,
            "the length is the one that was sent");
  }
  const auto path = head.path();
  if (head.scheme().empty()) {
    require(path == "*" || path.starts_with('/'), "a path begins with /");
  } else if (head.version == 11) {
    require(text::iequals(head.authority(), head.get("host")), "absolute target agrees with Host");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(portcullis::fuzz::text_of(data, size));
  if (size > portcullis::http::kMaxHeadBytes) return 0;
  RequestHead head;
  if (!portcullis::http::parse_request_head(bytes, head)) return 0;
  require(portcullis::http::check_raw_head(bytes).has_value(), "raw check first");
  check_parsed(bytes, head);
  if (const auto framing = portcullis::http::check_framing(head)) check_accepted(head, *framing);
  const std::string moved = bytes;
  head.rebase(moved.data());
  check_parsed(moved, head);
  return 0;
}
