#include "observe/metrics.hpp"

namespace portcullis::observe {
namespace {

// Names follow Prometheus conventions: portcullis_<what>_<unit>_total for counters.
constexpr MetricInfo kTable[] = {
    {"portcullis_requests_total", "counter", "route,status",
     "Requests answered or aborted, by route and status class (aborted: the client left before an "
     "answer)."},
    {"portcullis_request_duration_seconds", "histogram", "",
     "Time from the parsed head to the end of the answer; streams count until their end."},
    {"portcullis_guard_decisions_total", "counter", "guard,outcome",
     "Decisions of each guard: passed, refused, would_refuse, challenged, error."},
    {"portcullis_guard_duration_seconds_total", "counter", "guard",
     "Seconds spent in each guard, one request in 16 measured and scaled."},
    {"portcullis_events_total", "counter", "type,level",
     "Security events recorded, by type and threat level."},
    {"portcullis_connections_accepted_total", "counter", "",
     "Connections accepted on the public listeners."},
    {"portcullis_connections_refused_total", "counter", "reason",
     "Connections closed at once: total (all places taken), address (too many from one) or "
     "operations (too many on the operations listener)."},
    {"portcullis_connections_open", "gauge", "", "Open client connections."},
    {"portcullis_streams_open", "gauge", "", "Open event streams (SSE and NDJSON readers)."},
    {"portcullis_streams_total", "counter", "", "Event streams opened."},
    {"portcullis_streams_dropped_total", "counter", "reason",
     "Event streams dropped: slow or limit."},
    {"portcullis_websockets_open", "gauge", "", "Open WebSockets."},
    {"portcullis_websockets_authenticated", "gauge", "",
     "Open WebSockets that have shown a session or a credential."},
    {"portcullis_websocket_addresses", "gauge", "", "Addresses that have WebSockets open."},
    {"portcullis_websocket_age_seconds", "gauge", "",
     "How long the open WebSockets have been open, on average."},
    {"portcullis_websocket_messages_total", "counter", "route",
     "Messages that came on WebSockets, by route."},
    {"portcullis_websocket_closed_total", "counter", "code",
     "WebSockets that have ended, by the close code; 1006 without a closing handshake, other for "
     "codes that only a peer says."},
    {"portcullis_sessions_active", "gauge", "", "Sessions that are valid now."},
    {"portcullis_chat_messages_total", "counter", "outcome",
     "Chat messages accepted: answered, failed, cancelled, duplicate."},
    {"portcullis_upstream_requests_total", "counter", "upstream,outcome",
     "Calls to the assistant of a site, or to a provider of captchas (challenge:NAME): ok, error, "
     "timeout, rejected (breaker open), cancelled."},
    {"portcullis_upstream_retries_total", "counter", "upstream",
     "Calls repeated because they were not executed."},
    {"portcullis_upstream_tokens_total", "counter", "upstream,direction",
     "Tokens that the API of a language model counted: input, output."},
    {"portcullis_upstream_connections_open", "gauge", "", "Open connections to assistants."},
    {"portcullis_upstream_breaker_open", "gauge", "",
     "1 while the breaker of an assistant is open."},
    {"portcullis_service_targets_away", "gauge", "",
     "Targets of protected services that are unwell, or whose breaker is open."},
    {"portcullis_rate_limited_total", "counter", "tier",
     "Requests refused, by the tier that decided."},
    {"portcullis_content_findings_total", "counter", "class",
     "Requests in which the content guard found an attack, refused or not, by class; header: one "
     "that does not follow its grammar; too_complex: too costly to judge."},
    {"portcullis_bot_suspicions_total", "counter", "ground",
     "Grounds on which requests were held for the work of machines, or for spam."},
    {"portcullis_session_risk_total", "counter", "outcome",
     "What followed for those who present a session and are suspicious: alerted (once each), "
     "challenged, renewed (got a fresh token), shut_out (for an hour), ended (the session, with "
     "its "
     "owner)."},
    {"portcullis_session_suspicions_total", "counter", "ground",
     "Grounds on which these were alerted of."},
    {"portcullis_challenges_total", "counter", "outcome",
     "Challenges: asked, and what became of what was sent for them: solved, wrong, expired, used "
     "(before), foreign (a captcha of another page or visitor), limited (too many tokens of one "
     "caller), unavailable (the provider could not be asked), declined (a page cannot show the "
     "captcha)."},
    {"portcullis_challenge_providers_away", "gauge", "",
     "Providers of captchas that are away: visitors whom they would challenge solve proof of "
     "work."},
    {"portcullis_blocked_addresses", "gauge", "", "Addresses that a rule has blocked for a time."},
    {"portcullis_state_keys", "gauge", "", "Keys that the limiter remembers."},
    {"portcullis_state_sessions", "gauge", "",
     "Sessions stored (those with at least one message)."},
    {"portcullis_accounts_up", "gauge", "", "1 while users and keys can be read and written."},
    {"portcullis_state_shared", "gauge", "", "1 while every worker is connected to Redis."},
    {"portcullis_state_fallbacks_total", "counter", "",
     "Requests that were decided without Redis because it did not answer."},
    {"portcullis_config_reloads_total", "counter", "outcome",
     "Configuration reloads: ok or failed."},
    {"portcullis_build_info", "gauge", "", "Always 1; the version stands in /health."},
    {"portcullis_start_time_seconds", "gauge", "", "Start of the process in seconds since 1970."},
};

}  // namespace

std::span<const MetricInfo> metric_table() { return kTable; }

}  // namespace portcullis::observe
