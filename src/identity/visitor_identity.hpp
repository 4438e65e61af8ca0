#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "identity/foreign_tokens.hpp"

namespace portcullis::identity {

/// What a page says of who its visitor is: a token, or an id with its hash.
struct ShownIdentity {
  std::string_view token = {};
  std::string_view user = {};
  std::string_view hash = {};

  bool is_shown() const noexcept { return !token.empty() || !user.empty() || !hash.empty(); }
};

/// Verifies who a visitor is, by the word of the site that he is logged in to.
///
/// A site has one form. With both under one secret, whoever may choose his name could have the site
/// hash what is signed of a token, and so be anybody.
///
/// Threads: immutable; safe from any.
/// Errors:  make: invalid_input, without what a secret is. verify: any JwtFault.
/// Cost:    that of ForeignTokens, or one HMAC.
class VisitorIdentity {
 public:
  /// Reads key files: at load, never while requests wait.
  static Result<VisitorIdentity> make(const config::VisitorIdentitySettings& settings);

  /// Whether a session needs a visitor who is known.
  bool is_required() const noexcept { return required_; }
  /// @returns the user's id: 1 to 256 bytes of UTF-8 without control characters.
  JwtResult<std::string> verify(const ShownIdentity& shown, WallTime now) const;

 private:
  VisitorIdentity(bool required, std::optional<ForeignTokens> tokens,
                  std::optional<crypto::HmacKey> hashes)
      : required_(required), tokens_(std::move(tokens)), hashes_(std::move(hashes)) {}
  JwtResult<std::string> verify_hash(const ShownIdentity& shown) const;

  bool required_;
  std::optional<ForeignTokens> tokens_;  ///< one of the two
  std::optional<crypto::HmacKey> hashes_;
};

}  // namespace portcullis::identity
