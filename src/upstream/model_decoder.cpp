#include "upstream/model_decoder.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

#include "base/text.hpp"
#include "upstream/answer_json.hpp"

namespace portcullis::upstream {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestErrorType = 64;

const json::object* object_in(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_in(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? nullptr : value->if_array();
}

/// Empty where it is missing, null or something else.
std::string_view text_in(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(json::string_view(name.data(), name.size()));
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view{} : std::string_view(text->data(), text->size());
}

void count_in(const json::object& from, std::string_view name, std::uint64_t& out) {
  const auto* value = from.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return;
  json::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (!error) out = number;
}

}  // namespace

std::string_view name_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::none:
      return "none";
    case Ending::done:
      return "done";
    case Ending::length:
      return "length";
    case Ending::filtered:
      return "filtered";
  }
  return {};
}

ModelDecoder::ModelDecoder(std::string_view content_type, std::size_t max_bytes, Report report)
    : streams_(!text::istarts_with(content_type, "application/json")),
      max_bytes_(max_bytes),
      report_(std::move(report)),
      reader_(max_bytes) {}

Result<void> ModelDecoder::put(std::string_view bytes, std::vector<std::string>& pieces) {
  if (!streams_) {
    if (whole_.size() + bytes.size() > max_bytes_) {
      return fail(ErrorCode::too_large, "the answer is too long", ErrorOrigin::upstream);
    }
    whole_ += bytes;
    return {};
  }
  std::vector<EventReader::Event> events;
  auto read = reader_.put(bytes, events);
  auto taken = take(events);
  auto flushed = flush(pieces);
  return !taken ? taken : !read ? read : flushed;
}

Result<void> ModelDecoder::finish(std::vector<std::string>& pieces) {
  if (!streams_) {
    if (auto parsed = parse(whole_, true); !parsed) return parsed;
  } else {
    std::vector<EventReader::Event> events;
    auto read = reader_.finish(events);
    auto taken = take(events);
    if (!taken || !read) {
      std::ignore = flush(pieces);
      return taken ? read : taken;
    }
  }
  report_(ending_, usage_);
  if (auto flushed = flush(pieces); !flushed) return flushed;
  if (!complete_ && ending_ == Ending::none) {
    return fail(ErrorCode::closed, "the upstream ended its answer early", ErrorOrigin::upstream);
  }
  if (ending_ == Ending::filtered) {
    return fail(ErrorCode::withheld, "the provider kept the answer back");
  }
  if (text_bytes_ == 0) {
    return unwanted(ending_ == Ending::length ? "no token was left for words"
                                              : "the model said nothing");
  }
  // Nobody shall take half an answer for a whole one.
  if (ending_ == Ending::length) pieces.emplace_back(" …");
  return {};
}

Result<void> ModelDecoder::take(const std::vector<EventReader::Event>& events) {
  for (const auto& event : events) {
    if (complete_) break;
    const auto data = text::trim(event.data);
    if (data == "[DONE]") {
      complete_ = true;
    } else if (auto taken = parse(data, false); !taken) {
      return taken;
    }
  }
  return {};
}

Result<void> ModelDecoder::parse(std::string_view text, bool whole) {
  const AnswerJson answer(text);
  const auto* object = answer.value() == nullptr ? nullptr : answer.value()->if_object();
  if (object == nullptr) return unusable("the upstream's JSON is no object");
  if (const auto* problem = object_in(*object, "error")) return failed(*problem);
  return whole ? take_whole(*object) : take_event(*object);
}

void ModelDecoder::say(std::string_view text) {
  if (text.empty()) return;
  text_bytes_ += text.size();
  said_.emplace_back(text);
}

Result<void> ModelDecoder::flush(std::vector<std::string>& pieces) {
  std::ranges::move(said_, std::back_inserter(pieces));
  said_.clear();
  if (text_bytes_ <= max_bytes_) return {};
  return fail(ErrorCode::too_large, "the answer is too long", ErrorOrigin::upstream);
}

/// Types are words of the API's documentation; messages may quote what was said.
std::unexpected<Error> ModelDecoder::failed(const json::object& error) {
  const auto type = text_in(error, "type");
  const bool is_word =
      !type.empty() && type.size() <= kLongestErrorType &&
      std::ranges::all_of(type, [](char c) { return text::is_alnum(c) || c == '_' || c == '-'; });
  std::string detail = "the upstream sent an error";
  if (is_word) detail += " of type " + std::string(type);
  const bool overloaded = type == "overloaded_error" || type == "rate_limit_error";
  return fail(overloaded ? ErrorCode::unavailable : ErrorCode::malformed, std::move(detail),
              ErrorOrigin::upstream);
}

Result<void> OpenAiDecoder::take_event(const json::object& event) {
  take_usage(event);
  const auto* choices = array_in(event, "choices");
  if (choices == nullptr || choices->empty()) return {};  // usage alone, or a filter's verdict
  const auto* choice = choices->front().if_object();
  if (choice == nullptr) return {};
  if (const auto* delta = object_in(*choice, "delta")) {
    say(text_in(*delta, "content"));
    say(text_in(*delta, "refusal"));  // the model's own words when it declines
  }
  take_end(*choice);
  return {};
}

Result<void> OpenAiDecoder::take_whole(const json::object& answer) {
  take_usage(answer);
  const auto* choices = array_in(answer, "choices");
  const auto* choice =
      choices == nullptr || choices->empty() ? nullptr : choices->front().if_object();
  const auto* message = choice == nullptr ? nullptr : object_in(*choice, "message");
  if (message == nullptr) return unusable("the upstream's JSON has no field with an answer");
  say(text_in(*message, "content"));
  say(text_in(*message, "refusal"));
  take_end(*choice);
  complete();
  return {};
}

void OpenAiDecoder::take_end(const json::object& choice) {
  const auto reason = text_in(choice, "finish_reason");
  if (reason.empty()) return;
  end(reason == "length"           ? Ending::length
      : reason == "content_filter" ? Ending::filtered
                                   : Ending::done);
}

void OpenAiDecoder::take_usage(const json::object& from) {
  const auto* counts = object_in(from, "usage");
  if (counts == nullptr) return;
  count_in(*counts, "prompt_tokens", usage().input);
  count_in(*counts, "completion_tokens", usage().output);
}

Result<void> AnthropicDecoder::take_event(const json::object& event) {
  const auto type = text_in(event, "type");
  if (type == "message_start") {
    if (const auto* message = object_in(event, "message")) take_usage(*message);
  } else if (type == "content_block_start") {
    const auto* block = object_in(event, "content_block");
    if (block != nullptr && text_in(*block, "type") == "text") say(text_in(*block, "text"));
  } else if (type == "content_block_delta") {
    const auto* delta = object_in(event, "delta");
    if (delta != nullptr && text_in(*delta, "type") == "text_delta") say(text_in(*delta, "text"));
  } else if (type == "message_delta") {
    if (const auto* delta = object_in(event, "delta")) take_stop(*delta);
    take_usage(event);
  } else if (type == "message_stop") {
    complete();
  } else if (type == "error") {
    return failed({});
  }
  return {};  // ping, content_block_stop, and whatever else there will be
}

Result<void> AnthropicDecoder::take_whole(const json::object& answer) {
  const auto* content = array_in(answer, "content");
  if (content == nullptr) return unusable("the upstream's JSON has no field with an answer");
  for (const auto& item : *content) {
    const auto* block = item.if_object();
    if (block != nullptr && text_in(*block, "type") == "text") say(text_in(*block, "text"));
  }
  take_stop(answer);
  take_usage(answer);
  complete();
  return {};
}

void AnthropicDecoder::take_stop(const json::object& from) {
  const auto reason = text_in(from, "stop_reason");
  if (reason.empty()) return;
  end(reason == "max_tokens" || reason == "model_context_window_exceeded" ? Ending::length
      : reason == "refusal"                                               ? Ending::filtered
                                                                          : Ending::done);
}

void AnthropicDecoder::take_usage(const json::object& from) {
  const auto* counts = object_in(from, "usage");
  if (counts == nullptr) return;
  count_in(*counts, "input_tokens", usage().input);
  count_in(*counts, "output_tokens", usage().output);
}

}  // namespace portcullis::upstream
