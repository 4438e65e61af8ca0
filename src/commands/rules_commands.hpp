#pragma once
#include <iosfwd>
#include <string>

#include "detect/finding.hpp"

namespace portcullis::commands {

/// `portcullis rules …`: what operators do with detection rules. Each prints to `out`, problems to
/// `err`, and returns the exit status.

/// Judges lines {"id":…,"text":…} from `in`: a line {"id","decision","score","classes","codes",
/// "flags","rules"} for each. 1 at the first line that is no such object, which is named.
int rules_eval(detect::Field field, std::istream& in, std::ostream& out, std::ostream& err);
/// A line for each rule: id, class, points in prose and structure.
int rules_list(std::ostream& out);
/// Why a rule exists, and its texts. 1 where there is no such rule.
int rules_explain(const std::string& id, std::ostream& out, std::ostream& err);
/// Holds every rule against its texts. 1 where one misses.
int rules_test(std::ostream& out, std::ostream& err);

}  // namespace portcullis::commands
