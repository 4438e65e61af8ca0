#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"

namespace portcullis::config {

enum class Secrecy : std::uint8_t { open, secret };
enum class Restart : std::uint8_t { no, needed };

/// A value as it was written: one scalar, or a list.
struct RawValue {
  std::vector<std::string> items;
  bool is_list = false;
};

/// One setting: everything known about it, in one place.
struct Setting {
  std::string path;              ///< in the file: server.port
  std::vector<std::string> env;  ///< names in the environment, the path's own first
  std::string text;              ///< what it does
  std::string type;              ///< what a person writes: integer, duration, list of origins, …
  std::string default_text;
  std::string bounds;  ///< empty where there are none
  Secrecy secrecy = Secrecy::open;
  Restart restart = Restart::no;
  /// Parses, checks and stores; the message says what is wrong with the value, without place or
  /// name.
  std::function<std::expected<void, std::string>(Settings&, const RawValue&)> store;
  /// The effective value as text (secrets are masked by the caller).
  std::function<std::string(const Settings&)> show;
  bool tells_faults = false;  ///< what `store` says of a fault never repeats the value
};

/// Whether this is a webhook's path on n8n in its plainest form: below /webhook/ or /webhook-test/,
/// of unreserved characters, without empty or dot segments, so that it means one thing to every
/// reader.
bool is_webhook_path(std::string_view path) noexcept;

/// All scalar and list settings, grouped as in the reference. Made once.
///
/// Threads: safe to read from any.
const std::vector<Setting>& settings_table();
/// Null where no setting has this path.
const Setting* find_setting(std::string_view path);

}  // namespace portcullis::config
