#include "detect/matcher.hpp"

#include <hs/hs_runtime.h>

#include <limits>
#include <string>

namespace portcullis::detect {
namespace {

struct Scan {
  std::span<const std::uint16_t> pattern_rules;
  RuleSet& rules;
};

int on_rule(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  auto& scan = *static_cast<Scan*>(context);
  scan.rules.set(scan.pattern_rules[id]);
  return 0;
}

int on_hit(unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) {
  static_cast<std::vector<Matcher::Hit>*>(context)->push_back({id, end});
  return 0;
}

}  // namespace

void Matcher::FreeDatabase::operator()(hs_database* database) const noexcept {
  hs_free_database(database);
}

void Matcher::FreeScratch::operator()(hs_scratch* scratch) const noexcept {
  hs_free_scratch(scratch);
}

Result<Matcher> Matcher::make(std::span<const char> serialised,
                              std::span<const std::uint16_t> pattern_rules) {
  hs_database_t* database = nullptr;
  const auto code = hs_deserialize_database(serialised.data(), serialised.size(), &database);
  if (code != HS_SUCCESS) {
    return fail(ErrorCode::unavailable,
                "the rule database cannot be loaded by Vectorscan " + std::string(hs_version()) +
                    " (code " + std::to_string(code) +
                    "): it was made for another version of it, or this processor lacks the "
                    "instructions that it needs (SSE4.2 on x86-64)");
  }
  Matcher out;
  out.database_.reset(database);
  out.pattern_rules_ = pattern_rules;
  return out;
}

Result<Matcher::Memory> Matcher::make_memory() const {
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database_.get(), &scratch) != HS_SUCCESS) {
    return fail(ErrorCode::exhausted, "no memory for scanning");
  }
  return Memory(scratch);
}

Result<void> Matcher::scan(std::string_view text, Memory& memory, RuleSet& rules) const {
  Scan scan{pattern_rules_, rules};
  return run(text, memory, on_rule, &scan);
}

Result<void> Matcher::find(std::string_view text, Memory& memory, std::vector<Hit>& hits) const {
  return run(text, memory, on_hit, &hits);
}

Result<void> Matcher::run(std::string_view text, Memory& memory,
                          int (*on_match)(unsigned, unsigned long long, unsigned long long,
                                          unsigned, void*),
                          void* context) const {
  if (text.size() > std::numeric_limits<unsigned>::max()) {
    return fail(ErrorCode::too_large, "the text is too long to be scanned");
  }
  const auto code = hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0,
                            memory.get(), on_match, context);
  if (code != HS_SUCCESS) {
    return fail(ErrorCode::internal, "scanning failed with code " + std::to_string(code));
  }
  return {};
}

}  // namespace portcullis::detect
