#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/decoder.hpp"
#include "upstream/event_reader.hpp"

namespace portcullis::upstream {

/// Tokens that an API counted for one answer; 0: it did not say.
struct TokenUsage {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
};

/// Why a model stopped.
enum class Ending : std::uint8_t {
  none,      ///< it has not said so
  done,      ///< it had no more to say
  length,    ///< the bound of tokens was reached
  filtered,  ///< the provider kept the rest back
};
std::string_view name_of(Ending ending) noexcept;

/// What the answers of the APIs of language models have in common: JSON objects in server-sent
/// events, or one JSON object where the API does not stream; text in pieces, why it ended, and what
/// it cost.
///
/// Tool calls, thoughts and kinds of events that are not known say nothing. An answer that was cut
/// before its end, an error event, and one without any words are Errors; whatever the API says of
/// an error is not passed on, only its type is, for the log.
///
/// Threads: none.  Memory: one event, at most `max_bytes`; the whole answer where it does not
/// stream.
class ModelDecoder : public Decoder {
 public:
  /// Called once where the answer came to its end, in whatever way that was.
  using Report = std::function<void(Ending, const TokenUsage&)>;

  ModelDecoder(std::string_view content_type, std::size_t max_bytes, Report report);

  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) final;
  Result<void> finish(std::vector<std::string>& pieces) final;

 protected:
  /// One event's object.
  virtual Result<void> take_event(const boost::json::object& event) = 0;
  /// A whole answer in one object.
  virtual Result<void> take_whole(const boost::json::object& answer) = 0;

  void say(std::string_view text);
  void end(Ending ending) noexcept { ending_ = ending; }
  /// The API's own last event: nothing after it counts.
  void complete() noexcept { complete_ = true; }
  TokenUsage& usage() noexcept { return usage_; }
  static std::unexpected<Error> failed(const boost::json::object& error);

 private:
  Result<void> take(const std::vector<EventReader::Event>& events);
  Result<void> parse(std::string_view text, bool whole);
  Result<void> flush(std::vector<std::string>& pieces);

  const bool streams_;
  const std::size_t max_bytes_;
  const Report report_;
  EventReader reader_;
  std::string whole_;
  std::vector<std::string> said_;
  std::size_t text_bytes_ = 0;
  Ending ending_ = Ending::none;
  bool complete_ = false;
  TokenUsage usage_;
};

/// Chat completions of OpenAI and of the many servers that speak the same.
/// Source: platform.openai.com, API reference, "The chat completion chunk object".
class OpenAiDecoder final : public ModelDecoder {
 public:
  using ModelDecoder::ModelDecoder;

 private:
  Result<void> take_event(const boost::json::object& event) override;
  Result<void> take_whole(const boost::json::object& answer) override;
  void take_end(const boost::json::object& choice);
  void take_usage(const boost::json::object& from);
};

/// Messages of Anthropic.
/// Source: docs.anthropic.com, "Streaming Messages".
class AnthropicDecoder final : public ModelDecoder {
 public:
  using ModelDecoder::ModelDecoder;

 private:
  Result<void> take_event(const boost::json::object& event) override;
  Result<void> take_whole(const boost::json::object& answer) override;
  void take_stop(const boost::json::object& from);
  void take_usage(const boost::json::object& from);
};

}  // namespace portcullis::upstream
