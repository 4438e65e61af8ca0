#include "routes/fallback_routes.hpp"

namespace portcullis::routes {
namespace {

class NotFound final : public pipeline::RouteHandler {
 public:
  NotFound(const pipeline::Reporter& reporter, const pipeline::RouteTable& table)
      : reporter_(reporter), table_(table) {}

  Task<void> serve(http::Exchange& exchange) override {
    auto match = table_.find(exchange, exchange.head().method);
    http::Problem problem(match.allow.empty() ? http::Code::not_found
                                              : http::Code::method_not_allowed);
    problem.allow = std::move(match.allow);
    return reporter_.answer(exchange, std::move(problem));
  }

 private:
  const pipeline::Reporter& reporter_;
  const pipeline::RouteTable& table_;
};

class Preflight final : public pipeline::RouteHandler {
 public:
  Preflight(const config::Settings& settings, const pipeline::RouteTable& table)
      : max_age_(std::to_string(settings.cors_max_age.count())), table_(table) {}

  Task<void> serve(http::Exchange& exchange) override {
    // No method is "other", so this lists what the path has.
    const auto match = table_.find(exchange, http::Method::other);
    const std::string methods = match.allow.empty() ? "OPTIONS" : match.allow + ", OPTIONS";
    http::Response response;
    response.status = 204;
    response.headers.add("Allow", methods);
    response.headers.add("Vary",
                         "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    if (exchange.origin && exchange.head().find("access-control-request-method")) {
      response.headers.add("Access-Control-Allow-Methods", methods);
      response.headers.add("Access-Control-Allow-Headers",
                           "Content-Type, Authorization, Accept, Last-Event-ID, Prefer, X-API-Key, "
                           "X-Location-ID, X-Requested-With, X-Challenge-Solution, DPoP, "
                           "Content-Encoding");
      response.headers.add("Access-Control-Max-Age", max_age_);
    }
    co_await exchange.send(std::move(response));
  }

 private:
  const std::string max_age_;
  const pipeline::RouteTable& table_;
};

}  // namespace

std::unique_ptr<pipeline::RouteHandler> make_not_found(const pipeline::Reporter& reporter,
                                                       const pipeline::RouteTable& table) {
  return std::make_unique<NotFound>(reporter, table);
}

std::unique_ptr<pipeline::RouteHandler> make_preflight(const config::Settings& settings,
                                                       const pipeline::RouteTable& table) {
  return std::make_unique<Preflight>(settings, table);
}

}  // namespace portcullis::routes
