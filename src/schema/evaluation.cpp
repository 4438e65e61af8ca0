#include "schema/evaluation.hpp"

#include <algorithm>

#include "base/json_pointer.hpp"
#include "base/text.hpp"

// NOLINTBEGIN(misc-no-recursion): bounded by kMaxDepth.

namespace portcullis::schema {
namespace {

namespace json = boost::json;

/// Schemas inside of each other. A body is at most 32 deep.
constexpr int kMaxDepth = 400;

std::string plural(std::size_t count, std::string_view one) {
  std::string out = std::to_string(count) + ' ';
  out += one;
  if (count != 1) out += 's';
  return out;
}

std::string types_text(const Types& types) {
  std::string out;
  for (std::size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (!types.has(static_cast<Type>(i))) continue;
    if (!out.empty()) out += " or ";
    out += kTypeNames[i];
  }
  return out;
}

}  // namespace

std::optional<Violation> Evaluation::run(const json::value& value) {
  passes(0, value);
  return std::move(violation_);
}

bool Evaluation::violates(std::string_view keyword, std::string words) {
  if (silent_ > 0 || violation_) return false;
  std::string pointer;
  for (const auto& step : path_) {
    if (step.is_item) {
      text::append_pointer_step(pointer, std::to_string(step.index));
    } else {
      text::append_pointer_step(pointer, step.name.empty() ? "*" : step.name);
    }
  }
  violation_ = Violation{std::move(pointer), keyword, std::move(words)};
  return false;
}

bool Evaluation::give_up(std::string_view what) {
  given_up_ = true;
  silent_ = 0;
  violation_.reset();
  path_.clear();
  return violates("limits", std::string(what));
}

std::string Evaluation::canonical_of(const json::value& value) {
  std::string out;
  append_canonical(out, value, literals_);
  spend_bytes(out.size());
  return out;
}

bool Evaluation::passes(NodeIndex index, const json::value& value) {
  if (given_up_) return false;
  if (++steps_ > Schema::kMaxSteps) return give_up("takes too long to be checked");
  if (depth_ == kMaxDepth) return give_up("is nested too deeply to be checked");
  ++depth_;
  const Node& node = nodes_[index];
  bool good = !node.never || violates("false", "must not be there");
  good = good && passes_type(node, value) && passes_values(node, value);
  if (good) {
    if (value.is_number()) {
      good = passes_number(node, value);
    } else if (const auto* text = value.if_string()) {
      good = passes_string(node, *text);
    } else if (const auto* items = value.if_array()) {
      good = passes_array(node, *items);
    } else if (const auto* members = value.if_object()) {
      good = passes_object(node, *members);
    }
  }
  good = good && passes_others(node, value);
  --depth_;
  return good && !given_up_;
}

bool Evaluation::passes_type(const Node& node, const json::value& value) {
  if (node.types.any()) return true;
  const auto is_allowed = [&] {
    switch (value.kind()) {
      case json::kind::null:
        return node.types.has(Type::null);
      case json::kind::bool_:
        return node.types.has(Type::boolean);
      case json::kind::string:
        return node.types.has(Type::string);
      case json::kind::array:
        return node.types.has(Type::array);
      case json::kind::object:
        return node.types.has(Type::object);
      case json::kind::double_:
        return node.types.has(Type::number) ||
               (node.types.has(Type::integer) && decimal_of(value, literals_).is_integer());
      default:
        return node.types.has(Type::number) || node.types.has(Type::integer);
    }
  };
  return is_allowed() || violates("type", "must be of type " + types_text(node.types));
}

bool Evaluation::passes_values(const Node& node, const json::value& value) {
  if (!node.one_of_values && !node.only_value) return true;
  const auto text = canonical_of(value);
  if (node.only_value && text != *node.only_value) {
    return violates("const", "must be the one value that is allowed");
  }
  return !node.one_of_values || std::ranges::binary_search(*node.one_of_values, text) ||
         violates("enum", "must be one of the values that are allowed");
}

bool Evaluation::passes_number(const Node& node, const json::value& value) {
  if (!node.asks_numbers()) return true;
  spend_bytes(literals_.of(value).size());
  const auto number = decimal_of(value, literals_);
  if (node.minimum && number < node.minimum->limit) {
    return violates("minimum", "must be at least " + node.minimum->text);
  }
  if (node.exclusive_minimum && number <= node.exclusive_minimum->limit) {
    return violates("exclusiveMinimum", "must be above " + node.exclusive_minimum->text);
  }
  if (node.maximum && number > node.maximum->limit) {
    return violates("maximum", "must be at most " + node.maximum->text);
  }
  if (node.exclusive_maximum && number >= node.exclusive_maximum->limit) {
    return violates("exclusiveMaximum", "must be below " + node.exclusive_maximum->text);
  }
  if (node.multiple_of && !number.is_multiple_of(node.multiple_of->limit)) {
    return violates("multipleOf", "must be a multiple of " + node.multiple_of->text);
  }
  return true;
}

bool Evaluation::passes_string(const Node& node, std::string_view text) {
  spend_bytes(text.size());
  if (node.length.least || node.length.most) {
    const auto length = text::utf8_length(text);
    if (length < node.length.least.value_or(0)) {
      return violates("minLength", "must have at least " + plural(*node.length.least, "character"));
    }
    if (length > node.length.most.value_or(SIZE_MAX)) {
      return violates("maxLength", "must have at most " + plural(*node.length.most, "character"));
    }
  }
  if (node.pattern && !node.pattern->matches(text)) {
    return violates("pattern", "must match the pattern");
  }
  if (node.format && !has_format(text, *node.format)) {
    return violates("format", "must have the format " + std::string(name_of(*node.format)));
  }
  return true;
}

bool Evaluation::passes_array(const Node& node, const json::array& items) {
  if (items.size() < node.items_count.least.value_or(0)) {
    return violates("minItems", "must have at least " + plural(*node.items_count.least, "item"));
  }
  if (items.size() > node.items_count.most.value_or(SIZE_MAX)) {
    return violates("maxItems", "must have at most " + plural(*node.items_count.most, "item"));
  }
  if (node.unique_items && !are_unique(items)) {
    return violates("uniqueItems", "must not have two items that are the same");
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto schema =
        i < node.prefix_items.size() ? std::optional(node.prefix_items[i]) : node.items;
    if (!schema) break;
    if (!passes_below(*schema, items[i], {.index = i, .is_item = true})) return false;
  }
  return true;
}

bool Evaluation::are_unique(const json::array& items) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const auto& item : items) texts.push_back(canonical_of(item));
  std::ranges::sort(texts);
  return std::ranges::adjacent_find(texts) == texts.end();
}

bool Evaluation::passes_object(const Node& node, const json::object& members) {
  if (members.size() < node.members_count.least.value_or(0)) {
    return violates("minProperties",
                    "must have at least " + plural(*node.members_count.least, "member"));
  }
  if (members.size() > node.members_count.most.value_or(SIZE_MAX)) {
    return violates("maxProperties",
                    "must have at most " + plural(*node.members_count.most, "member"));
  }
  for (const auto& name : node.required) {
    if (!members.contains(name)) {
      return violates("required", "must have the member '" + name + "'");
    }
  }
  if (node.properties.empty() && node.pattern_properties.empty() && !node.additional) return true;
  return std::ranges::all_of(members, [&](const auto& member) {
    return passes_member(node, member.key(), member.value());
  });
}

bool Evaluation::passes_member(const Node& node, std::string_view name, const json::value& value) {
  const auto named = node.properties.find(name);
  bool is_known = named != node.properties.end();
  // The name that the schema has: the visitor's other ones are told to nobody.
  const Step step{.name = is_known ? std::string_view(named->first) : std::string_view()};
  if (is_known && !passes_below(named->second, value, step)) return false;
  for (const auto& [pattern, schema] : node.pattern_properties) {
    spend_bytes(name.size());
    if (!pattern.matches(name)) continue;
    is_known = true;
    if (!passes_below(schema, value, step)) return false;
  }
  if (is_known || !node.additional) return true;
  if (nodes_[*node.additional].never) {
    return violates("additionalProperties",
                    "must not have other members than those that are known");
  }
  return passes_below(*node.additional, value, step);
}

bool Evaluation::passes_others(const Node& node, const json::value& value) {
  const auto all = [&](NodeIndex schema) { return passes(schema, value); };
  if (node.ref && !passes(*node.ref, value)) return false;
  if (!std::ranges::all_of(node.all_of, all)) return false;
  const auto would = [&](NodeIndex schema) { return would_pass(schema, value); };
  if (!node.any_of.empty() && std::ranges::none_of(node.any_of, would)) {
    return violates("anyOf", "must have one of the forms that are allowed");
  }
  if (!node.one_of.empty() && std::ranges::count_if(node.one_of, would) != 1) {
    return violates("oneOf", "must have exactly one of the forms that are allowed");
  }
  if (node.none_of && would_pass(*node.none_of, value)) {
    return violates("not", "must not have the form that is ruled out");
  }
  return true;
}

bool Evaluation::passes_below(NodeIndex index, const json::value& value, Step step) {
  path_.push_back(step);
  const bool good = passes(index, value);
  if (!given_up_) path_.pop_back();
  return good;
}

bool Evaluation::would_pass(NodeIndex index, const json::value& value) {
  ++silent_;
  const bool good = passes(index, value);
  if (!given_up_) --silent_;
  return good;
}

}  // namespace portcullis::schema

// NOLINTEND(misc-no-recursion)
