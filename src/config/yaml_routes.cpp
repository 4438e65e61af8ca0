#include <algorithm>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "config/route_values.hpp"
#include "config/yaml_reader.hpp"

namespace portcullis::config {
namespace {

class RoutesReader final : public YamlReader {
 public:
  using YamlReader::YamlReader;

  void read(const YAML::Node& node) {
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

 private:
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
      } else if (key == "query") {
        route.token_parameter = text_of(value, place);
        if (!is_name(route.token_parameter)) error(value, place, "letters, digits, - and _ only");
      } else if (key == "location") {
        route.location = read_flag(value, place);
      } else {
        return false;
      }
      return true;
    });
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
};

}  // namespace

void read_routes(FileContent& out, const std::string& name, const YAML::Node& node) {
  RoutesReader(out, name).read(node);
}

}  // namespace portcullis::config
