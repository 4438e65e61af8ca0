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

/// Everything that several nodes must not do at the same time: scripts/*.lua, built into the
/// program. What each takes and returns stands at its head. All of them read the server's clock;
/// for tests, ARGV[1] above 0 is the time in milliseconds.
namespace scripts {
/// The text of scripts/NAME.lua; empty where there is none.
std::string_view source(std::string_view name) noexcept;

const Script& admit();
const Script& give_back();
const Script& note();
const Script& create_session();
const Script& begin_message();
const Script& add_answer();
const Script& fail_message();
const Script& end_session();
const Script& revoke();
const Script& write_events();
const Script& follow_events();
const Script& unfollow_events();
const Script& heartbeat();
const Script& count_sessions();
const Script& block();
const Script& tell();
const Script& blocks_page();
}  // namespace scripts

}  // namespace portcullis::state
