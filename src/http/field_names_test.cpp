#include "http/field_names.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace portcullis::http {
namespace {

/// Whether a form may have fields of these names.
bool takes(std::initializer_list<const char*> names) {
  FieldNames known;
  for (const char* name : names) {
    if (known.add_field(name)) return false;
  }
  return true;
}

TEST(FieldNames, AreOtherFieldsToEveryReader) {
  EXPECT_TRUE(takes({"a", "b", "a1", "_a", "\xc3\x84"}));
  EXPECT_TRUE(takes({"a[x]", "a[y]", "a[z][1]", "a[z][2]", "b[]", "c[][x]", "c[][y]"}));
  for (auto names :
       std::initializer_list<std::initializer_list<const char*>>{{"a", "a"},
                                                                 {"a", "a[]"},
                                                                 {"a[0]", "a"},
                                                                 {"a[]", "a[]"},
                                                                 {"a.b", "a_b"},
                                                                 {"a b", "a.b[]"},
                                                                 {" a", "a"},
                                                                 {"a ", "a"},
                                                                 {"a ", "a_"},
                                                                 {"a\t", "a[x]"},
                                                                 {"a\xc2\xa0", "a"},
                                                                 {"\xc2\xa0 a", "a"},
                                                                 {"Role", "role"},
                                                                 {"a[X]", "a[x]"},
                                                                 {"a[x ]", "a[x]"},
                                                                 {"a[]", "a[0]"},
                                                                 {"a[0][x]", "a[][y]"},
                                                                 {"a[b]", "a[b][c]"},
                                                                 {"a[b][c]", "a[b][]"},
                                                                 {"a[b][c]", "A[b]"}}) {
    EXPECT_FALSE(takes(names)) << *names.begin() << " and " << *(names.end() - 1);
  }
}

TEST(FieldNames, HaveBracketsThatClose) {
  for (const char* name :
       {"", " ", "\xc2\xa0", "\t[x]", "[a]", "a[", "a]", "a[b", "a[b]c", "a[[b]]", "a[b]]"}) {
    EXPECT_FALSE(takes({name})) << name;
  }
}

TEST(FieldNames, LetFilesHaveOneNameButNoneOfAField) {
  FieldNames names;
  EXPECT_FALSE(names.add_file("files"));
  EXPECT_FALSE(names.add_file("files"));
  EXPECT_FALSE(names.add_file("more[]"));
  EXPECT_FALSE(names.add_file("more[]"));
  EXPECT_TRUE(names.add_field("files"));
  EXPECT_TRUE(names.add_field("files[x]"));
  EXPECT_FALSE(names.add_field("note"));
  EXPECT_TRUE(names.add_file("note"));
}

}  // namespace
}  // namespace portcullis::http
