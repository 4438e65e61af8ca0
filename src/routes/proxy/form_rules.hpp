#pragma once
#include <optional>

#include "config/settings.hpp"
#include "http/json_body.hpp"
#include "http/multipart_form.hpp"
#include "http/problem.hpp"

namespace portcullis::routes {

/// What a multipart form may hold on a protected route: text fields that every reader takes for
/// the same ones, and files that are what they say, of the kinds, number and size that the route
/// takes.
///
/// Threads: immutable; any worker.
/// Errors:  words that repeat nothing of the form.
class FormRules {
 public:
  explicit FormRules(config::FileSettings files) : files_(std::move(files)) {}
  std::optional<http::Problem> check(const http::MultipartForm& form) const;

 private:
  std::optional<http::Problem> check_file(const http::FormPart& part) const;

  const config::FileSettings files_;
};

/// An input of a page where no file was chosen. Some readers take it for an empty field.
bool is_unchosen(const http::FormPart& part) noexcept;

/// The text fields as the object that a JSON body with these members would be.
void read_fields(const http::MultipartForm& form, http::JsonBody& out);

}  // namespace portcullis::routes
