#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/canonical.hpp"
#include "schema/node.hpp"
#include "schema/schema.hpp"

namespace portcullis::schema {

/// One value, asked by the schemas of a document.
///
/// Threads: used once, by one.
class Evaluation {
 public:
  Evaluation(std::span<const Node> nodes, const http::NumberLiterals& literals)
      : nodes_(nodes), literals_(literals) {}

  std::optional<Violation> run(const boost::json::value& value);

 private:
  /// A member or an item on the way to the value that is being looked at.
  struct Step {
    std::string_view name{};  ///< of a member that the schema names
    std::size_t index = 0;
    bool is_item = false;
  };

  bool passes(NodeIndex index, const boost::json::value& value);
  bool passes_type(const Node& node, const boost::json::value& value);
  bool passes_values(const Node& node, const boost::json::value& value);
  bool passes_number(const Node& node, const boost::json::value& value);
  bool passes_string(const Node& node, std::string_view text);
  bool passes_array(const Node& node, const boost::json::array& items);
  bool passes_object(const Node& node, const boost::json::object& members);
  bool passes_member(const Node& node, std::string_view name, const boost::json::value& value);
  bool passes_others(const Node& node, const boost::json::value& value);
  bool passes_below(NodeIndex index, const boost::json::value& value, Step step);
  /// Whether it passes, with nothing said where it does not.
  bool would_pass(NodeIndex index, const boost::json::value& value);
  bool are_unique(const boost::json::array& items);
  std::string canonical_of(const boost::json::value& value);

  /// Both: @returns false.
  bool violates(std::string_view keyword, std::string words);
  bool give_up(std::string_view what);
  void spend_bytes(std::size_t bytes) { steps_ += bytes / 16; }

  std::span<const Node> nodes_;
  const http::NumberLiterals& literals_;
  std::vector<Step> path_;
  std::optional<Violation> violation_;
  std::size_t steps_ = 0;
  int depth_ = 0;
  int silent_ = 0;         ///< inside of that many schemas that may fail
  bool given_up_ = false;  ///< it is too much: nothing passes any more
};

}  // namespace portcullis::schema
