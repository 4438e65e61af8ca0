#include "commands/rules_commands.hpp"

#include <algorithm>
#include <iomanip>
#include <istream>
#include <ostream>

#include "base/text.hpp"
#include "detect/engine.hpp"
#include "detect/leak_rule.hpp"
#include "http/json_body.hpp"

namespace portcullis::commands {
namespace {

constexpr int kFailed = 1;

/// The engine as the gateway runs it, with one scratch.
struct Judge {
  std::unique_ptr<detect::Engine> engine;
  std::unique_ptr<detect::Scratch> scratch;

  static Result<Judge> make() {
    Judge judge;
    TRY(judge.engine, detect::Engine::make(detect::embedded_rules()));
    TRY(judge.scratch, judge.engine->make_scratch());
    return judge;
  }
};

template <class Texts>
void append_list(std::string& out, std::string_view name, const Texts& texts) {
  out += ",\"" + std::string(name) + "\":[";
  bool first = true;
  for (const auto& text : texts) {
    if (!first) out += ',';
    first = false;
    text::append_json_string(out, text);
  }
  out += ']';
}

std::string line_of(std::string_view id, const detect::Finding& finding,
                    std::span<const detect::Rule> rules) {
  std::string out = "{\"id\":";
  text::append_json_string(out, id);
  out += ",\"decision\":\"";
  out += finding.decision == detect::Decision::refuse ? "refuse" : "pass";
  out += "\",\"score\":";
  text::append_number(out, finding.score);
  append_list(out, "classes", finding.class_names());
  append_list(out, "codes", finding.codes());
  append_list(out, "flags", finding.flags.names());
  std::vector<std::string_view> matched;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (finding.rules.test(i)) matched.push_back(rules[i].id);
  }
  append_list(out, "rules", matched);
  return out + "}\n";
}

/// A string member of a parsed line; nullopt where it is missing or no string.
std::optional<std::string_view> member(const boost::json::value& line, const char* name) {
  const auto* object = line.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string().data(), value->get_string().size());
}

/// What both kinds of rules have.
void explain(const auto& rule, std::ostream& out) {
  out << rule.reason << "\n\nmust match\n";
  for (const auto text : rule.must_match) out << "  " << text << "\n";
  out << "\nmust pass\n";
  for (const auto text : rule.must_pass) out << "  " << text << "\n";
}

}  // namespace

int rules_eval(detect::Field field, std::istream& in, std::ostream& out, std::ostream& err) {
  auto judge = Judge::make();
  if (!judge) {
    err << "error: " << judge.error().detail << "\n";
    return kFailed;
  }
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (text::trim(line).empty()) continue;
    const auto wrong = [&](std::string_view what) {
      out.flush();
      err << "error: line " << number << ": " << what << "\n";
      return kFailed;
    };
    const auto parsed = http::parse_json(line);
    if (!parsed) return wrong(parsed.error().detail);
    const auto id = member(*parsed, "id");
    const auto text = member(*parsed, "text");
    if (!id || !text) return wrong("needs the strings \"id\" and \"text\"");
    const auto finding = judge->engine->inspect(*text, field, *judge->scratch);
    if (!finding) return wrong(finding.error().detail);
    out << line_of(*id, *finding, judge->engine->rules());
  }
  return 0;
}

int rules_list(std::ostream& out) {
  out << std::left << std::setw(34) << "id" << std::setw(20) << "class" << std::setw(8) << "prose"
      << "structure\n";
  const auto points = [](std::uint8_t score) {
    return score == 0 ? std::string("-") : std::to_string(score);
  };
  for (const auto& rule : detect::embedded_rules().rules) {
    out << std::setw(34) << rule.id << std::setw(20) << detect::info_of(rule.cls).name
        << std::setw(8) << points(rule.score[0]) << points(rule.score[1]) << "\n";
  }
  for (const auto& rule : detect::embedded_leak_rules().rules) {
    out << std::setw(34) << rule.id << "answers\n";
  }
  return 0;
}

int rules_explain(const std::string& id, std::ostream& out, std::ostream& err) {
  const auto rules = detect::embedded_rules().rules;
  if (const auto at = std::ranges::find(rules, id, &detect::Rule::id); at != rules.end()) {
    const auto& info = detect::info_of(at->cls);
    out << at->id << " (" << info.name << ", " << info.code << ")\n";
    explain(*at, out);
    return 0;
  }
  const auto leaks = detect::embedded_leak_rules().rules;
  if (const auto at = std::ranges::find(leaks, id, &detect::LeakRule::id); at != leaks.end()) {
    out << at->id << " (answers, RSP_001)\n";
    explain(*at, out);
    return 0;
  }
  err << "error: there is no rule '" << id << "'; `portcullis rules list` names all\n";
  return kFailed;
}

int rules_test(std::ostream& out, std::ostream& err) {
  auto judge = Judge::make();
  if (!judge) {
    err << "error: " << judge.error().detail << "\n";
    return kFailed;
  }
  const auto rules = judge->engine->rules();
  std::size_t held = 0;
  std::size_t missed = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const auto field : {detect::Field::prose, detect::Field::structure}) {
      if (rules[i].score[static_cast<std::size_t>(field)] == 0) continue;
      const auto hold = [&](std::string_view text, bool must_match) {
        const auto finding = judge->engine->inspect(text, field, *judge->scratch);
        ++held;
        if (finding && finding->rules.test(i) == must_match) return;
        ++missed;
        err << rules[i].id << " (" << name_of(field) << ") must "
            << (must_match ? "match: " : "pass: ") << text << "\n";
      };
      for (const auto text : rules[i].must_match) hold(text, true);
      for (const auto text : rules[i].must_pass) hold(text, false);
    }
  }
  out << rules.size() << " rules, " << held << " texts held, " << missed << " missed\n";
  return missed == 0 ? 0 : kFailed;
}

}  // namespace portcullis::commands
