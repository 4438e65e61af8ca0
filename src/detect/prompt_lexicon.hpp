#pragma once
#include <cstdint>
#include <string_view>

namespace portcullis::detect {

/// What a word can do in an instruction to an assistant. Bits: a word may do several things.
namespace slot {
enum Slot : std::uint64_t {
  cancel = 1ULL << 0,       ///< ignore, forget, disregard
  undo = 1ULL << 1,         ///< remove, disable, reset: said of many things
  authority = 1ULL << 2,    ///< instructions, guidelines, programming
  rule = 1ULL << 3,         ///< rules, filters, limits: there are some of everything
  prompt = 1ULL << 4,       ///< the prompt itself
  yours = 1ULL << 5,        ///< your
  earlier = 1ULL << 6,      ///< previous, above, initial
  all = 1ULL << 7,          ///< all, every
  mine = 1ULL << 8,         ///< my
  tell = 1ULL << 9,         ///< show, repeat, translate
  ask = 1ULL << 10,         ///< what, which
  hidden = 1ULL << 11,      ///< system, secret, internal
  some = 1ULL << 12,        ///< a, an
  role = 1ULL << 13,        ///< act as, pretend, you are now
  unbound = 1ULL << 14,     ///< unrestricted, uncensored
  without = 1ULL << 15,     ///< without, no
  conscience = 1ULL << 16,  ///< ethics, morals, censorship
  maker = 1ULL << 17,       ///< developer, administrator
  mode = 1ULL << 18,        ///< mode, access
  fresh = 1ULL << 19,       ///< new, updated
  say = 1ULL << 20,         ///< respond only with
  henceforth = 1ULL << 21,  ///< from now on
  negation = 1ULL << 22,    ///< not, never
  follow = 1ULL << 23,      ///< follow, obey, bound by
  verbatim = 1ULL << 24,    ///< word for word
  you = 1ULL << 25,         ///< you
  told = 1ULL << 26,        ///< told you, you were given
  beginning = 1ULL << 27,   ///< before this conversation
  longer = 1ULL << 28,      ///< no longer, any more
  self = 1ULL << 29,        ///< I
  invalid = 1ULL << 30,     ///< void, revoked, only a test
  forbidden = 1ULL << 31,   ///< not allowed to
  machine = 1ULL << 32,     ///< AI, assistant, language model
  note = 1ULL << 33,        ///< note to, attention
  deed = 1ULL << 34,        ///< send, approve, recommend
  if_machine = 1ULL << 35,  ///< if you are an AI
};
}  // namespace slot

/// A word, a stem or a phrase of the lexicon at the start of a text.
struct LexiconMatch {
  std::uint64_t slots = 0;  ///< 0: none is there
  std::size_t bytes = 0;
};

/// The longest entry that `text` begins with; ASCII in either case. REQUIRES: a word begins there.
///
/// Threads: any. Cost: a few comparisons.
/// Source:  fifteen languages, in prompt_lexicon.cpp.
LexiconMatch look_up(std::string_view text) noexcept;

/// Whether words of this writing are not set apart by spaces: Chinese and Japanese.
bool is_unspaced(std::string_view text) noexcept;

}  // namespace portcullis::detect
