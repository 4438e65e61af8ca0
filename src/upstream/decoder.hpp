#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace portcullis::upstream {

/// Turns the body of an answer into pieces of text as it arrives.
///
/// Threads: none.  Memory: what is not yet complete, within a bound of the decoder's own.
/// Errors:  malformed, too_large, withheld. After an error nothing more may be put.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Takes bytes as they arrive; appends complete pieces, each valid UTF-8 and not empty.
  virtual Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) = 0;
  /// The answer is complete. @returns malformed if it held no answer.
  virtual Result<void> finish(std::vector<std::string>& pieces) = 0;
};

/// What cannot be an answer: the upstream fails.
inline std::unexpected<Error> unusable(std::string detail) {
  return fail(ErrorCode::malformed, std::move(detail), ErrorOrigin::upstream);
}
/// What we do not pass on, but a visitor can bring about with words: no sign that the upstream
/// fails.
inline std::unexpected<Error> unwanted(std::string detail) {
  return fail(ErrorCode::malformed, std::move(detail), ErrorOrigin::gateway);
}

}  // namespace portcullis::upstream
