#pragma once
#include <memory>

#include "pipeline/route.hpp"
#include "schema/schema.hpp"

namespace portcullis::routes {

/// What a JSON Schema says of the bodies of a protected route. The fields of a form are an object
/// of strings.
///
/// Threads: immutable; any worker.
class DescribedBody final : public pipeline::BodySchema {
 public:
  explicit DescribedBody(std::shared_ptr<const schema::Schema> schema)
      : schema_(std::move(schema)) {}
  std::optional<http::Problem> check(const http::JsonBody& body) const override;

 private:
  const std::shared_ptr<const schema::Schema> schema_;
};

}  // namespace portcullis::routes
