#include "guards/body/body_guard.hpp"

#include <string>

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

TEST_F(BodyGuardTest, RefusesOtherTypesCharsetsAndCompression) {
  for (const char* fields :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n",
        "Content-Type: application/json; charset=latin-1\r\n",
        "Content-Type: application/json\r\nContent-Type: application/json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n"}) {
    EXPECT_EQ(refused("{}", fields), http::Code::unsupported_media_type) << fields;
  }
  EXPECT_EQ(refused("{}", "Content-Type: application/json\r\nContent-Encoding: identity\r\n"),
            std::nullopt);
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
  const auto send = [&](http::MemoryExchange& exchange) {
    exchange.route = &route_;
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
