#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/decoder.hpp"
#include "upstream/event_reader.hpp"

namespace portcullis::upstream {

/// Turns whatever a webhook answers into pieces of text: server-sent events, NDJSON with
/// begin/item/end/error, one JSON object, an array of them, several objects in one chunk, plain
/// text. The Content-Type is a hint only (n8n streams NDJSON as application/json).
///
/// It never lets an upstream's failure pass for an answer: an error object, an HTML page, a stack
/// trace, n8n's "Workflow was started" or an empty body are Errors of code malformed.
///
/// Memory: what is not yet complete, at most `max_bytes`.
class AnswerDecoder final : public Decoder {
 public:
  /// What to ask for where this reads the answer, as a header line.
  static constexpr std::string_view kAccept =
      "Accept: text/event-stream, application/x-ndjson, application/json, text/plain;q=0.8\r\n";

  AnswerDecoder(std::string_view content_type, std::size_t max_bytes);

  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) override;
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  enum class Form : std::uint8_t { undecided, events, json, text };

  Form decide(bool at_end) const;
  Result<void> run(bool at_end, std::vector<std::string>& pieces);
  Result<void> run_events(bool at_end, std::vector<std::string>& pieces);
  Result<void> run_json(bool at_end, std::vector<std::string>& pieces);
  Result<void> run_text(bool at_end, std::vector<std::string>& pieces);
  Result<void> take_event(const EventReader::Event& event, std::vector<std::string>& pieces);
  Result<void> take_json(std::string_view text, std::vector<std::string>& pieces);
  Result<void> add(std::string_view text, std::vector<std::string>& pieces);

  std::string content_type_;
  std::size_t max_bytes_;
  Form form_ = Form::undecided;
  std::string held_;  ///< bytes that are not complete yet
  std::size_t text_bytes_ = 0;
  bool first_text_ = true;
  std::string head_;           ///< how the text begins
  std::string leading_space_;  ///< waits for the first word

  EventReader events_;
  bool done_ = false;  ///< `[DONE]` has come

  // JSON: where the scan for the end of a value stands in held_.
  std::size_t scanned_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace portcullis::upstream
