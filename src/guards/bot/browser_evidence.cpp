#include "guards/bot/browser_evidence.hpp"

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

/// The major version behind a product's name; 0 where the line does not have it.
int version_of(std::string_view user_agent, std::string_view product) {
  const std::size_t at = user_agent.find(product);
  if (at == std::string_view::npos) return 0;
  const auto rest = user_agent.substr(at + product.size());
  std::size_t digits = 0;
  while (digits < rest.size() && digits < 6 && text::is_digit(rest[digits])) ++digits;
  return text::parse_number<int>(rest.substr(0, digits)).value_or(0);
}

void judge_agent(std::string_view user_agent, const AgentTable& agents,
                 std::span<const std::string> allowed, Score& score) {
  switch (agents.classify(user_agent, allowed)) {
    case AgentClass::unknown:
      return;
    case AgentClass::library:
      return score.add("agent_library", 20);
    case AgentClass::tool:
      return score.add("agent_tool", 40);
    case AgentClass::crawler:
      return score.add("agent_crawler", 40);
    case AgentClass::headless:
      return score.add("agent_headless", 40);
    case AgentClass::scanner:
      return score.add("agent_scanner", 60);
  }
}

}  // namespace

Score judge_browser(const http::RequestHead& head, bool https, const AgentTable& agents,
                    std::span<const std::string> allowed) {
  Score score;
  const auto user_agent = head.get("user-agent");
  if (user_agent.empty()) {
    score.add("no_agent", 40);
    return score;
  }
  judge_agent(user_agent, agents, allowed, score);
  const auto brands = head.get("sec-ch-ua");
  // A browser says so in its line of brands even where its User-Agent was changed.
  if (brands.find("Headless") != std::string_view::npos && !score.has("agent_headless")) {
    score.add("agent_headless", 40);
  }
  if (!user_agent.starts_with("Mozilla/5.0 (")) return score;

  if (head.get("accept-language").empty()) score.add("no_language", 30);
  // Every browser on an iPhone or iPad is Safari inside, whatever it calls itself.
  const bool apple = user_agent.find("like Mac OS X") != std::string_view::npos;
  const int chromium = apple ? 0 : version_of(user_agent, "Chrome/");
  if (!brands.empty() && chromium == 0) score.add("hints_of_another", 20);
  if (!https) return score;
  const bool in_app = user_agent.find("; wv)") != std::string_view::npos;
  if (chromium >= 89 && brands.empty() && !in_app) score.add("no_client_hints", 20);
  if ((chromium >= 80 || version_of(user_agent, "Firefox/") >= 90) &&
      !head.find("sec-fetch-site")) {
    score.add("no_fetch_metadata", 15);
  }
  return score;
}

}  // namespace portcullis::guards
