#include "state/redis/scripts.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::state {
namespace {

/// The script scripts/NAME.lua behind the pieces that it uses.
Script assemble(std::string_view name, std::initializer_list<std::string_view> pieces) {
  std::string text(scripts::source("clock"));
  for (const auto piece : pieces) text += scripts::source(piece);
  text += scripts::source(name);
  return {name, std::move(text)};
}

}  // namespace

Script::Script(std::string_view script, std::string source)
    : name(script), text(std::move(source)), sha(text::hex(crypto::sha1(text))) {}

namespace scripts {
const Script& admit() {
  static const Script script = assemble("admit", {"windows"});
  return script;
}
const Script& give_back() {
  static const Script script = assemble("give_back", {"windows"});
  return script;
}
const Script& note() {
  static const Script script = assemble("note", {"windows"});
  return script;
}
const Script& create_session() {
  static const Script script = assemble("create_session", {"sessions"});
  return script;
}
const Script& begin_message() {
  static const Script script = assemble("begin_message", {"sessions", "events"});
  return script;
}
const Script& add_answer() {
  static const Script script = assemble("add_answer", {"sessions"});
  return script;
}
const Script& fail_message() {
  static const Script script = assemble("fail_message", {});
  return script;
}
const Script& end_session() {
  static const Script script = assemble("end_session", {"sessions", "events"});
  return script;
}
const Script& revoke() {
  static const Script script = assemble("revoke", {});
  return script;
}
const Script& write_events() {
  static const Script script = assemble("write_events", {"events"});
  return script;
}
const Script& follow_events() {
  static const Script script = assemble("follow_events", {"events"});
  return script;
}
const Script& unfollow_events() {
  static const Script script = assemble("unfollow_events", {});
  return script;
}
const Script& heartbeat() {
  static const Script script = assemble("heartbeat", {});
  return script;
}
const Script& count_sessions() {
  static const Script script = assemble("count_sessions", {"sessions"});
  return script;
}
const Script& tell() {
  static const Script script = assemble("tell", {});
  return script;
}
const Script& block() {
  static const Script script = assemble("block", {});
  return script;
}
const Script& blocks_page() {
  static const Script script = assemble("blocks_page", {});
  return script;
}
}  // namespace scripts

}  // namespace portcullis::state
