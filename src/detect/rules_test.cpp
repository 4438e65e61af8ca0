#include "detect/engine.hpp"
#include "proves.hpp"

namespace portcullis::detect {
namespace {

/// Every rule holds what its own file says, on each field where it scores.
TEST(Rules, MatchAndPassTheirTexts) {
  PROVES("F156,F158,F159,F235");
  const auto engine = Engine::make(embedded_rules());
  ASSERT_TRUE(engine.has_value());
  const auto scratch = (*engine)->make_scratch();
  ASSERT_TRUE(scratch.has_value());
  const auto rules = (*engine)->rules();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const auto field : {Field::prose, Field::structure}) {
      if (rules[i].score[static_cast<std::size_t>(field)] == 0) continue;
      for (const auto text : rules[i].must_match) {
        EXPECT_TRUE((*engine)->inspect(text, field, **scratch)->rules.test(i))
            << rules[i].id << " must match " << text;
      }
      for (const auto text : rules[i].must_pass) {
        EXPECT_FALSE((*engine)->inspect(text, field, **scratch)->rules.test(i))
            << rules[i].id << " must pass " << text;
      }
    }
  }
}

TEST(Rules, AreAsManyAsThePromisesAskFor) {
  PROVES("F156,F158,F159");
  std::array<std::size_t, kAttackClasses> patterns{};
  const auto pack = embedded_rules();
  for (const auto owner : pack.pattern_rules) {
    ++patterns[static_cast<std::size_t>(pack.rules[owner].cls)];
  }
  EXPECT_GE(patterns[static_cast<std::size_t>(AttackClass::sqli)], 16U);
  EXPECT_GE(patterns[static_cast<std::size_t>(AttackClass::xss)], 11U);
  EXPECT_GE(patterns[static_cast<std::size_t>(AttackClass::path_traversal)], 8U);
}

}  // namespace
}  // namespace portcullis::detect
