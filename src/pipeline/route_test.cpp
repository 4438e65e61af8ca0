#include "pipeline/route.hpp"

#include <gtest/gtest.h>

namespace portcullis::pipeline {
namespace {

class RouteTableTest : public testing::Test {
 protected:
  Route& add(std::string name, std::string path, std::string host = {}) {
    Route route;
    route.name = std::move(name);
    route.prefix = path.ends_with('/');
    route.path = std::move(path);
    route.host = std::move(host);
    route.methods = {http::Method::get};
    route.entry = entries_++;
    table_.add(std::move(route));
    return table_.routes().back();
  }
  std::string found(std::string_view path, std::string_view host = {}, bool vouched = false,
                    http::Method method = http::Method::get) const {
    const auto match = table_.find({path, method, host, vouched});
    return match.route != nullptr ? match.route->name : "(" + match.allow + ")";
  }

  RouteTable table_;
  std::size_t entries_ = 0;
};

TEST_F(RouteTableTest, OfTwoAlikeTheOneForItsHostAnswers) {
  add("anywhere", "/shop/");
  add("here", "/shop/", "here.example");
  EXPECT_EQ(found("/shop/1", "here.example"), "here");
  EXPECT_EQ(found("/shop/1", "there.example"), "anywhere");
}

TEST_F(RouteTableTest, OfTwoAlikeTheOrderDoesNotMatter) {
  add("here", "/shop/", "here.example");
  add("anywhere", "/shop/");
  EXPECT_EQ(found("/shop/1", "here.example"), "here");
  EXPECT_EQ(found("/shop/1", "there.example"), "anywhere");
}

TEST_F(RouteTableTest, ALongerPathComesBeforeAHost) {
  add("here", "/shop/", "here.example");
  add("inner", "/shop/inner/");
  EXPECT_EQ(found("/shop/inner/1", "here.example"), "inner");
}

TEST_F(RouteTableTest, NamingAnotherHostLeadsRoundNoNarrowerRoute) {
  add("all", "/");
  add("admin", "/admin/", "here.example");
  EXPECT_EQ(found("/admin/1", "here.example"), "admin");
  EXPECT_EQ(found("/admin/1", "there.example"), "()");
  EXPECT_EQ(found("/1", "there.example"), "all");
}

TEST_F(RouteTableTest, WhatAHostHasForItselfIsNotNarrowedByAnother) {
  add("there", "/", "there.example");
  add("admin", "/admin/", "here.example");
  EXPECT_EQ(found("/admin/1", "there.example"), "there");
}

TEST_F(RouteTableTest, APrefixIsAlsoItsPathWithoutTheLastSlash) {
  add("all", "/");
  add("admin", "/admin/");
  EXPECT_EQ(found("/admin"), "admin");
  EXPECT_EQ(found("/ADMIN"), "admin");
  EXPECT_EQ(found("/admins"), "all");
  EXPECT_EQ(found("/admi"), "all");
  add("exact", "/admin");
  EXPECT_EQ(found("/admin"), "exact");
}

TEST_F(RouteTableTest, MessagesAndRequestsDoNotFindEachOthersRoutes) {
  add("opening", "/live").websocket = true;
  add("look", "/live").by_message = true;
  add("plain", "/plain");
  EXPECT_EQ(found("/live"), "opening");
  EXPECT_EQ(found("/live", {}, true), "look");
  EXPECT_EQ(found("/plain"), "plain");
  EXPECT_EQ(found("/plain", {}, true), "()") << "another's route since a reload";
  EXPECT_EQ(found("/live", {}, false, http::Method::post), "(GET)");
}

}  // namespace
}  // namespace portcullis::pipeline
