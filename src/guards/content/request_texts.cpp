#include "guards/content/request_texts.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "http/json_body.hpp"
#include "http/multipart_form.hpp"

namespace portcullis::guards {
namespace {

/// Members that hold what a person says, wherever they are.
constexpr std::string_view kProse[] = {"message", "chatInput", "content", "text"};

bool is_one_of(std::string_view name, const std::vector<std::string>& names) noexcept {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

RequestTexts::RequestTexts(const http::Exchange& exchange)
    : route_(*exchange.route), path_(exchange.head().path()), query_(exchange.head().query()) {
  if (exchange.form) parts_ = exchange.form->parts;
  if (exchange.json) levels_.push_back({&exchange.json->value, Kind::structure, 0, false});
}

RequestTexts::Kind RequestTexts::kind_of(std::string_view name, Kind otherwise) const noexcept {
  if (std::ranges::find(kProse, name) != std::end(kProse) || is_one_of(name, route_.prose)) {
    return Kind::prose;
  }
  return is_one_of(name, route_.urls) ? Kind::url : otherwise;
}

bool RequestTexts::next(RequestText& out) {
  if (!long_.text.empty()) {
    out = long_;
  } else if (!next_whole(out)) {
    return false;
  }
  long_ = {};
  if (out.text.size() > kWindow) {
    long_ = out;
    long_.text.remove_prefix(kWindow - kOverlap);
    out.text = out.text.substr(0, kWindow);
  }
  return true;
}

bool RequestTexts::next_whole(RequestText& out) {
  if (!path_.empty()) {
    out = {Kind::structure, "path", std::exchange(path_, {})};
    return true;
  }
  return next_of_query(out) || next_of_form(out) || next_of_body(out);
}

bool RequestTexts::next_of_query(RequestText& out) {
  if (!value_.empty()) {
    decoded_.assign(std::exchange(value_, {}));
    std::ranges::replace(decoded_, '+', ' ');
    out = {value_kind_, "query", decoded_};
    return true;
  }
  while (!query_.empty()) {
    const std::size_t end = query_.find('&');
    const auto parameter = query_.substr(0, end);
    query_ = end == std::string_view::npos ? std::string_view{} : query_.substr(end + 1);
    const std::size_t equals = parameter.find('=');
    const auto name = parameter.substr(0, equals);
    if (equals != std::string_view::npos) value_ = parameter.substr(equals + 1);
    value_kind_ = kind_of(name, Kind::structure);
    if (name.empty()) return next_of_query(out);
    out = {Kind::structure, "query", name};
    return true;
  }
  return false;
}

bool RequestTexts::next_of_form(RequestText& out) {
  while (!parts_.empty()) {
    const auto& part = parts_.front();
    if (!std::exchange(part_named_, true)) {
      out = {Kind::structure, "body", part.name};
      return true;
    }
    part_named_ = false;
    // A file is known by its content; of its text the name alone is read by anything on the way.
    out = part.is_file ? RequestText{Kind::structure, "body", part.file_name}
                       : RequestText{kind_of(part.name, Kind::structure), "body", part.value};
    parts_ = parts_.subspan(1);
    if (!out.text.empty()) return true;
  }
  return false;
}

bool RequestTexts::next_of_body(RequestText& out) {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (const auto* string = level.value->if_string()) {
      out = {level.kind, "body", {string->data(), string->size()}};
      levels_.pop_back();
      if (out.text.empty()) continue;
      return true;
    }
    if (const auto* array = level.value->if_array(); array && level.at < array->size()) {
      const auto kind = level.kind;
      const auto* item = &(*array)[level.at++];
      levels_.push_back({item, kind, 0, false});
      continue;
    }
    if (const auto* object = level.value->if_object(); object && level.at < object->size()) {
      const auto& member = *(object->begin() + static_cast<std::ptrdiff_t>(level.at));
      const std::string_view key(member.key().data(), member.key().size());
      if (!std::exchange(level.key_given, true)) {
        out = {Kind::structure, "body", key};
        if (!key.empty()) return true;
      }
      level.key_given = false;
      ++level.at;
      const auto kind = kind_of(key, level.kind);
      // A password says nothing to anybody, whatever it looks like.
      if (is_one_of(key, route_.secrets)) continue;
      levels_.push_back({&member.value(), kind, 0, false});
      continue;
    }
    levels_.pop_back();
  }
  return false;
}

}  // namespace portcullis::guards
