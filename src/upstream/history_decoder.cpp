#include "upstream/history_decoder.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"

namespace portcullis::upstream {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxMessages = 500;  // the newest
constexpr std::string_view kRoles[] = {"HumanMessage", "AIMessage"};

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

/// Which of kRoles a serialised message is; empty for any other.
std::string_view role_of(const json::object& message) {
  const auto* id = message.if_contains("id");
  if (id == nullptr || !id->is_array()) return {};
  for (const auto& part : id->get_array()) {
    if (!part.is_string()) continue;
    for (const auto role : kRoles) {
      if (view(part.get_string()) == role) return role;
    }
  }
  return {};
}

/// Text, or the text parts of a message that has images and the like beside it.
std::string text_of(const json::value& content) {
  if (content.is_string()) return std::string(view(content.get_string()));
  std::string out;
  if (!content.is_array()) return out;
  for (const auto& part : content.get_array()) {
    const auto* object = part.if_object();
    const auto* text = object == nullptr ? nullptr : object->if_contains("text");
    if (text != nullptr && text->is_string()) out += view(text->get_string());
  }
  return out;
}

void append_message(std::string& out, std::string_view role, std::string_view text) {
  out += R"({"lc":1,"type":"constructor","id":["langchain_core","messages",")";
  out += role;
  out += R"("],"kwargs":{"content":)";
  text::append_json_string(out, text);
  out += "}}";
}

}  // namespace

Result<void> HistoryDecoder::finish(std::vector<std::string>& pieces) {
  json::error_code error;
  const json::value value = json::parse(held_, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* data = object == nullptr ? nullptr : object->if_contains("data");
  if (data == nullptr || !data->is_array()) {
    return fail(ErrorCode::malformed, "the workflow's answer to loadPreviousSession is no history",
                ErrorOrigin::gateway);
  }
  const auto& messages = data->get_array();
  std::string out = R"({"data":[)";
  const std::size_t first = messages.size() > kMaxMessages ? messages.size() - kMaxMessages : 0;
  for (std::size_t i = first; i < messages.size(); ++i) {
    const auto* message = messages[i].if_object();
    if (message == nullptr) continue;
    const auto role = role_of(*message);
    const auto* kwargs = message->if_contains("kwargs");
    const auto* content = role.empty() || kwargs == nullptr || !kwargs->is_object()
                              ? nullptr
                              : kwargs->get_object().if_contains("content");
    if (content == nullptr) continue;
    const std::string text = text_of(*content);
    if (text.empty()) continue;  // a turn of the assistant that only called a tool
    if (out.back() == '}') out += ',';
    append_message(out, role, text::is_utf8(text) ? text : text::to_valid_utf8(text));
  }
  out += "]}";
  pieces.push_back(std::move(out));
  return {};
}

}  // namespace portcullis::upstream
