#include "routes/object_schema.hpp"

#include <boost/json.hpp>

namespace portcullis::routes {

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
    const bool right_type = member.type == Type::string ? value->is_string() : value->is_object();
    if (!right_type) {
      return Problem(Code::schema_invalid,
                     "The member '" + member.name + "' must be " +
                         (member.type == Type::string ? "a string." : "an object."));
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
  const auto* members = object.if_object();
  const auto* value =
      members == nullptr ? nullptr
                         : members->if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace portcullis::routes
