#include "http/roles.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace portcullis::http {
namespace {

TEST(Roles, OneWhoMayDoMoreMayDoLess) {
  const Roles readers = Roles::from(Role::viewer);
  EXPECT_EQ(readers.text(), "viewer, operator, admin");
  EXPECT_EQ(Roles::from(Role::operator_).text(), "operator, admin");
  EXPECT_EQ(Roles::from(Role::admin).text(), "admin");
  EXPECT_FALSE(readers.contains(Role::service)) << "a service reads nothing unless it is named";
  EXPECT_TRUE(readers.with(Role::service).contains(Role::service));
  EXPECT_TRUE(Roles().empty());
}

TEST(Roles, AGrantIsForItsSiteOrForAll) {
  const std::vector<Grant> grants{{Role::admin, "shop"}, {Role::viewer, "*"}};
  EXPECT_TRUE(grants_any(grants, Roles::from(Role::admin), "shop"));
  EXPECT_FALSE(grants_any(grants, Roles::from(Role::admin), "blog"));
  EXPECT_FALSE(grants_any(grants, Roles::from(Role::admin), "*")) << "what concerns all sites";
  EXPECT_TRUE(grants_any(grants, Roles::from(Role::viewer), "blog"));
  EXPECT_TRUE(grants_any(grants, Roles::from(Role::viewer), "*"));
  EXPECT_FALSE(grants_any({}, Roles::from(Role::viewer), "shop"));
}

TEST(Roles, HaveNames) {
  for (const auto role : {Role::viewer, Role::operator_, Role::admin, Role::service}) {
    EXPECT_EQ(role_of(name_of(role)), role);
  }
  EXPECT_FALSE(role_of("Admin"));
  EXPECT_FALSE(role_of(""));
}

}  // namespace
}  // namespace portcullis::http
