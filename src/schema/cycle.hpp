#pragma once
#include <optional>
#include <span>

#include "schema/node.hpp"

namespace portcullis::schema {

/// A schema that would ask itself about the same value, and so would never be done, or one that
/// leads to such a one. nullopt: there is none.
std::optional<NodeIndex> find_cycle(std::span<const Node> nodes);

}  // namespace portcullis::schema
