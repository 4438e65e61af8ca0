#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/setting.hpp"

/// Makes `Setting` entries of each type for settings_table.cpp.
namespace portcullis::config::types {

/// What every kind of setting has in common.
struct Common {
  std::string path = {};
  std::vector<std::string> env = {};  ///< older names; the path's own is added
  std::string text = {};
  Secrecy secrecy = Secrecy::open;
  Restart restart = Restart::no;
};

Setting boolean(Common common, bool Settings::* field, bool initial);
Setting integer(Common common, std::int64_t Settings::* field, std::int64_t initial,
                std::int64_t low, std::int64_t high);
Setting port(Common common, std::uint16_t Settings::* field, std::uint16_t initial);
Setting string(Common common, std::string Settings::* field, std::string initial);
/// `15s`, `500ms`, `2m`, `24h`, or a bare number of `unit`.
Setting duration(Common common, Milliseconds Settings::* field, Milliseconds initial,
                 Milliseconds low, Milliseconds high, Milliseconds unit = Seconds{1});
Setting seconds(Common common, Seconds Settings::* field, Seconds initial, Seconds low,
                Seconds high, Seconds unit = Seconds{1});
/// `64KiB`, `1MiB`, or a bare number of bytes.
Setting size(Common common, std::int64_t Settings::* field, std::int64_t initial, std::int64_t low,
             std::int64_t high);
Setting strings(Common common, std::vector<std::string> Settings::* field,
                std::string initial = {});
Setting webhook_paths(Common common, std::vector<std::string> Settings::* field);
Setting hosts(Common common, std::vector<std::string> Settings::* field);
Setting blocks(Common common, std::vector<Cidr> Settings::* field);
Setting origins(Common common, std::vector<OriginPattern> Settings::* field);

std::string environment_name(std::string_view path);
std::expected<bool, std::string> parse_boolean(std::string_view text);
std::expected<Milliseconds, std::string> parse_duration(std::string_view text, Milliseconds unit);
std::string show_duration(Milliseconds value);

/// A choice between named values.
template <class E>
Setting choice(Common common, E Settings::* field, E initial,
               const std::vector<std::pair<std::string, E>>& names);

Setting finish(Common common, std::string type, std::string default_text, std::string bounds,
               decltype(Setting::store) store, decltype(Setting::show) show);
std::expected<std::string, std::string> scalar(const RawValue& raw);

/// A text that is refused where `fault` finds something wrong with it, which it says without
/// repeating the text of a secret. `fields` lead to it, from
/// Settings on: &Settings::openai, &ModelSettings::model.
template <class... Field>
Setting checked_text(Common common, std::string type, std::string initial,
                     std::optional<std::string> (*fault)(std::string_view), Field... fields) {
  auto store = [=](Settings& out, const RawValue& raw) -> std::expected<void, std::string> {
    auto text = scalar(raw);
    if (!text) return std::unexpected(text.error());
    if (auto wrong = fault(*text)) return std::unexpected(*std::move(wrong));
    (out.*....*fields) = *std::move(text);
    return {};
  };
  auto show = [=](const Settings& in) -> std::string { return (in.*....*fields); };
  auto out = finish(std::move(common), std::move(type), std::move(initial), "", std::move(store),
                    std::move(show));
  out.tells_faults = true;
  return out;
}

/// A list of such texts, at most `most` of them.
template <class... Field>
Setting checked_list(Common common, std::string type, std::size_t most,
                     std::optional<std::string> (*fault)(std::string_view), Field... fields) {
  auto store = [=](Settings& out, const RawValue& raw) -> std::expected<void, std::string> {
    if (raw.items.size() > most) {
      return std::unexpected("has more than " + std::to_string(most) + " entries");
    }
    for (const auto& item : raw.items) {
      if (auto wrong = fault(item)) return std::unexpected(*std::move(wrong));
    }
    (out.*....*fields) = raw.items;
    return {};
  };
  auto show = [=](const Settings& in) {
    std::string out;
    for (const auto& item : (in.*....*fields)) out += (out.empty() ? "" : ",") + item;
    return out;
  };
  return finish(std::move(common), std::move(type), "", "", std::move(store), std::move(show));
}

template <class E>
Setting choice(Common common, E Settings::* field, E initial,
               const std::vector<std::pair<std::string, E>>& names) {
  std::string bounds;
  std::string default_text;
  for (const auto& [name, value] : names) {
    bounds += (bounds.empty() ? "" : ", ") + name;
    if (value == initial && default_text.empty()) default_text = name;
  }
  auto store = [field, names, bounds](Settings& out,
                                      const RawValue& raw) -> std::expected<void, std::string> {
    const auto text = scalar(raw);
    if (!text) return std::unexpected(text.error());
    for (const auto& [name, value] : names) {
      if (text::iequals(name, *text)) {
        out.*field = value;
        return {};
      }
    }
    return std::unexpected("'" + *text + "' is not one of " + bounds);
  };
  auto show = [field, names](const Settings& in) -> std::string {
    for (const auto& [name, value] : names) {
      if (in.*field == value) return name;
    }
    return {};
  };
  return finish(std::move(common), "one of", std::move(default_text), std::move(bounds),
                std::move(store), std::move(show));
}

}  // namespace portcullis::config::types
