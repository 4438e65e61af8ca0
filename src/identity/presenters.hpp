#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "http/principal.hpp"
#include "http/request_head.hpp"

namespace portcullis::identity {

/// How somebody who presents a session stands to its owner.
enum class Standing : std::uint8_t {
  owner,      ///< his network and browser, or nothing is known against it
  neighbour,  ///< his network, another browser
  stranger,   ///< another network
};

/// Tells those apart who present a session, by keyed hashes of their network and browser.
///
/// The fingerprint has 128 bits and takes what stays the same for the life of a session:
/// User-Agent, Accept-Language, the platform and form factor of the client hints, and what the page
/// said of screen and time zone when the session was made. There is no clock in it.
///
/// Threads: immutable; safe from any.
/// Cost:    about 0.3 us for the headers of a browser.
class Presenters {
 public:
  /// What one network has two sides of: who comes by IPv6 and had come by IPv4 this long ago, or
  /// the other way round, has not moved.
  static constexpr Seconds kFamilySwitch{10 * 60};

  /// Sessions are judged by the secret that signed their tokens. REQUIRES: not empty.
  explicit Presenters(const std::vector<std::string>& secrets);

  /// Who sends this and shows a token of `session`.
  http::Presenter of(const http::RequestHead& head, const IpAddress& address,
                     const http::SessionClaims& session) const;

  /// What sessions of this address's network say of it, one by each secret.
  std::vector<std::uint64_t> networks(const IpAddress& address) const;

  /// What a page says of the visitor's screen ("1920x1080") and time zone ("Europe/Oslo"); 0 where
  /// it says nothing.
  std::uint64_t device(std::string_view screen, std::string_view time_zone) const;

  /// The fingerprint of headers alone, by the first secret: 32 hex digits.
  std::string browser(std::string_view user_agent, std::string_view accept_language) const;

 private:
  using SipKey = std::array<std::uint64_t, 2>;
  static std::uint64_t network(const IpAddress& address, const SipKey& key);
  struct Keys {
    SipKey fingerprint{};
    SipKey network{};
  };
  std::vector<Keys> keys_;  ///< by secret
};

/// Whether he comes from another network than the session's owner. Of an owner who is not known
/// nobody can say so.
bool is_elsewhere(const http::SessionClaims& session, const http::Presenter& presenter) noexcept;

/// `session.owner` against `presenter`; `use`: what the store knows of the session.
Standing standing_of(const http::SessionClaims& session, const http::Presenter& presenter,
                     const SessionUse& use, WallTime now) noexcept;

/// Of what it says in `Sec-CH-UA-Platform`, else in `User-Agent`.
http::Platform platform_of(std::string_view hint, std::string_view user_agent) noexcept;

/// Whether one device may say one and the other: a tablet that asks for pages for desktops says
/// that it is one.
bool may_be_one_device(http::Platform a, http::Platform b) noexcept;

/// The fingerprint as text: 32 hex digits.
std::string fingerprint_text(const http::Presenter& presenter);

}  // namespace portcullis::identity
