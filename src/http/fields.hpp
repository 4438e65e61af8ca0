#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coding/content_coding.hpp"
#include "http/header_block.hpp"
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

/// Which of `offered` content codings (in order of preference, `identity` among them) the client
/// likes best; nullopt where it takes none of them. Whoever says nothing gets `identity`: many
/// programs that say nothing unpack nothing.
/// Source: RFC 9110 section 12.5.3, with quality values and `*`; `x-gzip` is `gzip` (8.4.1.3).
std::optional<std::string_view> negotiate_coding(const RequestHead& head,
                                                 std::span<const std::string_view> offered);

/// `br` or `gzip`, where the client likes one better than an answer that is not packed.
std::optional<coding::ContentCoding> answer_coding(const RequestHead& head);

/// Whether If-None-Match names the representation with this entity tag, weak or strong, or any
/// (RFC 9110 section 13.1.2).
bool none_match_names(const RequestHead& head, std::string_view etag);

/// The language tags of an Accept-Language header in lower case, the preferred one first, without
/// `*` and those with quality 0; at most 10. Source: RFC 9110 section 12.5.4.
std::vector<std::string> languages(std::string_view accept_language);

/// Whether a list field of an answer (Vary, Cache-Control …) has this token, in any case.
bool has_token(const HeaderBlock& fields, std::string_view name, std::string_view token);
/// Says in Vary, where that is not said yet, that the answer depends on this field of the request.
void add_vary(HeaderBlock& fields, std::string_view name);

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
/// Its value as it stands there; nullopt where it is missing or said twice.
std::optional<std::string_view> raw_parameter(std::string_view query, std::string_view name);
/// The query without this parameter, however often it is said.
std::string without_parameter(std::string_view query, std::string_view name);

}  // namespace portcullis::http
