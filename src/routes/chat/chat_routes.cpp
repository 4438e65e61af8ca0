#include "routes/chat/chat_routes.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "chat/turn.hpp"
#include "http/fields.hpp"
#include "routes/chat/stream_reader.hpp"
#include "routes/chat_api_route.hpp"
#include "routes/turn_refusals.hpp"
#include "routes/validation.hpp"

namespace portcullis::routes {
namespace {

using chat::Face;
using http::Code;
using http::Problem;

constexpr std::size_t kMaxClientIdBytes = 64;
constexpr std::size_t kMaxQueryMessageBytes = 2000;
constexpr std::size_t kMaxHistoryPage = 200;
constexpr std::size_t kDefaultHistoryPage = 50;

std::optional<std::string> check_client_id(const boost::json::value& value) {
  const auto& id = value.get_string();
  const bool fits =
      !id.empty() && id.size() <= kMaxClientIdBytes && std::ranges::all_of(id, [](char c) {
        return text::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
      });
  return fits ? std::nullopt
              : std::optional<std::string>(
                    "The client_message_id must have 1 to 64 letters, digits or - _ . :");
}

}  // namespace

/// Takes a message and answers with JSON, a stream, or 202.
class ChatRoutes::Send final : public pipeline::RouteHandler {
 public:
  enum class Default : std::uint8_t { json, sse };
  Send(const Services& services, Default fallback)
      : s_(services),
        default_(fallback),
        outcomes_(services.metrics->counter("portcullis_chat_messages_total")) {
    for (const char* name : {"answered", "failed", "cancelled", "duplicate"})
      (void)outcomes_.cell({name});
  }

  Task<void> serve(http::Exchange& exchange) override {
    if (!exchange.json ||
        !exchange.json->value.is_object()) {  // only where the body guard is switched off
      return s_.reporter->answer(exchange, Problem(Code::schema_invalid));
    }
    const auto& body = exchange.json->value;
    Incoming in;
    in.message = text::trim_unicode(string_member(body, "message"));
    in.client_id = string_member(body, "client_message_id");
    in.page_url = string_member(body, "page_url");
    if (const auto* context = body.get_object().if_contains("context");
        context != nullptr && context->is_object()) {
      in.context = clean_context(*context, s_.settings->sanitize_context);
    }
    exchange.json.reset();  // it may hold many times what is kept of it while the assistant thinks
    return take(exchange, std::move(in));
  }

  struct Incoming {
    std::string message;
    std::string client_id;
    std::string page_url;
    Context context;
  };

  /// From a message that passed the guards to its answer.
  Task<void> take(http::Exchange& exchange, Incoming in) const {
    const auto form = choose_form(exchange);
    if (!form) {
      Problem problem(Code::not_acceptable,
                      "Offered: application/json, text/event-stream, application/x-ndjson.");
      co_return co_await s_.reporter->answer(exchange, std::move(problem));
    }
    const auto claims = session_of(exchange);
    const auto key = state::session_key(claims.id);
    const bool keep_text =
        s_.settings->sites[exchange.site->index].history == config::HistoryMode::on;

    state::NewMessage incoming;
    incoming.session = claims.id;
    incoming.session_created = claims.created;
    incoming.session_expires = claims.expires;
    incoming.keep_text = keep_text;
    incoming.sender = sender_of(exchange, claims);
    incoming.message = {state::Message::Role::user, Ulid::make(exchange.started_wall()).text(),
                        in.message, exchange.started_wall(), in.client_id};
    chat::StreamHub::Place place;
    if (*form == Form::sse || *form == Form::ndjson) {
      place = s_.hub->admit(key, exchange.client.address);
      if (!place) co_return co_await refuse_stream(s_, exchange);
    }
    auto stream = s_.hub->open(key);
    chat::SessionStream::Beginning beginning(*stream);
    auto begun = co_await s_.store->begin_message(std::move(incoming));
    if (!begun || begun->kind != state::BeginOutcome::Kind::started) {
      beginning.end();
      stream->forget_if_idle();
      if (begun && begun->kind == state::BeginOutcome::Kind::duplicate) {
        outcomes_.add(static_cast<observe::CounterFamily::Cell>(chat::TurnOutcome::duplicate));
        co_return co_await answer_again(exchange, key, begun->message_id, *form, std::move(place));
      }
      co_return co_await refuse_begin(exchange, begun);
    }
    // An earlier try that failed may stand between the store and its last event; that event would
    // end what this one says.
    if (!in.client_id.empty() && stream->has_turn(begun->message_id)) {
      co_await wait_while(exchange, [&] { return stream->has_turn(begun->message_id); });
      if (exchange.gone()) {
        (void)co_await s_.store->fail_message(claims.id, begun->message_id);
        co_return;
      }
    }

    const std::vector<std::string> dropped = std::move(in.context.dropped);
    const auto turn = make_turn(exchange, claims, *begun, std::move(in), stream, *form, keep_text);
    const auto max_turns = static_cast<std::size_t>(s_.settings->upstream_runs_per_session);
    if (!stream->add_turn(begun->message_id, exchange.worker(), turn, max_turns)) {
      (void)co_await s_.store->fail_message(claims.id, begun->message_id);
      co_return co_await refuse_turn(s_, exchange);
    }
    beginning.end();
    switch (*form) {
      case Form::json:
        co_return co_await answer_json(exchange, turn, stream, claims, dropped);
      case Form::accepted:
        co_return co_await answer_accepted(exchange, turn);
      case Form::sse:
      case Form::ndjson:
        co_return co_await answer_stream(exchange, turn, stream, std::move(place), *form);
    }
  }

  /// The session of the caller; where the session guard is switched off, one for this message
  /// alone.
  static http::SessionClaims session_of(const http::Exchange& exchange) {
    if (exchange.principal.session) return *exchange.principal.session;
    http::SessionClaims claims;
    claims.id = identity::new_session_id();
    claims.created = exchange.started_wall();
    claims.expires = claims.created + Seconds{60};
    claims.site = exchange.site->id;
    claims.origin = exchange.origin ? exchange.origin->text() : "";
    return claims;
  }

  static std::optional<state::Sender> sender_of(const http::Exchange& exchange,
                                                const http::SessionClaims& session) {
    if (!exchange.presenter) return std::nullopt;
    // By the network alone: what is done from elsewhere must not make anybody the owner for longer.
    const auto& presenter = *exchange.presenter;
    const bool is_owner = !session.owner || (!identity::is_elsewhere(session, presenter) &&
                                             session.owner->fingerprint == presenter.fingerprint);
    return state::Sender{is_owner, presenter.network};
  }

 private:
  enum class Form : std::uint8_t { json, sse, ndjson, accepted };

  std::optional<Form> choose_form(const http::Exchange& exchange) const {
    if (http::has_preference(exchange.head(), "respond-async")) return Form::accepted;
    const auto accept = exchange.head().get("accept");
    if (default_ == Default::sse) {
      static constexpr std::string_view kOffered[] = {"text/event-stream", "application/x-ndjson"};
      const auto chosen = http::negotiate(accept, kOffered);
      if (!chosen) return std::nullopt;
      return *chosen == 0 ? Form::sse : Form::ndjson;
    }
    static constexpr std::string_view kOffered[] = {"application/json", "text/event-stream",
                                                    "application/x-ndjson"};
    const auto chosen = http::negotiate(accept, kOffered);
    if (!chosen) return std::nullopt;
    return *chosen == 0 ? Form::json : *chosen == 1 ? Form::sse : Form::ndjson;
  }

  std::shared_ptr<chat::Turn> make_turn(http::Exchange& exchange, const http::SessionClaims& claims,
                                        const state::BeginOutcome& begun, Incoming in,
                                        const std::shared_ptr<chat::SessionStream>& stream,
                                        Form form, bool keep_text) const {
    const auto& head = exchange.head();
    upstream::Question question;
    question.message_id = begun.message_id;
    question.message = std::move(in.message);
    question.session_handle =
        s_.session_tokens->handle(identity::SessionTokens::Audience::upstream, claims);
    question.user = claims.user;
    question.origin_domain = Origin::host_in(claims.origin);
    question.page_url = in.page_url.empty() ? claims.page_url : in.page_url;
    question.user_agent = clean_user_agent(head.get("user-agent"));
    question.address = exchange.client.address.text();
    question.fingerprint = identity::fingerprint_text(
        s_.session_tokens->presenters().of(head, exchange.client.address, claims));
    question.message_count = begun.message_count;
    question.context_json = std::move(in.context.json);
    question.now = exchange.started_wall();

    chat::Turn::Parts parts;
    parts.assistant = s_.assistants[exchange.site->index];
    parts.store = s_.store;
    parts.hub = s_.hub;
    parts.session = claims.id;
    parts.outcomes = &outcomes_;
    parts.configuration = s_.owner.lock();
    parts.question = std::move(question);
    parts.keep_text = keep_text;
    // A streamed answer is kept for the history alone, and what that would not take need not be
    // kept.
    if (form != Form::json)
      parts.keep_bytes = static_cast<std::size_t>(s_.settings->history_max_bytes);
    parts.resume_grace = s_.settings->stream_resume_grace;
    // A JSON answer that nobody else can ask for again needs no events.
    parts.publish =
        form != Form::json || !in.client_id.empty() || stream->has_readers() || begun.is_followed;
    parts.stream = stream;
    // Turns may outlive their exchange, so what a possible event tells is noted now.
    parts.report = [reporter = s_.reporter, tokens = s_.session_tokens, route = exchange.route,
                    site = exchange.site, key = claims.key, id = claims.id,
                    request_id = exchange.request_id, address = exchange.client.address,
                    &worker = exchange.worker()](const chat::TurnFailure& failure) {
      http::SessionClaims noted;
      noted.id = id;
      noted.key = key;
      pipeline::Reporter::Subject subject;
      subject.address = address;
      subject.endpoint = route->path;
      subject.method = "POST";
      subject.session = tokens->handle(identity::SessionTokens::Audience::audit, noted);
      subject.request_id = request_id.view();
      subject.site = site->id;
      return reporter
          ->report(subject, worker.clock().wall(), upstream_incident(failure.reason),
                   audit::EventDecision::passed)
          .text();
    };
    return std::make_shared<chat::Turn>(exchange.worker(), std::move(parts));
  }

  Task<void> refuse_begin(http::Exchange& exchange,
                          const Result<state::BeginOutcome>& begun) const {
    using Kind = state::BeginOutcome::Kind;
    using audit::EventType;
    using audit::ThreatLevel;
    if (!begun) {
      return s_.reporter->refuse_without_state(exchange, begun.error());
    }
    switch (begun->kind) {
      case Kind::conflict:
        return s_.reporter->refuse(
            exchange,
            Problem(Code::conflict, "This client_message_id was used for another message."),
            {EventType::input_validation, ThreatLevel::low, "VAL_006",
             "client_message_id used twice"});
      case Kind::ended:
        return s_.reporter->refuse(
            exchange, Problem(Code::session_invalid),
            {EventType::authentication, ThreatLevel::low, "SES_001", "the session has ended"});
      default:
        return s_.reporter->refuse(exchange, Problem(Code::session_limit, {}, 60),
                                   {EventType::system_integrity, ThreatLevel::medium, "SES_003",
                                    "no room for a further session"});
    }
  }

  Task<void> answer_json(http::Exchange& exchange, const std::shared_ptr<chat::Turn>& turn,
                         const std::shared_ptr<chat::SessionStream>& stream,
                         const http::SessionClaims& claims,
                         const std::vector<std::string>& dropped) const {
    exchange.set_hook([&exchange, &stream, turn = turn.get()] {
      if (exchange.gone() && !stream->has_readers())
        turn->cancel();  // nobody else waits for this answer
    });
    co_await turn->run();
    exchange.set_hook({});
    if (exchange.gone()) co_return;
    if (const auto& failure = turn->failure()) {
      co_return co_await s_.reporter->answer(exchange,
                                             Problem(failure->code, {}, failure->retry_after),
                                             Ulid::parse(turn->error_id()), failure->reason);
    }
    co_await exchange.send(json_answer(turn->answer(), turn->message_id(), claims, dropped));
  }

  http::Response json_answer(std::string_view answer, std::string_view message_id,
                             const http::SessionClaims& claims,
                             const std::vector<std::string>& dropped) const {
    std::string body;
    body.reserve(answer.size() + 160);
    body += "{\"response\":";
    text::append_json_string(body, answer);
    body += ",\"message_id\":";
    text::append_json_string(body, message_id);
    body += ",\"session_id\":";
    text::append_json_string(
        body, s_.session_tokens->handle(identity::SessionTokens::Audience::client, claims));
    if (!dropped.empty()) {
      body += ",\"dropped_context\":[";
      for (std::size_t i = 0; i < dropped.size(); ++i) {
        if (i > 0) body += ',';
        text::append_json_string(body, dropped[i]);
      }
      body += ']';
    }
    body += "}";
    return http::Response::json(200, std::move(body));
  }

  Task<void> answer_accepted(http::Exchange& exchange,
                             const std::shared_ptr<chat::Turn>& turn) const {
    turn->live_on_readers();
    spawn(turn->run());
    std::string body = "{\"message_id\":";
    text::append_json_string(body, turn->message_id());
    body += ",\"stream_url\":";
    text::append_json_string(body, s_.settings->gateway_prefix + "/api/v1/chat/stream");
    body += "}";
    auto response = http::Response::json(202, std::move(body));
    response.headers.add("Preference-Applied", "respond-async");
    co_await exchange.send(std::move(response));
  }

  // No coroutine, as an open stream must keep little alive.
  Task<void> answer_stream(http::Exchange& exchange, const std::shared_ptr<chat::Turn>& turn,
                           const std::shared_ptr<chat::SessionStream>& stream,
                           chat::StreamHub::Place place, Form form) const {
    auto reader = std::make_shared<chat::SessionStream::Reader>(exchange.worker());
    stream->attach_to_turn(reader, turn->message_id());
    turn->live_on_readers();
    spawn(turn->run());
    return write_stream(exchange, *s_.hub, stream, std::move(reader), std::move(place),
                        form == Form::sse ? Face::sse : Face::ndjson, stream_options(s_));
  }

  /// The same message again: the answer under way or kept, never a second call.
  Task<void> answer_again(http::Exchange& exchange, const state::Key& key, std::string message_id,
                          Form form, chat::StreamHub::Place place) const {
    const auto claims = session_of(exchange);
    auto stream = s_.hub->find(key);
    if (s_.hub->relay() != nullptr) {
      stream = s_.hub->open(key);
      co_await s_.hub->follow(stream, claims.id, stream_options(s_).follow_life());
    }
    // The first send may stand between the store and the list of turns.
    if (stream) {
      co_await wait_while(exchange,
                          [&] { return stream->is_beginning() && !stream->has_turn(message_id); });
    }
    bool waited = false;
    auto reader = std::make_shared<chat::SessionStream::Reader>(exchange.worker());
    if (form == Form::sse || form == Form::ndjson) {
      if (stream && stream->attach_to_message(reader, message_id)) {
        co_return co_await write_stream(exchange, *s_.hub, stream, reader, std::move(place),
                                        form == Form::sse ? Face::sse : Face::ndjson,
                                        stream_options(s_));
      }
    } else if (stream && stream->is_under_way(message_id) &&
               stream->attach_to_message(reader, message_id)) {
      if (form == Form::json) {
        co_await wait_for_message(exchange, *s_.hub, stream, reader, stream_options(s_));
      }
      stream->detach(reader);
      waited = true;
    }
    if (stream) s_.hub->unfollow(*stream);
    if (exchange.gone()) co_return;
    if (form == Form::accepted) {
      std::string body = "{\"message_id\":";
      text::append_json_string(body, message_id);
      body += ",\"stream_url\":";
      text::append_json_string(body, s_.settings->gateway_prefix + "/api/v1/chat/stream");
      body += "}";
      co_return co_await exchange.send(http::Response::json(202, std::move(body)));
    }
    auto kept = co_await s_.store->find_answer(claims.id, message_id);
    if (!kept) co_return co_await s_.reporter->refuse_without_state(exchange, kept.error());
    if (!*kept) {
      co_return co_await s_.reporter->answer(
          exchange,
          waited ? Problem(Code::upstream_error, "The first try failed.")
                 : Problem(Code::conflict, "The answer to this message is not kept any more."));
    }
    if (form == Form::json)
      co_return co_await exchange.send(json_answer((*kept)->content, message_id, claims, {}));
    const Face face = form == Form::sse ? Face::sse : Face::ndjson;
    std::string out;
    chat::append_opening(out, face);
    chat::append_event(out, face, 0, chat::begin_event(0, message_id));
    chat::append_event(out, face, 0, chat::item_event(0, message_id, (*kept)->content));
    chat::append_event(out, face, 0, chat::end_event(0, message_id));
    chat::append_done(out, face);
    if (!co_await exchange.start(stream_head(face)) || !co_await exchange.write(out)) co_return;
    co_await exchange.end();
  }

  /// For at most a second, while another request has done half of what this one waits for.
  template <class Busy>
  static Task<void> wait_while(http::Exchange& exchange, Busy busy) {
    for (int looks = 0; looks < 50 && busy() && !exchange.gone(); ++looks) {
      co_await exchange.worker().sleep(net::Deadlines::kTick);
    }
  }

  const Services& s_;
  const Default default_;
  observe::CounterFamily& outcomes_;
};

/// `GET /api/v1/chat/stream`: events of the session, resumed behind the last one that the client
/// saw.
class ChatRoutes::Subscribe final : public pipeline::RouteHandler {
 public:
  Subscribe(const Services& services, const Send& send) : s_(services), send_(send) {}

  // No coroutine: an idle subscription must keep nothing of this alive, of one node at least.
  Task<void> serve(http::Exchange& exchange) override {
    const auto& head = exchange.head();
    static constexpr std::string_view kOffered[] = {"text/event-stream", "application/x-ndjson"};
    const auto chosen = http::negotiate(head.get("accept"), kOffered);
    if (!chosen) {
      return s_.reporter->answer(
          exchange,
          Problem(Code::not_acceptable, "Offered: text/event-stream, application/x-ndjson."));
    }
    std::string last = std::string(head.get("last-event-id"));
    if (last.empty()) {
      const auto asked = http::query_parameter(head.query(), "last_event_id");
      // What does not decode was never an id of ours: one that is gone.
      last = asked.status == http::QueryParameter::Status::malformed ? "0" : asked.value;
    }

    if (auto message = http::query_parameter(head.query(), "message");
        message.status != http::QueryParameter::Status::missing && last.empty()) {
      return take_query_message(exchange, std::move(message));
    }
    const auto claims = Send::session_of(exchange);
    const auto key = state::session_key(claims.id);
    auto place = s_.hub->admit(key, exchange.client.address);
    if (!place) return refuse_stream(s_, exchange);

    // An id that is no number of ours was never sent by us: treat it as one that is gone.
    std::optional<std::uint64_t> last_id;
    if (!last.empty()) last_id = text::parse_number<std::uint64_t>(last).value_or(0);
    const Face face = *chosen == 0 ? Face::sse : Face::ndjson;
    if (s_.hub->relay() != nullptr) {
      return read_with_others(exchange, claims.id, last_id, std::move(place), face);
    }
    return read(exchange, s_.hub->open(key), last_id, std::move(place), face);
  }

 private:
  Task<void> read(http::Exchange& exchange, std::shared_ptr<chat::SessionStream> stream,
                  std::optional<std::uint64_t> last_id, chat::StreamHub::Place place,
                  Face face) const {
    auto reader = std::make_shared<chat::SessionStream::Reader>(exchange.worker());
    stream->attach(reader, last_id);
    return write_stream(exchange, *s_.hub, std::move(stream), std::move(reader), std::move(place),
                        face, stream_options(s_));
  }

  /// Behind what other nodes wrote.
  Task<void> read_with_others(http::Exchange& exchange, state::SessionId session,
                              std::optional<std::uint64_t> last_id, chat::StreamHub::Place place,
                              Face face) const {
    auto stream = s_.hub->open(state::session_key(session));
    co_await s_.hub->follow(stream, session, stream_options(s_).follow_life());
    co_await read(exchange, std::move(stream), last_id, std::move(place), face);
  }

  Task<void> take_query_message(http::Exchange& exchange, http::QueryParameter parameter) {
    if (!s_.settings->chat_get_message) {
      co_return co_await s_.reporter->answer(
          exchange, Problem(Code::validation_failed, "A message is sent with POST."));
    }
    const std::string& message = parameter.value;
    auto fault = message_fault(message, static_cast<std::size_t>(s_.settings->message_max_chars));
    if (!parameter.given()) fault = "The message in the query is malformed.";
    if (!fault && message.size() > kMaxQueryMessageBytes)
      fault = "A message in the query may have at most 2000 bytes.";
    if (!fault && !text::is_utf8(message)) fault = "The message is not valid UTF-8.";
    if (fault) {
      co_return co_await s_.reporter->refuse(
          exchange, Problem(Code::validation_failed, *fault),
          {audit::EventType::input_validation, audit::ThreatLevel::low, "VAL_006", *fault});
    }
    Send::Incoming in;
    in.message = text::trim_unicode(message);
    co_await send_.take(exchange, std::move(in));
  }

  const Services& s_;
  const Send& send_;
};

class ChatRoutes::History final : public pipeline::RouteHandler {
 public:
  explicit History(const Services& services) : s_(services) {}

  Task<void> serve(http::Exchange& exchange) override {
    const auto limit = number(exchange, "limit", kDefaultHistoryPage);
    const auto offset = number(exchange, "offset", 0);
    if (!limit || !offset || *limit < 1) {
      co_return co_await s_.reporter->answer(
          exchange, Problem(Code::validation_failed, "limit and offset must be whole numbers."));
    }
    const auto claims = Send::session_of(exchange);
    auto page = co_await s_.store->history(claims.id, std::min(*limit, kMaxHistoryPage), *offset);
    if (!page) {
      co_return co_await s_.reporter->refuse_without_state(exchange, page.error());
    }
    std::string body = "{\"messages\":[";
    for (const auto& message : page->messages) {
      if (body.back() == '}') body += ',';
      body += "{\"id\":";
      text::append_json_string(body, message.id);
      body += message.role == state::Message::Role::user ? ",\"role\":\"user\",\"content\":"
                                                         : ",\"role\":\"assistant\",\"content\":";
      text::append_json_string(body, message.content);
      body += ",\"created_at\":";
      text::append_json_string(body, text::iso8601_millis(message.created));
      body += ",\"metadata\":{";
      if (!message.client_id.empty()) {
        body += message.role == state::Message::Role::user ? "\"client_message_id\":"
                                                           : "\"message_id\":";
        text::append_json_string(body, message.client_id);
      }
      body += "}}";
    }
    body += "],\"total_count\":";
    text::append_number(body, page->total);
    body += ",\"session_id\":";
    text::append_json_string(
        body, s_.session_tokens->handle(identity::SessionTokens::Audience::client, claims));
    body += "}";
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }

 private:
  static std::optional<std::size_t> number(const http::Exchange& exchange, std::string_view name,
                                           std::size_t fallback) {
    const auto parameter = http::query_parameter(exchange.head().query(), name);
    if (parameter.status == http::QueryParameter::Status::missing) return fallback;
    return text::parse_number<std::uint32_t>(parameter.value);
  }
  const Services& s_;
};

ChatRoutes::ChatRoutes(Services services)
    : services_(std::move(services)),
      message_schema_({{"message", ObjectSchema::Type::string, true,
                        [max = static_cast<std::size_t>(services_.settings->message_max_chars)](
                            const boost::json::value& value) {
                          return message_fault(
                              {value.get_string().data(), value.get_string().size()}, max);
                        }},
                       {"context", ObjectSchema::Type::object, false, context_fault},
                       {"page_url", ObjectSchema::Type::string, false, page_url_fault},
                       {"client_message_id", ObjectSchema::Type::string, false, check_client_id}}) {
  (void)services_.metrics->counter("portcullis_streams_total").cell({});
  for (const char* reason : {"slow", "limit"}) {
    (void)services_.metrics->counter("portcullis_streams_dropped_total").cell({reason});
  }
  message_ = std::make_unique<Send>(services_, Send::Default::json);
  auto stream = std::make_unique<Send>(services_, Send::Default::sse);
  subscribe_ = std::make_unique<Subscribe>(services_, *stream);
  stream_ = std::move(stream);
  history_ = std::make_unique<History>(services_);
}

ChatRoutes::~ChatRoutes() = default;

void ChatRoutes::add_to(pipeline::RouteTable& table) {
  for (auto [name, path, handler] :
       {std::tuple{"chat_message", "/api/v1/chat/message", message_.get()},
        std::tuple{"chat_stream", "/api/v1/chat/stream", stream_.get()}}) {
    auto route = chat_api_route(name, path, http::Method::post, handler);
    route.is_message = true;
    take_chat_body(route, *services_.settings, message_schema_);
    // What a page puts into the context are its titles and what was searched for.
    route.prose = {"page_title",  "page_section", "search_query",
                   "user_intent", "category",     "custom_data"};
    route.urls = {"page_url"};
    route.message_member = "message";
    route.trap_member = "website";
    table.add(std::move(route));
  }
  auto subscribe =
      chat_api_route("chat_subscribe", "/api/v1/chat/stream", http::Method::get, subscribe_.get());
  subscribe.subscription = true;
  if (services_.settings->chat_get_message) {
    subscribe.is_message = true;
    subscribe.message_member = "message";  // of the query
  }
  table.add(std::move(subscribe));
  auto history =
      chat_api_route("chat_history", "/api/v1/chat/history", http::Method::get, history_.get());
  history.cls = pipeline::RouteClass::light;
  table.add(std::move(history));
}

}  // namespace portcullis::routes
