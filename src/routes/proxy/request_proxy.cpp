#include "routes/proxy/request_proxy.hpp"

#include "base/text.hpp"
#include "http/chunk.hpp"
#include "http/json_body.hpp"
#include "http/multipart_form.hpp"
#include "routes/proxy/answer_relay.hpp"
#include "routes/proxy/packed_answer.hpp"
#include "routes/proxy/refusals.hpp"
#include "upstream/http_channel.hpp"

namespace portcullis::routes {
namespace {

using Answer = Forwarding::Answer;
using upstream::HttpChannel;
using upstream::HttpService;
using upstream::ServiceGroup;

/// Whether a request may be sent a second time where nobody knows what became of the first
/// (RFC 9110 section 9.2.2).
bool is_idempotent(http::Method method) {
  return method != http::Method::post && method != http::Method::patch;
}

HttpService::Outcome outcome_of(const Error& error) {
  if (error.code == ErrorCode::cancelled) return HttpService::Outcome::cancelled;
  return error.code == ErrorCode::timeout ? HttpService::Outcome::timeout
                                          : HttpService::Outcome::error;
}

class RequestProxy final : public pipeline::RouteHandler {
 public:
  RequestProxy(const Services& services, const Forwarding& forwarding,
               const config::RouteSettings& route, std::shared_ptr<ServiceGroup> group)
      : s_(services),
        forwarding_(forwarding),
        rules_(rules_of(services, *route.proxy)),
        rewrite_(route.proxy->rewrite.value_or(route.path)),
        group_(std::move(group)),
        own_fields_(fields_of(*services.settings, route.proxy->service)),
        compresses_(route.proxy->compress) {}

  Task<void> serve(http::Exchange& exchange) override {
    if (co_await refuse_path(s_, exchange)) co_return;
    Attempt attempt(exchange);
    auto answered = co_await ask(attempt);
    if (!answered) {
      co_return co_await refuse_without_service(s_, exchange, *group_, std::move(answered).error());
    }
    co_await answer(attempt);
  }

 private:
  /// One request on its way, over one target after the other.
  struct Attempt {
    explicit Attempt(http::Exchange& from)
        : exchange(from), streams(from.route->streams_body && !from.body_done()) {}
    ~Attempt() { exchange.set_hook({}); }

    http::Exchange& exchange;
    const bool streams;       ///< the body is passed on as it comes, once
    bool body_begun = false;  ///< a part of it has gone
    std::string_view body{};  ///< the whole of it, where it does not stream
    std::uint64_t tried = 0;
    ServiceGroup::Lease lease{};
    std::vector<ServiceGroup::Lease> failed{};  ///< that were asked before
    std::unique_ptr<HttpChannel> channel{};
    std::string first_bytes{};  ///< of the answer's body
  };

  /// Until a target has answered with a head.
  Task<Result<void>> ask(Attempt& a) const {
    auto& exchange = a.exchange;
    if (!a.streams) {
      auto body = co_await exchange.read_body(exchange.route->max_body_bytes);
      if (!body) co_return std::unexpected(std::move(body).error());
      a.body = *body;
      // Nobody reads them any more, and the service may take its time.
      exchange.json.reset();
      exchange.form.reset();
    }
    const bool may_probe = !a.streams && a.body.empty() && is_idempotent(exchange.head().method);
    Error last;
    while (!exchange.gone()) {
      auto lease = ServiceGroup::choose(group_, a.tried, caller_number(exchange), may_probe);
      if (!lease) {
        if (a.tried == 0) last = std::move(lease).error();
        break;
      }
      a.lease = *std::move(lease);
      const auto service = a.lease.service();
      if (a.tried == 0) service->retry_budget().on_call();
      a.tried |= std::uint64_t{1} << a.lease.target();
      a.channel = std::make_unique<HttpChannel>(
          service, exchange.worker(),
          http::ResponseParser::Wants{.head_request = exchange.head().method == http::Method::head,
                                      .fields = true});
      exchange.set_hook([&exchange, channel = a.channel.get()] {
        if (exchange.gone()) channel->cancel();
      });
      auto tried = co_await try_one(a);
      if (tried) {
        // Where another answers what it did not, it was not the request.
        for (auto& failed : a.failed) failed.record_absence();
        a.failed.clear();
        co_return tried;
      }
      exchange.set_hook({});
      last = std::move(tried).error();
      service->count(outcome_of(last));
      // What the client did, or our own bound of connections, says nothing about the target.
      if (last.retry == Retry::safe && last.origin == ErrorOrigin::upstream) {
        a.lease.record_absence();
      } else if (last.origin == ErrorOrigin::upstream) {
        a.failed.push_back(std::move(a.lease));
      }
      a.lease = {};
      if (!may_try_again(a, last) || !service->retry_budget().try_retry()) break;
      service->count_retry();
    }
    for (auto& failed : a.failed) failed.record(false);
    co_return std::unexpected(std::move(last));
  }

  static bool may_try_again(const Attempt& a, const Error& error) {
    if (a.body_begun || error.origin == ErrorOrigin::client) return false;
    // Nobody has seen it, or whoever has may see it twice.
    return error.retry == Retry::safe ||
           (is_idempotent(a.exchange.head().method) && error.code != ErrorCode::timeout);
  }

  Task<Result<void>> try_one(Attempt& a) const {
    auto& channel = *a.channel;
    auto there = co_await channel.connect();
    if (!there) {
      there.error().retry = Retry::safe;
      co_return there;
    }
    auto head = forwarding_.request_head(
        a.exchange, path_on(channel.service().path(), rewrite_, a.exchange),
        channel.service().host(), own_fields_, rules_ ? Answer::readable : Answer::any);
    add_framing(head, a);
    head += "\r\n";
    auto sent = co_await channel.send(head, a.body);
    if (!a.body.empty() && !may_have_body(a.exchange.head().method)) channel.use_once();
    if (sent && a.streams) sent = co_await send_body(a);
    if (!sent) co_return sent;
    co_return co_await channel.read_head(a.first_bytes);
  }

  static void add_framing(std::string& head, const Attempt& a) {
    const auto& framing = a.exchange.framing();
    if (a.streams && framing.body == http::Framing::Body::chunked) {
      head += "Transfer-Encoding: chunked\r\n";
      return;
    }
    const auto length = a.streams ? framing.content_length : a.body.size();
    if (length == 0 && !may_have_body(a.exchange.head().method)) return;
    head += "Content-Length: ";
    text::append_number(head, length);
    head += "\r\n";
  }

  static Task<Result<void>> send_body(Attempt& a) {
    auto& exchange = a.exchange;
    const bool chunked = exchange.framing().body == http::Framing::Body::chunked;
    a.body_begun = true;
    // How long this takes is up to the client.
    a.lease.forget();
    std::string frame;
    while (true) {
      // A service that answers before it has everything wants no more.
      if (a.channel->has_spoken()) {
        a.channel->use_once();
        co_return Result<void>{};
      }
      const auto piece = co_await exchange.read_some_body(exchange.route->max_body_bytes);
      if (!piece) co_return std::unexpected(piece.error());
      if (!chunked && piece->empty()) co_return Result<void>{};
      if (chunked) {
        frame.clear();
        http::append_chunk(frame, *piece);
        auto sent = co_await a.channel->send(frame);
        if (!sent || piece->empty()) co_return sent;
      } else if (auto sent = co_await a.channel->send(*piece); !sent) {
        co_return sent;
      }
    }
  }

  /// What the target says.
  Task<void> answer(Attempt& a) const {
    auto& exchange = a.exchange;
    auto& channel = *a.channel;
    a.lease.record(true);
    Result<void> going;
    if (rules_ && AnswerRelay::is_for(channel, a.first_bytes)) {
      const AnswerRelay relay(s_, *rules_, group_->name(), compresses_);
      going =
          co_await relay.pass(exchange, channel, head_of(channel.head()), std::move(a.first_bytes));
    } else {
      going = co_await pass_on(a);
    }
    channel.service().count(going ? HttpService::Outcome::ok : outcome_of(going.error()));
    if (!going && !exchange.answered()) {
      co_return co_await refuse_without_service(s_, exchange, *group_, std::move(going).error());
    }
    if (!going) co_return;  // cut, so that nobody takes it for the whole
    channel.give_back();
    co_await exchange.end();
  }

  /// Piece by piece.
  Task<Result<void>> pass_on(Attempt& a) const {
    auto& channel = *a.channel;
    AnswerWriter out(a.exchange, compresses_);
    auto going = co_await out.start(head_of(channel.head()));
    std::string body = std::move(a.first_bytes);
    while (going) {
      const bool is_last = channel.done();
      going = co_await out.write(body, is_last);
      if (!going || is_last) break;
      body.clear();
      if (auto got = co_await channel.read_body(body); !got) going = got;
    }
    co_return going;
  }

  http::ResponseHead head_of(const http::ResponseHeadView& head) const {
    http::ResponseHead out;
    out.status = static_cast<std::uint16_t>(head.status);
    out.headers = forwarding_.answer_fields(head);
    out.content_length = head.content_length;
    if (rules_ && rules_->masks() && AnswerRules::syntax_of(head)) {
      out.headers = AnswerRules::without_digests(out.headers);
      if (out.content_length != 0) out.content_length.reset();
    }
    return out;
  }

  static std::optional<AnswerRules> rules_of(const Services& services,
                                             const config::ProtectedRoute& route) {
    if (route.leaks == config::LeakMode::off) return std::nullopt;
    return *AnswerRules::make(*services.leak_rules, route);  // whose names have been looked up
  }

  const Services& s_;
  const Forwarding& forwarding_;
  const std::optional<AnswerRules> rules_;  ///< none: answers pass as they are
  const std::string rewrite_;
  const std::shared_ptr<ServiceGroup> group_;
  const http::HeaderBlock own_fields_;
  const bool compresses_;
};

}  // namespace

std::unique_ptr<pipeline::RouteHandler> make_request_proxy(const Services& services,
                                                           const Forwarding& forwarding,
                                                           const config::RouteSettings& route,
                                                           std::shared_ptr<ServiceGroup> group) {
  return std::make_unique<RequestProxy>(services, forwarding, route, std::move(group));
}

}  // namespace portcullis::routes
