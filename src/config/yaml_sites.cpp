#include <algorithm>

#include "base/text.hpp"
#include "config/captcha_values.hpp"
#include "config/route_values.hpp"
#include "config/upstream_values.hpp"
#include "config/yaml_reader.hpp"

namespace portcullis::config {
namespace {

class SitesReader final : public YamlReader {
 public:
  using YamlReader::YamlReader;

  void read(const YAML::Node& node) {
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

 private:
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

  void read_webhook_paths(const YAML::Node& node, const std::string& path,
                          UpstreamSettings& upstream) {
    const auto raw = raw_value(node, path);
    if (!raw) return;
    for (const auto& item : raw->items) {
      if (!is_webhook_path(item)) error(node, path, "'" + item + "' is no path below /webhook/");
      upstream.allowed_paths.push_back(item);
    }
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
};

}  // namespace

void read_sites(FileContent& out, const std::string& name, const YAML::Node& node) {
  SitesReader(out, name).read(node);
}

}  // namespace portcullis::config
