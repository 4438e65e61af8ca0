#pragma once
#include <vector>

#include "base/result.hpp"
#include "http/json_body.hpp"
#include "schema/node.hpp"

namespace portcullis::schema {

/// The schemas of a document, the root first. Errors: all there are, with the pointers of their
/// places, up to a few.
Result<std::vector<Node>> compile(const http::JsonBody& document);

}  // namespace portcullis::schema
