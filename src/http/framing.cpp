#include "http/framing.hpp"

#include "base/swar.hpp"
#include "base/text.hpp"

namespace portcullis::http {
namespace {

std::unexpected<FramingError> bad(std::string_view reason, Code code = Code::bad_request) {
  return std::unexpected(FramingError{code, reason});
}

/// What may stand in a request target: visible ASCII without the delimiters that RFC 3986 section 2
/// leaves out. Of those, browsers send { } | ^ ` unescaped in queries, so these pass.
bool is_target(std::string_view target) {
  for (const char c : target) {
    if (c < 0x21 || c > 0x7e || c == '"' || c == '<' || c == '>' || c == '\\' || c == '#')
      return false;
  }
  return !target.empty();
}

std::expected<void, FramingError> check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return bad("folded header line");
  std::size_t i = 0;
  while (i < line.size() && text::is_token_char(line[i])) ++i;
  if (i == 0) return bad("empty or invalid header name");
  if (i == line.size() || line[i] != ':') return bad("header name is not followed by a colon");
  ++i;
  while (i + 8 <= line.size()) {
    const auto word = swar::load(line.data() + i);
    if (swar::any_below(word, 0x20) || swar::any_equal(word, 0x7f)) break;
    i += 8;
  }
  for (; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return bad("control character in a header value");
  }
  return {};
}

}  // namespace

std::expected<void, FramingError> check_raw_head(std::string_view head) {
  bool request_line = true;
  std::size_t fields = 0;
  while (true) {
    const auto end = head.find('\n');
    if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r') return bad("bare LF");
    const std::string_view line = head.substr(0, end - 1);
    head.remove_prefix(end + 1);
    if (line.find('\r') != std::string_view::npos) return bad("bare CR");
    if (line.empty())
      return head.empty() && !request_line ? std::expected<void, FramingError>{}
                                           : bad("empty request line");
    if (request_line) {
      request_line = false;
      if (line.size() > kMaxRequestLineBytes)
        return bad("request line too long", Code::uri_too_long);
      const auto first = line.find(' ');
      const auto second = line.find(' ', first + 1);
      if (first == 0 || first == std::string_view::npos || second == std::string_view::npos ||
          line.find(' ', second + 1) != std::string_view::npos) {
        return bad("request line is not method, target, version");
      }
      if (!is_target(line.substr(first + 1, second - first - 1)))
        return bad("invalid request target");
      continue;
    }
    if (++fields > kMaxFields) return bad("too many header fields", Code::headers_too_large);
    if (auto ok = check_field_line(line); !ok) return ok;
  }
}

std::expected<Framing, FramingError> check_framing(const RequestHead& head) {
  Framing out;
  if (head.version >= 11) {
    const std::size_t hosts = head.count("host");
    if (hosts != 1) return bad(hosts == 0 ? "no Host" : "several Host headers", Code::invalid_host);
    out.keep_alive = !head.has_token("connection", "close");
  } else {
    if (head.count("host") > 1) return bad("several Host headers", Code::invalid_host);
    out.keep_alive =
        head.has_token("connection", "keep-alive") && !head.has_token("connection", "close");
  }

  const std::size_t encodings = head.count("transfer-encoding");
  const std::size_t lengths = head.count("content-length");
  if (encodings > 0) {
    if (head.version < 11) return bad("Transfer-Encoding in HTTP/1.0");
    if (lengths > 0) return bad("both Transfer-Encoding and Content-Length");
    if (encodings > 1) return bad("several Transfer-Encoding headers");
    const auto value = head.get("transfer-encoding");
    if (!text::iequals(value, "chunked")) {
      const auto comma = value.rfind(',');
      const bool ends_chunked = comma != std::string_view::npos &&
                                text::iequals(text::trim(value.substr(comma + 1)), "chunked") &&
                                value.find("chunked") == value.rfind("chunked");
      return ends_chunked ? bad("transfer coding other than chunked", Code::not_implemented)
                          : bad("transfer coding does not end the body");
    }
    out.body = Framing::Body::chunked;
  } else if (lengths > 0) {
    if (lengths > 1) return bad("several Content-Length headers");
    const auto value = head.get("content-length");
    const auto number = text::parse_number<std::uint64_t>(value);
    // 19 digits stay inside every reader's integer.
    if (!number || value.size() > 19) return bad("Content-Length is no number");
    out.content_length = *number;
    if (*number > 0) out.body = Framing::Body::length;
  }

  const auto target = head.target();
  if (!head.authority().empty() || !head.scheme().empty()) {
    if (!text::iequals(head.scheme(), "http") && !text::iequals(head.scheme(), "https")) {
      return bad("target of a foreign scheme");
    }
    if (head.version >= 11 && !text::iequals(head.authority(), head.get("host"))) {
      return bad("absolute target disagrees with Host", Code::invalid_host);
    }
  } else if (head.method == Method::connect) {
    return bad("CONNECT", Code::not_implemented);
  } else if (target == "*" ? head.method != Method::options : !target.starts_with('/')) {
    return bad("target is no path");
  }
  return out;
}

}  // namespace portcullis::http
