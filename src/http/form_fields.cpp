#include "http/form_fields.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <optional>

#include "base/text.hpp"
#include "http/field_names.hpp"

namespace portcullis::http {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto out = text::percent_decode(spaced);
  if (!out || !text::is_utf8(*out)) return std::nullopt;
  return out;
}

}  // namespace

std::expected<boost::json::value, std::string> parse_form_fields(std::string_view body,
                                                                 boost::json::storage_ptr memory) {
  boost::json::object out(std::move(memory));
  FieldNames names;
  std::size_t count = 0;
  while (!body.empty()) {
    const auto end = body.find('&');
    const auto field = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view{} : body.substr(end + 1);
    if (++count > kMaxFormFields) return std::unexpected("The form has too many fields.");
    const auto equals = field.find('=');
    const auto name = decoded(field.substr(0, equals));
    const auto value =
        decoded(equals == std::string_view::npos ? std::string_view{} : field.substr(equals + 1));
    if (!name || !value) return std::unexpected("The form is not encoded correctly.");
    if (const auto fault = names.add_field(*name)) return std::unexpected(std::string(*fault));
    out.emplace(*name, *value);
  }
  return out;
}

}  // namespace portcullis::http
