#include "schema/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace portcullis::schema {
namespace {

Decimal of(std::string_view literal) { return Decimal(literal); }

TEST(Decimal, IsTheSameHoweverItIsWritten) {
  for (const std::string_view one : {"100", "100.0", "1e2", "1E+2", "0.1e3", "1000e-1", "100.00e0"})
    EXPECT_EQ(of(one), Decimal(std::int64_t{100})) << one;
  for (const std::string_view zero : {"0", "-0", "0.0", "-0.00", "0e9", "0e-99999999999999999999"})
    EXPECT_EQ(of(zero), Decimal()) << zero;
  EXPECT_EQ(of("0.1"), Decimal(0.1));
  EXPECT_EQ(of("-1.5e-7"), Decimal(-1.5e-7));
  EXPECT_EQ(of("18446744073709551615"), Decimal(std::numeric_limits<std::uint64_t>::max()));
  EXPECT_EQ(of("-9223372036854775808"), Decimal(std::numeric_limits<std::int64_t>::min()));
}

TEST(Decimal, ComparesEveryDigit) {
  const std::string_view ascending[] = {"-1e30",
                                        "-12345678901234567890124",
                                        "-12345678901234567890123.5",
                                        "-12345678901234567890123",
                                        "-1",
                                        "-0.5",
                                        "-1e-300",
                                        "0",
                                        "1e-400",
                                        "1e-300",
                                        "0.05",
                                        "0.5",
                                        "0.50000000000000000000000000001",
                                        "9.99",
                                        "10",
                                        "99",
                                        "100",
                                        "100.00000000000000000000000000001",
                                        "12345678901234567890123",
                                        "12345678901234567890124",
                                        "1e30"};
  for (const auto& a : ascending) {
    for (const auto& b : ascending) {
      EXPECT_EQ(of(a) <=> of(b), &a <=> &b) << a << " " << b;
      EXPECT_EQ(of(a) == of(b), &a == &b) << a << " " << b;
    }
  }
}

TEST(Decimal, KnowsIntegers) {
  for (const std::string_view yes : {"0", "-3", "1.0", "1e3", "12345678901234567890123"})
    EXPECT_TRUE(of(yes).is_integer()) << yes;
  for (const std::string_view no : {"0.5", "1e-1", "12345678901234567890123.1", "15e-1"})
    EXPECT_FALSE(of(no).is_integer()) << no;
}

TEST(Decimal, KnowsMultiplesExactly) {
  const struct {
    std::string_view number, step;
    bool is_multiple;
  } cases[] = {{"0", "7", true},
               {"21", "7", true},
               {"22", "7", false},
               {"-21", "7", true},
               {"19.99", "0.01", true},
               {"19.995", "0.01", false},
               {"0.3", "0.1", true},
               {"4.35", "0.05", true},
               {"1.1", "1", false},
               {"1e300", "1", true},
               {"1e300", "7", false},
               {"1e999999999", "0.5", true},
               {"7e999999999", "7", true},
               {"12345678901234567890123", "1", true},
               {"12345678901234567890123", "3", true},
               {"12345678901234567890124", "3", false},
               {"100", "1e3", false},
               {"5000", "1e3", true},
               {"0.0075", "0.0001", true},
               {"0.00751", "0.0001", false},
               {"999999999999999999000", "999999999999999999", true}};
  for (const auto& c : cases) {
    EXPECT_EQ(of(c.number).is_multiple_of(of(c.step)), c.is_multiple) << c.number << " " << c.step;
  }
  EXPECT_FALSE(of("0").is_step());
  EXPECT_FALSE(of("-1").is_step());
  EXPECT_FALSE(of("1234567890123456789").is_step());
  EXPECT_TRUE(of("123456789012345678").is_step());
}

}  // namespace
}  // namespace portcullis::schema
