#include "coding/unpacker.hpp"

#include <algorithm>
#include <array>

namespace portcullis::coding {

Unpacker::Unpacker(ContentCoding coding, std::string_view packed, std::uint64_t most)
    : decoder_(make_decoder(coding)),
      most_(most),
      most_by_ratio_(most_of(packed.size())),
      rest_(packed) {}

Result<bool> Unpacker::step() {
  std::array<char, 16 * 1024> piece;
  for (std::size_t work = 0; work < kStepBytes;) {
    const std::size_t before = rest_.size();
    TRY(const auto step, decoder_->run(rest_, piece));
    const std::size_t taken = before - rest_.size();
    work += taken + step.made;
    if (out_.size() + step.made > most_) {
      return fail(ErrorCode::too_large, "the body unpacks to more than its limit",
                  ErrorOrigin::client);
    }
    if (out_.size() + step.made > most_by_ratio_) {
      return fail(ErrorCode::exhausted, "the body unpacks to more than 200 times its length",
                  ErrorOrigin::client);
    }
    out_.append(piece.data(), step.made);
    if (step.complete && rest_.empty()) return true;
    if (taken + step.made == 0) {
      return fail(ErrorCode::malformed, "the packed body has broken off", ErrorOrigin::client);
    }
  }
  return false;
}

}  // namespace portcullis::coding
