#pragma once
#include "upstream/whole_decoder.hpp"

namespace portcullis::upstream {

/// Reads what n8n's chat trigger answers to `loadPreviousSession`, and yields one piece: an object
/// of our own making with what the visitor and the assistant said, in n8n's form. System messages,
/// tool calls and everything else that a workflow keeps in its memory stay behind.
///
/// Errors: those of Decoder; malformed, and nobody's failure, where a 200 is no history: a workflow
///         without a chat memory answers the question like a message.
class HistoryDecoder final : public WholeDecoder {
 public:
  explicit HistoryDecoder(std::size_t max_bytes)
      : WholeDecoder(max_bytes, "the history is too long") {}
  Result<void> finish(std::vector<std::string>& pieces) override;

  /// A history without messages.
  static std::string_view empty() noexcept { return R"({"data":[]})"; }
};

}  // namespace portcullis::upstream
