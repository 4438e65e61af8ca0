#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/json_body.hpp"

namespace portcullis::schema {

struct Node;

/// What is wrong with a value, without any of it.
struct Violation {
  std::string pointer;       ///< to the value (RFC 6901); "*" for a name that no schema knows
  std::string_view keyword;  ///< the rule that is broken; static
  std::string words;         ///< "must be at most 100"
};

/// A JSON Schema, compiled: the subset of draft 2020-12 that README.md lists, and an error for each
/// keyword beside it.
///
/// Threads: immutable; any thread.
/// Errors:  each with the JSON pointer of its place in the schema.
/// Cost:    linear in the value for a given schema, within kMaxSteps; a value that would need more
///          is refused. About 5 us for an order of 1 KiB.
/// Source:  JSON Schema Core and Validation, draft 2020-12; formats are asserted.
class Schema {
 public:
  /// Bounds what one value may cost: a step is a schema asked about a value, or 16 bytes looked at.
  static constexpr std::size_t kMaxSteps = 1'000'000;

  /// Reads JSON, or YAML where the file is not named `.json`; at most 1 MiB.
  static Result<Schema> read(const std::string& file);
  static Result<Schema> compile(std::string_view json);

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

  /// The first rule that the body breaks.
  std::optional<Violation> check(const http::JsonBody& body) const;

 private:
  explicit Schema(std::vector<Node> nodes);

  std::vector<Node> nodes_;  ///< the first one is the root
};

}  // namespace portcullis::schema
