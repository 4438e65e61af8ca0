#include "routes/chat/conversation.hpp"

#include <array>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "base/together.hpp"
#include "http/json_body.hpp"
#include "routes/object_schema.hpp"
#include "routes/websocket/message_request.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::Problem;
using http::websocket::Opcode;
namespace close_code = http::websocket::close_code;

constexpr std::string_view kHeartbeat = R"({"type":"heartbeat"})";
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxEventIdDigits = 20;

/// token68 (RFC 9110 section 11.2): nothing that could end a header's line.
bool is_token68(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes && std::ranges::all_of(text, [](char c) {
    return text::is_alnum(c) || std::string_view("-._~+/=").contains(c);
  });
}

}  // namespace

/// A request of the chat API whose answer becomes frames.
class Conversation::Request final : public MessageRequest {
 public:
  template <class... Vouched>
  Request(Conversation& owner, Purpose why, std::string head, std::string body, Vouched... vouched)
      : MessageRequest(owner.exchange_, std::move(head), std::move(body), vouched...),
        purpose(why),
        owner_(owner) {}

  const Purpose purpose;
  bool ended = false;

 protected:
  Task<bool> take_answer(const http::Response& response) override {
    owner_.progress_.notify();
    return MessageRequest::take_answer(response);
  }
  Eventual<Result<void>> do_start(const http::ResponseHead& head) override {
    owner_.progress_.notify();
    return InnerExchange::do_start(head);
  }
  /// Lines of NDJSON, whole ones.
  Task<bool> take_chunk(std::string_view chunk) override {
    while (!chunk.empty()) {
      const auto line = chunk.substr(0, chunk.find('\n'));
      chunk.remove_prefix(std::min(chunk.size(), line.size() + 1));
      if (line.empty() || line == kHeartbeat) continue;  // pings do that here
      if (!co_await owner_.socket_.connection.send(Opcode::text, std::string(line))) {
        co_return false;
      }
    }
    co_return true;
  }

 private:
  Conversation& owner_;
};

Conversation::Conversation(const Services& services, http::Exchange& exchange, Socket& socket)
    : s_(services),
      exchange_(exchange),
      socket_(socket),
      conduct_(services.settings->websocket_messages_minute),
      progress_(exchange.worker()),
      deadline_(exchange.worker().deadlines(), &on_too_late, this),
      expiry_(exchange.worker().deadlines(), &on_expired, this) {}

Conversation::~Conversation() = default;

Task<void> Conversation::run() {
  exchange_.set_hook([this] { on_hook(); });
  if (exchange_.draining()) on_hook();
  socket_.place.listen(exchange_.worker(), exchange_.site->id, *this);
  // Its requests refer to it: whatever happens, it ends after them.
  std::vector<Task<void>> all;
  all.push_back(converse());
  co_await Together(std::move(all));
  co_await socket_.finish();
}

Task<void> Conversation::converse() {
  co_await authenticate_at_opening();
  while (auto message = co_await socket_.receive()) co_await take(*std::move(message));
  deadline_.disarm();
  expiry_.disarm();
  // Whoever made them has gone.
  for (const auto& request : requests_) request->leave();
  while (!requests_.empty()) co_await progress_;
}

/// What came with the handshake is judged as what comes with any request.
Task<void> Conversation::authenticate_at_opening() {
  const auto& principal = exchange_.principal;
  if (principal.session) {
    const auto request =
        begin_vouched(Purpose::validate, request_head("GET", "/api/v1/session/validate", {}));
    while (!request->ended) co_await progress_;
    co_return judge(*request);
  }
  if (principal.credential_rejected || principal.unproven) {
    const Problem problem(principal.unproven ? Code::proof_invalid : Code::session_invalid);
    const auto id =
        s_.reporter->report(exchange_,
                            {audit::EventType::authentication, audit::ThreatLevel::medium,
                             "SES_001", "a WebSocket whose credential does not verify"},
                            audit::EventDecision::refused);
    std::string frame;
    const auto& info = http::info_of(problem.code);
    append_error(frame, info.name, info.meaning, id.text(), 0);
    co_return co_await refuse_credential(std::move(frame));
  }
  if (s_.settings->websocket_require_auth) deadline_.arm(s_.settings->websocket_auth_timeout);
}

Task<void> Conversation::refuse_credential(std::string frame) {
  (void)co_await socket_.connection.send(Opcode::text, std::move(frame));
  socket_.connection.close(close_code::kPolicyViolation, "no valid session");
}

void Conversation::on_too_late(void* self) {
  auto& c = *static_cast<Conversation*>(self);
  const auto id = c.s_.reporter->report(c.exchange_,
                                        {audit::EventType::authentication, audit::ThreatLevel::low,
                                         "SES_001", "a WebSocket that showed no session in time"},
                                        audit::EventDecision::refused);
  const auto& info = http::info_of(Code::session_invalid);
  std::string frame;
  append_error(frame, info.name, info.meaning, id.text(), 0);
  c.socket_.connection.close_after(std::move(frame), close_code::kPolicyViolation,
                                   "no valid session");
}

Task<void> Conversation::take(Message message) {
  const auto now = exchange_.worker().clock().monotonic();
  if (message.kind != Opcode::text) {
    co_return socket_.connection.close(close_code::kUnsupportedData, "messages are text");
  }
  if (const auto refused = conduct_.admit(message.frames, now)) {
    co_return co_await refuse(*refused, "RATE_003", "messages of a WebSocket come too fast");
  }
  http::JsonBody json;
  auto parsed = http::parse_json(message.data, {}, json.value.storage());
  if (!parsed) {
    co_return co_await refuse(Problem(Code::validation_failed, std::move(parsed).error().detail),
                              "VAL_005", "bad JSON");
  }
  json.value = *std::move(parsed);
  if (!json.value.is_object()) {
    co_return co_await refuse(Problem(Code::validation_failed, "A message is a JSON object."),
                              "VAL_005", "a message that is no object");
  }
  const auto type = string_member(json.value, "type");
  co_await take_object(type, json.value, std::move(message));
}

Task<void> Conversation::take_object(std::string_view type, const boost::json::value& object,
                                     Message message) {
  if (type == "ping") {
    (void)co_await socket_.connection.send(Opcode::text, R"({"type":"pong"})");
    co_return;
  }
  if (type == "auth" && !authenticated_) co_return co_await take_token(object);
  const bool known = type == "message" || type == "resume" || type == "auth";
  if (!known) {
    co_return co_await refuse(
        Problem(Code::schema_invalid, "The type must be message, resume, ping or auth."), "VAL_006",
        "a message of no known type");
  }
  if (!authenticated_ || type == "auth") {
    co_return co_await refuse(
        authenticated_ ? Problem(Code::conflict, "A session has been shown already.")
                       : Problem(Code::session_invalid, "Show a session first: type auth."),
        "SES_001", "a message before a session, or a second one");
  }
  if (exchange_.draining()) {
    const auto id = Ulid::make(exchange_.worker().clock().wall());
    const auto& info = http::info_of(Code::shutting_down);
    std::string frame;
    append_error(frame, info.name, info.meaning, id.text(), 0);
    (void)co_await socket_.connection.send(Opcode::text, std::move(frame));
    co_return;
  }
  if (type == "resume") co_return co_await subscribe(object);
  co_await take_message(std::move(message.data));
}

/// `{"type":"auth","token":"…"}`, with `proof` for a session that is bound to a key.
Task<void> Conversation::take_token(const boost::json::value& object) {
  const auto token = string_member(object, "token");
  const auto proof = string_member(object, "proof");
  if (!is_token68(token) || (!proof.empty() && !is_token68(proof))) {
    co_return co_await refuse(Problem(Code::schema_invalid, "The token must be a session's."),
                              "VAL_006", "no token");
  }
  deadline_.disarm();
  std::string fields = proof.empty() ? "Authorization: Bearer " : "Authorization: DPoP ";
  (fields += token) += "\r\n";
  if (!proof.empty()) ((fields += "DPoP: ") += proof) += "\r\n";
  const auto request = begin(std::make_shared<Request>(
      *this, Purpose::validate, request_head("GET", "/api/v1/session/validate", fields), ""));
  while (!request->ended) co_await progress_;
  judge(*request);
}

Task<void> Conversation::take_message(std::string body) {
  if (requests_.size() >= kMostUnderWay) {
    co_return co_await refuse(
        Problem(Code::rate_limited, "Too many messages at a time. Please wait for your answers.",
                1),
        "RATE_004", "too many messages of a WebSocket are being answered");
  }
  std::string fields = "Accept: application/x-ndjson\r\nContent-Type: application/json\r\n";
  fields += "Content-Length: ";
  text::append_number(fields, body.size());
  fields += "\r\n";
  // Whoever reads all events of the session gets these among them, once.
  if (subscription_ != nullptr) fields += "Prefer: respond-async\r\n";
  const std::string_view path =
      subscription_ != nullptr ? "/api/v1/chat/message" : "/api/v1/chat/stream";
  (void)begin_vouched(Purpose::message, request_head("POST", path, fields), std::move(body));
}

/// `{"type":"resume","last_event_id":"…"}`: from now on all events of the session, behind that one.
Task<void> Conversation::subscribe(const boost::json::value& object) {
  const auto last = string_member(object, "last_event_id");
  const bool is_id = last.size() <= kMaxEventIdDigits && std::ranges::all_of(last, text::is_digit);
  if (!is_id) {
    co_return co_await refuse(Problem(Code::schema_invalid, "No such last_event_id."), "VAL_006",
                              "no event id");
  }
  if (auto* before = std::exchange(subscription_, nullptr)) before->leave();
  std::string fields = "Accept: application/x-ndjson\r\n";
  if (!last.empty()) ((fields += "Last-Event-ID: ") += last) += "\r\n";
  const auto request =
      begin_vouched(Purpose::subscribe, request_head("GET", "/api/v1/chat/stream", fields));
  // What is said next must find it reading.
  while (!request->answered() && !request->ended) co_await progress_;
  if (!request->ended && request->streaming()) subscription_ = request.get();
}

std::string Conversation::request_head(std::string_view method, std::string_view path,
                                       std::string_view own_fields) const {
  return message_head(exchange_, method, s_.settings->gateway_prefix + std::string(path),
                      own_fields);
}

std::shared_ptr<Conversation::Request> Conversation::begin_vouched(Purpose purpose,
                                                                   std::string head,
                                                                   std::string body) {
  return begin(std::make_shared<Request>(*this, purpose, std::move(head), std::move(body),
                                         MessageRequest::Vouched{}));
}

std::shared_ptr<Conversation::Request> Conversation::begin(std::shared_ptr<Request> request) {
  requests_.push_back(request);
  spawn(run_request(request));
  return request;
}

Task<void> Conversation::run_request(std::shared_ptr<Request> request) {
  co_await exchange_.road()->handle(*request);
  request->ended = true;
  if (request.get() == subscription_) subscription_ = nullptr;
  if (request->purpose == Purpose::validate) co_return progress_.notify();  // somebody waits
  if (!request->refusal.empty()) {
    (void)co_await socket_.connection.send(Opcode::text, request->refusal);
  }
  judge(*request);
}

/// What follows from how a request ended, and the end of it.
void Conversation::judge(Request& request) {
  const auto status = request.status();
  if (request.purpose == Purpose::validate) {
    if (status == 200) {
      accept(request);
    } else if (!request.refusal.empty()) {
      socket_.connection.close_after(std::move(request.refusal), close_code::kPolicyViolation,
                                     "no valid session");
    }
  } else if (status == 401) {
    end_session("the session is over");
  } else if (status >= 400 && status < 500) {
    note_bad(status == 429);
  }
  std::erase_if(requests_, [&](const auto& one) { return one.get() == &request; });
  progress_.notify();
  close_if_drained();
}

/// A session was proven: by what came with the handshake, or by a first message.
void Conversation::accept(http::Exchange& proven) {
  if (!proven.principal.session) return;
  authenticated_ = true;
  exchange_.principal = std::move(proven.principal);
  exchange_.presenter = proven.presenter;
  socket_.place.set_authenticated();
  socket_.watch();
  const auto left = exchange_.principal.session->expires - exchange_.worker().clock().wall();
  expiry_.arm(std::max(std::chrono::ceil<Milliseconds>(left), Milliseconds{1}));
}

Task<void> Conversation::refuse(const Problem& problem, std::string code, std::string reason) {
  const auto id =
      s_.reporter->report(exchange_,
                          {problem.code == Code::rate_limited ? audit::EventType::rate_limiting
                                                              : audit::EventType::input_validation,
                           audit::ThreatLevel::low, std::move(code), std::move(reason)},
                          audit::EventDecision::refused);
  const auto& info = http::info_of(problem.code);
  std::string frame;
  append_error(frame, info.name, problem.detail.empty() ? info.meaning : problem.detail, id.text(),
               problem.retry_after.value_or(0));
  (void)co_await socket_.connection.send(Opcode::text, std::move(frame));
  note_bad(problem.code == Code::rate_limited);
}

void Conversation::note_bad(bool too_fast) {
  if (!conduct_.note_bad(exchange_.worker().clock().monotonic())) return;
  if (too_fast) {
    socket_.connection.close(close_code::kTooManyMessages, "too many messages");
  } else {
    socket_.connection.close(close_code::kPolicyViolation, "too many bad messages");
  }
}

void Conversation::on_hook() {
  if (!exchange_.draining()) return;
  for (const auto& request : requests_) request->start_draining();
  close_if_drained();
}

/// Answers under way come to their ends first.
void Conversation::close_if_drained() {
  if (exchange_.draining() && requests_.empty()) {
    socket_.connection.close(close_code::kServiceRestart, "the gateway restarts");
  }
}

void Conversation::on_expired(void* self) {
  static_cast<Conversation*>(self)->end_session("the session has expired");
}

void Conversation::end_session(std::string_view why) {
  socket_.connection.close(close_code::kUnauthorized, why);
}

}  // namespace portcullis::routes
