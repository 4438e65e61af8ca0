#include "guards/body/body_guard.hpp"

#include <string>

#include "coding/encoder.hpp"
#include "http/json_body.hpp"
#include "http/memory_exchange.hpp"
#include "http/multipart_form.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

class NeedsA final : public pipeline::BodySchema {
 public:
  std::optional<http::Problem> check(const http::JsonBody& body) const override {
    if (body.value.is_object() && body.value.get_object().contains("a")) return std::nullopt;
    return http::Problem(http::Code::schema_invalid, "`a` is missing.");
  }
};

class BodyGuardTest : public testing::Test {
 protected:
  BodyGuardTest() {
    route_.takes_body = true;
    route_.max_body_bytes = 64;
  }
  /// The code with which a body is refused; nullopt where it passes.
  std::optional<http::Code> refused(
      const std::string& body, const std::string& fields = "Content-Type: application/json\r\n") {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n",
                                  body);
    exchange.route = &route_;
    const auto guard = make_body_guard(1 << 20);
    auto decision = guard->on_request(exchange);
    EXPECT_TRUE(decision.ready());
    const auto& verdict = *decision.value();
    EXPECT_EQ(verdict.kind == pipeline::Verdict::Kind::pass && route_.takes_body,
              exchange.json != nullptr)
        << "a handler sees a body only where it passed";
    if (verdict.kind == pipeline::Verdict::Kind::pass) return std::nullopt;
    EXPECT_EQ(verdict.incident.type, audit::EventType::input_validation);
    EXPECT_EQ(verdict.incident.description.find("secret"), std::string::npos);
    return verdict.problem.code;
  }

  net::Worker worker_{0};
  pipeline::Route route_;
  NeedsA schema_;
};

TEST_F(BodyGuardTest, PassesJsonWithinTheLimit) {
  EXPECT_EQ(refused("{\"a\":1}"), std::nullopt);
  EXPECT_EQ(refused("{}", "Content-Type: Application/JSON; charset=UTF-8\r\n"), std::nullopt);
  EXPECT_EQ(refused("\"" + std::string(62, 'x') + "\""), std::nullopt) << "64 bytes";
}

TEST_F(BodyGuardTest, RefusesWhatIsTooLarge) {
  PROVES("F025,F048,F160");
  EXPECT_EQ(refused("\"" + std::string(63, 'x') + "\""), http::Code::payload_too_large);
}

TEST_F(BodyGuardTest, RefusesWhatIsNoStrictJson) {
  for (const char* body : {"", "{", "{\"a\":1,\"a\":2}", "{\"secret\":}", "\xff", "{} x"})
    EXPECT_EQ(refused(body), http::Code::validation_failed) << body;
}

TEST_F(BodyGuardTest, RefusesOtherTypesAndCharsets) {
  for (const char* fields :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n",
        "Content-Type: application/json; charset=latin-1\r\n",
        "Content-Type: application/json\r\nContent-Type: application/json\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n"}) {
    EXPECT_EQ(refused("{}", fields), http::Code::unsupported_media_type) << fields;
  }
}

std::string packed(coding::ContentCoding coding, const std::string& text) {
  std::string out;
  coding::make_encoder(coding)->put(text, coding::Encoder::Flush::end, out);
  return out;
}

Task<void> judge(const pipeline::Guard& guard, http::Exchange& exchange,
                 std::optional<pipeline::Verdict>& out) {
  auto decision = guard.on_request(exchange);
  auto verdict = co_await decision;
  if (verdict) out = *std::move(verdict);
}

/// What became of it in the end; nullopt: the client has gone.
std::optional<pipeline::Verdict> judged(net::Worker& worker, http::Exchange& exchange,
                                        std::uint64_t forms_total = 1 << 30) {
  const auto guard = make_body_guard(forms_total);
  std::optional<pipeline::Verdict> verdict;
  spawn(judge(*guard, exchange, verdict));
  while (!verdict && worker.context().poll_one() > 0) worker.context().restart();
  return verdict;
}

constexpr auto kGzip = coding::ContentCoding::gzip;
constexpr auto kBrotli = coding::ContentCoding::brotli;

TEST_F(BodyGuardTest, JudgesThePackedBodyUnpackedAndThatIsTheBodyFromThenOn) {
  for (const auto& [name, coding] :
       {std::pair{"gzip", kGzip}, std::pair{"X-GZip", kGzip}, std::pair{"br", kBrotli}}) {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  "Content-Encoding: " +
                                      std::string(name) + "\r\n\r\n",
                                  packed(coding, "{ \"a\" : 1 }"));
    exchange.route = &route_;
    const auto verdict = judged(worker_, exchange);
    ASSERT_TRUE(verdict) << name;
    EXPECT_EQ(verdict->kind, pipeline::Verdict::Kind::pass);
    EXPECT_TRUE(exchange.json->value.get_object().contains("a"));
    EXPECT_TRUE(exchange.plain_body);
    auto body = exchange.read_body(64);
    ASSERT_TRUE(body.ready());
    EXPECT_EQ(body.value(), "{ \"a\" : 1 }");
    EXPECT_FALSE(exchange.read_body(10).value()) << "the limit is one of the unpacked body";
  }
}

TEST_F(BodyGuardTest, RefusesPackedBodiesThatAreNotWhatTheySay) {
  const auto refusal = [&](const std::string& body) {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  "Content-Encoding: gzip\r\n\r\n",
                                  body);
    exchange.route = &route_;
    const auto verdict = judged(worker_, exchange);
    EXPECT_FALSE(exchange.json);
    EXPECT_FALSE(exchange.plain_body && verdict->problem.code != http::Code::validation_failed);
    return std::pair{verdict->problem.code, verdict->incident.code};
  };
  using http::Code;
  EXPECT_EQ(refusal("{}"), std::pair(Code::bad_request, std::string("VAL_006")));
  EXPECT_EQ(refusal(""), std::pair(Code::bad_request, std::string("VAL_006")));
  EXPECT_EQ(refusal(packed(kGzip, "{}") + "{}"),
            std::pair(Code::bad_request, std::string("VAL_006")));
  EXPECT_EQ(refusal(packed(kGzip, "{")),
            std::pair(Code::validation_failed, std::string("VAL_005")));
  const std::string long_text = "\"" + std::string(63, 'x') + "\"";
  EXPECT_EQ(refusal(packed(kGzip, long_text)),
            std::pair(Code::payload_too_large, std::string("VAL_001")))
      << "65 bytes, however few of them come";
  route_.max_body_bytes = 64 << 20;
  EXPECT_EQ(refusal(packed(kGzip, std::string(1 << 20, ' '))),
            std::pair(Code::payload_too_large, std::string("VAL_001")))
      << "the ratio";
}

TEST_F(BodyGuardTest, LetsOthersRunWhileItUnpacks) {
  std::string text = "\"";
  for (std::uint32_t i = 0; text.size() < 1 << 20; ++i) text += std::to_string(i * 2654435761U);
  text += '"';
  route_.max_body_bytes = 2 << 20;
  const auto guard = make_body_guard(1 << 30);
  for (const bool leaves : {false, true}) {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  "Content-Encoding: br\r\n\r\n",
                                  packed(kBrotli, text));
    exchange.route = &route_;
    std::optional<pipeline::Verdict> verdict;
    spawn(judge(*guard, exchange, verdict));
    int turns = 0;
    for (; !verdict && worker_.context().poll_one() > 0; ++turns) {
      if (leaves) exchange.leave();
      worker_.context().restart();
    }
    EXPECT_EQ(verdict.has_value(), !leaves);
    EXPECT_EQ(exchange.json != nullptr, !leaves) << "who has gone is unpacked for no longer";
    EXPECT_GE(turns, leaves ? 1 : 5);
  }
}

TEST_F(BodyGuardTest, APackedFormHasRoomForWhatItMayUnpackTo) {
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n";
  const auto body = packed(kGzip, form);
  route_.max_form_bytes = 1000;
  for (const std::uint64_t total : {999U, 1000U}) {
    http::MemoryExchange exchange(
        worker_,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Encoding: gzip\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n",
        body);
    exchange.route = &route_;
    const auto verdict = judged(worker_, exchange, total);
    ASSERT_TRUE(verdict);
    if (total < 1000) {
      EXPECT_EQ(verdict->problem.code, http::Code::rate_limited);
    } else {
      ASSERT_EQ(verdict->kind, pipeline::Verdict::Kind::pass);
      EXPECT_EQ(exchange.form->find("a")->value, "x");
    }
  }
}

TEST_F(BodyGuardTest, TakesOneKnownCodingThatIsSaidOnce) {
  const std::string json = "Content-Type: application/json\r\n";
  for (const char* named : {"deflate", "compress", "gzip, identity", "identity, gzip", "gzip, gzip",
                            "gzip,", "x", "gzip;q=1", "\"gzip\"", "aes128gcm", "*"}) {
    EXPECT_EQ(refused("{}", json + "Content-Encoding: " + named + "\r\n"),
              http::Code::unsupported_media_type)
        << named;
  }
  for (const char* fields : {"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
                             "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
                             "Content-Encoding:\r\ncontent-encoding: identity\r\n"}) {
    EXPECT_EQ(refused("{}", json + fields), http::Code::unsupported_media_type) << fields;
  }
  for (const char* none : {"identity", "Identity", ""}) {
    EXPECT_EQ(refused("{}", json + "Content-Encoding: " + none + "\r\n"), std::nullopt) << none;
  }
}

TEST_F(BodyGuardTest, ChecksTheSchemaOfTheRoute) {
  route_.schema = &schema_;
  EXPECT_EQ(refused("{\"b\":1}"), http::Code::schema_invalid);
  EXPECT_EQ(refused("{\"a\":1}"), std::nullopt);
}

TEST_F(BodyGuardTest, ReadsFormsWhereTheRouteTakesThem) {
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n";
  const std::string type = "Content-Type: multipart/form-data; boundary=b\r\n";
  route_.max_form_bytes = form.size();
  http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n" + type + "\r\n", form);
  exchange.route = &route_;
  const auto guard = make_body_guard(1 << 20);
  auto decision = guard->on_request(exchange);
  ASSERT_TRUE(decision.ready());
  EXPECT_EQ(decision.value()->kind, pipeline::Verdict::Kind::pass);
  ASSERT_TRUE(exchange.form);
  EXPECT_EQ(exchange.form->find("a")->value, "x");
  EXPECT_FALSE(exchange.json);
  EXPECT_EQ(refused("{}"), std::nullopt) << "JSON as before";
  EXPECT_EQ(refused(form), http::Code::validation_failed) << "a form posing as JSON";
  EXPECT_EQ(refused("{}", type), http::Code::validation_failed) << "JSON posing as a form";
  EXPECT_EQ(refused(form, "Content-Type: multipart/form-data\r\n"), http::Code::bad_request);
  EXPECT_EQ(refused(form + "\r\n", type), http::Code::payload_too_large);
  route_.schema = &schema_;
  EXPECT_EQ(refused(form, type), http::Code::unsupported_media_type) << "the schema knows no forms";
}

TEST_F(BodyGuardTest, HoldsFormsOnlyAsLongAsThereIsRoom) {
  const std::string form = "--b--\r\n";
  route_.max_form_bytes = 100;
  const auto guard = make_body_guard(2 * form.size());
  int sender = 0;
  const auto send = [&](http::MemoryExchange& exchange) {
    exchange.route = &route_;
    exchange.client.address = *IpAddress::parse("192.0.2." + std::to_string(++sender));
    auto decision = guard->on_request(exchange);
    return decision.value()->kind == pipeline::Verdict::Kind::pass ? std::optional<http::Code>()
                                                                   : decision.value()->problem.code;
  };
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n";
  const std::string sized = head + "Content-Length: " + std::to_string(form.size()) + "\r\n\r\n";
  http::MemoryExchange first(worker_, sized, form);
  EXPECT_EQ(send(first), std::nullopt);
  {
    http::MemoryExchange second(worker_, sized, form);
    EXPECT_EQ(send(second), std::nullopt);
    http::MemoryExchange third(worker_, sized, form);
    EXPECT_EQ(send(third), http::Code::rate_limited);
  }
  http::MemoryExchange fourth(worker_, sized, form);
  EXPECT_EQ(send(fourth), std::nullopt) << "the second one has gone";
  http::MemoryExchange chunked(worker_, head + "Transfer-Encoding: chunked\r\n\r\n", form);
  EXPECT_EQ(send(chunked), http::Code::rate_limited) << "of unknown length: as long as may be";
}

TEST_F(BodyGuardTest, ANetworkHasAQuarterOfTheRoomAndOneFormInAnyCase) {
  const std::string form = "--b--\r\n";
  route_.max_form_bytes = 100;
  const std::string sized =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
      "Content-Length: " +
      std::to_string(form.size()) + "\r\n\r\n";
  for (const std::size_t share : {1, 2, 3}) {
    const auto guard = make_body_guard((share == 1 ? 2 : 4 * share) * form.size());
    std::vector<std::unique_ptr<http::MemoryExchange>> all;
    const auto passes = [&](const char* address) {
      auto& exchange =
          *all.emplace_back(std::make_unique<http::MemoryExchange>(worker_, sized, form));
      exchange.route = &route_;
      exchange.client.address = *IpAddress::parse(address);
      auto decision = guard->on_request(exchange);
      return decision.value()->kind == pipeline::Verdict::Kind::pass;
    };
    for (std::size_t i = 0; i < share; ++i) EXPECT_TRUE(passes("192.0.2.1")) << i;
    EXPECT_FALSE(passes("192.0.2.1"));
    EXPECT_TRUE(passes("192.0.2.2"));
  }
}

TEST_F(BodyGuardTest, APackedBodyHasRoomForWhatItMayUnpackTo) {
  const auto body = packed(kGzip, "{\"a\":1}");
  route_.max_body_bytes = 1000;
  for (const std::uint64_t total : {999U, 1000U}) {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  "Content-Encoding: gzip\r\nContent-Length: " +
                                      std::to_string(body.size()) + "\r\n\r\n",
                                  body);
    exchange.route = &route_;
    const auto verdict = judged(worker_, exchange, total);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->kind == pipeline::Verdict::Kind::pass, total == 1000);
  }
}

TEST_F(BodyGuardTest, LeavesRoutesWithoutABodyAlone) {
  route_.takes_body = false;
  EXPECT_EQ(refused("whatever", ""), std::nullopt);
}

TEST_F(BodyGuardTest, TakesTheFieldsOfAFormAsTheObjectThatTheyAreWhereTheRouteTakesThem) {
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(refused("a=1", form), http::Code::unsupported_media_type);
  route_.takes_form_fields = true;
  route_.schema = &schema_;
  EXPECT_EQ(refused("a=1&b=2", form), std::nullopt);
  EXPECT_EQ(refused("b=2", form), http::Code::schema_invalid);
  EXPECT_EQ(refused("a=%", form), http::Code::validation_failed);
  EXPECT_EQ(refused("{\"a\":1}"), std::nullopt);
}

TEST_F(BodyGuardTest, ABodyMayBeMissingWhereTheRouteSaysSo) {
  const auto passes = [&](const std::string& fields, const std::string& body) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n",
                                  body);
    exchange.route = &route_;
    auto decision = make_body_guard(1 << 20)->on_request(exchange);
    return decision.value()->kind == pipeline::Verdict::Kind::pass;
  };
  EXPECT_FALSE(passes("", ""));
  route_.body_optional = true;
  EXPECT_TRUE(passes("", ""));
  EXPECT_FALSE(passes("Content-Type: application/json\r\n", ""));
  EXPECT_TRUE(passes("Content-Type: application/json\r\n", "{}"));
}

}  // namespace
}  // namespace portcullis::guards
