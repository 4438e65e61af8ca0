#include "routes/proxy/answer_relay.hpp"

#include "http/fields.hpp"
#include "routes/proxy/packed_answer.hpp"

namespace portcullis::routes {

bool AnswerRelay::is_for(const upstream::HttpChannel& channel, std::string_view body) {
  if (channel.done() && body.empty()) return false;
  return AnswerRules::fault_of(channel.head()) || AnswerRules::syntax_of(channel.head());
}

Task<Result<void>> AnswerRelay::pass(http::Exchange& exchange, upstream::HttpChannel& channel,
                                     http::ResponseHead head, std::string body) const {
  if (const auto fault = AnswerRules::fault_of(channel.head())) {
    co_return co_await withhold(
        exchange, {audit::EventType::data_access, audit::ThreatLevel::medium, "RSP_002",
                   service_ + ": an answer that cannot be looked into: " + std::string(*fault)});
  }
  auto scanner = rules_.scanner(*AnswerRules::syntax_of(channel.head()));
  auto passed = co_await pass_scanned(exchange, channel, std::move(head), std::move(body), scanner);
  if (rules_.masks() && scanner.found().any()) {
    s_.reporter->report(exchange, rules_.incident(scanner.found(), service_),
                        audit::EventDecision::acted);
  }
  co_return passed;
}

Task<Result<void>> AnswerRelay::pass_scanned(http::Exchange& exchange,
                                             upstream::HttpChannel& channel,
                                             http::ResponseHead head, std::string body,
                                             detect::LeakScanner& scanner) const {
  const bool gathers =
      !rules_.masks() && http::media_type(channel.head().content_type) != "text/event-stream";
  auto& memory = rules_.memory(exchange);
  AnswerWriter out(exchange, compresses_);
  std::string ready;
  while (true) {
    const bool is_last = channel.done();
    auto going = scanner.put(body, memory, ready);
    if (going && is_last) going = scanner.finish(memory, ready);
    if (!going) co_return going;
    if (!rules_.masks() && scanner.found().any()) {
      co_return co_await withhold(exchange, rules_.incident(scanner.found(), service_));
    }
    if (!exchange.answered() && (!gathers || is_last || ready.size() >= kGathered)) {
      going = co_await out.start(head);
    }
    if (going && exchange.answered()) {
      going = co_await out.write(ready, is_last);
      ready.clear();
    }
    if (!going || is_last) co_return going;
    body.clear();
    going = co_await channel.read_body(body);
    if (!going) co_return going;
  }
}

Task<Result<void>> AnswerRelay::withhold(http::Exchange& exchange,
                                         pipeline::Incident incident) const {
  if (exchange.answered()) {
    s_.reporter->report(exchange, incident, audit::EventDecision::refused);
  } else {
    co_await s_.reporter->refuse(exchange, http::Problem(http::Code::upstream_error),
                                 std::move(incident));
  }
  co_return fail(ErrorCode::cancelled, "the answer was withheld");
}

}  // namespace portcullis::routes
