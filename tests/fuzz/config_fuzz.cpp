// Configuration out of a YAML file (first byte even) or the environment (odd): never an exception,
// every value within its bounds, no secret in a message.
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <string>

#include "base/text.hpp"
#include "config/loader.hpp"
#include "config/setting.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using portcullis::fuzz::require;
namespace config = portcullis::config;

/// A file that lives in memory and holds `text`.
std::string file_with(std::string_view text) {
  static const int descriptor = memfd_create("fuzz.yaml", MFD_CLOEXEC);
  require(ftruncate(descriptor, 0) == 0 &&
              pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
          "the file can be written");
  return "/proc/self/fd/" + std::to_string(descriptor);
}

std::map<std::string, std::string> variables_of(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string name(line.substr(0, equals));
    // No file of this machine is opened.
    if (!name.ends_with("_FILE")) out[std::move(name)] = line.substr(equals + 1);
  }
  return out;
}

void check_message(const config::Problem& problem,
                   const std::map<std::string, std::string>& variables) {
  require(!problem.place.empty() && !problem.message.empty(),
          "a problem has a place and a message");
  for (const char* name : {"JWT_SECRET_KEY", "SESSION_SECRET_KEY", "N8N_API_KEY"}) {
    const auto secret = variables.find(name);
    if (secret == variables.end() || secret->second.size() < 24) continue;
    require(problem.text().find(secret->second) == std::string::npos, "no message holds a secret");
  }
}

/// Settings that are numbers can be written as they are shown.
void check_shown(const config::Settings& settings) {
  for (const auto& setting : config::settings_table()) {
    const std::string shown = setting.show(settings);
    if (setting.type != "integer" && setting.type != "size" && setting.type != "duration") continue;
    config::Settings copy = settings;
    config::RawValue raw;
    raw.items.push_back(shown);
    require(setting.store(copy, raw).has_value(), "what is shown is within the bounds");
    require(setting.show(copy) == shown, "what is shown can be read back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 16 * 1024) return 0;
  const auto text = portcullis::fuzz::text_of(data + 1, size - 1);
  config::Sources sources;
  std::map<std::string, std::string> variables;
  if (data[0] % 2 == 0) {
    sources.file = file_with(text);
  } else {
    variables = variables_of(text);
  }
  sources.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  const auto loaded = config::load(sources);
  for (const auto& problem : loaded.errors) check_message(problem, variables);
  for (const auto& problem : loaded.warnings) check_message(problem, variables);
  require(!loaded.settings.sites.empty() && loaded.settings.sites.front().id == "default",
          "the default site is always there");
  require(!loaded.settings.profile_reason.empty(), "the profile has a reason");
  for (const auto& site : loaded.settings.sites) {
    if (!loaded.errors.empty()) break;
    require(!site.id.empty(), "a site has an id");
    require(site.upstream.kind != config::UpstreamKind::automatic, "every upstream is decided");
  }
  // A duration of `drain_timeout: 0` is shown as 0 and so on: all defaults hold too.
  check_shown(loaded.settings);
  return 0;
}
