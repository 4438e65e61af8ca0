#pragma once
#include "upstream/decoder.hpp"

namespace portcullis::upstream {

/// Reads what n8n's chat trigger answers to `loadPreviousSession`, and yields one piece: an object
/// of our own making with what the visitor and the assistant said, in n8n's form. System messages,
/// tool calls and everything else that a workflow keeps in its memory stay behind.
///
/// Memory: the answer, at most `max_bytes`.
/// Errors: those of Decoder; malformed, and nobody's failure, where a 200 is no history: a workflow
///         without a chat memory answers the question like a message.
class HistoryDecoder final : public Decoder {
 public:
  explicit HistoryDecoder(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) override;
  Result<void> finish(std::vector<std::string>& pieces) override;

  /// A history without messages.
  static std::string_view empty() noexcept { return R"({"data":[]})"; }

 private:
  std::size_t max_bytes_;
  std::string held_;
};

}  // namespace portcullis::upstream
