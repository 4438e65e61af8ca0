#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "guards/bot/score.hpp"

namespace portcullis::guards {

/// What a text is made of, as far as spam and machines are told by it. Nothing of it depends on a
/// language but `spam_words`. Where there is no link the rest of what spam has is not looked for.
struct MessageTraits {
  std::size_t bytes = 0;
  std::size_t characters = 0;  ///< these and what follows: outside of links
  std::size_t letters = 0;     ///< of scripts that have capitals: Latin, Greek, Cyrillic
  std::size_t capitals = 0;    ///< of them
  std::size_t marks = 0;       ///< ! ? . , ; :
  bool monotonous = false;     ///< the whole text says next to nothing for its length
  std::size_t links = 0;       ///< to hosts that are not the site's own
  std::size_t hosts = 0;       ///< different ones of these
  std::size_t spam_words = 0;  ///< different ones, as whole words

  /// `own_hosts`: where the visitor is; links to them and below them are none.
  ///
  /// Cost: about 5 ns a byte, three times that with links.
  static MessageTraits of(std::string_view text, std::span<const std::string_view> own_hosts);
};

/// Whether a text is one of those that people and machines try an assistant with ("test", "hello").
bool is_test_phrase(std::string_view text) noexcept;

/// What a single message says for its sender being a machine. Little on its own: people say "hi".
Score judge_message(std::string_view text, const MessageTraits& traits);

/// What a single message says for being an advertisement. Shouting, or words of a shop, are none
/// without a link.
Score judge_spam(const MessageTraits& traits);

}  // namespace portcullis::guards
