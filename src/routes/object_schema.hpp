#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/json_body.hpp"
#include "pipeline/route.hpp"

namespace portcullis::routes {

/// The schema of one of our own bodies: a flat object of named members. Unknown members are
/// ignored.
class ObjectSchema final : public pipeline::BodySchema {
 public:
  enum class Type : std::uint8_t { string, object, integer, boolean };
  struct Member {
    std::string name;
    Type type = Type::string;
    bool required = false;
    /// Looks at a present value of the right type; an answer says what is wrong with it (400).
    std::function<std::optional<std::string>(const boost::json::value&)> check;
    /// The same of a rule of the schema (422).
    std::function<std::optional<std::string>(const boost::json::value&)> rule{};
  };

  explicit ObjectSchema(std::vector<Member> members) : members_(std::move(members)) {}
  std::optional<http::Problem> check(const http::JsonBody& body) const override;

 private:
  std::vector<Member> members_;
};

/// A string member of an object that has passed its schema; empty where it is missing.
std::string_view string_member(const boost::json::value& object, std::string_view name);
/// The same of a boolean one; false where it is missing.
bool flag_member(const boost::json::value& object, std::string_view name);

}  // namespace portcullis::routes
