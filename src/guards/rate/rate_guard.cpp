#include "guards/rate/rate_guard.hpp"

namespace portcullis::guards {
namespace {

using pipeline::RouteClass;
using pipeline::Verdict;
using state::AdmitAnswer;
using state::AdmitRequest;

std::string_view bytes_of(const IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()};
}

class RateGuard final : public pipeline::Guard {
 public:
  RateGuard(const config::Settings& settings, state::Store& store, observe::Metrics& metrics)
      : store_(store),
        chat_minute_(static_cast<std::uint32_t>(settings.limit_chat_address_minute)),
        chat_hour_(static_cast<std::uint32_t>(settings.limit_chat_address_hour)),
        session_minute_(static_cast<std::uint32_t>(settings.limit_chat_session_minute)),
        api_minute_(static_cast<std::uint32_t>(settings.limit_api_address_minute)),
        light_minute_(static_cast<std::uint32_t>(std::min<std::int64_t>(
            4'000'000'000,
            settings.limit_light_factor *
                std::max(settings.limit_chat_address_minute, settings.limit_api_address_minute)))),
        session_idle_(settings.session_idle),
        limited_(metrics.counter("portcullis_rate_limited_total")) {}
  std::string_view name() const noexcept override { return "rate"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    AdmitRequest request;
    add_charges(exchange, request);
    if (exchange.principal.session)
      request.session = state::session_key(exchange.principal.session->id);
    if (request.count == 0 && !request.session) return Verdict::pass();
    auto answer = store_.admit(request);
    if (answer.ready()) return judge(exchange, request, std::move(answer.value()));
    return wait(exchange, request, std::move(answer));
  }

 private:
  Task<Result<Verdict>> wait(http::Exchange& exchange, AdmitRequest request,
                             Eventual<Result<AdmitAnswer>> answer) const {
    auto result = co_await answer;
    co_return judge(exchange, request, std::move(result));
  }

  void add_charges(const http::Exchange& exchange, AdmitRequest& request) const {
    const auto& route = *exchange.route;
    const IpAddress network = exchange.client.address.network();
    const auto address = bytes_of(network);
    const auto charge = [&](std::string_view tier, std::string_view value, std::uint32_t limit,
                            Seconds window) {
      request.add({tier, state::key_of(tier, value), limit, window, 1});
    };
    switch (route.cls) {
      case RouteClass::chat:
        charge("address-minute", address, chat_minute_, Seconds{60});
        charge("address-hour", address, chat_hour_, Seconds{3600});
        if (route.is_message && exchange.principal.session) {
          const auto& id = exchange.principal.session->id;
          charge("session-minute", {reinterpret_cast<const char*>(id.data()), id.size()},
                 session_minute_, Seconds{60});
        }
        charge("site-minute", exchange.site->id, exchange.site->limit_per_minute, Seconds{60});
        break;
      case RouteClass::api:
        charge("api-minute", address, api_minute_, Seconds{60});
        break;
      case RouteClass::light:
        charge("light-minute", address, light_minute_, Seconds{60});
        break;
      case RouteClass::probe:
        break;
    }
  }

  Result<Verdict> judge(http::Exchange& exchange, const AdmitRequest& request,
                        Result<AdmitAnswer> answer) const {
    if (!answer) return std::unexpected(std::move(answer).error());
    if (exchange.principal.session) note_session(exchange, answer->session);
    if (request.count == 0) return Verdict::pass();
    const auto& admission = answer->admission;
    const auto& decided = request.charges[admission.decided_by];
    // The ceiling of light routes is no budget that a client should plan with: shown only when
    // reached.
    if (exchange.route->cls != RouteClass::light || !admission.admitted) {
      exchange.limit_state = {decided.tier, decided.limit, admission.remaining,
                              decided.window.count(), admission.reset.count()};
    }
    if (admission.admitted) return Verdict::pass();
    limited_.add(limited_.cell({std::string(decided.tier)}));
    return Verdict::refuse(
        http::Problem(http::Code::rate_limited, "Too many requests. Please wait and try again.",
                      std::max<std::int64_t>(1, admission.reset.count())),
        {audit::EventType::rate_limiting, audit::ThreatLevel::low, "RATE_003",
         "limit of tier " + std::string(decided.tier) + " reached"});
  }

  void note_session(http::Exchange& exchange, const state::SessionView& view) const {
    using Status = http::SessionState::Status;
    const auto& claims = *exchange.principal.session;
    auto& out = exchange.session_state;
    const WallTime now = exchange.started_wall();
    out.message_count = view.message_count;
    if (view.status == state::SessionView::Status::ended) {
      out.status = Status::ended;
    } else if (claims.expires <= now) {
      out.status = Status::expired;
    } else if (view.status == state::SessionView::Status::live) {
      out.status = view.last_active + session_idle_ < now ? Status::expired : Status::live;
    } else {
      // Unknown: no message yet, or forgotten. Either way its idle time counts from its creation.
      out.status = claims.created + session_idle_ < now ? Status::expired : Status::silent;
    }
  }

  state::Store& store_;
  const std::uint32_t chat_minute_, chat_hour_, session_minute_, api_minute_, light_minute_;
  const Seconds session_idle_;
  observe::CounterFamily& limited_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_rate_guard(const config::Settings& settings,
                                                 state::Store& store, observe::Metrics& metrics) {
  return std::make_unique<RateGuard>(settings, store, metrics);
}

}  // namespace portcullis::guards
