#pragma once
#include <string_view>

#include "detect/marks.hpp"
#include "detect/signals.hpp"

/// Small readers of the languages that attacks are written in. Each looks for places where a text
/// could leave the words it is and become code, and reads on from there by that language's grammar.
///
/// Threads: any; pure.
/// Errors:  none; what runs out of budget says nothing.
/// Cost:    linear: every byte read is paid for out of the budget.
namespace portcullis::detect {

/// Quotes, numbers and separators followed by the grammar of a condition, union or statement.
void judge_sql(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// Tags, their attributes, and attributes that break out of one.
void judge_html(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// Commands in command position: after a separator, in a substitution, or alone.
void judge_shell(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// Expressions of template languages that reach beyond placeholders.
void judge_template(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// URLs whose host is a machine of ours, however it is spelled.
void judge_urls(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// Orders to the assistant: which words stand close to each other, in fifteen languages.
void judge_prompt(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// What libinjection says, of the whole text and after its first quotes.
void judge_libinjection(std::string_view text, Marks marks, Budget& budget, Signals& out);
/// Its own grammars still work: three texts whose verdict is known.
bool libinjection_works();

}  // namespace portcullis::detect
