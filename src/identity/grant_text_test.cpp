#include "identity/grant_text.hpp"

#include <gtest/gtest.h>

namespace portcullis::identity {
namespace {

TEST(GrantText, IsARoleForASite) {
  EXPECT_EQ(grant_in("admin", "*").value(), (Grant{Role::admin, "*"}));
  EXPECT_EQ(grant_in("viewer", "shop").value(), (Grant{Role::viewer, "shop"}));
  EXPECT_EQ(grant_in("operator@blog", "shop").value(), (Grant{Role::operator_, "blog"}));
  EXPECT_EQ(grant_in("service@*", "shop").value(), (Grant{Role::service, "*"}));
}

TEST(GrantText, RefusesOtherRolesAndWhatIsNoSite) {
  for (const auto* text :
       {"", "boss", "Admin", "admin ", "admin@", "admin@a b", "admin@a@b", "@shop"}) {
    EXPECT_EQ(grant_in(text, "*").error().code, ErrorCode::invalid_input) << text;
  }
  EXPECT_FALSE(grant_in("admin", ""));
}

TEST(GrantText, WhatIsGivenTwiceCountsOnce) {
  const std::vector<std::string> texts{"viewer@shop", "admin", "viewer"};
  const auto grants = grants_in(texts, "shop").value();
  EXPECT_EQ(grants, (std::vector<Grant>{{Role::viewer, "shop"}, {Role::admin, "shop"}}));
  EXPECT_EQ(text_of(grants), "viewer@shop,admin@shop");
  EXPECT_EQ(text_of(grants_in(texts, "*").value()), "viewer@shop,admin,viewer");
  EXPECT_EQ(text_of(std::vector<Grant>{}), "-");
}

}  // namespace
}  // namespace portcullis::identity
