#include "upstream/answer_decoder.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "upstream/answer_json.hpp"

namespace portcullis::upstream {
namespace {

namespace json = boost::json;

/// How much of the beginning is looked at for signs of a failure.
constexpr std::size_t kHeadBytes = 400;
constexpr int kMaxNesting = 4;  // objects that wrap the answer

bool starts_like_html(std::string_view text) {
  text = text::trim(text);
  return text::istarts_with(text, "<!doctype") || text::istarts_with(text, "<html");
}

constexpr std::string_view kFailureStarts[] = {"Traceback (most recent call last)",
                                               "Internal Server Error",
                                               "Bad Gateway",
                                               "Service Unavailable",
                                               "Gateway Timeout",
                                               "Error in workflow",
                                               "Workflow could not be started"};

std::size_t first_word(std::string_view text) {
  std::size_t word = 0;
  while (word < text.size() &&
         (text::is_alnum(text[word]) || text[word] == '_' || text[word] == '.')) {
    ++word;
  }
  return word;
}

/// Whether an answer that begins like this is a program's failure rather than words for a visitor:
/// an exception's first line or a stack trace.
bool starts_like_failure(std::string_view text, bool complete) {
  text = text::trim(text);
  for (const auto start : kFailureStarts) {
    if (text::istarts_with(text, start)) return true;
  }
  // SomethingError: … or SomethingException: …
  const std::size_t word = first_word(text);
  if (word < text.size() && text[word] == ':') {
    const auto name = text.substr(0, word);
    if (name.ends_with("Error") || name.ends_with("Exception")) return true;
  }
  // A JavaScript stack frame on the second line.
  const auto newline = text.find('\n');
  if (newline == std::string_view::npos) return false;
  auto second = text.substr(newline + 1);
  second.remove_prefix(std::min(second.find_first_not_of(" \t\r\n"), second.size()));
  const auto end = second.find('\n');
  if (end == std::string_view::npos && !complete) return false;
  second = text::trim(second.substr(0, end));
  return second.starts_with("at ") && second.find(':') != std::string_view::npos &&
         second.ends_with(')');
}

/// Whether more bytes could still make a failure of what has come so far.
bool may_become_failure(std::string_view text) {
  constexpr std::size_t kLongestWord = 64;
  constexpr std::size_t kLongestFrame = 300;
  text = text::trim(text);
  if (text.empty()) return true;
  for (const auto start : kFailureStarts) {
    if (text.size() < start.size() && text::istarts_with(start, text)) return true;
  }
  for (const std::string_view start : {"<!doctype", "<html"}) {
    if (text.size() < start.size() && text::istarts_with(start, text)) return true;
  }
  if (const auto word = first_word(text); word == text.size() && word < kLongestWord) return true;
  const auto newline = text.find('\n');
  if (newline == std::string_view::npos) return false;
  const auto second = text::trim(text.substr(newline + 1));
  if (second.size() < 3) return std::string_view("at ").starts_with(second);
  return second.starts_with("at ") && second.find('\n') == std::string_view::npos &&
         second.size() < kLongestFrame;
}

/// Messages that n8n sends instead of an answer.
bool is_n8n_notice(std::string_view text) {
  return text == "Workflow was started" || text == "Error in workflow" ||
         text.starts_with("Workflow got started");
}

bool is_failure_object(const json::object& object) {
  for (const char* key : {"error", "errorMessage", "stack", "stacktrace"}) {
    if (const auto* value = object.if_contains(key)) {
      if (!value->is_null() && !(value->is_bool() && !value->get_bool()) &&
          !(value->is_string() && value->get_string().empty())) {
        return true;
      }
    }
  }
  const auto* code = object.if_contains("code");
  return code != nullptr && code->is_number() && object.contains("message");
}

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

/// Finds the text in a value by the names that webhooks use. False where there is none.
Result<bool> find_text(const json::value& value, std::vector<std::string_view>& found, int depth) {
  if (depth > kMaxNesting) return false;
  if (value.is_string()) {
    found.push_back(view(value.get_string()));
    return true;
  }
  if (value.is_array()) {
    bool any = false;
    for (const auto& item : value.get_array()) {
      TRY(const bool some, find_text(item, found, depth + 1));
      any = any || some;
    }
    return any || value.get_array().empty();
  }
  if (!value.is_object()) return false;
  const auto& object = value.get_object();
  if (const auto* type = object.if_contains("type"); type != nullptr && type->is_string()) {
    const auto name = view(type->get_string());
    if (name == "error") return unusable("the upstream sent an error event");
    if (name == "begin" || name == "end") return true;
    if (name == "item") {
      const auto* content = object.if_contains("content");
      if (content != nullptr && content->is_string()) found.push_back(view(content->get_string()));
      return true;
    }
  }
  if (object.contains("executionStarted")) {
    return unusable(
        "the workflow answers through n8n's chat socket (response mode Using Response Nodes), "
        "which "
        "is not passed on");
  }
  if (is_failure_object(object)) return unusable("the upstream answered with an error object");
  for (const char* key :
       {"output", "response", "text", "content", "delta", "message", "answer", "json"}) {
    const auto* part = object.if_contains(key);
    if (part == nullptr || part->is_null()) continue;
    if (part->is_string() && is_n8n_notice(view(part->get_string()))) {
      return unusable(
          "the upstream answered with a notice: the workflow does not respond with an answer");
    }
    TRY(const bool some, find_text(*part, found, depth + 1));
    if (some) return true;
  }
  return false;
}

}  // namespace

AnswerDecoder::AnswerDecoder(std::string_view content_type, std::size_t max_bytes)
    : content_type_(text::to_lower(content_type.substr(0, content_type.find(';')))),
      max_bytes_(max_bytes),
      events_(max_bytes + 64 * 1024) {}

Result<void> AnswerDecoder::put(std::string_view bytes, std::vector<std::string>& pieces) {
  if (held_.size() + bytes.size() > max_bytes_ + 64 * 1024) {
    return fail(ErrorCode::too_large, "the answer is too long", ErrorOrigin::upstream);
  }
  held_ += bytes;
  return run(false, pieces);
}

Result<void> AnswerDecoder::finish(std::vector<std::string>& pieces) {
  if (auto done = run(true, pieces); !done) return done;
  if (starts_like_failure(head_, true)) return unwanted("the upstream answered with an error text");
  if (text_bytes_ == 0) return unwanted("the upstream's answer is empty");
  return {};
}

AnswerDecoder::Form AnswerDecoder::decide(bool at_end) const {
  std::string_view start = held_;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (!at_end && start.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(start)) {
    return Form::undecided;
  }
  if (start.starts_with(kByteOrderMark)) start.remove_prefix(3);
  const auto words = text::trim(start);
  for (const std::string_view html : {"<!doctype", "<html"}) {
    // What may still turn out to be a page is no answer yet, whatever its Content-Type says.
    if (!at_end && words.size() < html.size() && text::istarts_with(html, words)) {
      return Form::undecided;
    }
  }
  if (content_type_ == "text/event-stream") return Form::events;
  start = text::trim(start);
  if (start.empty()) return at_end ? Form::text : Form::undecided;
  if (start.front() == '{' || start.front() == '[') return Form::json;
  for (const std::string_view field : {"data:", "event:", "id:", "retry:"}) {
    if (start.starts_with(field)) return Form::events;
    if (!at_end && start.size() < field.size() && field.starts_with(start)) return Form::undecided;
  }
  if (start.front() == ':') return Form::events;
  return Form::text;
}

Result<void> AnswerDecoder::run(bool at_end, std::vector<std::string>& pieces) {
  if (form_ == Form::undecided) {
    if (content_type_ == "text/html" || starts_like_html(held_))
      return unusable("the upstream answered with an HTML page");
    form_ = decide(at_end);
    if (form_ != Form::undecided && held_.starts_with("\xef\xbb\xbf")) held_.erase(0, 3);
  }
  switch (form_) {
    case Form::undecided:
      return {};
    case Form::events:
      return run_events(at_end, pieces);
    case Form::json:
      return run_json(at_end, pieces);
    case Form::text:
      return run_text(at_end, pieces);
  }
  return {};
}

Result<void> AnswerDecoder::run_events(bool at_end, std::vector<std::string>& pieces) {
  std::vector<EventReader::Event> events;
  const std::string bytes = std::exchange(held_, {});
  auto read = events_.put(bytes, events);
  if (read && at_end) read = events_.finish(events);
  for (const auto& event : events) {
    if (done_) break;
    if (auto taken = take_event(event, pieces); !taken) return taken;
  }
  return done_ ? Result<void>{} : read;
}

Result<void> AnswerDecoder::take_event(const EventReader::Event& event,
                                       std::vector<std::string>& pieces) {
  if (event.name == "error") return unusable("the upstream sent an error event");
  if (event.name == "ping" || event.name == "heartbeat") return {};
  const auto trimmed = text::trim(event.data);
  if (trimmed == "[DONE]") {
    done_ = true;
    return {};
  }
  if (trimmed.starts_with('{') || trimmed.starts_with('[')) return take_json(trimmed, pieces);
  return add(event.data, pieces);
}

Result<void> AnswerDecoder::run_json(bool at_end, std::vector<std::string>& pieces) {
  std::size_t start = 0;  // of the value or line under way
  while (true) {
    if (depth_ == 0) {
      while (scanned_ < held_.size() && (text::is_space(held_[scanned_]) || held_[scanned_] == ','))
        ++scanned_;
      start = scanned_;
      if (scanned_ == held_.size()) break;
      if (held_[scanned_] != '{' && held_[scanned_] != '[') {
        // A line that is no JSON between ones that are: text.
        const auto end = held_.find('\n', scanned_);
        if (end == std::string::npos && !at_end) break;
        const auto line = std::string_view(held_).substr(
            scanned_, end == std::string::npos ? end : end - scanned_);
        const auto trimmed = text::trim(line);
        scanned_ = end == std::string::npos ? held_.size() : end + 1;
        if (trimmed != "[DONE]") {
          if (auto added = add(trimmed, pieces); !added) return added;
        }
        continue;
      }
    }
    for (; scanned_ < held_.size(); ++scanned_) {
      const char c = held_[scanned_];
      if (in_string_) {
        if (escaped_)
          escaped_ = false;
        else if (c == '\\')
          escaped_ = true;
        else if (c == '"')
          in_string_ = false;
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && --depth_ == 0) {
        ++scanned_;
        break;
      }
    }
    if (depth_ > 0) break;  // not complete yet
    const auto value = std::string_view(held_).substr(start, scanned_ - start);
    if (auto taken = take_json(value, pieces); !taken) return taken;
  }
  held_.erase(0, start);
  scanned_ -= start;
  if (at_end && depth_ > 0) return unusable("the upstream's JSON is cut");
  return {};
}

Result<void> AnswerDecoder::take_json(std::string_view text, std::vector<std::string>& pieces) {
  const AnswerJson answer(text);
  if (answer.value() == nullptr) return unusable("the upstream's JSON does not parse");
  std::vector<std::string_view> found;
  TRY(const bool some, find_text(*answer.value(), found, 0));
  if (!some) return unusable("the upstream's JSON has no field with an answer");
  for (const auto part : found) {
    if (auto added = add(part, pieces); !added) return added;
  }
  return {};
}

Result<void> AnswerDecoder::run_text(bool at_end, std::vector<std::string>& pieces) {
  // A JSON string can be read as a whole only.
  if (first_text_ && !at_end && content_type_ == "application/json" &&
      text::trim(held_).starts_with('"')) {
    return {};
  }
  // The first words decide whether this is a failure.
  if (first_text_ && !at_end && may_become_failure(held_)) return {};
  if (at_end && first_text_ && content_type_ == "application/json") {
    json::error_code error;
    const json::value value = json::parse(held_, error);
    if (!error && !value.is_string())
      return unusable("the upstream's JSON has no field with an answer");
    if (!error) {
      held_.clear();
      return add(view(value.get_string()), pieces);
    }
  }
  const std::size_t cut = at_end ? 0 : text::incomplete_utf8_suffix(held_);
  const std::string whole = held_.substr(0, held_.size() - cut);
  held_.erase(0, whole.size());
  return add(whole, pieces);
}

Result<void> AnswerDecoder::add(std::string_view text, std::vector<std::string>& pieces) {
  if (text.empty()) return {};
  // A failure that comes in pieces is found as soon as it can be told; what was passed on before
  // stays.
  if (head_.size() < kHeadBytes) {
    head_ += text.substr(0, kHeadBytes - head_.size());
    if (starts_like_html(head_)) return unwanted("the upstream answered with an HTML page");
    if (starts_like_failure(head_, false)) {
      return unwanted("the upstream answered with an error text");
    }
  }
  std::string with_space;
  if (first_text_) {
    leading_space_ += text;
    if (text::trim(leading_space_).empty()) {
      if (leading_space_.size() > max_bytes_) return unwanted("the upstream's answer is empty");
      return {};
    }
    first_text_ = false;
    with_space = std::exchange(leading_space_, {});
    text = with_space;
  }
  text_bytes_ += text.size();
  if (text_bytes_ > max_bytes_) {
    return fail(ErrorCode::too_large, "the answer is too long", ErrorOrigin::upstream);
  }
  pieces.push_back(text::is_utf8(text) ? std::string(text) : text::to_valid_utf8(text));
  return {};
}

}  // namespace portcullis::upstream
