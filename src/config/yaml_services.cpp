#include <algorithm>

#include "config/route_values.hpp"
#include "config/upstream_values.hpp"
#include "config/yaml_reader.hpp"

namespace portcullis::config {
namespace {

constexpr Milliseconds kLongestSlowStart{3'600'000};

class ServicesReader final : public YamlReader {
 public:
  using YamlReader::YamlReader;

  void read(const YAML::Node& node) {
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

 private:
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
};

}  // namespace

void read_services(FileContent& out, const std::string& name, const YAML::Node& node) {
  ServicesReader(out, name).read(node);
}

}  // namespace portcullis::config
