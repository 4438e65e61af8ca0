#include "guards/credentials/key_proofs.hpp"

#include "http/websocket/handshake.hpp"
#include "pipeline/route.hpp"

namespace portcullis::guards {
namespace {

constexpr std::string_view kHeader = "dpop";

}  // namespace

KeyProofs::KeyProofs(const config::Settings& settings) {
  const auto url = identity::canonical_url(settings.public_url);
  if (!url) return;
  public_origin_ = Origin::of_url(settings.public_url)->text();
  public_path_ = url->substr(public_origin_.size());
  if (public_path_.ends_with('/')) public_path_.pop_back();
}

identity::JwtResult<identity::DpopProof> KeyProofs::read(const http::Exchange& exchange) const {
  const auto& head = exchange.head();
  if (exchange.route->websocket && !head.find(kHeader)) {
    if (const auto proof = http::websocket::offered_proof(head)) {
      return identity::verify_dpop(*proof, head.method_text(), urls_of(exchange),
                                   exchange.started_wall());
    }
  }
  const auto count = head.count(kHeader);
  if (count == 0) return identity::refuse(identity::JwtFault::missing_claim, "no proof");
  if (count > 1) return identity::refuse(identity::JwtFault::malformed, "several proofs");
  return identity::verify_dpop(head.get(kHeader), head.method_text(), urls_of(exchange),
                               exchange.started_wall());
}

std::vector<std::string> KeyProofs::urls_of(const http::Exchange& exchange) const {
  const std::string path(exchange.head().path());
  std::vector<std::string> out;
  if (const auto origin = exchange.requested_origin()) out.push_back(origin->text() + path);
  if (public_origin_.empty()) return out;
  out.push_back(public_origin_ + path);
  if (!public_path_.empty()) out.push_back(public_origin_ + public_path_ + path);
  return out;
}

identity::JwtResult<void> check_proof(const identity::DpopProof& proof,
                                      const http::SessionClaims& session, std::string_view token) {
  using identity::JwtFault;
  if (proof.thumbprint != session.proof_key) return identity::refuse(JwtFault::unknown_key, "jwk");
  if (proof.token_hash.empty()) return identity::refuse(JwtFault::missing_claim, "ath");
  if (proof.token_hash != identity::dpop_token_hash(token)) {
    return identity::refuse(JwtFault::wrong_value, "ath");
  }
  return {};
}

void forget_replayed(http::Exchange& exchange) {
  auto& principal = exchange.principal;
  const std::string why = identity::JwtRefusal{identity::JwtFault::used_before, "jti"}.text();
  exchange.presenter.reset();
  exchange.places.give_back();
  if (principal.session) {
    principal.forget_unproven(*std::move(principal.session), why);
  } else {
    principal.proof.reset();
    principal.fault = why;
  }
}

}  // namespace portcullis::guards
