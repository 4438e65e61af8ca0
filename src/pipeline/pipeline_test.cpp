#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "default_settings.hpp"
#include "gate.hpp"
#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::pipeline {
namespace {

using http::MemoryExchange;

Verdict refusal() {
  return Verdict::refuse(http::Problem(http::Code::rate_limited, "no", 7),
                         {audit::EventType::rate_limiting, audit::ThreatLevel::low, "RATE_003",
                          "the reason for operators"});
}
Task<Result<Verdict>> after(Gate& gate, Result<Verdict> verdict) {
  co_await gate;
  co_return verdict;
}

class RecordingSink final : public audit::Sink {
 public:
  void record(const audit::Event& event) override { events.push_back(event); }
  std::vector<audit::Event> events;
};

class PipelineTest : public testing::Test {
 protected:
  using Decide = std::function<Decision(http::Exchange&)>;
  using Serve = std::function<Task<void>(http::Exchange&)>;

  /// A guard that decides what its test says, and notes that it was asked.
  class FakeGuard final : public Guard {
   public:
    FakeGuard(PipelineTest& test, std::string_view name) : test_(test), name_(name) {}
    std::string_view name() const noexcept override { return name_; }
    Decision on_request(http::Exchange& exchange) const override {
      test_.asked_.emplace_back(name_);
      const auto decide = test_.decide_.find(std::string(name_));
      return decide == test_.decide_.end() ? Decision(Verdict::pass()) : decide->second(exchange);
    }

   private:
    PipelineTest& test_;
    std::string_view name_;
  };
  class FakeHandler final : public RouteHandler {
   public:
    FakeHandler(PipelineTest& test, std::string name) : test_(test), name_(std::move(name)) {}
    Task<void> serve(http::Exchange& exchange) override {
      test_.served_.push_back(name_);
      if (test_.serve_) return test_.serve_(exchange);
      return exchange.send(http::Response::json(200, "{}"));
    }

   private:
    PipelineTest& test_;
    std::string name_;
  };

  void SetUp() override { build(); }

  void build() {
    Pipeline::Parts parts;
    for (const auto name : config::kGuardNames)
      parts.guards.push_back(std::make_unique<FakeGuard>(*this, name));
    const auto add = [&](std::string name, std::string path, bool prefix, RouteKind kind,
                         std::vector<http::Method> methods) {
      Route route;
      route.name = std::move(name);
      route.path = std::move(path);
      route.prefix = prefix;
      route.kind = kind;
      route.methods = std::move(methods);
      route.handler = &handler_;
      parts.routes.add(std::move(route));
    };
    add("exact", "/a", false, RouteKind::browser, {http::Method::get, http::Method::post});
    add("below", "/a/", true, RouteKind::anonymous, {http::Method::get});
    add("deeper", "/a/b/", true, RouteKind::token, {http::Method::get});
    problems_ = parts.routes.build(settings_);
    parts.sites.push_back({0, "default", {}, {}});
    parts.not_found = std::make_unique<FakeHandler>(*this, "not_found");
    parts.preflight = std::make_unique<FakeHandler>(*this, "preflight");
    parts.reporter = &reporter_;
    parts.filters = std::make_unique<ResponseFilters>(settings_);
    pipeline_ = std::make_unique<Pipeline>(std::move(parts), log_, metrics_);
  }

  std::unique_ptr<MemoryExchange> exchange(const std::string& line = "GET /a HTTP/1.1",
                                           const std::string& fields = "") {
    return std::make_unique<MemoryExchange>(worker_, line + "\r\nHost: a\r\n" + fields + "\r\n");
  }
  /// Lets an exchange take its road; it has ended unless something waits.
  void run(http::Exchange& exchange) {
    asked_.clear();
    served_.clear();
    spawn(pipeline_->handle(exchange));
  }
  std::unique_ptr<MemoryExchange> run(const std::string& line = "GET /a HTTP/1.1",
                                      const std::string& fields = "") {
    auto made = exchange(line, fields);
    run(*made);
    return made;
  }

  std::uint64_t decisions(const std::string& guard, const std::string& outcome) {
    auto& family = metrics_.counter("portcullis_guard_decisions_total");
    return family.value(family.cell({guard, outcome}));
  }
  std::uint64_t requests(const std::string& route, const std::string& status) {
    auto& family = metrics_.counter("portcullis_requests_total");
    return family.value(family.cell({route, status}));
  }
  std::uint64_t all_requests() { return metrics_.counter("portcullis_requests_total").total(); }
  void set_mode(const char* guard, config::Mode mode,
                config::OnError on_error = config::OnError::refuse) {
    settings_.guards[guard] = {mode, on_error};
    build();
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  observe::Log log_{observe::Level::critical, observe::LogFormat::json, clock_};
  observe::Metrics metrics_;
  RecordingSink sink_;
  config::Settings settings_ = default_settings();
  Reporter reporter_{&sink_, false, [](const http::SessionClaims&) { return "handle"; }};
  FakeHandler handler_{*this, "handler"};
  std::map<std::string, Decide> decide_;
  Serve serve_;
  std::vector<std::string> asked_;
  std::vector<std::string> served_;
  std::vector<std::string> problems_;
  std::unique_ptr<Pipeline> pipeline_;
};

const std::vector<std::string> kAllGuards(std::begin(config::kGuardNames),
                                          std::end(config::kGuardNames));

TEST_F(PipelineTest, AsksEveryGuardInOrderAndThenTheHandler) {
  const auto done = run();
  EXPECT_EQ(asked_, kAllGuards);
  EXPECT_EQ(served_, std::vector<std::string>{"handler"});
  EXPECT_EQ(done->status(), 200);
  EXPECT_EQ(done->site->id, "default");
  EXPECT_EQ(requests("exact", "2xx"), 1U);
  for (const auto& guard : kAllGuards) EXPECT_EQ(decisions(guard, "passed"), 1U) << guard;
  EXPECT_TRUE(sink_.events.empty());
}

TEST_F(PipelineTest, ARefusalEndsTheRoadWithAnEventAndItsId) {
  PROVES("F060,F011");
  decide_["origin"] = [](auto&) { return refusal(); };
  const auto done = run();
  EXPECT_EQ(asked_, std::vector<std::string>(kAllGuards.begin(), kAllGuards.begin() + 5));
  EXPECT_TRUE(served_.empty());
  EXPECT_EQ(done->status(), 429);
  EXPECT_EQ(done->refused_by, "origin");
  EXPECT_EQ(done->error_code, "RATE_LIMITED");
  EXPECT_EQ(done->response_headers().find("Retry-After"), "7");
  ASSERT_EQ(sink_.events.size(), 1U);
  const auto& event = sink_.events[0];
  EXPECT_EQ(event.decision, audit::EventDecision::refused);
  EXPECT_EQ(event.details.at("guard"), "origin");
  EXPECT_EQ(event.codes, std::vector<std::string>{"RATE_003"});
  EXPECT_EQ(event.endpoint, "/a");
  EXPECT_NE(done->output().find("\"error_id\":\"" + event.event_id.text() + "\""),
            std::string::npos);
  EXPECT_EQ(done->output().find("the reason for operators"), std::string::npos);
  EXPECT_EQ(decisions("origin", "refused"), 1U);
  EXPECT_EQ(decisions("credentials", "passed"), 0U);
  EXPECT_EQ(requests("exact", "4xx"), 1U);
}

TEST_F(PipelineTest, AChallengeIsCountedApart) {
  decide_["rate"] = [](auto&) { return Verdict::challenge({}); };
  const auto done = run();
  EXPECT_EQ(done->status(), 403);
  EXPECT_EQ(done->error_code, "CHALLENGE_REQUIRED");
  EXPECT_EQ(decisions("rate", "challenged"), 1U);
  EXPECT_EQ(decisions("rate", "refused"), 0U);
}

TEST_F(PipelineTest, InMonitorModeARefusalIsOnlyNoted) {
  set_mode("origin", config::Mode::monitor);
  decide_["origin"] = [](auto&) { return refusal(); };
  const auto done = run();
  EXPECT_EQ(done->status(), 200);
  EXPECT_EQ(asked_, kAllGuards);
  EXPECT_EQ(decisions("origin", "would_refuse"), 1U);
  EXPECT_EQ(decisions("origin", "refused"), 0U);
  ASSERT_EQ(sink_.events.size(), 1U);
  EXPECT_EQ(sink_.events[0].decision, audit::EventDecision::would_refuse);
}

TEST_F(PipelineTest, AGuardThatIsOffIsNotAsked) {
  set_mode("origin", config::Mode::off);
  decide_["origin"] = [](auto&) { return refusal(); };
  EXPECT_EQ(run()->status(), 200);
  EXPECT_EQ(std::ranges::count(asked_, "origin"), 0);
  EXPECT_EQ(decisions("origin", "passed"), 0U);
}

TEST_F(PipelineTest, AGuardThatCannotDecideRefusesOrPassesAsItsSettingSays) {
  PROVES("F065");
  decide_["rate"] = [](auto&) -> Decision {
    return Result<Verdict>(fail(ErrorCode::unavailable, "store down"));
  };
  const auto refused = run();
  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(refused->error_code, "STATE_UNAVAILABLE");
  EXPECT_TRUE(refused->response_headers().contains("Retry-After"));
  EXPECT_EQ(refused->output().find("store down"), std::string::npos);
  EXPECT_EQ(decisions("rate", "error"), 1U);
  EXPECT_EQ(decisions("rate", "refused"), 0U);

  set_mode("rate", config::Mode::enforce, config::OnError::pass);
  EXPECT_EQ(run()->status(), 200);
  EXPECT_EQ(decisions("rate", "error"), 2U);
  ASSERT_EQ(sink_.events.size(), 2U);
  EXPECT_EQ(sink_.events[1].decision, audit::EventDecision::passed);

  set_mode("rate", config::Mode::monitor, config::OnError::refuse);
  EXPECT_EQ(run()->status(), 200);
}

TEST_F(PipelineTest, AGuardMayWait) {
  for (const bool passes : {true, false}) {
    Gate gate;
    decide_["rate"] = [&](auto&) -> Decision {
      return after(gate, passes ? Verdict::pass() : refusal());
    };
    const auto waiting = exchange();
    run(*waiting);
    ASSERT_TRUE(gate.waited_for());
    EXPECT_FALSE(waiting->answered());
    EXPECT_EQ(asked_.back(), "rate");
    gate.open();
    EXPECT_EQ(waiting->status(), passes ? 200 : 429);
    EXPECT_EQ(asked_.back(), passes ? *std::rbegin(config::kGuardNames) : "rate");
  }
  EXPECT_EQ(all_requests(), 2U);
}

TEST_F(PipelineTest, SeveralGuardsMayWaitOneAfterTheOther) {
  Gate first;
  Gate second;
  decide_["address"] = [&](auto&) -> Decision { return after(first, Verdict::pass()); };
  decide_["body"] = [&](auto&) -> Decision { return after(second, Verdict::pass()); };
  const auto waiting = exchange();
  run(*waiting);
  first.open();
  ASSERT_TRUE(second.waited_for());
  second.open();
  EXPECT_EQ(waiting->status(), 200);
  EXPECT_EQ(asked_, kAllGuards) << "each is asked once";
}

TEST_F(PipelineTest, AClientThatLeavesWhileAGuardWaitsIsCountedAsAborted) {
  for (const bool passes : {false, true}) {
    Gate gate;
    decide_["rate"] = [&](auto&) -> Decision {
      return after(gate, passes ? Verdict::pass() : refusal());
    };
    const auto waiting = exchange();
    run(*waiting);
    waiting->leave();
    gate.open();
    EXPECT_FALSE(waiting->answered());
    EXPECT_TRUE(served_.empty()) << "nobody would read the answer";
  }
  EXPECT_EQ(requests("exact", "aborted"), 2U);
  EXPECT_EQ(all_requests(), 2U);
}

TEST_F(PipelineTest, BytesThatAreNoRequestCannotGoOnWhateverTheMode) {
  set_mode("protocol", config::Mode::monitor);
  decide_["protocol"] = [](http::Exchange& e) -> Decision {
    if (!e.framing_error()) return Verdict::pass();
    return Verdict::refuse(http::Problem(e.framing_error()->code), {});
  };
  const auto done = run("GET a HTTP/1.1");
  EXPECT_EQ(done->status(), 400);
  EXPECT_TRUE(served_.empty());
  EXPECT_EQ(requests("not_found", "4xx"), 1U);
}

TEST_F(PipelineTest, FindsTheRouteByExactPathThenByTheLongestPrefix) {
  EXPECT_TRUE(problems_.empty());
  const auto route = [&](const std::string& line) { return run(line)->route->name; };
  EXPECT_EQ(route("GET /a HTTP/1.1"), "exact");
  EXPECT_EQ(route("POST /a?x HTTP/1.1"), "exact");
  EXPECT_EQ(route("HEAD /a HTTP/1.1"), "exact");
  EXPECT_EQ(route("GET /a/x HTTP/1.1"), "below");
  EXPECT_EQ(route("GET /a/b/c HTTP/1.1"), "deeper");
  EXPECT_EQ(route("GET /ab HTTP/1.1"), "not_found");
  EXPECT_EQ(route("GET /A HTTP/1.1"), "not_found");
  EXPECT_EQ(route("GET /%61 HTTP/1.1"), "not_found");
  EXPECT_EQ(route("DELETE /a HTTP/1.1"), "not_found") << "its handler answers 405";
  EXPECT_EQ(pipeline_->routes().find({"/a", http::Method::delete_}).allow, "GET, HEAD, POST");
  EXPECT_EQ(pipeline_->routes().find({"/zzz", http::Method::get}).allow, "");
}

TEST_F(PipelineTest, APreflightIsJudgedAsTheRequestThatItAnnounces) {
  const auto preflight = run("OPTIONS /a HTTP/1.1", "Access-Control-Request-Method: POST\r\n");
  EXPECT_EQ(preflight->route->name, "preflight");
  EXPECT_EQ(preflight->route->kind, RouteKind::browser);
  EXPECT_EQ(preflight->route->cls, RouteClass::light);
  EXPECT_EQ(served_, std::vector<std::string>{"preflight"});
  EXPECT_EQ(run("OPTIONS /a/b/c HTTP/1.1", "Access-Control-Request-Method: GET\r\n")->route->kind,
            RouteKind::token);
  EXPECT_EQ(run("OPTIONS /none HTTP/1.1")->route->name, "not_found");
  EXPECT_EQ(run("OPTIONS * HTTP/1.1")->route->name, "preflight");
}

TEST_F(PipelineTest, AHandlerThatForgetsToAnswerIsA500) {
  serve_ = [](http::Exchange&) -> Task<void> { co_return; };
  const auto done = run();
  EXPECT_EQ(done->status(), 500);
  ASSERT_EQ(sink_.events.size(), 1U);
  EXPECT_EQ(sink_.events[0].codes, std::vector<std::string>{"SYS_001"});
  EXPECT_EQ(requests("exact", "5xx"), 1U);
}

TEST_F(PipelineTest, AnExceptionIsA500ThatTellsNothing) {
  PROVES("F060");
  const auto done = exchange();
  done->route = pipeline_->routes().find({"/a", http::Method::get}).route;
  done->site = pipeline_->sites().data();
  spawn(pipeline_->answer_exception(*done, "vector::at: secret"));
  EXPECT_EQ(done->status(), 500);
  EXPECT_EQ(done->output().find("secret"), std::string::npos);
  EXPECT_EQ(all_requests(), 1U);
}

TEST_F(PipelineTest, TheHookOfAHandlerThatThrewIsNotCalled) {
  const auto done = exchange();
  done->route = pipeline_->routes().find({"/a", http::Method::get}).route;
  done->site = pipeline_->sites().data();
  bool called = false;
  done->set_hook([&called] { called = true; });  // a handler's hook refers to the handler's frame
  spawn(pipeline_->answer_exception(*done, "late"));
  done->leave();
  EXPECT_FALSE(called);
}

TEST_F(PipelineTest, EveryAnswerIsFiltered) {
  PROVES("F039,F040,F041,F042,F043");
  decide_["body"] = [](http::Exchange& e) -> Decision {
    return e.head().find("x-refuse") ? Decision(refusal()) : Decision(Verdict::pass());
  };
  const auto check = [](const MemoryExchange& done) {
    const auto& headers = done.response_headers();
    EXPECT_EQ(headers.find("X-Content-Type-Options"), "nosniff") << done.status();
    EXPECT_EQ(headers.find("X-Frame-Options"), "DENY");
    EXPECT_EQ(headers.find("Referrer-Policy"), "strict-origin-when-cross-origin");
    EXPECT_EQ(headers.find("X-XSS-Protection"), "1; mode=block");
    EXPECT_TRUE(headers.contains("Content-Security-Policy"));
    EXPECT_TRUE(headers.contains("X-Request-ID"));
    EXPECT_TRUE(headers.contains("Permissions-Policy"));
    EXPECT_EQ(headers.find("Cache-Control"), "no-store");
  };
  check(*run());
  check(*run("GET /a HTTP/1.1", "X-Refuse: 1\r\n"));
  check(*run("GET /none HTTP/1.1"));
  check(*run("OPTIONS /a HTTP/1.1"));
  check(*run("bad"));
  serve_ = [](http::Exchange&) -> Task<void> { co_return; };
  check(*run());
  serve_ = [](http::Exchange& e) -> Task<void> {
    (void)co_await e.start({});
    (void)co_await e.write("x");
    co_await e.end();
  };
  check(*run());
}

TEST_F(PipelineTest, CountersSumToTheNumberOfRequestsWhateverBecameOfThem) {
  std::mt19937_64 random(11);
  constexpr std::uint64_t kRequests = 10'000;
  std::vector<std::unique_ptr<MemoryExchange>> waiting;
  std::vector<std::unique_ptr<Gate>> gates;
  const auto random_decision = [&](http::Exchange&) -> Decision {
    const auto draw = random() % 40;
    Result<Verdict> result = Verdict::pass();
    if (draw == 0) result = refusal();
    if (draw == 1) result = Verdict::challenge({});
    if (draw == 2) result = fail(ErrorCode::unavailable, "down");
    if (draw % 10 == 3) return after(*gates.emplace_back(std::make_unique<Gate>()), result);
    return result;
  };
  for (const auto& guard : kAllGuards) decide_[guard] = random_decision;
  settings_.guards["host"].mode = config::Mode::monitor;
  settings_.guards["origin"].on_error = config::OnError::pass;
  settings_.guards["session"].mode = config::Mode::off;
  build();
  serve_ = [&](http::Exchange& e) -> Task<void> {
    const auto draw = random() % 5;
    if (draw == 0) co_return;  // forgets
    if (draw == 1) {
      if (!co_await e.start({})) co_return;
      (void)co_await e.write("x");
      co_return co_await e.end();
    }
    co_await e.send(http::Response::json(draw == 2 ? 502 : 200, "{}"));
  };
  const char* lines[] = {"GET /a HTTP/1.1", "GET /a/x HTTP/1.1", "GET /none HTTP/1.1",
                         "OPTIONS /a HTTP/1.1", "nonsense"};
  for (std::uint64_t i = 0; i < kRequests; ++i) {
    auto& made = waiting.emplace_back(exchange(lines[random() % std::size(lines)]));
    if (random() % 50 == 0) made->leave();
    if (random() % 50 == 1) made->fail_writes = true;
    run(*made);
    // What waits goes on in no particular order.
    while (gates.size() > 5 || (i + 1 == kRequests && !gates.empty())) {
      const std::size_t at = random() % gates.size();
      const auto gate = std::move(gates[at]);
      gates.erase(gates.begin() + static_cast<std::ptrdiff_t>(at));
      if (random() % 20 == 0) waiting[random() % waiting.size()]->leave();
      gate->open();
    }
  }
  EXPECT_EQ(all_requests(), kRequests);
  EXPECT_EQ(metrics_.histogram("portcullis_request_duration_seconds").count(), kRequests);
  std::uint64_t answered = 0;
  std::map<int, std::uint64_t> by_class;
  for (const auto& e : waiting) {
    answered += e->answered() ? 1U : 0U;
    ++by_class[e->status() / 100];
    if (e->answered()) {
      ASSERT_TRUE(e->response_headers().contains("X-Content-Type-Options"));
    }
  }
  std::map<int, std::uint64_t> counted;
  for (const char* route : {"exact", "below", "deeper", "not_found", "preflight"}) {
    counted[0] += requests(route, "aborted");
    counted[2] += requests(route, "2xx");
    counted[4] += requests(route, "4xx");
    counted[5] += requests(route, "5xx");
  }
  EXPECT_EQ(counted, by_class);
  EXPECT_EQ(by_class[0] + answered, kRequests);
  // Of each guard, what it decided: passed + refused + would_refuse + challenged + error.
  std::uint64_t first = 0;
  for (const char* outcome : {"passed", "refused", "would_refuse", "challenged", "error"})
    first += decisions("address", outcome);
  EXPECT_EQ(first, kRequests) << "the first guard sees every request";
  EXPECT_EQ(decisions("session", "passed"), 0U);
  EXPECT_GT(decisions("host", "would_refuse"), 0U);
}

TEST_F(PipelineTest, OverridesOfARouteAreAppliedAndUnknownOnesReported) {
  settings_.routes.push_back({.path = "/a", .guard_modes = {{"rate", config::Mode::monitor}}});
  settings_.routes.push_back({.path = "/a/", .enabled = false});
  settings_.routes.push_back({.path = "/nowhere"});
  build();
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].find("/nowhere"), std::string::npos);
  decide_["rate"] = [](auto&) { return refusal(); };
  EXPECT_EQ(run()->status(), 200);
  EXPECT_EQ(run("GET /a/b/c HTTP/1.1")->status(), 429);
  EXPECT_EQ(run("GET /a/x HTTP/1.1")->route->name, "not_found");
}

TEST_F(PipelineTest, APrefixMovesTheRoutes) {
  settings_.gateway_prefix = "/gw";
  build();
  EXPECT_EQ(run("GET /gw/a HTTP/1.1")->route->name, "exact");
  EXPECT_EQ(run("GET /a HTTP/1.1")->route->name, "not_found");
}

}  // namespace
}  // namespace portcullis::pipeline
