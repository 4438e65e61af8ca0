#include "routes/n8n/n8n_routes.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "chat/turn.hpp"
#include "config/setting.hpp"
#include "http/json_body.hpp"
#include "routes/chat/stream_reader.hpp"
#include "routes/turn_refusals.hpp"
#include "upstream/history_decoder.hpp"

namespace portcullis::routes {
namespace {

using chat::TurnFailure;
using chat::TurnOutcome;
using http::Code;
using http::Problem;
using Action = upstream::N8nVisit::Action;
using Piece = Result<std::optional<std::string>>;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::string_view kWebhook = "/webhook/";
constexpr std::string_view kWebhookTest = "/webhook-test/";

/// A call under way, as the session's list of turns knows it: nobody can read it but the caller, so
/// there is nothing to tell it but to stop.
class Run final : public chat::TurnObserver {
 public:
  explicit Run(std::unique_ptr<upstream::Call> call) : call_(std::move(call)) {}
  upstream::Call& call() noexcept { return *call_; }
  void readers_changed(bool any) override { (void)any; }
  void room_available() override {}
  void stop() override { call_->cancel(); }

 private:
  const std::unique_ptr<upstream::Call> call_;
};

/// The session's place for a call under way; gives it back however the call ends.
class RunPlace {
 public:
  RunPlace(std::shared_ptr<chat::SessionStream> stream, std::string message_id)
      : stream_(std::move(stream)), message_id_(std::move(message_id)) {}
  RunPlace(const RunPlace&) = delete;
  RunPlace& operator=(const RunPlace&) = delete;
  ~RunPlace() {
    if (taken_) stream_->remove_turn(message_id_);
    stream_->forget_if_idle();
  }
  bool take(net::Worker& worker, const std::shared_ptr<Run>& run, std::size_t most) {
    return taken_ = stream_->add_turn(message_id_, worker, run, most);
  }

 private:
  const std::shared_ptr<chat::SessionStream> stream_;
  const std::string message_id_;
  bool taken_ = false;
};

/// While it lives, the call ends with the client.
class LeaveWatch {
 public:
  LeaveWatch(http::Exchange& exchange, Run& run) : exchange_(exchange) {
    exchange.set_hook([&exchange, &run] {
      if (exchange.gone()) run.stop();
    });
  }
  LeaveWatch(const LeaveWatch&) = delete;
  LeaveWatch& operator=(const LeaveWatch&) = delete;
  ~LeaveWatch() { exchange_.set_hook({}); }

 private:
  http::Exchange& exchange_;
};

/// How a call failed; one that was stopped because the gateway is, is nobody's failure.
TurnFailure failure_of(upstream::N8n& n8n, Run& run, const Piece& piece) {
  const Error nothing{ErrorCode::malformed, ErrorOrigin::upstream, Retry::no,
                      "the upstream's answer is empty"};
  auto out = TurnFailure::of(piece ? nothing : piece.error(), n8n, run.call());
  if (out.cancelled) out.code = Code::shutting_down;
  return out;
}

/// Records a failure; its id goes to the visitor.
Ulid report(const Services& services, const http::Exchange& exchange, const TurnFailure& failed) {
  if (failed.cancelled) return Ulid::make(exchange.worker().clock().wall());
  return services.reporter->report(exchange, upstream_incident(failed.reason),
                                   audit::EventDecision::passed);
}

Task<void> answer_failure(const Services& services, http::Exchange& exchange, TurnFailure failed) {
  const Ulid id = report(services, exchange, failed);
  co_await services.reporter->answer(exchange, Problem(failed.code, {}, failed.retry_after), id,
                                     failed.reason);
}

}  // namespace

/// `sendMessage` and `loadPreviousSession`.
class N8nRoutes::Visit final : public pipeline::RouteHandler {
 public:
  explicit Visit(const N8nRoutes& face)
      : face_(face),
        s_(face.services_),
        outcomes_(s_.metrics->counter("portcullis_chat_messages_total")) {}

  Task<void> serve(http::Exchange& exchange) override {
    // The body guard has read it, so this gives the same bytes again.
    const auto& route = *exchange.route;
    const auto body =
        co_await exchange.read_body(std::max(route.max_body_bytes, route.max_form_bytes));
    auto visit = body ? face_.profile_.visit_in(exchange, *body) : std::nullopt;
    if (!visit || !exchange.principal.session) {  // only where body or claim guard is switched off
      co_return co_await s_.reporter->answer(exchange, Problem(Code::schema_invalid));
    }
    exchange.json.reset();  // it may hold many times what is kept of it while the workflow runs
    const auto path = face_.path_of(exchange);
    if (path.empty()) co_return co_await s_.reporter->answer(exchange, Problem(Code::not_found));
    const Site& site = face_.sites_[exchange.site->index];
    const auto& claims = *exchange.principal.session;
    visit->path = path;
    visit->message_id = Ulid::make(exchange.started_wall()).text();
    visit->session_handle =
        s_.session_tokens->handle(identity::SessionTokens::Audience::upstream, claims);
    visit->origin_domain = exchange.origin ? exchange.origin->host : "";
    if (visit->action == Action::load_previous_session) {
      co_await load(exchange, *site.n8n, *std::move(visit));
    } else {
      co_await send(exchange, *site.n8n, *std::move(visit));
    }
  }

 private:
  Task<void> load(http::Exchange& exchange, upstream::N8n& n8n, upstream::N8nVisit visit) const {
    // Somebody else's session by all that can be told: whatever n8n keeps under the id that this
    // caller would have, it is not asked.
    if (exchange.session_state.status == http::SessionState::Status::foreign) {
      co_return co_await exchange.send(
          http::Response::json(200, std::string(upstream::HistoryDecoder::empty())));
    }
    Run run(n8n.start(exchange.worker(), std::move(visit)));
    const LeaveWatch watch(exchange, run);
    Piece history = co_await run.call().next();
    if (exchange.gone()) co_return;
    if (!history || !*history) {
      co_return co_await answer_failure(s_, exchange, failure_of(n8n, run, history));
    }
    co_await exchange.send(http::Response::json(200, **std::move(history)));
  }

  Task<void> send(http::Exchange& exchange, upstream::N8n& n8n, upstream::N8nVisit visit) const {
    const auto key = state::session_key(exchange.principal.session->id);
    const bool streamed = WidgetRefusals::wants_stream(exchange.head());
    chat::StreamHub::Place place;
    if (streamed) {
      place = s_.hub->admit(key, exchange.client.address);
      if (!place) co_return co_await refuse_stream(s_, exchange);
    }
    const std::string message_id = visit.message_id;
    const auto run = std::make_shared<Run>(n8n.start(exchange.worker(), std::move(visit)));
    RunPlace turn(s_.hub->open(key), message_id);
    const auto most = static_cast<std::size_t>(s_.settings->upstream_runs_per_session);
    if (!turn.take(exchange.worker(), run, most)) co_return co_await refuse_turn(s_, exchange);
    const LeaveWatch watch(exchange, *run);
    Piece first = co_await run->call().next();
    if (exchange.gone()) co_return count(TurnOutcome::cancelled);
    if (!first || !*first) co_return co_await refuse(exchange, n8n, *run, first);
    if (streamed) {
      co_await stream(exchange, n8n, *run, message_id, **std::move(first));
    } else {
      co_await answer(exchange, n8n, *run, **std::move(first));
    }
  }

  /// One object, in whatever form the workflow answers.
  Task<void> answer(http::Exchange& exchange, upstream::N8n& n8n, Run& run,
                    std::string text) const {
    while (true) {
      Piece piece = co_await run.call().next();
      if (exchange.gone()) co_return count(TurnOutcome::cancelled);
      if (!piece) co_return co_await refuse(exchange, n8n, run, piece);
      if (!*piece) break;
      text += **piece;
    }
    count(TurnOutcome::answered);
    std::string body = "{\"output\":";
    text::append_json_string(body, text);
    body += "}";
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }

  /// Lines as n8n streams them. While one is written n8n is not read: that is the back-pressure.
  Task<void> stream(http::Exchange& exchange, upstream::N8n& n8n, Run& run, std::string message_id,
                    std::string text) const {
    const auto options = stream_options(s_);
    options.opened->add(options.opened->cell({}));
    if (!co_await exchange.start(stream_head(chat::Face::ndjson))) {
      co_return count(TurnOutcome::cancelled);
    }
    std::string lines;
    const auto add = [&lines](const std::string& event) {
      chat::append_event(lines, chat::Face::ndjson, 0, event);
    };
    add(chat::begin_event(0, message_id));
    add(chat::item_event(0, message_id, text));
    bool ended = false;
    while (true) {
      const auto written = co_await exchange.write(lines);
      lines.clear();
      if (!written) {
        count_if_slow(options, written.error());
        co_return count(TurnOutcome::cancelled);
      }
      if (ended) co_return co_await exchange.end();
      Piece piece = co_await run.call().next();
      if (exchange.gone()) co_return count(TurnOutcome::cancelled);
      if (piece && *piece) {
        add(chat::item_event(0, message_id, **piece));
        continue;
      }
      if (piece) {
        count(TurnOutcome::answered);
      } else {
        add(chat::item_event(0, message_id, "\n\n" + failure(exchange, n8n, run, piece)));
      }
      add(chat::end_event(0, message_id));
      ended = true;
    }
  }

  /// Answers for a call that failed before anything was said.
  Task<void> refuse(http::Exchange& exchange, upstream::N8n& n8n, Run& run,
                    const Piece& piece) const {
    TurnFailure failed = failure_of(n8n, run, piece);
    count(failed.cancelled ? TurnOutcome::cancelled : TurnOutcome::failed);
    return answer_failure(s_, exchange, std::move(failed));
  }

  /// Words for one that failed later.
  std::string failure(http::Exchange& exchange, upstream::N8n& n8n, Run& run,
                      const Piece& piece) const {
    const TurnFailure failed = failure_of(n8n, run, piece);
    count(failed.cancelled ? TurnOutcome::cancelled : TurnOutcome::failed);
    exchange.event_id = report(s_, exchange, failed);
    exchange.error_code = http::info_of(failed.code).name;
    return face_.refusals_.words(exchange, failed.code, exchange.event_id.text());
  }

  void count(TurnOutcome outcome) const noexcept {
    outcomes_.add(static_cast<observe::CounterFamily::Cell>(outcome));
  }

  const N8nRoutes& face_;
  const Services& s_;
  observe::CounterFamily& outcomes_;
};

/// n8n's hosted chat page.
class N8nRoutes::Page final : public pipeline::RouteHandler {
 public:
  explicit Page(const N8nRoutes& face) : face_(face), s_(face.services_) {}

  Task<void> serve(http::Exchange& exchange) override {
    upstream::N8nVisit visit;
    visit.action = Action::open_page;
    visit.path = face_.path_of(exchange);
    if (visit.path.empty()) {
      co_return co_await s_.reporter->answer(exchange, Problem(Code::not_found));
    }
    visit.message_id = Ulid::make(exchange.started_wall()).text();
    visit.session_handle = exchange.client.address.network().text();
    auto& n8n = *face_.sites_[exchange.site->index].n8n;
    Run run(n8n.start(exchange.worker(), std::move(visit)));
    const LeaveWatch watch(exchange, run);
    Piece page = co_await run.call().next();
    if (exchange.gone()) co_return;
    if (!page || !*page) {
      co_return co_await answer_failure(s_, exchange, failure_of(n8n, run, page));
    }
    auto response = http::Response::text(200, "text/html; charset=utf-8", **std::move(page));
    response.headers.add("Cache-Control", "no-store");
    co_await exchange.send(std::move(response));
  }

 private:
  const N8nRoutes& face_;
  const Services& s_;
};

N8nRoutes::N8nRoutes(Services services)
    : services_(std::move(services)),
      profile_(*services_.settings),
      refusals_(services_.settings->sites) {
  const auto& settings = *services_.settings;
  for (std::size_t i = 0; i < settings.sites.size(); ++i) {
    Site& site = sites_.emplace_back();
    site.n8n = std::dynamic_pointer_cast<upstream::N8n>(services_.assistants[i]);
    if (!site.n8n) continue;
    std::set<std::string> paths;
    const auto allow = [&](std::string path) {
      if (!config::is_webhook_path(path)) return;
      if (settings.development() && path.starts_with(kWebhook)) {
        paths.insert(std::string(kWebhookTest) + path.substr(kWebhook.size()));
      }
      if (settings.development() || path.starts_with(kWebhook)) paths.insert(std::move(path));
    };
    const std::string own(site.n8n->webhook_path());
    allow(own);
    if (!own.ends_with("/chat")) allow(own + "/chat");
    for (const auto& path : settings.sites[i].upstream.allowed_paths) allow(path);
    site.paths.assign(paths.begin(), paths.end());
  }
  visit_ = std::make_unique<Visit>(*this);
  page_ = std::make_unique<Page>(*this);
}

N8nRoutes::~N8nRoutes() = default;

std::string_view N8nRoutes::path_of(const http::Exchange& exchange) const {
  const auto& paths = sites_[exchange.site->index].paths;
  const auto path = exchange.head().path().substr(services_.settings->gateway_prefix.size());
  return std::ranges::find(paths, path) == paths.end() ? std::string_view{} : path;
}

void N8nRoutes::add_to(pipeline::RouteTable& table) {
  const auto& settings = *services_.settings;
  std::set<std::string> paths;
  for (const auto& site : sites_) paths.insert(site.paths.begin(), site.paths.end());
  for (const auto& path : paths) {
    pipeline::Route route;
    route.name = "n8n_chat";
    route.path = path;
    route.methods = {http::Method::post};
    route.cls = pipeline::RouteClass::chat;
    route.takes_body = true;
    route.max_body_bytes = static_cast<std::uint64_t>(settings.chat_body_bytes);
    if (settings.n8n_max_files > 0) {
      route.max_form_bytes = static_cast<std::uint64_t>(settings.api_body_megabytes) * kMiB;
    }
    route.prose = {settings.n8n_input_key};
    route.message_member = settings.n8n_input_key;
    route.schema = &profile_;
    route.claims = &profile_;
    route.refusals = &refusals_;
    route.handler = visit_.get();
    table.add(std::move(route));
    if (!settings.n8n_hosted_page || !path.ends_with("/chat")) continue;
    pipeline::Route page;
    page.name = "n8n_page";
    page.path = path;
    page.methods = {http::Method::get};
    page.cls = pipeline::RouteClass::light;
    page.headers = pipeline::HeaderPolicy::n8n_page;
    page.handler = page_.get();
    table.add(std::move(page));
  }
}

}  // namespace portcullis::routes
