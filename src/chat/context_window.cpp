#include "chat/context_window.hpp"

#include <algorithm>

namespace portcullis::chat {

std::size_t estimated_tokens(std::string_view text) noexcept { return text.size() / 3 + 4; }

std::vector<upstream::PastMessage> context_window(std::span<const state::Message> messages,
                                                  std::string_view asked, std::size_t tokens) {
  using Role = state::Message::Role;
  using upstream::PastMessage;
  std::vector<PastMessage> newest_first;
  const state::Message* answer = nullptr;  // the question it belongs to stands before it
  for (auto at = messages.rbegin(); at != messages.rend(); ++at) {
    if (at->role == Role::assistant) {
      answer = &*at;
      continue;
    }
    // Answers of messages that were sent at once may stand in another order: no pair, no context.
    if (at->id == asked || answer == nullptr || answer->client_id != at->id) continue;
    const std::size_t cost = estimated_tokens(at->content) + estimated_tokens(answer->content);
    if (cost > tokens) break;
    tokens -= cost;
    newest_first.push_back({PastMessage::Role::assistant, answer->content});
    newest_first.push_back({PastMessage::Role::user, at->content});
    answer = nullptr;
  }
  std::ranges::reverse(newest_first);
  return newest_first;
}

}  // namespace portcullis::chat
