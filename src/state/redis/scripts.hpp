#pragma once
#include <string>
#include <string_view>

namespace portcullis::state {

/// A Lua script that runs on the server, as one step of its own.
///
/// Threads: immutable.
struct Script {
  Script(std::string_view name, std::string text);
  std::string_view name;
  std::string text;
  std::string sha;  ///< as EVALSHA wants it
};

/// Everything that several nodes must not do at the same time. What each takes and returns stands
/// at its head. All of them read the server's clock; for tests, ARGV[1] above 0 is the time in
/// milliseconds.
namespace scripts {
const Script& admit();
const Script& give_back();
const Script& note();
const Script& create_session();
const Script& begin_message();
const Script& add_answer();
const Script& fail_message();
const Script& end_session();
const Script& heartbeat();
const Script& count_sessions();
const Script& block();
const Script& blocks_page();
}  // namespace scripts

}  // namespace portcullis::state
