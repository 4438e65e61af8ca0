#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace portcullis::upstream {

/// A call of n8n's own chat widget on its way to the workflow that it names. Everything in it has
/// passed the guards.
///
/// Ownership: views must live until the head of the answer has come.
struct N8nVisit {
  enum class Action : std::uint8_t {
    send_message,
    load_previous_session,
    open_page,  ///< n8n's hosted chat page; nothing but the path counts
  };
  struct File {
    std::string_view name;
    std::string_view media_type;  ///< by its content
    std::string_view content;
  };
  Action action = Action::send_message;
  std::string path;  ///< `/webhook/…` as n8n knows it
  std::string message_id;
  std::string session_handle;  ///< what n8n may know the session by
  std::string origin_domain;
  std::string_view session_key;    ///< how the workflow calls the session's id
  std::string_view input_key;      ///< and the message
  std::string message;             ///< untouched
  std::string_view metadata_json;  ///< the visitor's own bytes, checked; empty: none
  std::vector<File> files;
};

/// The body that is posted for a visit, with the token in it: JSON, or with files a form.
struct N8nVisitBody {
  std::string content_type;
  std::string body;
};
N8nVisitBody body_of(const N8nVisit& visit, std::string_view token);

}  // namespace portcullis::upstream
