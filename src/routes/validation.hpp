#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the chat API accepts as a domain, a URL, a message and a context. Each check tells what is
/// wrong in words for the client, or nothing.
namespace portcullis::routes {

inline constexpr std::size_t kMaxUrlBytes = 2000;

/// A host name, IP address or `localhost`, also as a whole origin or URL of which the host counts.
/// @returns the host in lower case, or nullopt.
std::optional<std::string> parse_domain(std::string_view text);

/// http or https, at most 2000 characters, no user and password, no control characters; empty is as
/// good as missing. REQUIRES: a string.
std::optional<std::string> page_url_fault(const boost::json::value& value);

/// 1 to `max_chars` characters after trimming, valid and not blank.
std::optional<std::string> message_fault(std::string_view message, std::size_t max_chars);

/// What may be passed on of a `context` object: the allowed keys, within the bounds of the chat
/// proxy (5000 bytes in all, strings of 1000 characters, lists of 100 items of 500).
struct Context {
  std::string json;                  ///< our own object; empty: nothing left
  std::vector<std::string> dropped;  ///< keys that were left out, for the answer
};
std::optional<std::string> context_fault(const boost::json::value& context);
/// REQUIRES: context_fault() found nothing. `only_allowed` false keeps keys outside of the list.
Context clean_context(const boost::json::value& context, bool only_allowed);

/// A User-Agent fit to be passed on: at most 500 characters, without < > quotes and controls.
std::string clean_user_agent(std::string_view user_agent);

}  // namespace portcullis::routes
