#include "schema/cycle.hpp"

#include <algorithm>

namespace portcullis::schema {
namespace {

/// The schemas that a node asks about the same value.
std::vector<NodeIndex> asked_of_same(const Node& node) {
  std::vector<NodeIndex> out;
  if (node.ref) out.push_back(*node.ref);
  if (node.none_of) out.push_back(*node.none_of);
  for (const auto* list : {&node.all_of, &node.any_of, &node.one_of}) {
    out.insert(out.end(), list->begin(), list->end());
  }
  return out;
}

}  // namespace

std::optional<NodeIndex> find_cycle(std::span<const Node> nodes) {
  std::vector<std::size_t> asks(nodes.size());
  std::vector<std::vector<NodeIndex>> asked_by(nodes.size());
  std::vector<NodeIndex> free;
  for (NodeIndex i = 0; i < nodes.size(); ++i) {
    const auto others = asked_of_same(nodes[i]);
    asks[i] = others.size();
    for (const auto other : others) asked_by[other].push_back(i);
    if (others.empty()) free.push_back(i);
  }
  // Nodes are taken away that ask nobody who is left; what cannot be taken away is a cycle, or
  // leads to one.
  while (!free.empty()) {
    const auto done = free.back();
    free.pop_back();
    for (const auto by : asked_by[done]) {
      if (--asks[by] == 0) free.push_back(by);
    }
  }
  const auto left = std::ranges::find_if(asks, [](auto n) { return n > 0; });
  if (left == asks.end()) return std::nullopt;
  return static_cast<NodeIndex>(left - asks.begin());
}

}  // namespace portcullis::schema
