#include "config/yaml_file.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "config/captcha_values.hpp"
#include "config/route_values.hpp"
#include "config/setting_types.hpp"
#include "config/spelling.hpp"
#include "config/upstream_values.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxLanguages = 32;
constexpr std::size_t kMaxTextBytes = 500;
constexpr Milliseconds kLongestSlowStart{3'600'000};

class Reader {
 public:
  Reader(FileContent& out, std::string name) : out_(out), name_(std::move(name)) {}

  void read_root(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return error(root, "", "the file must be a mapping of settings");
    read_map(root, "", 0);
  }

 private:
  std::string place(const YAML::Node& node) const {
    const auto mark = node.Mark();
    if (mark.line < 0) return name_;
    return name_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }
  /// The path of a key; at the top it is the key.
  static std::string below(std::string path, const std::string& key) {
    if (!path.empty()) path += '.';
    return path += key;
  }
  void error(const YAML::Node& node, const std::string& path, const std::string& message) {
    out_.errors.push_back({place(node) + (path.empty() ? "" : " " + path), message});
  }

  void read_map(const YAML::Node& map, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return error(map, prefix, "nested too deeply");
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) {
        error(entry.first, prefix, "a key must be a plain word");
        continue;
      }
      const std::string key = entry.first.Scalar();
      const std::string path = below(prefix, key);
      if (!seen.insert(key).second) {
        error(entry.first, path, "is set twice");
        continue;
      }
      if (path == "sites") {
        read_sites(entry.second);
      } else if (path == "texts") {
        read_texts(entry.second, path, out_.texts);
      } else if (path == "services") {
        read_services(entry.second);
      } else if (path == "routes") {
        read_routes(entry.second);
      } else if (find_setting(path) != nullptr) {
        read_value(entry.second, path);
      } else if (entry.second.IsMap() && is_group(path)) {
        read_map(entry.second, path, depth + 1);
      } else {
        error(entry.first, path, "is no setting" + suggestion(path));
      }
    }
  }

  static bool is_group(const std::string& path) {
    return std::ranges::any_of(settings_table(),
                               [&](const Setting& s) { return s.path.starts_with(path + "."); });
  }

  static std::string suggestion(std::string_view path) {
    std::vector<std::string_view> known;
    for (const auto& setting : settings_table()) known.push_back(setting.path);
    const auto nearest = nearest_name(path, known, 3);
    return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
  }

  std::optional<RawValue> raw_value(const YAML::Node& node, const std::string& path) {
    RawValue raw;
    if (node.IsScalar()) {
      raw.items.push_back(node.Scalar());
      return raw;
    }
    if (node.IsNull()) {
      raw.items.emplace_back();
      return raw;
    }
    if (node.IsSequence()) {
      raw.is_list = true;
      for (const auto& item : node) {
        if (!item.IsScalar()) {
          error(item, path, "a list may hold plain values only");
          return std::nullopt;
        }
        raw.items.push_back(item.Scalar());
      }
      return raw;
    }
    error(node, path, "a value is expected, not a mapping");
    return std::nullopt;
  }

  void read_value(const YAML::Node& node, const std::string& path) {
    if (auto raw = raw_value(node, path)) {
      out_.values.push_back({path, *std::move(raw), place(node) + " " + path});
    }
  }

  /// Walks the keys of one entry of a list of mappings; `take` returns false for an unknown key.
  template <class Take>
  void read_entry(const YAML::Node& node, const std::string& path, Take take) {
    if (!node.IsMap()) return error(node, path, "a mapping is expected");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (!seen.insert(key).second) {
        error(entry.first, below(path, key), "is set twice");
      } else if (!take(key, entry.second)) {
        error(entry.first, below(path, key), "is no setting");
      }
    }
  }

  std::string text_of(const YAML::Node& node, const std::string& path) {
    if (node.IsScalar()) return node.Scalar();
    error(node, path, "one value is expected");
    return {};
  }

  void read_sites(const YAML::Node& node) {
    if (!node.IsSequence()) return error(node, "sites", "a list is expected");
    for (std::size_t i = 0; i < node.size(); ++i) {
      const std::string path = "sites[" + std::to_string(i) + "]";
      SiteSettings site;
      read_entry(node[i], path, [&](const std::string& key, const YAML::Node& value) {
        if (key == "id")
          site.id = text_of(value, path + ".id");
        else if (key == "origins")
          read_origins(value, path + ".origins", site);
        else if (key == "upstream")
          read_upstream(value, path + ".upstream", site.upstream);
        else if (key == "challenge")
          read_challenge(value, path + ".challenge", site.challenge);
        else if (key == "session_risk")
          read_session_risk(value, path + ".session_risk", site.session_risk);
        else if (key == "proof_of_possession")
          read_proof(value, path + ".proof_of_possession", site);
        else if (key == "visitor_identity")
          read_identity(value, path + ".visitor_identity", site.visitor_identity);
        else if (key == "history")
          read_history(value, path + ".history", site);
        else if (key == "limits")
          read_site_limits(value, path + ".limits", site);
        else if (key == "texts")
          read_texts(value, path + ".texts", site.texts);
        else
          return false;
        return true;
      });
      if (site.id.empty()) error(node[i], path, "a site needs an id");
      if (!site.id.empty() && !is_name(site.id)) {
        error(node[i], path + ".id", "letters, digits, - and _ only");
      }
      for (const auto& other : out_.sites) {
        if (other.id == site.id) error(node[i], path + ".id", "'" + site.id + "' is used twice");
      }
      if (site.origins.empty()) error(node[i], path, "a site needs origins");
      out_.sites.push_back(std::move(site));
    }
  }

  void read_challenge(const YAML::Node& node, const std::string& path, SiteChallenge& challenge) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      const std::string text = text_of(value, place);
      const auto check = [&](const std::optional<std::string>& fault) {
        if (fault) error(value, place, *fault);
      };
      if (key == "kind") {
        // YAML 1.1 readers take off for a boolean, so that word is as good.
        challenge.kind = bot_challenge_of(text == "false" ? "off" : text);
        if (!challenge.kind) {
          error(value, place, "'" + text + "' is not one of " + kBotChallenges);
        }
      } else if (key == "site_key") {
        check(site_key_fault(text));
        challenge.keys.site_key = text;
      } else if (key == "secret") {
        check(captcha_secret_fault(text));
        challenge.keys.secret = text;
      } else {
        return false;
      }
      return true;
    });
  }

  void read_session_risk(const YAML::Node& node, const std::string& path, SiteSessionRisk& risk) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      if (key == "mode") {
        // As with a challenge's kind.
        const std::string text = text_of(value, place);
        risk.mode = mode_of(text == "false" ? "off" : text);
        if (!risk.mode) error(value, place, "'" + text + "' is not one of enforce, monitor, off");
      } else if (key == "alert") {
        risk.alert = read_number(value, place, 1, 100);
      } else if (key == "deny") {
        risk.deny = read_number(value, place, 1, 100);
      } else {
        return false;
      }
      return true;
    });
  }

  void read_proof(const YAML::Node& node, const std::string& path, SiteSettings& site) {
    // As with a challenge's kind.
    const std::string text = text_of(node, path);
    site.proof_of_possession = proof_of_possession_of(text == "false" ? "off" : text);
    if (!site.proof_of_possession) {
      error(node, path, "'" + text + "' is not one of off, offer, require");
    }
  }

  void read_identity(const YAML::Node& node, const std::string& path,
                     VisitorIdentitySettings& identity) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      const std::string text = text_of(value, place);
      if (key == "secret") {
        identity.secret = text;
      } else if (key == "key_file") {
        identity.key_file = text;
      } else if (key == "issuer" || key == "audience") {
        if (const auto fault = identity_text_fault(text)) error(value, place, *fault);
        (key == "issuer" ? identity.issuer : identity.audience) = text;
      } else if (key == "form") {
        const auto form = identity_form_of(text);
        if (!form) error(value, place, "'" + text + "' is not one of jwt, hash");
        identity.form = form.value_or(IdentityForm::jwt);
      } else if (key == "max_life") {
        identity.max_life = Seconds{read_number(value, place, 60, 86'400).value_or(3600)};
      } else if (key == "required") {
        if (text != "true" && text != "false") error(value, place, "true or false is expected");
        identity.required = text == "true";
      } else {
        return false;
      }
      return true;
    });
  }

  void read_history(const YAML::Node& node, const std::string& path, SiteSettings& site) {
    const std::string text = text_of(node, path);
    // YAML 1.1 readers take on and off for booleans, so these words are as good.
    if (text == "off" || text == "false") {
      site.history = HistoryMode::off;
    } else if (text != "on" && text != "true") {
      error(node, path, "'" + text + "' is neither on nor off");
    }
  }

  void read_origins(const YAML::Node& node, const std::string& path, SiteSettings& site) {
    auto raw = raw_value(node, path);
    if (!raw) return;
    if (!raw->is_list) {
      std::vector<std::string> items;
      for (const auto item : text::split_list(raw->items.front())) items.emplace_back(item);
      raw->items = std::move(items);
    }
    for (const auto& item : raw->items) {
      auto origin = OriginPattern::parse(item);
      if (!origin) {
        error(node, path, "'" + item + "' is no origin");
      } else {
        site.origins.push_back(*std::move(origin));
      }
    }
  }

  void read_upstream(const YAML::Node& node, const std::string& path, UpstreamSettings& upstream) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      if (key == "allowed_paths") {
        read_webhook_paths(value, path + ".allowed_paths", upstream);
        return true;
      }
      if (key == "headers") {
        upstream.headers =
            read_texts_of(value, path + ".headers", kMaxUpstreamHeaders, header_fault);
        return true;
      }
      const std::string place = below(path, key);
      const std::string text = text_of(value, place);
      const auto check = [&](const std::optional<std::string>& fault) {
        if (fault) error(value, place, *fault);
      };
      if (key == "kind") {
        const auto kind = upstream_kind_of(text);
        if (!kind) error(value, place, "'" + text + "' is not one of " + kUpstreamKinds);
        upstream.kind = kind.value_or(UpstreamKind::automatic);
      } else if (key == "url") {
        check(text.empty() ? "'' is no http or https URL" : upstream_url_fault(text));
        upstream.url = text;
      } else if (key == "api_key") {
        check(api_key_fault(text));
        upstream.api_key = text;
      } else if (key == "model") {
        check(model_fault(text));
        upstream.model = text;
      } else if (key == "system_prompt") {
        check(prompt_fault(text));
        upstream.system_prompt = text;
      } else if (key == "max_output_tokens") {
        upstream.max_output_tokens = read_number(value, place, 1, 1'000'000);
      } else if (key == "history_tokens") {
        upstream.history_tokens = read_number(value, place, 0, 1'000'000);
      } else if (key == "temperature") {
        check(temperature_fault(text));
        upstream.temperature = text;
      } else if (key == "request") {
        check(request_fault(text));
        upstream.request = text;
      } else if (key == "answer") {
        check(answer_fault(text));
        upstream.answer = text;
      } else {
        return false;
      }
      return true;
    });
  }

  std::optional<std::int64_t> read_number(const YAML::Node& node, const std::string& path,
                                          std::int64_t least, std::int64_t most) {
    if (!node.IsScalar()) {
      error(node, path, "one value is expected");
      return std::nullopt;
    }
    const auto number = text::parse_number<std::int64_t>(node.Scalar());
    if (number && *number >= least && *number <= most) return number;
    error(node, path,
          "'" + node.Scalar() + "' is no number from " + std::to_string(least) + " to " +
              std::to_string(most));
    return std::nullopt;
  }

  void read_webhook_paths(const YAML::Node& node, const std::string& path,
                          UpstreamSettings& upstream) {
    const auto raw = raw_value(node, path);
    if (!raw) return;
    for (const auto& item : raw->items) {
      if (!is_webhook_path(item)) error(node, path, "'" + item + "' is no path below /webhook/");
      upstream.allowed_paths.push_back(item);
    }
  }

  /// A value or several; each must be without a fault.
  std::vector<std::string> read_texts_of(const YAML::Node& node, const std::string& path,
                                         std::size_t most,
                                         std::optional<std::string> (*fault)(std::string_view)) {
    auto raw = raw_value(node, path);
    if (!raw) return {};
    if (raw->items.size() > most) {
      error(node, path, "has more than " + std::to_string(most) + " entries");
    }
    for (const auto& item : raw->items) {
      if (const auto wrong = fault(item)) error(node, path, *wrong);
    }
    return std::move(raw->items);
  }

  /// Language, then error code, then text. Whether a code exists is the gateway's to say.
  void read_texts(const YAML::Node& node, const std::string& path, Texts& texts) {
    read_entry(node, path, [&](const std::string& language, const YAML::Node& codes) {
      if (texts.size() == kMaxLanguages) {
        error(codes, path, "has more than 32 languages");
        return true;
      }
      auto& of_language = texts[text::to_lower(language)];
      read_entry(codes, below(path, language),
                 [&](const std::string& code, const YAML::Node& value) {
                   const std::string place = below(below(path, language), code);
                   std::string words = text_of(value, place);
                   if (words.empty() || words.size() > kMaxTextBytes || !text::is_utf8(words)) {
                     error(value, place, "1 to 500 bytes of UTF-8 text are expected");
                   }
                   of_language.emplace(code, std::move(words));
                   return true;
                 });
      return true;
    });
  }

  void read_site_limits(const YAML::Node& node, const std::string& path, SiteSettings& site) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      if (std::ranges::find(kSiteLimits, key, &SiteLimit::key) == std::end(kSiteLimits)) {
        return false;
      }
      if (const auto number = read_number(value, below(path, key), 1, 1'000'000'000)) {
        site.limits[key] = *number;
      }
      return true;
    });
  }

  bool read_flag(const YAML::Node& node, const std::string& path) {
    const auto flag = text_of(node, path);
    if (flag != "true" && flag != "false") error(node, path, "true or false is expected");
    return flag != "false";
  }

  Milliseconds read_duration(const YAML::Node& node, const std::string& path, Milliseconds least,
                             Milliseconds most) {
    const auto value = types::parse_duration(text_of(node, path), Milliseconds{1});
    if (!value) {
      error(node, path, value.error());
    } else if (*value < least || *value > most) {
      error(node, path,
            "from " + types::show_duration(least) + " to " + types::show_duration(most));
    }
    return value.value_or(least);
  }

  void read_health(const YAML::Node& node, const std::string& path, ServiceSettings& service) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      if (key == "path") {
        service.health_path = text_of(value, place);
        if (const auto fault = rewrite_fault(service.health_path)) error(value, place, *fault);
      } else if (key == "interval") {
        service.health_interval =
            read_duration(value, place, Milliseconds{100}, Milliseconds{3'600'000});
      } else if (key == "timeout") {
        service.health_timeout =
            read_duration(value, place, Milliseconds{100}, Milliseconds{60'000});
      } else {
        return false;
      }
      return true;
    });
    if (service.health_path.empty()) error(node, path, "needs a path");
  }

  void read_services(const YAML::Node& node) {
    if (!node.IsSequence()) return error(node, "services", "a list is expected");
    for (std::size_t i = 0; i < node.size(); ++i) {
      const std::string path = "services[" + std::to_string(i) + "]";
      ServiceSettings service;
      read_entry(node[i], path, [&](const std::string& key, const YAML::Node& value) {
        const std::string place = below(path, key);
        if (key == "id") {
          service.id = text_of(value, place);
          if (!is_name(service.id)) error(value, place, "letters, digits, - and _ only");
        } else if (key == "targets") {
          service.targets = read_texts_of(value, place, kMaxTargets, target_fault);
        } else if (key == "ca_file") {
          service.ca_file = text_of(value, place);
        } else if (key == "client_certificate") {
          service.client_certificate = text_of(value, place);
        } else if (key == "client_key") {
          service.client_key = text_of(value, place);
        } else if (key == "health") {
          read_health(value, place, service);
        } else if (key == "slow_start") {
          service.slow_start = read_duration(value, place, Milliseconds{0}, kLongestSlowStart);
        } else if (key == "headers") {
          service.headers = read_texts_of(value, place, kMaxUpstreamHeaders, header_fault);
        } else {
          return false;
        }
        return true;
      });
      if (service.targets.empty()) error(node[i], path, "a service needs targets");
      if (service.client_certificate.empty() != service.client_key.empty()) {
        error(node[i], path, "client_certificate and client_key go together");
      }
      for (const auto& other : out_.services) {
        if (other.id == service.id)
          error(node[i], path + ".id", "'" + service.id + "' is used twice");
      }
      out_.services.push_back(std::move(service));
    }
  }

  /// What only protected routes have. @returns false for other keys.
  bool read_protected(const std::string& key, const YAML::Node& value, const std::string& place,
                      RouteSettings& route) {
    static constexpr std::string_view kKeys[] = {"service",   "host",    "site",     "methods",
                                                 "kind",      "rewrite", "auth",     "body",
                                                 "websocket", "types",   "compress", "response"};
    if (std::ranges::find(kKeys, key) == std::end(kKeys)) return false;
    if (!route.proxy) route.proxy.emplace();
    auto& proxy = *route.proxy;
    if (key == "service") {
      proxy.service = text_of(value, place);
    } else if (key == "host") {
      proxy.host = text::to_lower(text_of(value, place));
      if (!is_valid_host(proxy.host)) error(value, place, "a host without a port is expected");
    } else if (key == "site") {
      proxy.site = text_of(value, place);
    } else if (key == "methods") {
      proxy.methods = read_texts_of(value, place, 8, method_fault);
    } else if (key == "kind") {
      proxy.kind = text_of(value, place);
      if (const auto wrong = kind_fault(proxy.kind)) error(value, place, *wrong);
    } else if (key == "rewrite") {
      proxy.rewrite = text_of(value, place);
      if (const auto wrong = rewrite_fault(*proxy.rewrite)) error(value, place, *wrong);
    } else if (key == "auth") {
      read_auth(value, place, proxy);
    } else if (key == "websocket") {
      proxy.websocket = read_flag(value, place);
    } else if (key == "compress") {
      proxy.compress = read_flag(value, place);
    } else if (key == "response") {
      read_response(value, place, proxy);
    } else if (key == "types") {
      proxy.types = read_texts_of(value, place, 64, member_fault);
    } else {
      read_entry(value, place, [&](const std::string& member, const YAML::Node& node) {
        const std::string at = below(place, member);
        if (member == "max") {
          proxy.max_body = read_number(node, at, 0, std::int64_t{1} << 40);
        } else if (member == "inspect") {
          proxy.inspected = read_flag(node, at);
        } else if (member == "prose") {
          proxy.prose = read_texts_of(node, at, 64, member_fault);
        } else if (member == "files") {
          read_files(node, at, proxy.files.emplace());
        } else if (member == "schema") {
          const auto file = text_of(node, at);
          if (file.empty()) error(node, at, "the name of a file is expected");
          proxy.schema_file = beside_this_file(file);
        } else {
          return false;
        }
        return true;
      });
      if (!proxy.inspected && !proxy.schema_file.empty()) {
        error(value, place, "a schema asks for bodies that are inspected");
      }
    }
    return true;
  }

  /// A file that is named here, as the program finds it.
  std::string beside_this_file(const std::string& file) const {
    return (std::filesystem::path(name_).parent_path() / file).string();
  }

  void read_response(const YAML::Node& node, const std::string& path, ProtectedRoute& route) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      if (key == "leaks") {
        // As with a challenge's kind.
        const std::string text = text_of(value, place);
        const auto mode = leak_mode_of(text == "false" ? "off" : text);
        if (!mode) error(value, place, "'" + text + "' is not one of off, mask, refuse");
        route.leaks = mode.value_or(LeakMode::off);
      } else if (key == "except") {
        route.leaks_except = read_texts_of(value, place, 64, member_fault);
      } else {
        return false;
      }
      return true;
    });
  }

  void read_files(const YAML::Node& node, const std::string& path, FileSettings& files) {
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      if (key == "count") {
        files.count = read_number(value, place, 0, 20).value_or(files.count);
      } else if (key == "size") {
        files.size = read_number(value, place, 1, std::int64_t{1} << 40);
      } else if (key == "types") {
        files.types = read_texts_of(value, place, 16, upload_type_fault);
      } else {
        return false;
      }
      return true;
    });
  }

  void read_auth(const YAML::Node& node, const std::string& path, ProtectedRoute& route) {
    if (node.IsScalar() && node.Scalar() == "none") {
      route.authenticated = false;
      return;
    }
    read_entry(node, path, [&](const std::string& key, const YAML::Node& value) {
      const std::string place = below(path, key);
      if (key == "roles") {
        route.roles = read_texts_of(value, place, 4, role_fault);
      } else if (key == "scope") {
        route.scope = text_of(value, place);
        if (const auto wrong = scope_fault(route.scope)) error(value, place, *wrong);
      } else if (key == "location") {
        route.location = read_flag(value, place);
      } else {
        return false;
      }
      return true;
    });
  }

  void read_routes(const YAML::Node& node) {
    if (!node.IsSequence()) return error(node, "routes", "a list is expected");
    for (std::size_t i = 0; i < node.size(); ++i) {
      const std::string path = "routes[" + std::to_string(i) + "]";
      RouteSettings route;
      read_entry(node[i], path, [&](const std::string& key, const YAML::Node& value) {
        const std::string place = below(path, key);
        if (key == "path") {
          route.path = text_of(value, place);
        } else if (key == "enabled") {
          route.enabled = read_flag(value, place);
        } else if (key == "critical") {
          route.critical = read_flag(value, place);
        } else if (read_protected(key, value, place, route)) {
          return true;
        } else if (key == "guards") {
          read_guard_modes(value, place, route);
        } else if (key == "cost") {
          route.cost = read_number(value, place, 1, 1000).value_or(1);
        } else if (key == "limits") {
          read_entry(value, place, [&](const std::string& limit, const YAML::Node& number) {
            if (limit != "address_per_minute") return false;
            route.address_per_minute = read_number(number, below(place, limit), 1, 1'000'000'000);
            return true;
          });
        } else {
          return false;
        }
        return true;
      });
      if (!route.path.starts_with('/'))
        error(node[i], path + ".path", "a path that begins with / is expected");
      if (route.proxy && route.proxy->service.empty()) {
        error(node[i], path, "needs a service, or is not one of the gateway's own routes");
      }
      out_.routes.push_back(std::move(route));
    }
  }

  void read_guard_modes(const YAML::Node& node, const std::string& path, RouteSettings& route) {
    read_entry(node, path, [&](const std::string& guard, const YAML::Node& mode) {
      if (std::ranges::find(kGuardNames, guard) == std::end(kGuardNames)) return false;
      const auto text = text_of(mode, below(path, guard));
      if (const auto known = mode_of(text)) {
        route.guard_modes[guard] = *known;
      } else {
        error(mode, below(path, guard), "'" + text + "' is not one of enforce, monitor, off");
      }
      return true;
    });
  }

  FileContent& out_;
  std::string name_;
};

}  // namespace

FileContent parse_yaml(const std::string& text, const std::string& name) {
  FileContent out;
  if (text.size() > kMaxFileBytes) {
    out.errors.push_back({name, "is larger than 1 MiB"});
    return out;
  }
  try {
    Reader(out, name).read_root(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    const auto line = error.mark.line < 0 ? ""
                                          : ":" + std::to_string(error.mark.line + 1) + ":" +
                                                std::to_string(error.mark.column + 1);
    out.errors.push_back({name + line, "is no valid YAML: " + error.msg});
  }
  return out;
}

FileContent read_yaml_file(const std::string& file) {
  FileContent out;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    out.errors.push_back({file, "cannot be read"});
    return out;
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    out.errors.push_back({file, "cannot be read"});
    return out;
  }
  return parse_yaml(std::string(std::istreambuf_iterator<char>(in), {}), file);
}

}  // namespace portcullis::config
