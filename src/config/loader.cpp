#include "config/loader.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/setting.hpp"
#include "config/spelling.hpp"
#include "config/yaml_file.hpp"

namespace portcullis::config {
namespace {

bool is_list(const Setting& setting) { return setting.type.starts_with("list"); }

/// A list as a comma list or as JSON text; a scalar as it is.
std::expected<RawValue, std::string> parse_text(const Setting& setting, const std::string& text) {
  RawValue raw;
  if (!is_list(setting)) {
    raw.items.emplace_back(text::trim(text));
    return raw;
  }
  raw.is_list = true;
  if (text::trim(text).starts_with('[')) {
    boost::system::error_code error;
    const auto value = boost::json::parse(text::trim(text), error);
    if (error || !value.is_array()) return std::unexpected("begins like a JSON list but is none");
    for (const auto& item : value.as_array()) {
      if (!item.is_string()) return std::unexpected("a JSON list of strings is expected");
      raw.items.emplace_back(item.as_string());
    }
    return raw;
  }
  for (const auto item : text::split_list(text)) raw.items.emplace_back(item);
  return raw;
}

/// Shorter names of other programs are near to one of ours by chance.
constexpr std::size_t kShortestMisspelt = 8;
constexpr std::size_t kMostSlips = 2;
/// What a secret's variable ends with that names a file.
constexpr std::string_view kFileSuffix = "_FILE";
constexpr std::size_t kLargestSecretFile = 64 * 1024;

/// The content of a secret's file without the newline that editors add; the error says what is
/// wrong with the file.
std::expected<std::string, std::string> read_secret_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content(kLargestSecretFile + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!in && !in.eof()) return std::unexpected(path + " cannot be read");
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kLargestSecretFile) {
    return std::unexpected(path + " is larger than 64 KiB: that is no secret");
  }
  content = text::trim(content);
  if (content.empty()) return std::unexpected(path + " is empty");
  return content;
}

class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  Loaded run() {
    for (const std::string_view guard : kGuardNames) out_.settings.guards[std::string(guard)] = {};
    for (const auto& setting : settings_table()) apply_default(setting);
    if (!sources_.file.empty()) file_ = read_yaml_file(sources_.file);
    out_.errors.insert(out_.errors.end(), file_.errors.begin(), file_.errors.end());
    choose_profile();
    apply_profile_defaults();
    for (const auto& value : file_.values) apply_file_value(value);
    for (const auto& setting : settings_table()) apply_environment(setting);
    warn_of_misspelt_names();
    build_sites();
    out_.settings.services = std::move(file_.services);
    out_.settings.routes = std::move(file_.routes);
    out_.set.assign(set_.begin(), set_.end());
    out_.settings.detailed_errors =
        set_.contains("debug") ? out_.settings.debug : out_.settings.development();
    check(out_);
    return std::move(out_);
  }

 private:
  void apply_default(const Setting& setting) {
    auto raw = parse_text(setting, setting.default_text);
    if (raw && (is_list(setting) || !raw->items.front().empty())) {
      std::ignore = setting.store(out_.settings, *raw);
    }
  }

  void apply_file_value(const FileValue& value) {
    const Setting& setting = *find_setting(value.path);
    RawValue raw = value.raw;
    if (is_list(setting) && !raw.is_list) {
      auto parsed = parse_text(setting, raw.items.front());
      if (!parsed) return add_error(value.place, parsed.error());
      raw = *std::move(parsed);
    }
    if (setting.secrecy == Secrecy::secret) {
      out_.warnings.push_back({value.place, "a secret in the file: prefer the environment or " +
                                                setting.env.front() + "_FILE"});
    }
    store(setting, raw, value.place);
  }

  void apply_environment(const Setting& setting) {
    for (const auto& name : setting.env) {
      auto text = sources_.environment(name);
      std::string place = name;
      if (setting.secrecy == Secrecy::secret) {
        if (const auto file = sources_.environment(name + "_FILE"); file && !file->empty()) {
          place = name + "_FILE";
          if (text && !text->empty()) {
            add_error(place, "and " + name + " are both set");
            return;
          }
          auto content = read_secret_file(*file);
          if (!content) return add_error(place, content.error());
          text = *std::move(content);
        }
      }
      // An empty variable is the usual way of compose files to leave one out.
      if (!text || text::trim(*text).empty()) continue;
      auto raw = parse_text(setting, *text);
      if (!raw) return add_error(place, raw.error());
      store(setting, *raw, place);
      return;
    }
  }

  /// Of variables that are no settings and nearly have the name of one.
  void warn_of_misspelt_names() {
    if (!sources_.names) return;
    std::vector<std::string_view> known;
    for (const auto& setting : settings_table()) {
      known.insert(known.end(), setting.env.begin(), setting.env.end());
    }
    for (const auto& name : sources_.names()) {
      const auto is_known = [&](std::string_view one) {
        return std::ranges::find(known, one) != known.end();
      };
      std::string_view meant = name;
      if (meant.ends_with(kFileSuffix)) meant.remove_suffix(kFileSuffix.size());
      if (is_known(name) || is_known(meant) || meant.size() < kShortestMisspelt) continue;
      const auto nearest = nearest_name(meant, known, kMostSlips);
      if (nearest.empty()) continue;
      out_.warnings.push_back({name, "is no setting; did you mean " + std::string(nearest) + "?"});
    }
  }

  void store(const Setting& setting, const RawValue& raw, const std::string& place) {
    const auto stored = setting.store(out_.settings, raw);
    if (!stored) {
      // The value of a secret must not stand in a message.
      const bool hides = setting.secrecy == Secrecy::secret && !setting.tells_faults;
      add_error(place, hides ? "is not acceptable" : stored.error());
      return;
    }
    set_.insert(setting.path);
  }

  void add_error(const std::string& place, const std::string& message) {
    out_.errors.push_back({place, message});
  }

  void choose_profile() {
    auto& settings = out_.settings;
    const Setting& environment = *find_setting("environment");
    for (const auto& name : environment.env) {
      const auto text = sources_.environment(name);
      if (!text || text::trim(*text).empty()) continue;
      RawValue raw;
      raw.items.emplace_back(text::trim(*text));
      std::ignore = environment.store(settings, raw);  // a bad value is reported when it is applied
      settings.profile_reason = name;
      return;
    }
    for (const auto& value : file_.values) {
      if (value.path != "environment") continue;
      std::ignore = environment.store(settings, value.raw);
      settings.profile_reason = value.place;
      return;
    }
    const auto from_debug = [&](const std::string& text, const std::string& place) {
      const std::string lower = text::to_lower(text::trim(text));
      const bool on = lower == "true" || lower == "1" || lower == "yes" || lower == "on";
      settings.profile = on ? Profile::development : Profile::production;
      settings.profile_reason = place + "=" + (on ? "true" : "false");
    };
    if (const auto debug = sources_.environment("DEBUG"); debug && !text::trim(*debug).empty()) {
      return from_debug(*debug, "DEBUG");
    }
    for (const auto& value : file_.values) {
      if (value.path == "debug" && !value.raw.items.empty()) {
        return from_debug(value.raw.items.front(), value.place);
      }
    }
    settings.profile = Profile::development;
    settings.profile_reason = "nothing set";
  }

  void apply_profile_defaults() {
    auto& settings = out_.settings;
    settings.require_https = settings.production();
    if (settings.production()) settings.access_token_minutes = 15;
    if (settings.development()) {
      settings.access_token_minutes = 60;
      settings.limit_api_address_minute = 1000;
    }
  }

  void build_sites() {
    auto& settings = out_.settings;
    SiteSettings main;
    main.id = "default";
    main.origins = settings.allowed_origins;
    main.upstream = settings.upstream;
    main.upstream.allowed_paths = settings.n8n_allowed_paths;
    main.texts = std::move(file_.texts);
    main.visitor_identity = settings.visitor_identity;
    main.visitor_identity.form = settings.visitor_identity_form;
    main.visitor_identity.max_life = settings.visitor_identity_life;
    main.visitor_identity.required = settings.visitor_identity_required;
    settings.sites.push_back(std::move(main));
    for (auto& site : file_.sites) {
      if (site.id == "default") {
        add_error("sites", "the id 'default' belongs to ALLOWED_ORIGINS and N8N_WEBHOOK_URL");
        continue;
      }
      settings.sites.push_back(std::move(site));
    }
  }

  const Sources& sources_;
  Loaded out_;
  FileContent file_;
  std::set<std::string> set_;
};

}  // namespace

Sources Sources::from_process(std::string file) {
  return {std::move(file),
          [](const std::string& name) -> std::optional<std::string> {
            // Called while one thread runs, at start, or beside threads that never set the
            // environment.
            // NOLINTBEGIN(concurrency-mt-unsafe)
            if (const char* value = std::getenv(name.c_str())) return value;
            if (const char* value = std::getenv(text::to_lower(name).c_str())) return value;
            // NOLINTEND(concurrency-mt-unsafe)
            return std::nullopt;
          },
          [] {
            std::vector<std::string> names;
            for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
              const std::string_view entry(*at);
              names.push_back(text::to_upper(entry.substr(0, entry.find('='))));
            }
            return names;
          }};
}

Loaded load(const Sources& sources) { return Loader(sources).run(); }

}  // namespace portcullis::config
