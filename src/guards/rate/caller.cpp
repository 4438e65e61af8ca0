#include "guards/rate/caller.hpp"

namespace portcullis::guards {

Caller Caller::of(const http::Exchange& exchange) {
  using PrincipalKind = http::Principal::Kind;
  const auto& principal = exchange.principal;
  // Verified by the credentials guard: its limits are its own, wherever it comes from.
  if (principal.kind == PrincipalKind::user || principal.kind == PrincipalKind::service) {
    return {Kind::user, {state::key_of("user", principal.id)}, {}, principal.id};
  }
  if (principal.kind == PrincipalKind::api_key) {
    return {Kind::key, {state::key_of("key", principal.id)}, {}, principal.id};
  }
  // Behind a blocked address a visitor who was there before is on his own: what others did there
  // takes nothing from him, and he is paced himself.
  if (exchange.client.blocked_since && principal.session) {
    const auto& id = principal.session->id;
    return {Kind::session,
            {state::session_key(id), true},
            {},
            {reinterpret_cast<const char*>(id.data()), id.size()}};
  }
  Caller out;
  out.network = exchange.client.address.network();
  out.subject.key = state::key_of("address", out.name());
  return out;
}

bool is_anothers_doing(const http::Exchange& exchange) {
  return !exchange.origin && exchange.head().get("sec-fetch-site") == "cross-site";
}

bool is_answerable(const http::Exchange& exchange, const AddressSet& trusted) {
  const auto& client = exchange.client;
  const bool forgotten_proxy =
      client.forwarded_by_stranger && (client.peer.is_loopback() || client.peer.is_private());
  return !forgotten_proxy && !trusted.contains(client.address);
}

}  // namespace portcullis::guards
