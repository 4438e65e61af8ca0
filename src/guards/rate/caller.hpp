#pragma once
#include <string_view>

#include "http/exchange.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// Whom a request's limits are charged to, and whose pace and reputation suffer for it: a verified
/// user or key, a session that goes on behind a blocked address, else the address.
///
/// Ownership: views end with the exchange.
struct Caller {
  enum class Kind : std::uint8_t { address, session, user, key };

  static Caller of(const http::Exchange& exchange);

  /// Its bytes, unlike those of any other caller of this kind.
  std::string_view name() const noexcept {
    return kind == Kind::address ? network.octets() : other;
  }
  /// Proven to be who it says: paced and never blocked.
  bool is_verified() const noexcept { return kind == Kind::user || kind == Kind::key; }

  Kind kind = Kind::address;
  state::KeyedValue value{state::Key{}};  ///< what its windows are keyed by
  state::KeyedValue place{state::Key{}};  ///< of its address; of a verified one, itself
  state::Subject subject;
  IpAddress network;
  std::string_view other;
};

/// Whether the request may be the work of a page that the visitor only looks at: his browser marks
/// it as coming from another site or a sibling of this one, as only a browser that a page drives
/// would send it, and no allowed origin stands behind it. What such a page does is counted, but
/// must not ruin its visitors.
bool is_anothers_doing(const http::Exchange& exchange);

/// Whether an address may have to answer for what comes from it: not one that an operator trusts,
/// and not a proxy of his that he forgot to configure.
bool is_answerable(const http::Exchange& exchange, const AddressSet& trusted);

}  // namespace portcullis::guards
