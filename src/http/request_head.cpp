#include "http/request_head.hpp"

#include "base/text.hpp"

namespace portcullis::http {
namespace {

constexpr std::pair<std::string_view, Method> kMethods[] = {
    {"GET", Method::get},         {"HEAD", Method::head},       {"POST", Method::post},
    {"PUT", Method::put},         {"DELETE", Method::delete_},  {"PATCH", Method::patch},
    {"OPTIONS", Method::options}, {"CONNECT", Method::connect}, {"TRACE", Method::trace}};

}  // namespace

std::string_view name_of(Method method) noexcept {
  for (const auto& [name, value] : kMethods) {
    if (value == method) return name;
  }
  return "other";
}

Method method_of(std::string_view name) noexcept {
  for (const auto& [known, value] : kMethods) {
    if (known == name) return value;
  }
  return Method::other;
}

bool RequestHead::same_name(std::string_view a, std::string_view b) noexcept {
  return text::iequals(a, b);
}

std::optional<std::string_view> RequestHead::find(std::string_view name) const noexcept {
  for (const auto& field : fields_) {
    if (field.name.size == name.size() && text::iequals(view(field.name), name)) {
      return view(field.value);
    }
  }
  return std::nullopt;
}

std::size_t RequestHead::count(std::string_view name) const noexcept {
  std::size_t n = 0;
  for_each(name, [&](std::string_view) { ++n; });
  return n;
}

bool RequestHead::has_token(std::string_view name, std::string_view token) const noexcept {
  bool found = false;
  for_each(name, [&](std::string_view value) {
    while (!found && !value.empty()) {
      const auto comma = value.find(',');
      found = text::iequals(text::trim(value.substr(0, comma)), token);
      if (comma == std::string_view::npos) break;
      value.remove_prefix(comma + 1);
    }
  });
  return found;
}

void RequestHead::reset(std::string_view bytes) {
  method = Method::other;
  version = 11;
  base_ = bytes.data();
  method_text_ = target_ = path_ = query_ = authority_ = scheme_ = {};
  fields_.clear();
  fields_.reserve(24);
}

void RequestHead::set_request_line(std::string_view method_text, std::string_view target) {
  method_text_ = piece(method_text);
  target_ = piece(target);
  method = method_of(method_text);
  std::string_view rest = target;
  if (const auto at = target.find("://");
      at != std::string_view::npos && !target.starts_with('/')) {
    scheme_ = piece(target.substr(0, at));
    rest = target.substr(at + 3);
    const auto slash = rest.find_first_of("/?");
    authority_ = piece(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  }
  const auto question = rest.find('?');
  path_ = piece(rest.substr(0, question));
  if (question != std::string_view::npos) query_ = piece(rest.substr(question + 1));
}

void RequestHead::add_field(std::string_view name, std::string_view value) {
  fields_.push_back({piece(name), piece(value)});
}

}  // namespace portcullis::http
