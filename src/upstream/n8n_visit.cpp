#include "upstream/n8n_visit.hpp"

#include "base/json_text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::upstream {
namespace {

std::string_view name_of(N8nVisit::Action action) {
  return action == N8nVisit::Action::send_message ? "sendMessage" : "loadPreviousSession";
}

std::string json_of(const N8nVisit& visit, std::string_view token) {
  std::string out;
  out.reserve(1024 + visit.message.size() + visit.metadata_json.size());
  text::append_json_member(out, "action", name_of(visit.action));
  text::append_json_member(out, visit.session_key, visit.session_handle);
  if (visit.action == N8nVisit::Action::send_message) {
    text::append_json_member(out, visit.input_key, visit.message);
  }
  text::append_json_member(out, "jwt_token", token);
  if (!visit.metadata_json.empty()) {
    out += ",\"metadata\":";
    out += visit.metadata_json;
  }
  out += '}';
  return out;
}

class FormWriter {
 public:
  explicit FormWriter(std::size_t room)
      : boundary_("portcullis-" + text::base64url(crypto::random_bytes(18))) {
    out_.reserve(room);
  }

  void field(std::string_view name, std::string_view value) {
    open(name);
    out_ += "\r\n\r\n";
    out_ += value;
  }
  void file(std::string_view name, const N8nVisit::File& file) {
    open(name);
    out_ += "; filename=\"";
    out_ += file.name;
    out_ += "\"\r\nContent-Type: ";
    out_ += file.media_type;
    out_ += "\r\n\r\n";
    out_ += file.content;
  }
  N8nVisitBody close() {
    out_ += "\r\n--" + boundary_ + "--\r\n";
    return {"multipart/form-data; boundary=" + boundary_, std::move(out_)};
  }

 private:
  void open(std::string_view name) {
    if (!out_.empty()) out_ += "\r\n";
    out_ += "--" + boundary_ + "\r\nContent-Disposition: form-data; name=\"";
    out_ += name;
    out_ += '"';
  }

  // 144 random bits: no visitor can write a file that holds it.
  const std::string boundary_;
  std::string out_;
};

}  // namespace

N8nVisitBody body_of(const N8nVisit& visit, std::string_view token) {
  if (visit.files.empty()) return {"application/json", json_of(visit, token)};
  std::size_t room = 4096 + visit.message.size() + visit.metadata_json.size();
  for (const auto& file : visit.files) room += file.content.size() + 512;
  FormWriter form(room);
  form.field("action", name_of(visit.action));
  form.field(visit.session_key, visit.session_handle);
  form.field(visit.input_key, visit.message);
  form.field("jwt_token", token);
  if (!visit.metadata_json.empty()) form.field("metadata", visit.metadata_json);
  for (const auto& file : visit.files) form.file("files", file);
  return form.close();
}

}  // namespace portcullis::upstream
