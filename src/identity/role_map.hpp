#pragma once
#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <vector>

#include "identity/accounts.hpp"

namespace portcullis::identity {

/// What the groups or roles of an OpenID provider mean here. What it does not name means nothing.
///
/// Threads: immutable; safe from any.
/// Bounds:  kMaxValues of a token are looked at, kMaxGrants come of them.
class RoleMap {
 public:
  static constexpr std::size_t kMaxValues = 256;

  /// `claim`: the name of a claim, or the path to it as a JSON pointer ("/realm_access/roles").
  /// `entries`: "GROUP=ROLE" or "GROUP=ROLE@SITE"; a group may stand in several.
  /// @returns invalid_input with what is wrong.
  static Result<RoleMap> make(std::string claim, std::span<const std::string> entries);

  /// The claim at the top of the token that it is read from.
  const std::string& claim() const noexcept { return claim_; }
  /// A list of texts, or one text, which is one group; that of `scope` or `scp` several with spaces
  /// between (RFC 8693 section 4.2). Anything else names no group.
  std::vector<Grant> grants_of(const boost::json::object& claims) const;

 private:
  struct Entry {
    std::string group;
    Grant grant;
  };
  RoleMap(std::string claim, std::string pointer, std::vector<Entry> entries)
      : claim_(std::move(claim)), pointer_(std::move(pointer)), entries_(std::move(entries)) {}
  void add(std::string_view group, std::vector<Grant>& grants) const;

  std::string claim_;
  std::string pointer_;
  std::vector<Entry> entries_;
};

}  // namespace portcullis::identity
