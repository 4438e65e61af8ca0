#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace portcullis::identity {

/// Why a JWT is not accepted. For the log of the operator; a client learns only that it is not.
/// Codes follow from the order and stay: new ones go to the end.
enum class JwtFault : std::uint8_t {
  too_large,         ///< JWT_001 token or header is longer than what is looked at
  malformed,         ///< JWT_002 not three parts of canonical base64url
  bad_header,        ///< JWT_003 header is no JSON object, or has a member twice or of a wrong form
  wrong_algorithm,   ///< JWT_004 alg is missing or none of those that are accepted
  forbidden_header,  ///< JWT_005 header has a member that would change what is verified, or how
  unknown_key,       ///< JWT_006 no key of this id and algorithm
  confused_algorithm,  ///< JWT_007 the key of this id is for another algorithm
  bad_signature,       ///< JWT_008
  bad_claims,      ///< JWT_009 claims are no JSON object, or one is there twice or of a wrong form
  missing_claim,   ///< JWT_010
  wrong_type,      ///< JWT_011 a token for another use
  wrong_issuer,    ///< JWT_012
  wrong_audience,  ///< JWT_013
  expired,         ///< JWT_014
  not_yet_valid,   ///< JWT_015 nbf has not come
  issued_in_future,  ///< JWT_016 iat has not come
  too_long_lived,    ///< JWT_017 exp is farther from iat than is allowed
  too_old,           ///< JWT_018 iat is longer ago than is allowed
  wrong_value,       ///< JWT_019 a claim has another value than it must have
  used_before,       ///< JWT_020 a proof serves once
};

inline constexpr std::size_t kJwtFaults = static_cast<std::size_t>(JwtFault::used_before) + 1;

/// "JWT_001" and so on: static text.
std::string_view code_of(JwtFault fault) noexcept;

/// A fault and the member of header or claims that it is about, which may be empty.
///
/// Ownership: `member` is static text or lies in the rules that it was checked by.
struct JwtRefusal {
  JwtFault fault = JwtFault::malformed;
  std::string_view member = {};

  /// For the log: "JWT_009 exp". Holds nothing that the token says.
  std::string text() const;
};

template <class T>
using JwtResult = std::expected<T, JwtRefusal>;

inline std::unexpected<JwtRefusal> refuse(JwtFault fault, std::string_view member = {}) {
  return std::unexpected(JwtRefusal{fault, member});
}

}  // namespace portcullis::identity
