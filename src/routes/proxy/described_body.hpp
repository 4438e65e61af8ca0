#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "routes/proxy/form_rules.hpp"
#include "schema/schema.hpp"

namespace portcullis::routes {

/// What a protected route asks of bodies: that they follow its JSON Schema, to which the text
/// fields of a form are an object of strings, and forms with files its FormRules.
///
/// Threads: immutable; any worker.
class DescribedBody final : public pipeline::BodySchema {
 public:
  /// `schema` null: any body will do. `forms` none: no form with files is taken.
  DescribedBody(std::shared_ptr<const schema::Schema> schema, std::optional<FormRules> forms)
      : schema_(std::move(schema)), forms_(std::move(forms)) {}
  std::optional<http::Problem> check(const http::JsonBody& body) const override;
  std::optional<http::Problem> check(const http::MultipartForm& form) const override;

 private:
  const std::shared_ptr<const schema::Schema> schema_;
  const std::optional<FormRules> forms_;
};

}  // namespace portcullis::routes
