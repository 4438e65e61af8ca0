#include "routes/object_schema.hpp"

#include <boost/json.hpp>

namespace portcullis::routes {

namespace {

/// What it must be, where it is not.
std::optional<std::string> type_fault(const boost::json::value& value, ObjectSchema::Type type) {
  switch (type) {
    case ObjectSchema::Type::string:
      if (!value.is_string()) return "a string.";
      break;
    case ObjectSchema::Type::object:
      if (!value.is_object()) return "an object.";
      break;
    case ObjectSchema::Type::integer:
      if (!value.is_int64()) return "an integer.";
      break;
    case ObjectSchema::Type::boolean:
      if (!value.is_bool()) return "true or false.";
      break;
  }
  return std::nullopt;
}

/// Null where there is none of this name.
const boost::json::value* find(const boost::json::value& object, std::string_view name) {
  const auto* members = object.if_object();
  return members == nullptr ? nullptr : members->if_contains({name.data(), name.size()});
}

}  // namespace

std::optional<http::Problem> ObjectSchema::check(const http::JsonBody& body) const {
  using http::Code;
  using http::Problem;
  const auto* object = body.value.if_object();
  if (object == nullptr) return Problem(Code::schema_invalid, "The body must be a JSON object.");
  for (const auto& member : members_) {
    const auto* value = object->if_contains(member.name);
    if (value == nullptr || (value->is_null() && !member.required)) {
      if (!member.required) continue;
      return Problem(Code::schema_invalid, "The member '" + member.name + "' is missing.");
    }
    if (auto expected = type_fault(*value, member.type)) {
      return Problem(Code::schema_invalid, "The member '" + member.name + "' must be " + *expected);
    }
    if (member.rule) {
      if (auto wrong = member.rule(*value)) return Problem(Code::schema_invalid, *std::move(wrong));
    }
    if (member.check) {
      if (auto wrong = member.check(*value))
        return Problem(Code::validation_failed, *std::move(wrong));
    }
  }
  return std::nullopt;
}

std::string_view string_member(const boost::json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool flag_member(const boost::json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace portcullis::routes
