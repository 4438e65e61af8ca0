#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/request_head.hpp"

/// Reads the header fields that have a grammar of their own.
namespace portcullis::http {

/// The values of one cookie (RFC 6265 section 5.4), at most `most`: a hostile neighbour on a
/// sibling domain can add a second cookie of the same name, so the caller must be able to see them
/// all.
std::vector<std::string_view> cookie_values(const RequestHead& head, std::string_view name,
                                            std::size_t most = 4);

/// The credentials of `Authorization: Bearer …`; nullopt where there is none or it is another
/// scheme.
std::optional<std::string_view> bearer_token(const RequestHead& head);
/// The same of `Authorization: DPoP …` (RFC 9449 section 7.1).
std::optional<std::string_view> dpop_token(const RequestHead& head);

/// Which of `offered` (in order of preference) the Accept header likes best; nullopt where none
/// fits. A missing header likes all. Source: RFC 9110 section 12.5.1, with quality values and
/// wildcards.
std::optional<std::size_t> negotiate(std::string_view accept,
                                     std::span<const std::string_view> offered);

/// The language tags of an Accept-Language header in lower case, the preferred one first, without
/// `*` and those with quality 0; at most 10. Source: RFC 9110 section 12.5.4.
std::vector<std::string> languages(std::string_view accept_language);

/// `type/subtype` of a Content-Type in lower case, without parameters.
std::string media_type(std::string_view content_type);
/// The charset parameter in lower case; empty where there is none.
std::string charset(std::string_view content_type);

/// Whether a Prefer header (RFC 7240) names this preference.
bool has_preference(const RequestHead& head, std::string_view name);

/// One query parameter, percent- and plus-decoded.
struct QueryParameter {
  enum class Status : std::uint8_t {
    missing,
    given,
    malformed
  };  ///< malformed: twice, or not decodable
  Status status = Status::missing;
  std::string value;
  bool given() const noexcept { return status == Status::given; }
};
QueryParameter query_parameter(std::string_view query, std::string_view name);

}  // namespace portcullis::http
