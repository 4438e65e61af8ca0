#include "chat/events.hpp"

#include "base/text.hpp"
#include "http/event_stream.hpp"

namespace portcullis::chat {
namespace {

constexpr std::uint32_t kRetryMilliseconds = 2000;

std::string open_event(std::string_view type, std::uint64_t id, std::string_view message_id) {
  std::string out;
  out.reserve(128);
  out += R"({"type":")";
  out += type;
  out += R"(","id":)";
  text::append_number(out, id);
  out += R"(,"message_id":)";
  text::append_json_string(out, message_id);
  return out;
}

}  // namespace

std::string begin_event(std::uint64_t id, std::string_view message_id) {
  return open_event("begin", id, message_id) + R"(,"metadata":{}})";
}

std::string item_event(std::uint64_t id, std::string_view message_id, std::string_view content) {
  std::string out = open_event("item", id, message_id);
  out += R"(,"content":)";
  text::append_json_string(out, content);
  out += "}";
  return out;
}

std::string end_event(std::uint64_t id, std::string_view message_id) {
  return open_event("end", id, message_id) + R"(,"metadata":{}})";
}

std::string error_event(std::uint64_t id, std::string_view message_id, http::Code code,
                        std::string_view message, std::string_view error_id) {
  std::string out = open_event("error", id, message_id);
  out += R"(,"code":)";
  text::append_json_string(out, http::info_of(code).name);
  out += R"(,"message":)";
  text::append_json_string(out, message);
  out += R"(,"content":)";  // the name that older clients read
  text::append_json_string(out, message);
  out += R"(,"error_id":)";
  text::append_json_string(out, error_id);
  out += "}";
  return out;
}

void append_event(std::string& out, Face face, std::uint64_t id, std::string_view json) {
  if (face == Face::sse) {
    http::sse::append_event(out, id, {}, json);
  } else {
    out += json;
    out += '\n';
  }
}

void append_opening(std::string& out, Face face) {
  if (face == Face::sse) http::sse::append_retry(out, kRetryMilliseconds);
}

void append_heartbeat(std::string& out, Face face) {
  if (face == Face::sse) {
    http::sse::append_event(out, 0, "heartbeat", "{}");
  } else {
    out += "{\"type\":\"heartbeat\"}\n";
  }
}

void append_reset(std::string& out, Face face) {
  if (face == Face::sse) {
    http::sse::append_event(out, 0, "reset", "{}");
  } else {
    out += "{\"type\":\"reset\"}\n";
  }
}

void append_done(std::string& out, Face face) {
  if (face == Face::sse) http::sse::append_event(out, 0, {}, "[DONE]");
}

}  // namespace portcullis::chat
