#include "schema/schema.hpp"

#include "schema/compiler.hpp"
#include "schema/document.hpp"
#include "schema/evaluation.hpp"

namespace portcullis::schema {
namespace {

constexpr http::JsonLimits kLimits{.max_depth = 64, .max_keys = 20'000};

}  // namespace

Schema::Schema(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(std::string_view json) {
  http::JsonBody document;
  if (const auto parsed = http::parse_json(json, kLimits, document); !parsed) {
    return fail(ErrorCode::malformed, parsed.error().detail);
  }
  TRY(auto nodes, schema::compile(document));
  return Schema(std::move(nodes));
}

Result<Schema> Schema::read(const std::string& file) {
  const auto in_file = [&](Error error) {
    error.detail = file + ": " + error.detail;
    return std::unexpected(std::move(error));
  };
  auto text = read_document(file);
  if (text && !file.ends_with(".json")) text = json_of_yaml(*text);
  if (!text) return in_file(std::move(text).error());
  auto out = compile(*text);
  if (!out) return in_file(std::move(out).error());
  return out;
}

std::optional<Violation> Schema::check(const http::JsonBody& body) const {
  return Evaluation(nodes_, body.literals).run(body.value);
}

}  // namespace portcullis::schema
