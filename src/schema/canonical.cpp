#include "schema/canonical.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace portcullis::schema {
namespace {

/// The length in front keeps a string from posing as more than one.
void append_string(std::string& out, std::string_view text) {
  text::append_number(out, text.size());
  (out += '"') += text;
}

}  // namespace

Decimal decimal_of(const boost::json::value& number, const http::NumberLiterals& literals) {
  if (const auto* n = number.if_int64()) return Decimal(*n);
  if (const auto* n = number.if_uint64()) return Decimal(*n);
  if (const auto literal = literals.of(number); !literal.empty()) return Decimal(literal);
  return Decimal(number.get_double());
}

// NOLINTNEXTLINE(misc-no-recursion): the depth of documents is bounded.
void append_canonical(std::string& out, const boost::json::value& value,
                      const http::NumberLiterals& literals) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += 'n';
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? 't' : 'f';
      break;
    case boost::json::kind::string:
      append_string(out, value.get_string());
      break;
    case boost::json::kind::array:
      out += '[';
      for (const auto& item : value.get_array()) {
        append_canonical(out, item, literals);
        out += ',';
      }
      out += ']';
      break;
    case boost::json::kind::object: {
      std::vector<const boost::json::key_value_pair*> members;
      for (const auto& member : value.get_object()) members.push_back(&member);
      std::ranges::sort(members, {}, [](const auto* member) { return member->key(); });
      out += '{';
      for (const auto* member : members) {
        append_string(out, member->key());
        append_canonical(out, member->value(), literals);
        out += ',';
      }
      out += '}';
      break;
    }
    default:
      out += '#';
      decimal_of(value, literals).append_to(out);
  }
}

}  // namespace portcullis::schema
