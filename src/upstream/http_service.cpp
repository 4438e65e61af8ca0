#include "upstream/http_service.hpp"

#include <algorithm>

#include "base/origin.hpp"

namespace portcullis::upstream {
namespace {

/// n out of `total` for this worker; the first ones get the rest of the division.
std::size_t share(std::size_t total, unsigned workers, unsigned index) {
  return total / workers + (index < total % workers ? 1 : 0);
}

}  // namespace

Result<std::shared_ptr<HttpService>> HttpService::make(HttpServiceOptions options,
                                                       observe::Metrics& metrics,
                                                       observe::Log& log) {
  const auto origin = Origin::of_url(options.url);
  if (!origin) return fail(ErrorCode::invalid_input, options.url + " is no http or https URL");
  net::Target target;
  target.host = origin->host.starts_with('[') ? origin->host.substr(1, origin->host.size() - 2)
                                              : origin->host;
  target.port = origin->port;
  if (origin->scheme == "https") {
    TRY(target.tls, net::TlsClientContext::make(
                        {options.ca_file, options.client_certificate, options.client_key}));
  }
  const auto after_scheme = options.url.find("://") + 3;
  const auto slash = options.url.find_first_of("/?", after_scheme);
  std::string path = slash == std::string::npos ? "/" : options.url.substr(slash);
  path = path.substr(0, path.find('#'));
  if (path.starts_with('?')) path.insert(0, "/");
  if (std::ranges::any_of(path, [](char c) { return c <= 0x20 || c >= 0x7f; })) {
    return fail(ErrorCode::invalid_input,
                "the webhook URL has characters that must be percent-encoded");
  }
  std::string host =
      options.url.substr(after_scheme, slash == std::string::npos ? slash : slash - after_scheme);
  return std::shared_ptr<HttpService>(new HttpService(
      std::move(options), std::move(target), std::move(path), std::move(host), metrics, log));
}

HttpService::HttpService(HttpServiceOptions options, net::Target target, std::string path,
                         std::string host_header, observe::Metrics& metrics, observe::Log& log)
    : options_(std::move(options)),
      target_(std::move(target)),
      path_(std::move(path)),
      host_header_(std::move(host_header)),
      log_(log),
      outcomes_(metrics.counter("portcullis_upstream_requests_total")),
      retries_(metrics.counter("portcullis_upstream_retries_total")),
      breaker_(options_.breaker),
      budget_(options_.retry_budget_percent),
      connections_(std::make_shared<ConnectionBudget>(options_.max_connections)),
      pools_(options_.workers) {
  constexpr std::string_view kOutcomes[] = {"ok", "error", "timeout", "rejected", "cancelled"};
  for (std::size_t i = 0; i < std::size(kOutcomes); ++i) {
    outcome_cells_[i] = outcomes_.cell({options_.name, std::string(kOutcomes[i])});
  }
  retry_cell_ = retries_.cell({options_.name});
}

std::string HttpService::head_to(std::string_view method, std::string_view path) const {
  std::string out;
  out += method;
  out += ' ';
  out += path;
  out += " HTTP/1.1\r\nHost: ";
  out += host_header_;
  out += "\r\nUser-Agent: ";
  out += options_.user_agent;
  out += "\r\nAccept-Encoding: identity\r\n";
  return out;
}

void HttpService::retire(net::Worker& worker) {
  retired_ = true;
  if (const auto& pool = pools_[worker.index() % pools_.size()]) pool->close_idle();
}

ConnectionPool& HttpService::pool_of(net::Worker& worker) {
  auto& pool = pools_[worker.index() % pools_.size()];
  if (!pool) {
    const unsigned workers = options_.workers;
    pool = std::make_shared<ConnectionPool>(
        worker,
        ConnectionPool::Options{target_, share(options_.keep_alive, workers, worker.index()),
                                options_.connect_timeout},
        connections_);
  }
  return *pool;
}

}  // namespace portcullis::upstream
