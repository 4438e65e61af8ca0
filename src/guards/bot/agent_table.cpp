#include "guards/bot/agent_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

constexpr std::pair<std::string_view, AgentClass> kClasses[] = {
    {"library", AgentClass::library}, {"tool", AgentClass::tool},
    {"crawler", AgentClass::crawler}, {"headless", AgentClass::headless},
    {"scanner", AgentClass::scanner},
};

/// Longer tokens are nobody's name.
constexpr std::size_t kLongestToken = 48;

bool is_token_char(char c) noexcept {
  return text::is_alnum(c) || c == '.' || c == '_' || c == '-';
}

}  // namespace

AgentTable::AgentTable(std::string_view table) {
  while (!table.empty()) {
    const std::size_t end = table.find('\n');
    const auto line = text::trim(table.substr(0, end));
    table = end == std::string_view::npos ? std::string_view{} : table.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    const auto name = line.substr(0, line.find(' '));
    const auto word = text::trim(line.substr(name.size()));
    const auto known =
        std::ranges::find(kClasses, word, [](const auto& pair) { return pair.first; });
    if (known == std::end(kClasses)) continue;
    if (name.front() == '*') {
      endings_.push_back({std::string(name.substr(1)), known->second});
    } else {
      names_.emplace(name, known->second);
    }
  }
}

AgentClass AgentTable::class_of(std::string_view token, bool versioned) const {
  const auto named = names_.find(token);
  if (named != names_.end() && (versioned || named->second >= AgentClass::crawler)) {
    return named->second;
  }
  if (!versioned) return AgentClass::unknown;
  for (const auto& ending : endings_) {
    if (token.ends_with(ending.text)) return ending.cls;
  }
  return AgentClass::unknown;
}

AgentClass AgentTable::classify(std::string_view user_agent,
                                std::span<const std::string> allowed) const {
  const auto line = user_agent.substr(0, kLongest);
  AgentClass gravest = AgentClass::unknown;
  std::array<char, kLongestToken> lower;
  for (std::size_t at = 0; at < line.size();) {
    if (!is_token_char(line[at])) {
      // Crawlers give the address of a page about themselves in this form, and nobody else does.
      if (line.substr(at).starts_with("+http")) gravest = std::max(gravest, AgentClass::crawler);
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && is_token_char(line[end])) ++end;
    const auto token = line.substr(at, end - at);
    const bool alone = token.size() == line.size();
    at = end;
    if (token.size() > lower.size() || text::is_digit(token.front())) continue;
    std::ranges::transform(token, lower.begin(), text::lower);
    const std::string_view name(lower.data(), token.size());
    if (std::ranges::find(allowed, name) != allowed.end()) return AgentClass::unknown;
    const bool versioned =
        alone || (end + 1 < line.size() && line[end] == '/' && text::is_digit(line[end + 1]));
    gravest = std::max(gravest, class_of(name, versioned));
  }
  return gravest;
}

}  // namespace portcullis::guards
