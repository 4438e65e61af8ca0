#include "guards/rate/caller.hpp"

namespace portcullis::guards {

Caller Caller::of(const http::Exchange& exchange) {
  using PrincipalKind = http::Principal::Kind;
  const auto& principal = exchange.principal;
  Caller out;
  // Verified by the credentials guard: its limits are its own, wherever it comes from.
  if (principal.kind == PrincipalKind::user) {
    out.kind = Kind::user;
    out.other = principal.id;
    out.value = out.place = state::KeyedValue(principal.id);
    out.subject.key = out.value.in("user");
    return out;
  }
  if (principal.kind == PrincipalKind::api_key) {
    out.kind = Kind::key;
    out.other = principal.id;
    out.value = out.place = state::KeyedValue(principal.id);
    out.subject.key = out.value.in("key");
    return out;
  }
  out.network = exchange.client.address.network();
  out.place = state::KeyedValue(out.name());
  // Behind a blocked address a visitor who was there before is on his own: what others did there
  // takes nothing from him, and he is paced himself.
  if (exchange.client.blocked_since && principal.session) {
    const auto& id = principal.session->id;
    out.kind = Kind::session;
    out.other = {reinterpret_cast<const char*>(id.data()), id.size()};
    out.subject = {state::session_key(id), true};
    out.value = state::KeyedValue(out.subject.key);
    return out;
  }
  out.value = out.place;
  out.subject.key = out.value.in("address");
  return out;
}

bool is_anothers_doing(const http::Exchange& exchange) {
  const auto& head = exchange.head();
  // No page sends a credential in a header to where its preflight was refused, and with anything
  // but GET and HEAD a browser names the page's origin.
  if (exchange.origin || head.find("authorization") || head.find("x-api-key")) return false;
  const bool told = head.find("origin").has_value();
  const bool plain = head.method == http::Method::get || head.method == http::Method::head;
  const auto site = head.get("sec-fetch-site");
  return (told || plain) && (site == "cross-site" || site == "same-site");
}

bool is_answerable(const http::Exchange& exchange, const AddressSet& trusted) {
  const auto& client = exchange.client;
  const bool forgotten_proxy =
      client.forwarded_by_stranger && (client.peer.is_loopback() || client.peer.is_private());
  return !forgotten_proxy && !trusted.contains(client.address);
}

}  // namespace portcullis::guards
