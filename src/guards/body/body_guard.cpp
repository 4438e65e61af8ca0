#include "guards/body/body_guard.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "coding/unpacker.hpp"
#include "guards/body/body_room.hpp"
#include "guards/body/packed_body.hpp"
#include "http/fields.hpp"
#include "http/form_fields.hpp"
#include "http/json_body.hpp"
#include "http/multipart_form.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;
using pipeline::Verdict;

Verdict refuse(Problem problem, std::string code, std::string description,
               ThreatLevel level = ThreatLevel::low) {
  return Verdict::refuse(std::move(problem), {EventType::input_validation, level, std::move(code),
                                              std::move(description)});
}

class BodyGuard final : public pipeline::Guard {
 public:
  explicit BodyGuard(std::uint64_t forms_total) : room_(std::make_shared<BodyRoom>(forms_total)) {}
  std::string_view name() const noexcept override { return "body"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    if (!route.takes_body || route.streams_body) return Verdict::pass();
    const auto& head = exchange.head();
    if (route.body_optional && exchange.body_done() && !head.find("content-type")) {
      exchange.plain_body = true;
      return Verdict::pass();
    }
    const auto coding = body_coding(head);
    if (!coding) return refuse_coding(coding.error());
    const bool one_type = head.count("content-type") == 1;
    const std::string type = one_type ? http::media_type(head.get("content-type")) : "";
    if (route.max_form_bytes > 0 && type == "multipart/form-data") {
      auto boundary = http::form_boundary(head.get("content-type"));
      if (!boundary) {
        return refuse(Problem(Code::bad_request, "The boundary of the form is missing or invalid."),
                      "VAL_006", "boundary");
      }
      if (auto full = take_room(exchange, *coding, route.max_form_bytes)) return *std::move(full);
      auto body = read_plain_body(exchange, *coding, route.max_form_bytes);
      if (body.ready()) return judge_form(exchange, body.value(), *boundary);
      return wait_for_form(exchange, std::move(body), *std::move(boundary));
    }
    const bool fields = route.takes_form_fields && type == "application/x-www-form-urlencoded";
    if (!fields && type != "application/json") {
      return refuse(Problem(Code::unsupported_media_type, "Content-Type must be application/json."),
                    "VAL_006", "Content-Type");
    }
    if (auto verdict = check_charset(head)) return *std::move(verdict);
    const Parser parse = fields ? parse_fields : parse_json;
    if (*coding) {
      if (auto full = take_room(exchange, *coding, route.max_body_bytes)) return *std::move(full);
    }
    auto body = read_plain_body(exchange, *coding, route.max_body_bytes);
    if (body.ready()) return judge(exchange, body.value(), parse);
    return wait(exchange, std::move(body), parse);
  }

 private:
  /// Reads a body into its value; an answer says what is wrong with it.
  using Parser = std::optional<std::string> (*)(std::string_view body, http::JsonBody& out);

  /// For as much as the body may have in the end. @returns a refusal where there is not so much.
  std::optional<Verdict> take_room(http::Exchange& exchange,
                                   std::optional<coding::ContentCoding> coding,
                                   std::uint64_t limit) const {
    const auto& framing = exchange.framing();
    std::uint64_t most = limit;
    if (framing.body == http::Framing::Body::length) {
      const auto length = std::min(framing.content_length, limit);
      most = std::min(limit, coding ? coding::Unpacker::most_of(length) : length);
    }
    exchange.body_room = BodyRoom::take(room_, exchange.client.address.network(), most);
    if (exchange.body_room) return std::nullopt;
    return Verdict::refuse(
        Problem(Code::rate_limited, "Too many long bodies are being sent at the moment.", 5),
        {EventType::rate_limiting, ThreatLevel::medium, "RATE_006",
         "no room for a further form or packed body"});
  }

  static std::optional<std::string> parse_json(std::string_view body, http::JsonBody& out) {
    auto parsed = http::parse_json(body, {}, out);
    if (!parsed) return std::move(parsed).error().detail;
    return std::nullopt;
  }
  static std::optional<std::string> parse_fields(std::string_view body, http::JsonBody& out) {
    auto parsed = http::parse_form_fields(body, out.value.storage());
    if (!parsed) return std::move(parsed).error();
    out.value = *std::move(parsed);
    return std::nullopt;
  }

  static Task<Result<Verdict>> wait(http::Exchange& exchange,
                                    Eventual<Result<std::string_view>> body, Parser parse) {
    auto result = co_await body;
    co_return judge(exchange, result, parse);
  }

  static Task<Result<Verdict>> wait_for_form(http::Exchange& exchange,
                                             Eventual<Result<std::string_view>> body,
                                             std::string boundary) {
    auto result = co_await body;
    co_return judge_form(exchange, result, boundary);
  }

  static Verdict refuse_coding(const Error& error) {
    Problem problem(Code::unsupported_media_type,
                    "Content-Encoding must be one of gzip, br and zstd, or missing.");
    problem.accept_encoding = coding::kAccepted;
    return refuse(std::move(problem), "VAL_006", error.detail);
  }

  /// Another reader must not read other characters than were judged.
  static std::optional<Verdict> check_charset(const http::RequestHead& head) {
    const auto type = head.get("content-type");
    const std::string lower = text::to_lower(type);
    const auto named = lower.find("charset");
    if (named == std::string::npos) return std::nullopt;
    const auto set = http::charset(type);
    const bool once = lower.find("charset", named + 1) == std::string::npos;
    if (once && (set == "utf-8" || set == "utf8")) return std::nullopt;
    return refuse(Problem(Code::unsupported_media_type, "The charset must be UTF-8."), "VAL_006",
                  "charset");
  }

  static Result<Verdict> judge(http::Exchange& exchange, const Result<std::string_view>& body,
                               Parser parse) {
    if (!body) return judge_error(body.error(), exchange.route->max_body_bytes);
    auto json = std::make_unique<http::JsonBody>();
    if (auto wrong = parse(*body, *json)) {
      return refuse(Problem(Code::validation_failed, *std::move(wrong)), "VAL_005",
                    parse == parse_json ? "bad JSON" : "bad form");
    }
    if (exchange.route->schema != nullptr) {
      if (auto problem = exchange.route->schema->check(*json)) {
        std::string description = problem->detail;
        return refuse(*std::move(problem), "VAL_006", std::move(description));
      }
    }
    exchange.json = std::move(json);
    return Verdict::pass();
  }

  static Result<Verdict> judge_form(http::Exchange& exchange, const Result<std::string_view>& body,
                                    std::string_view boundary) {
    if (!body) return judge_error(body.error(), exchange.route->max_form_bytes);
    auto form = http::parse_multipart(*body, boundary);
    if (!form) {
      return refuse(Problem(Code::validation_failed, std::string(form.error().detail)), "VAL_005",
                    "bad form");
    }
    if (exchange.route->schema != nullptr) {
      if (auto problem = exchange.route->schema->check(*form)) {
        std::string description = problem->detail;
        const char* code = problem->code == Code::payload_too_large ? "VAL_001" : "VAL_006";
        return refuse(*std::move(problem), code, std::move(description));
      }
    }
    exchange.form = std::make_unique<http::MultipartForm>(*std::move(form));
    return Verdict::pass();
  }

  static Result<Verdict> judge_error(const Error& error, std::uint64_t limit) {
    switch (error.code) {
      case ErrorCode::too_large:
        return refuse(Problem(Code::payload_too_large,
                              "The body may have at most " + std::to_string(limit) + " bytes."),
                      "VAL_001", error.detail, ThreatLevel::medium);
      case ErrorCode::exhausted:
        return refuse(Problem(Code::payload_too_large,
                              "The body unpacks to too many times its length; send it unpacked."),
                      "VAL_001", error.detail, ThreatLevel::medium);
      case ErrorCode::timeout:
        return refuse(Problem(Code::request_timeout), "VAL_006", "the body came too slowly");
      case ErrorCode::malformed:
        return refuse(
            Problem(Code::bad_request, "The body is not in chunks or packed as its fields say."),
            "VAL_006", error.detail, ThreatLevel::medium);
      default:
        return std::unexpected(error);  // the client has gone
    }
  }

  const std::shared_ptr<BodyRoom> room_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_body_guard(std::uint64_t forms_total) {
  return std::make_unique<BodyGuard>(forms_total);
}

}  // namespace portcullis::guards
