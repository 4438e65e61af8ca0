#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/problem.hpp"

namespace portcullis::chat {

/// How a client wants to read events.
enum class Face : std::uint8_t { sse, ndjson };

/// The canonical events of a conversation as JSON objects, each with `type`, `id` (increasing
/// within the session) and `message_id`.
std::string begin_event(std::uint64_t id, std::string_view message_id);
std::string item_event(std::uint64_t id, std::string_view message_id, std::string_view content);
std::string end_event(std::uint64_t id, std::string_view message_id);
std::string error_event(std::uint64_t id, std::string_view message_id, http::Code code,
                        std::string_view message, std::string_view error_id);

/// Appends one event in a face's form; what a stream begins, is kept alive and ends with.
void append_event(std::string& out, Face face, std::uint64_t id, std::string_view json);
void append_opening(std::string& out, Face face);
void append_heartbeat(std::string& out, Face face);
/// The asked event is not kept any more: the client should read the history again.
void append_reset(std::string& out, Face face);
void append_done(std::string& out, Face face);

}  // namespace portcullis::chat
