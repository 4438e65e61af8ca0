#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "state/store.hpp"
#include "upstream/assistant.hpp"

namespace portcullis::chat {

/// How many tokens a model may count for a text, guessed from above: a third of its bytes, which
/// covers words of European languages amply and a character of three bytes, as Chinese has, with
/// one; and four for what stands around a message.
std::size_t estimated_tokens(std::string_view text) noexcept;

/// The newest part of a conversation that fits into so many tokens: whole exchanges, a message and
/// its answer, oldest first. What was never answered is left out, so that the roles alternate, as
/// the APIs of models want it; so is the message `asked`, which is being answered now.
///
/// Threads: any; pure.  Cost: one pass from the end.
std::vector<upstream::PastMessage> context_window(std::span<const state::Message> messages,
                                                  std::string_view asked, std::size_t tokens);

}  // namespace portcullis::chat
