#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "http/problem.hpp"

namespace portcullis::routes {

/// What a visitor reads where something was refused or has failed: by error code, in the language
/// that the browser prefers. The built-in texts know English, German, French, Spanish, Italian,
/// Portuguese, Dutch and Polish; a site's `texts` come first and may know more.
///
/// Threads: immutable; any worker.
class RefusalTexts {
 public:
  /// What is wrong with a site's texts: codes that do not exist. One a line.
  static std::vector<std::string> check(const config::SiteSettings& site);

  explicit RefusalTexts(const std::vector<config::SiteSettings>& sites);

  /// `accept_language` is the header's value.
  std::string_view find(std::size_t site, http::Code code, std::string_view accept_language) const;

 private:
  std::vector<config::Texts> sites_;  ///< by Site::index
};

}  // namespace portcullis::routes
