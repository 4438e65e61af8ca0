#include "config/setting_types.hpp"

#include <algorithm>
#include <array>

namespace portcullis::config {

bool is_webhook_path(std::string_view path) noexcept {
  constexpr std::size_t kMaxPathBytes = 200;
  if (path.size() > kMaxPathBytes) return false;
  if (path.starts_with("/webhook/")) {
    path.remove_prefix(9);
  } else if (path.starts_with("/webhook-test/")) {
    path.remove_prefix(14);
  } else {
    return false;
  }
  for (const auto segment : text::split_list(path, '/')) {
    if (segment == "." || segment == "..") return false;
  }
  return !path.empty() && path.front() != '/' && path.back() != '/' &&
         path.find("//") == std::string_view::npos && std::ranges::all_of(path, [](char c) {
           return text::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '/';
         });
}

}  // namespace portcullis::config

namespace portcullis::config::types {
namespace {

using Stored = std::expected<void, std::string>;

std::string range_text(const std::string& low, const std::string& high) {
  return low + " to " + high;
}

template <class T, class Parse>
auto store_each(std::vector<T> Settings::* field, Parse parse) {
  return [field, parse](Settings& out, const RawValue& raw) -> Stored {
    std::vector<T> values;
    for (const auto& item : raw.items) {
      auto value = parse(item);
      if (!value) return std::unexpected(value.error());
      values.push_back(*std::move(value));
    }
    out.*field = std::move(values);
    return {};
  };
}

template <class T, class Show>
auto show_each(std::vector<T> Settings::* field, Show show) {
  return [field, show](const Settings& in) {
    std::string out;
    for (const auto& value : in.*field) {
      if (!out.empty()) out += ",";
      out += show(value);
    }
    return out;
  };
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

/// A number with an optional unit out of `units`.
std::expected<std::int64_t, std::string> parse_with_unit(std::string_view text,
                                                         std::span<const Unit> units,
                                                         std::int64_t bare) {
  std::size_t digits = 0;
  while (digits < text.size() && text::is_digit(text[digits])) ++digits;
  const auto number = text::parse_number<std::int64_t>(text.substr(0, digits));
  const auto bad = [&] { return std::unexpected("'" + std::string(text) + "' is not understood"); };
  if (!number) return bad();
  std::int64_t factor = bare;
  if (const auto name = text::trim(text.substr(digits)); !name.empty()) {
    factor = 0;
    for (const auto& unit : units) {
      if (text::iequals(unit.name, name)) factor = unit.factor;
    }
    if (factor == 0) return bad();
  }
  std::int64_t product = 0;
  if (__builtin_mul_overflow(*number, factor, &product)) return bad();
  return product;
}

constexpr Unit kDurationUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizeUnits[] = {{"B", 1}, {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

}  // namespace

std::string environment_name(std::string_view path) {
  std::string out = text::to_upper(path);
  for (char& c : out) {
    if (c == '.') c = '_';
  }
  return out;
}

std::expected<std::string, std::string> scalar(const RawValue& raw) {
  if (raw.is_list || raw.items.size() != 1)
    return std::unexpected("one value is expected, not a list");
  return raw.items.front();
}

std::expected<bool, std::string> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "on"}) {
    if (text::iequals(text, yes)) return true;
  }
  for (const std::string_view no : {"false", "0", "no", "off"}) {
    if (text::iequals(text, no)) return false;
  }
  return std::unexpected("'" + std::string(text) + "' is neither true nor false");
}

std::expected<Milliseconds, std::string> parse_duration(std::string_view text, Milliseconds unit) {
  const auto millis = parse_with_unit(text, kDurationUnits, unit.count());
  if (!millis)
    return std::unexpected(millis.error() + ": a duration is written as 500ms, 15s, 2m or 24h");
  return Milliseconds{*millis};
}

std::string show_duration(Milliseconds value) {
  const auto n = value.count();
  for (const auto& unit : {kDurationUnits[3], kDurationUnits[2], kDurationUnits[1]}) {
    if (n != 0 && n % unit.factor == 0)
      return std::to_string(n / unit.factor) + std::string(unit.name);
  }
  return n == 0 ? "0" : std::to_string(n) + "ms";
}

namespace {
std::string show_size(std::int64_t value) {
  for (const auto& unit : {kSizeUnits[3], kSizeUnits[2], kSizeUnits[1]}) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}
}  // namespace

Setting finish(Common common, std::string type, std::string default_text, std::string bounds,
               decltype(Setting::store) store, decltype(Setting::show) show) {
  std::vector<std::string> names{environment_name(common.path)};
  for (auto& name : common.env) {
    if (name != names.front()) names.push_back(std::move(name));
  }
  return {std::move(common.path),  std::move(names),  std::move(common.text), std::move(type),
          std::move(default_text), std::move(bounds), common.secrecy,         common.restart,
          std::move(store),        std::move(show)};
}

Setting boolean(Common common, bool Settings::* field, bool initial) {
  return finish(
      std::move(common), "true or false", initial ? "true" : "false", "",
      [field](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = parse_boolean(*text);
        if (!value) return std::unexpected(value.error());
        out.*field = *value;
        return {};
      },
      [field](const Settings& in) -> std::string { return in.*field ? "true" : "false"; });
}

Setting integer(Common common, std::int64_t Settings::* field, std::int64_t initial,
                std::int64_t low, std::int64_t high) {
  const std::string bounds = range_text(std::to_string(low), std::to_string(high));
  return finish(
      std::move(common), "integer", std::to_string(initial), bounds,
      [=](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = text::parse_number<std::int64_t>(*text);
        if (!value) return std::unexpected("'" + *text + "' is not a whole number");
        if (*value < low || *value > high) return std::unexpected(*text + " is outside " + bounds);
        out.*field = *value;
        return {};
      },
      [field](const Settings& in) { return std::to_string(in.*field); });
}

Setting port(Common common, std::uint16_t Settings::* field, std::uint16_t initial) {
  return finish(
      std::move(common), "integer", std::to_string(initial), "0 to 65535",
      [field](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = text::parse_number<std::uint16_t>(*text);
        if (!value) return std::unexpected("'" + *text + "' is not a port (0 to 65535)");
        out.*field = *value;
        return {};
      },
      [field](const Settings& in) { return std::to_string(in.*field); });
}

Setting string(Common common, std::string Settings::* field, std::string initial) {
  return finish(
      std::move(common), "text", std::move(initial), "",
      [field](Settings& out, const RawValue& raw) -> Stored {
        auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        for (const char c : *text) {
          if (static_cast<unsigned char>(c) < 0x20)
            return std::unexpected("control characters are not allowed");
        }
        out.*field = *std::move(text);
        return {};
      },
      [field](const Settings& in) { return in.*field; });
}

Setting duration(Common common, Milliseconds Settings::* field, Milliseconds initial,
                 Milliseconds low, Milliseconds high, Milliseconds unit) {
  const std::string bounds = range_text(show_duration(low), show_duration(high));
  return finish(
      std::move(common), "duration", show_duration(initial), bounds,
      [=](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = parse_duration(*text, unit);
        if (!value) return std::unexpected(value.error());
        if (*value < low || *value > high) return std::unexpected(*text + " is outside " + bounds);
        out.*field = *value;
        return {};
      },
      [field](const Settings& in) { return show_duration(in.*field); });
}

Setting seconds(Common common, Seconds Settings::* field, Seconds initial, Seconds low,
                Seconds high, Seconds unit) {
  const std::string bounds = range_text(show_duration(low), show_duration(high));
  return finish(
      std::move(common), "duration", show_duration(initial), bounds,
      [=](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = parse_duration(*text, unit);
        if (!value) return std::unexpected(value.error());
        if (*value < low || *value > high) return std::unexpected(*text + " is outside " + bounds);
        out.*field = std::chrono::duration_cast<Seconds>(*value);
        return {};
      },
      [field](const Settings& in) { return show_duration(in.*field); });
}

Setting size(Common common, std::int64_t Settings::* field, std::int64_t initial, std::int64_t low,
             std::int64_t high) {
  const std::string bounds = range_text(show_size(low), show_size(high));
  return finish(
      std::move(common), "size", show_size(initial), bounds,
      [=](Settings& out, const RawValue& raw) -> Stored {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto value = parse_with_unit(*text, kSizeUnits, 1);
        if (!value)
          return std::unexpected(value.error() + ": a size is written as 4096, 64KiB or 1MiB");
        if (*value < low || *value > high) return std::unexpected(*text + " is outside " + bounds);
        out.*field = *value;
        return {};
      },
      [field](const Settings& in) { return show_size(in.*field); });
}

Setting webhook_paths(Common common, std::vector<std::string> Settings::* field) {
  return finish(std::move(common), "list of paths", "", "",
                store_each(field,
                           [](const std::string& s) -> std::expected<std::string, std::string> {
                             if (is_webhook_path(s)) return s;
                             return std::unexpected("'" + s + "' is no path below /webhook/");
                           }),
                show_each(field, [](const std::string& s) { return s; }));
}

Setting strings(Common common, std::vector<std::string> Settings::* field, std::string initial) {
  return finish(
      std::move(common), "list", std::move(initial), "",
      store_each(field,
                 [](const std::string& s) { return std::expected<std::string, std::string>(s); }),
      show_each(field, [](const std::string& s) { return s; }));
}

Setting hosts(Common common, std::vector<std::string> Settings::* field) {
  return finish(std::move(common), "list of host names", "", "",
                store_each(field,
                           [](const std::string& s) -> std::expected<std::string, std::string> {
                             auto host = HostPort::parse(s);
                             if (!host) return std::unexpected("'" + s + "' is not a host name");
                             return std::move(host->host);
                           }),
                show_each(field, [](const std::string& s) { return s; }));
}

Setting blocks(Common common, std::vector<Cidr> Settings::* field) {
  return finish(std::move(common), "list of addresses and CIDR blocks", "", "",
                store_each(field,
                           [](const std::string& s) -> std::expected<Cidr, std::string> {
                             auto block = Cidr::parse(s);
                             if (!block)
                               return std::unexpected("'" + s + "' is no IP address or CIDR block");
                             return *block;
                           }),
                show_each(field, [](const Cidr& block) { return block.text(); }));
}

Setting origins(Common common, std::vector<OriginPattern> Settings::* field) {
  return finish(
      std::move(common), "list of origins", "", "",
      store_each(field,
                 [](const std::string& s) -> std::expected<OriginPattern, std::string> {
                   auto origin = OriginPattern::parse(s);
                   if (!origin) {
                     return std::unexpected("'" + s +
                                            "' is no origin: write https://www.example.com, or "
                                            "https://*.example.com for every host below it");
                   }
                   return *std::move(origin);
                 }),
      show_each(field, [](const OriginPattern& origin) { return origin.text(); }));
}

}  // namespace portcullis::config::types
