#include "schema/compiler.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/json_pointer.hpp"
#include "base/text.hpp"
#include "schema/canonical.hpp"
#include "schema/cycle.hpp"

namespace portcullis::schema {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxErrors = 16;
constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kAnnotations[] = {"title",      "description", "default",   "examples",
                                             "deprecated", "readOnly",    "writeOnly", "$comment"};

class Compiler {
 public:
  explicit Compiler(const http::JsonBody& document) : document_(document) {}

  Result<std::vector<Node>> run() {
    index_of(document_.value, "");
    // What a schema names comes behind it, so that nothing here recurses.
    for (std::size_t i = 0; i < waiting_.size() && errors_.size() < kMaxErrors; ++i) {
      const auto [value, pointer] = waiting_[i];
      Node node;
      fill(node, *value, pointer);
      nodes_[i] = std::move(node);
    }
    if (errors_.empty()) {
      if (const auto cycle = find_cycle(nodes_)) {
        here_ = waiting_[*cycle].pointer;
        error("leads back to itself without looking into the value");
      }
    }
    if (errors_.empty()) return std::move(nodes_);
    std::string all;
    for (const auto& error : errors_) (all += all.empty() ? "" : "; ") += error;
    return fail(ErrorCode::invalid_input, std::move(all));
  }

 private:
  using Take = void (Compiler::*)(Node& node, const json::value& value);
  struct Keyword {
    std::string_view name;
    Take take;
  };
  struct Waiting {
    const json::value* value;
    std::string pointer;
  };

  void error(std::string_view message) {
    if (errors_.size() < kMaxErrors) {
      errors_.push_back("#" + here_ + ": " + std::string(message));
    }
  }

  NodeIndex index_of(const json::value& value, std::string pointer) {
    const auto [at, is_new] = indices_.emplace(&value, static_cast<NodeIndex>(nodes_.size()));
    if (is_new) {
      nodes_.emplace_back();
      waiting_.push_back({&value, std::move(pointer)});
    }
    return at->second;
  }
  /// A schema below the keyword that is being read.
  NodeIndex below(const json::value& value) { return index_of(value, here_); }
  NodeIndex below(const json::value& value, std::string_view step) {
    std::string pointer = here_;
    text::append_pointer_step(pointer, step);
    return index_of(value, std::move(pointer));
  }

  void fill(Node& node, const json::value& value, const std::string& pointer) {
    here_ = pointer;
    if (const auto* flag = value.if_bool()) {
      node.never = !*flag;
      return;
    }
    const auto* members = value.if_object();
    if (members == nullptr) return error("a schema is an object, true or false");
    for (const auto& member : *members) {
      here_ = pointer;
      text::append_pointer_step(here_, member.key());
      take_keyword(node, member.key(), member.value(), pointer.empty());
    }
  }

  void take_keyword(Node& node, std::string_view name, const json::value& value, bool at_root) {
    if (std::ranges::find(kAnnotations, name) != std::end(kAnnotations)) return;
    if (name == "$schema" || name == "$id") {
      if (!at_root) error("is understood at the root only");
      if (name == "$schema" && string_of(value) != kDialect && string_of(value) != dialect_hash()) {
        error("only draft 2020-12 is understood");
      }
      return;
    }
    const auto* known = std::ranges::find(kKeywords, name, &Keyword::name);
    if (known == std::end(kKeywords)) return error("this keyword is not supported");
    (this->*known->take)(node, value);
  }

  static std::string dialect_hash() { return std::string(kDialect) + '#'; }

  static std::string_view string_of(const json::value& value) {
    const auto* text = value.if_string();
    return text == nullptr ? std::string_view() : std::string_view(*text);
  }

  // Values of keywords.

  std::optional<std::size_t> count_of(const json::value& value) {
    if (value.is_number()) {
      const auto number = decimal_of(value, document_.literals);
      if (number.is_integer() && !number.is_negative() &&
          number <= Decimal(std::int64_t{INT32_MAX})) {
        return value.to_number<std::size_t>();
      }
    }
    error("a number of 0 or more is expected");
    return std::nullopt;
  }

  std::optional<Bound> bound_of(const json::value& value) {
    if (!value.is_number()) {
      error("a number is expected");
      return std::nullopt;
    }
    std::string text(document_.literals.of(value));
    if (text.empty()) {
      char room[32];
      char* end = room;
      const auto write = [&](auto number) {
        end = std::to_chars(room, room + sizeof room, number).ptr;
      };
      if (value.is_double()) {
        write(value.get_double());
      } else if (value.is_int64()) {
        write(value.get_int64());
      } else {
        write(value.get_uint64());
      }
      text.assign(room, end);
    }
    return Bound{decimal_of(value, document_.literals), std::move(text)};
  }

  std::vector<std::string> strings_of(const json::value& value) {
    std::vector<std::string> out;
    if (const auto* array = value.if_array()) {
      for (const auto& item : *array) {
        if (item.is_string()) out.emplace_back(item.get_string());
      }
      if (out.size() == array->size()) return out;
    }
    error("a list of strings is expected");
    return {};
  }

  std::string canonical_of(const json::value& value) const {
    std::string out;
    append_canonical(out, value, document_.literals);
    return out;
  }

  void schemas_of(const json::value& value, std::vector<NodeIndex>& out) {
    const auto* array = value.if_array();
    if (array == nullptr || array->empty()) return error("a list of schemas is expected");
    for (const auto& item : *array) out.push_back(below(item, std::to_string(out.size())));
  }

  std::optional<Pattern> pattern_of(std::string_view source) {
    auto pattern = Pattern::compile(source);
    if (pattern) return *std::move(pattern);
    error(pattern.error().detail);
    return std::nullopt;
  }

  // Keywords.

  void take_type(Node& node, const json::value& value) {
    const auto names =
        value.is_string() ? std::vector{std::string(value.get_string())} : strings_of(value);
    for (const auto& name : names) {
      const auto* at = std::ranges::find(kTypeNames, name);
      if (at == std::end(kTypeNames)) return error("there is no such type");
      node.types.add(static_cast<Type>(at - std::begin(kTypeNames)));
    }
    if (node.types.any()) error("a type is expected");
  }
  void take_enum(Node& node, const json::value& value) {
    const auto* array = value.if_array();
    if (array == nullptr) return error("a list of values is expected");
    auto& values = node.one_of_values.emplace();
    for (const auto& item : *array) values.push_back(canonical_of(item));
    std::ranges::sort(values);
  }
  void take_const(Node& node, const json::value& value) { node.only_value = canonical_of(value); }

  template <std::optional<Bound> Node::* bound>
  void take_bound(Node& node, const json::value& value) {
    node.*bound = bound_of(value);
  }
  void take_multiple_of(Node& node, const json::value& value) {
    node.multiple_of = bound_of(value);
    if (node.multiple_of && !node.multiple_of->limit.is_step()) {
      error("a number above 0 of at most 18 digits is expected");
    }
  }
  template <Node::Size Node::* size>
  void take_least(Node& node, const json::value& value) {
    (node.*size).least = count_of(value);
  }
  template <Node::Size Node::* size>
  void take_most(Node& node, const json::value& value) {
    (node.*size).most = count_of(value);
  }
  template <std::optional<NodeIndex> Node::* schema>
  void take_schema(Node& node, const json::value& value) {
    node.*schema = below(value);
  }
  template <std::vector<NodeIndex> Node::* schemas>
  void take_schemas(Node& node, const json::value& value) {
    schemas_of(value, node.*schemas);
  }

  void take_pattern(Node& node, const json::value& value) {
    if (!value.is_string()) return error("a string is expected");
    node.pattern = pattern_of(value.get_string());
  }
  void take_format(Node& node, const json::value& value) {
    node.format = format_of(string_of(value));
    if (!node.format) error("is none of date-time, email, uri, uuid");
  }
  void take_items(Node& node, const json::value& value) {
    if (value.is_array()) return error("a list of schemas is called prefixItems in draft 2020-12");
    node.items = below(value);
  }
  void take_unique(Node& node, const json::value& value) {
    if (!value.is_bool()) return error("true or false is expected");
    node.unique_items = value.get_bool();
  }
  void take_required(Node& node, const json::value& value) { node.required = strings_of(value); }
  void take_properties(Node& node, const json::value& value) {
    const auto* members = value.if_object();
    if (members == nullptr) return error("an object of schemas is expected");
    for (const auto& member : *members) {
      const std::string_view name = member.key();
      node.properties.emplace(name, below(member.value(), name));
    }
  }
  void take_pattern_properties(Node& node, const json::value& value) {
    const auto* members = value.if_object();
    if (members == nullptr) return error("an object of schemas is expected");
    for (const auto& member : *members) {
      auto name = pattern_of(member.key());
      if (!name) continue;
      node.pattern_properties.push_back({*std::move(name), below(member.value(), member.key())});
    }
  }
  void take_definitions(Node&, const json::value& value) {
    const auto* members = value.if_object();
    if (members == nullptr) return error("an object of schemas is expected");
    for (const auto& member : *members) below(member.value(), member.key());
  }
  void take_ref(Node& node, const json::value& value) {
    const auto text = string_of(value);
    const auto fragment =
        text.starts_with('#') ? text::percent_decode(text.substr(1)) : std::nullopt;
    if (!fragment || (!fragment->empty() && !fragment->starts_with('/'))) {
      return error("a reference inside of the document is expected, such as #/$defs/name");
    }
    const auto* target = &document_.value;
    for (std::string_view rest = *fragment; !rest.empty() && target != nullptr;) {
      const auto step = text::take_pointer_step(rest);
      if (const auto* object = target->if_object()) {
        target = object->if_contains(step);
      } else if (const auto* array = target->if_array()) {
        const auto index = text::parse_number<std::size_t>(step);
        target = index ? array->if_contains(*index) : nullptr;
      } else {
        target = nullptr;
      }
    }
    if (target == nullptr) return error("leads nowhere");
    node.ref = index_of(*target, *fragment);
  }

  static constexpr Keyword kKeywords[] = {
      {"$defs", &Compiler::take_definitions},
      {"$ref", &Compiler::take_ref},
      {"additionalProperties", &Compiler::take_schema<&Node::additional>},
      {"allOf", &Compiler::take_schemas<&Node::all_of>},
      {"anyOf", &Compiler::take_schemas<&Node::any_of>},
      {"const", &Compiler::take_const},
      {"definitions", &Compiler::take_definitions},
      {"enum", &Compiler::take_enum},
      {"exclusiveMaximum", &Compiler::take_bound<&Node::exclusive_maximum>},
      {"exclusiveMinimum", &Compiler::take_bound<&Node::exclusive_minimum>},
      {"format", &Compiler::take_format},
      {"items", &Compiler::take_items},
      {"maxItems", &Compiler::take_most<&Node::items_count>},
      {"maxLength", &Compiler::take_most<&Node::length>},
      {"maxProperties", &Compiler::take_most<&Node::members_count>},
      {"maximum", &Compiler::take_bound<&Node::maximum>},
      {"minItems", &Compiler::take_least<&Node::items_count>},
      {"minLength", &Compiler::take_least<&Node::length>},
      {"minProperties", &Compiler::take_least<&Node::members_count>},
      {"minimum", &Compiler::take_bound<&Node::minimum>},
      {"multipleOf", &Compiler::take_multiple_of},
      {"not", &Compiler::take_schema<&Node::none_of>},
      {"oneOf", &Compiler::take_schemas<&Node::one_of>},
      {"pattern", &Compiler::take_pattern},
      {"patternProperties", &Compiler::take_pattern_properties},
      {"prefixItems", &Compiler::take_schemas<&Node::prefix_items>},
      {"properties", &Compiler::take_properties},
      {"required", &Compiler::take_required},
      {"type", &Compiler::take_type},
      {"uniqueItems", &Compiler::take_unique},
  };

  const http::JsonBody& document_;
  std::vector<Node> nodes_;
  std::vector<Waiting> waiting_;  ///< by node
  std::map<const json::value*, NodeIndex> indices_;
  std::string here_;  ///< where an error is
  std::vector<std::string> errors_;
};

}  // namespace

Result<std::vector<Node>> compile(const http::JsonBody& document) {
  return Compiler(document).run();
}

}  // namespace portcullis::schema
