#pragma once
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "http/exchange.hpp"
#include "identity/dpop.hpp"

namespace portcullis::guards {

/// Reads the proof of possession that comes with a request (RFC 9449), once however many sessions
/// are shown.
///
/// Threads: immutable; any worker.
class KeyProofs {
 public:
  explicit KeyProofs(const config::Settings& settings);

  /// Exactly one `DPoP` header, for this method and address; on a WebSocket else its protocol.
  identity::JwtResult<identity::DpopProof> read(const http::Exchange& exchange) const;

 private:
  /// Under which addresses a browser may have called: by what the request says, and by
  /// `server.public_url`, below whose path a proxy may have put the gateway.
  std::vector<std::string> urls_of(const http::Exchange& exchange) const;

  std::string public_origin_;  ///< empty: not set
  std::string public_path_;    ///< without a slash at its end
};

/// Whether it proves that a token of this session is in its owner's hands.
identity::JwtResult<void> check_proof(const identity::DpopProof& proof,
                                      const http::SessionClaims& session, std::string_view token);

/// Notes that a proof has been used before: what it came with is nobody's.
void forget_replayed(http::Exchange& exchange);

}  // namespace portcullis::guards
