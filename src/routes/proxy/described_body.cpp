#include "routes/proxy/described_body.hpp"

#include "base/text.hpp"

namespace portcullis::routes {

std::optional<http::Problem> DescribedBody::check(const http::JsonBody& body) const {
  if (schema_ == nullptr) return std::nullopt;
  auto violation = schema_->check(body);
  if (!violation) return std::nullopt;
  std::string detail =
      violation->pointer.empty() ? "The body" : "The value at " + violation->pointer;
  ((detail += ' ') += violation->words) += '.';
  http::Problem out(http::Code::schema_invalid, std::move(detail));
  out.members = "\"pointer\":";
  text::append_json_string(out.members, violation->pointer);
  out.members += ",\"rule\":";
  text::append_json_string(out.members, violation->keyword);
  return out;
}

std::optional<http::Problem> DescribedBody::check(const http::MultipartForm& form) const {
  if (!forms_) return BodySchema::check(form);
  if (auto problem = forms_->check(form)) return problem;
  http::JsonBody fields;
  read_fields(form, fields);
  return check(fields);
}

}  // namespace portcullis::routes
