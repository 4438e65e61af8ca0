#include "gateway/runtime.hpp"
#include "guards/access/access_guard.hpp"
#include "guards/blocks/blocks_guard.hpp"
#include "guards/body/body_guard.hpp"
#include "guards/bot/bot_guard.hpp"
#include "guards/claim/claim_guard.hpp"
#include "guards/content/content_guard.hpp"
#include "guards/credentials/credentials_guard.hpp"
#include "guards/host/host_guard.hpp"
#include "guards/origin/origin_guard.hpp"
#include "guards/protocol/protocol_guard.hpp"
#include "guards/rate/rate_guard.hpp"
#include "guards/session/session_guard.hpp"

namespace portcullis::gateway {

Result<std::vector<std::unique_ptr<pipeline::Guard>>> make_guards(
    const config::Settings& settings, const Lasting& lasting,
    const guards::CredentialParts& credentials, const guards::LimitParts& limits,
    const pipeline::Reporter& reporter, const detect::Inspector& inspector) {
  std::vector<std::unique_ptr<pipeline::Guard>> guards;
  // Everything after it speaks of the visitor, so first find out who that is.
  guards.push_back(guards::make_address_guard(settings, lasting.forwarding));
  // A blocked address must cost next to nothing.
  TRY(auto blocks, guards::make_blocks_guard(settings, lasting.blocks));
  guards.push_back(std::move(blocks));
  // What is no valid request has no headers to look at.
  guards.push_back(guards::make_protocol_guard());
  // A request for somebody else's host is not ours to answer, whoever sends it; and what comes over
  // plain http where https is required goes no further either.
  guards.push_back(guards::make_host_guard(settings));
  // Which page sent it, and so which site's limits and assistant apply.
  guards.push_back(guards::make_origin_guard(settings, credentials.sites));
  // Signatures only, no lookup: the limits below must know whom to charge before anything costs
  // more.
  guards.push_back(guards::make_credentials_guard(settings, credentials));
  // One call for all tiers; what the store knows of the session comes along.
  guards.push_back(guards::make_rate_guard(settings, limits));
  // Is the session alive, of this site and origin, and in the hands of its owner?
  guards.push_back(guards::make_session_guard(
      settings, limits,
      {credentials.sessions, reporter,
       [&hub = lasting.hub](const state::Key& session) { hub.drop(session); }}));
  // Is the user or program one that the route is for?
  guards.push_back(guards::make_access_guard());
  // Reading a body is the most expensive step, so only callers that got here are listened to.
  guards.push_back(guards::make_body_guard(static_cast<std::uint64_t>(settings.forms_total_bytes)));
  // Where the body says whose session this is, only now is known whom to charge.
  guards.push_back(guards::make_claim_guard(settings, credentials.sessions, limits));
  // What is said is judged last: only now is it known which of it is prose, and all of it is there.
  TRY(auto content, guards::make_content_guard(inspector, lasting.metrics, lasting.workers));
  guards.push_back(std::move(content));
  // Whether a person says it: after attacks, so that an attack is called one whoever sends it.
  guards.push_back(guards::make_bot_guard(settings, lasting.trails, limits));
  return guards;
}

}  // namespace portcullis::gateway
