#include "routes/n8n/widget_profile.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "http/file_name.hpp"
#include "http/json_body.hpp"
#include "http/media_sniffer.hpp"
#include "routes/n8n/metadata.hpp"
#include "routes/object_schema.hpp"
#include "routes/validation.hpp"

namespace portcullis::routes {
namespace {

namespace json = boost::json;
using http::Code;
using http::Problem;
using Action = upstream::N8nVisit::Action;

constexpr std::string_view kSend = "sendMessage";
constexpr std::string_view kLoad = "loadPreviousSession";
constexpr std::string_view kFiles = "files";
constexpr std::size_t kShortestId = 20;
constexpr std::size_t kLongestId = 64;

std::string_view view(json::string_view s) { return {s.data(), s.size()}; }

Problem wrong_form(std::string detail) { return Problem(Code::schema_invalid, std::move(detail)); }

/// n8n takes a call without an action for a message.
Action action_of(std::string_view name) {
  return name == kLoad ? Action::load_previous_session : Action::send_message;
}

}  // namespace

WidgetProfile::WidgetProfile(const config::Settings& settings)
    : session_key_(settings.n8n_session_key),
      input_key_(settings.n8n_input_key),
      max_message_chars_(static_cast<std::size_t>(settings.message_max_chars)),
      max_metadata_bytes_(static_cast<std::size_t>(settings.n8n_metadata_bytes)),
      max_files_(static_cast<std::size_t>(settings.n8n_max_files)),
      upload_types_(settings.n8n_upload_types) {}

std::optional<Problem> WidgetProfile::check(const http::JsonBody& body) const {
  const auto* object = body.value.if_object();
  if (object == nullptr) return wrong_form("The body must be a JSON object.");
  for (const auto& member : *object) {
    const auto name = view(member.key());
    if (name == "metadata") {
      if (member.value().is_null()) continue;
      if (!member.value().is_object()) return wrong_form("The metadata must be an object.");
      if (auto fault = metadata_fault(member.value(), max_metadata_bytes_)) {
        return Problem(Code::validation_failed, *std::move(fault));
      }
    } else if (name == "action" || name == session_key_ || name == input_key_) {
      if (!member.value().is_string()) return wrong_form("A member must be a string.");
    } else {
      return wrong_form("The body has a member that the widget does not send.");
    }
  }
  const auto action = string_member(body.value, "action");
  if (auto problem = object->contains("action") ? check_action(action) : std::nullopt) {
    return problem;
  }
  if (!object->contains(session_key_)) return wrong_form("The session is missing.");
  if (auto problem = check_session(string_member(body.value, session_key_))) return problem;
  const bool has_message = object->contains(input_key_);
  if (action_of(action) == Action::load_previous_session) {
    if (!has_message) return std::nullopt;
    return wrong_form("A message does not belong to this action.");
  }
  if (!has_message) return wrong_form("The message is missing.");
  return check_message(string_member(body.value, input_key_), false);
}

std::optional<Problem> WidgetProfile::check(const http::MultipartForm& form) const {
  std::size_t files = 0;
  std::vector<std::string_view> seen;
  for (const auto& part : form.parts) {
    if (part.is_file) {
      if (part.name != kFiles) return wrong_form("The form has a file that is no upload.");
      if (++files > max_files_) {
        return wrong_form("At most " + std::to_string(max_files_) + " files are taken.");
      }
      if (auto problem = check_file(part)) return problem;
      continue;
    }
    if (part.name != "action" && part.name != "metadata" && part.name != session_key_ &&
        part.name != input_key_) {
      return wrong_form("The form has a field that the widget does not send.");
    }
    if (std::ranges::find(seen, part.name) != seen.end()) {
      return wrong_form("The form has a field twice.");
    }
    seen.push_back(part.name);
    if (!text::is_utf8(part.value)) {
      return Problem(Code::validation_failed, "A field of the form is not valid UTF-8.");
    }
  }
  const auto* action = form.find("action");
  if (action != nullptr && action->value != kSend) {
    return Problem(Code::validation_failed, "The action is none that comes with a form.");
  }
  const auto* session = form.find(session_key_);
  if (session == nullptr) return wrong_form("The session is missing.");
  if (auto problem = check_session(session->value)) return problem;
  if (const auto* metadata = form.find("metadata")) {
    const auto value = http::parse_json(metadata->value);
    if (!value) return Problem(Code::validation_failed, "The metadata is no valid JSON.");
    if (auto fault = metadata_fault(*value, max_metadata_bytes_)) {
      return Problem(Code::validation_failed, *std::move(fault));
    }
  }
  const auto* message = form.find(input_key_);
  if (message == nullptr) return wrong_form("The message is missing.");
  return check_message(message->value, files > 0);
}

std::optional<Problem> WidgetProfile::check_action(std::string_view action) const {
  if (action == kSend || action == kLoad) return std::nullopt;
  return Problem(Code::validation_failed, "The action is none that is passed on.");
}

std::optional<Problem> WidgetProfile::check_session(std::string_view id) const {
  const bool fits =
      id.size() >= kShortestId && id.size() <= kLongestId && std::ranges::all_of(id, [](char c) {
        return text::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
      });
  if (fits) return std::nullopt;
  return Problem(Code::validation_failed,
                 "The id of the session must have 20 to 64 URL-safe characters.");
}

std::optional<Problem> WidgetProfile::check_message(std::string_view message,
                                                    bool has_files) const {
  if (has_files && text::trim_unicode(message).empty()) return std::nullopt;
  if (auto fault = message_fault(message, max_message_chars_)) {
    return Problem(Code::validation_failed, *std::move(fault));
  }
  return std::nullopt;
}

std::optional<Problem> WidgetProfile::check_file(const http::FormPart& part) const {
  if (!http::is_safe_file_name(part.file_name)) {
    return Problem(Code::validation_failed, "The name of a file is not acceptable.");
  }
  const auto type = http::sniff_media_type(part.value);
  if (std::ranges::find(upload_types_, type) == upload_types_.end()) {
    return Problem(Code::unsupported_media_type, "Files of this kind are not taken.");
  }
  if (!http::extension_fits(part.file_name, type)) {
    return Problem(Code::unsupported_media_type, "The name of a file does not fit its content.");
  }
  return std::nullopt;
}

std::optional<pipeline::ClaimedSession> WidgetProfile::claim_in(
    const http::Exchange& exchange) const {
  if (exchange.form) {
    const auto* session = exchange.form->find(session_key_);
    if (session == nullptr) return std::nullopt;
    return pipeline::ClaimedSession{session->value, true};
  }
  if (!exchange.json) return std::nullopt;
  const auto id = string_member(exchange.json->value, session_key_);
  if (id.empty()) return std::nullopt;
  const auto action = action_of(string_member(exchange.json->value, "action"));
  return pipeline::ClaimedSession{id, action == Action::send_message};
}

std::optional<upstream::N8nVisit> WidgetProfile::visit_in(const http::Exchange& exchange,
                                                          std::string_view raw) const {
  upstream::N8nVisit out;
  out.session_key = session_key_;
  out.input_key = input_key_;
  if (exchange.form) {
    const auto& form = *exchange.form;
    const auto value_of = [&](std::string_view name) {
      const auto* part = form.find(name);
      return part == nullptr ? std::string_view{} : part->value;
    };
    out.message = value_of(input_key_);
    out.metadata_json = value_of("metadata");
    for (const auto& part : form.parts) {
      if (!part.is_file) continue;
      out.files.push_back({part.file_name, http::sniff_media_type(part.value), part.value});
    }
    return out;
  }
  if (!exchange.json || !exchange.json->value.is_object()) return std::nullopt;
  const auto& body = exchange.json->value;
  out.action = action_of(string_member(body, "action"));
  out.message = string_member(body, input_key_);
  const auto* metadata = body.get_object().if_contains("metadata");
  if (metadata != nullptr && metadata->is_object()) {
    out.metadata_json = http::raw_member(raw, "metadata");
  }
  return out;
}

}  // namespace portcullis::routes
