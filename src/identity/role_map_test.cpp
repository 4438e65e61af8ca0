#include "identity/role_map.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace portcullis::identity {
namespace {

RoleMap made(const std::string& claim, const std::vector<std::string>& entries) {
  auto map = RoleMap::make(claim, entries);
  EXPECT_TRUE(map) << map.error().detail;
  return *std::move(map);
}

std::vector<Grant> grants(const RoleMap& map, const std::string& claims) {
  return map.grants_of(boost::json::parse(claims).as_object());
}

TEST(RoleMap, GivesWhatAGroupMeans) {
  const auto map = made("roles", {"staff=viewer", "staff=operator@shop", "cn=ops,ou=it=admin"});
  EXPECT_EQ(grants(map, R"({"roles":["staff"]})"),
            (std::vector<Grant>{{Role::viewer, "*"}, {Role::operator_, "shop"}}));
  EXPECT_EQ(grants(map, R"({"roles":["cn=ops,ou=it","cn=ops,ou=it"]})"),
            (std::vector<Grant>{{Role::admin, "*"}}));
  EXPECT_EQ(grants(map, R"({"roles":"staff"})").size(), 2U);
  EXPECT_TRUE(grants(map, R"({"roles":"other staff"})").empty())
      << "a group with a space in its name";
  EXPECT_EQ(grants(made("scope", {"use=viewer"}), R"({"scope":"openid use"})").size(), 1U);
}

TEST(RoleMap, NothingElseMeansAnything) {
  const auto map = made("roles", {"staff=admin"});
  for (const auto* claims :
       {"{}", R"({"roles":null})", R"({"roles":[]})", R"({"roles":["Staff","admin","staff "]})",
        R"({"roles":[["staff"]]})", R"({"roles":[{"staff":"staff"}]})", R"({"roles":{"staff":1}})",
        R"({"groups":["staff"]})", R"({"roles":7})", R"({"roles":["staff=admin"]})"}) {
    EXPECT_TRUE(grants(map, claims).empty()) << claims;
  }
}

TEST(RoleMap, LooksAtABoundedNumberOfGroups) {
  boost::json::array groups(RoleMap::kMaxValues, boost::json::value("other"));
  groups.emplace_back("staff");
  const boost::json::object claims{{"roles", groups}};
  EXPECT_TRUE(made("roles", {"staff=admin"}).grants_of(claims).empty());
}

TEST(RoleMap, FindsItsClaimByNameOrPointer) {
  const auto nested = made("/realm_access/roles", {"a=viewer"});
  EXPECT_EQ(nested.claim(), "realm_access");
  EXPECT_EQ(grants(nested, R"({"realm_access":{"roles":["a"]}})").size(), 1U);
  const auto url = made("https://example.com/roles~x", {"a=viewer"});
  EXPECT_EQ(url.claim(), "https://example.com/roles~x") << "a name, whatever is in it";
  EXPECT_EQ(grants(url, R"({"https://example.com/roles~x":["a"]})").size(), 1U);
  const auto escaped = made("/a~1b/roles", {"a=viewer"});
  EXPECT_EQ(escaped.claim(), "a/b");
  EXPECT_EQ(grants(escaped, R"({"a/b":{"roles":["a"]}})").size(), 1U);
}

TEST(RoleMap, RefusesWhatCannotBeMeant) {
  const auto refused = [](const std::string& claim, const std::string& entry) {
    return !RoleMap::make(claim, std::vector{entry});
  };
  EXPECT_TRUE(refused("", "a=viewer"));
  EXPECT_TRUE(refused("/", "a=viewer"));
  EXPECT_TRUE(refused("/a~2", "a=viewer"));
  for (const auto* entry : {"", "=viewer", "viewer", "a=king", "a=viewer@", "a=viewer@a b"}) {
    EXPECT_TRUE(refused("roles", entry)) << entry;
  }
}

}  // namespace
}  // namespace portcullis::identity
