#include "http/file_name.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

bool is_hex(char c) { return text::is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/// Whether a reader of forms could decode something in the name: `%22` is how browsers write a
/// quote, and some turn `&#0047;` into the character of that number.
bool is_encoded(std::string_view name) {
  if (name.contains("&#")) return true;
  for (auto at = name.find('%'); at != std::string_view::npos; at = name.find('%', at + 1)) {
    if (at + 2 < name.size() && is_hex(name[at + 1]) && is_hex(name[at + 2])) return true;
  }
  return false;
}

/// Marks that turn the direction of text make `gpj.exe` of `exe.jpg`: U+200E, U+200F, U+202A to
/// U+202E, U+2066 to U+2069.
bool turns_direction(std::string_view name) {
  for (auto at = name.find('\xe2'); at != std::string_view::npos; at = name.find('\xe2', at + 1)) {
    const auto mark = name.substr(at + 1, 2);
    if (mark == "\x80\x8e" || mark == "\x80\x8f" || (mark >= "\x80\xaa" && mark <= "\x80\xae") ||
        (mark >= "\x81\xa6" && mark <= "\x81\xa9")) {
      return true;
    }
  }
  return false;
}

/// Windows opens the device, whatever extension stands behind it.
bool is_device(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kDevices = {"con", "prn", "aux", "nul"};
  const auto stem = text::trim(name.substr(0, name.find('.')));
  if (std::ranges::any_of(kDevices, [&](auto one) { return text::iequals(stem, one); })) {
    return true;
  }
  return stem.size() == 4 && text::is_digit(stem[3]) &&
         (text::istarts_with(stem, "com") || text::istarts_with(stem, "lpt"));
}

/// Servers run a script by any extension of its name, not by the last one alone.
bool has_script_within(std::string_view name) {
  static constexpr std::array<std::string_view, 59> kScripts = {
      "asa",      "asax",     "ascx", "ashx",  "asmx", "asp",  "aspx", "bash", "bat",  "cdx",
      "cer",      "cfc",      "cfm",  "cgi",   "cmd",  "csh",  "dll",  "exe",  "fcgi", "hta",
      "htaccess", "htpasswd", "jar",  "jsp",   "jspf", "jspx", "jsv",  "jsw",  "ksh",  "lnk",
      "msi",      "phar",     "php",  "php3",  "php4", "php5", "php7", "php8", "phps", "pht",
      "phtm",     "phtml",    "pl",   "pm",    "ps1",  "psm1", "py",   "pyc",  "pyw",  "rb",
      "scr",      "sh",       "shtm", "shtml", "stm",  "vbs",  "war",  "wsf",  "zsh"};
  auto begin = name.find('.');
  while (begin != std::string_view::npos) {
    const auto end = name.find('.', begin + 1);
    if (end == std::string_view::npos) return false;
    const auto extension = text::trim_unicode(name.substr(begin + 1, end - begin - 1));
    if (std::ranges::any_of(kScripts, [&](auto one) { return text::iequals(one, extension); })) {
      return true;
    }
    begin = end;
  }
  return false;
}

}  // namespace

bool is_safe_file_name(std::string_view name) noexcept {
  if (name.empty() || !text::is_utf8(name)) return false;
  if (name.front() == '.' || name.back() == '.' || name.contains("..")) return false;
  if (name.front() == ' ' || name.back() == ' ') return false;
  const bool plain = std::ranges::none_of(name, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
           std::string_view("/\\:;*?<>|\"").contains(c);
  });
  return plain && !is_encoded(name) && !turns_direction(name) && !is_device(name) &&
         !has_script_within(name);
}

}  // namespace portcullis::http
