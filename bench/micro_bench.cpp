// What the parts of a chat request cost. `make bench` runs it; docs/performance.md holds the
// figures.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/address.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "chat/events.hpp"
#include "detect/engine.hpp"
#include "detect/leak_scanner.hpp"
#include "dpop_forge.hpp"
#include "guards/bot/browser_evidence.hpp"
#include "guards/bot/message_evidence.hpp"
#include "guards/bot/trails.hpp"
#include "guards/session/session_risk.hpp"
#include "http/head_parser.hpp"
#include "http/in_flight.hpp"
#include "http/json_body.hpp"
#include "identity/api_keys.hpp"
#include "identity/dpop.hpp"
#include "identity/passwords.hpp"
#include "identity/session_keys.hpp"
#include "identity/session_tokens.hpp"
#include "identity/sqlite_accounts.hpp"
#include "identity/totp.hpp"
#include "identity/upstream_tokens.hpp"
#include "identity/user_tokens.hpp"
#include "jwt_forge.hpp"
#include "net/background.hpp"
#include "schema/pattern.hpp"
#include "schema/schema.hpp"
#include "state/limiter.hpp"
#include "state/memory_store.hpp"
#include "upstream/answer_decoder.hpp"

namespace portcullis {
namespace {

constexpr std::string_view kMessage =
    R"({"message":"Hi, I am looking for a three bedroom house near the lake under $500k.","session_id":"b7d1c1a0"})";

std::string secret() { return crypto::random_bytes(48); }

/// The four charges of a chat message from one of `addresses` addresses.
state::AdmitRequest charges_of(std::uint64_t address) {
  const std::string_view bytes(reinterpret_cast<const char*>(&address), sizeof address);
  state::AdmitRequest request;
  const state::KeyedValue value(bytes);
  const auto charge = [&](const state::Space& tier, const state::KeyedValue& of, int window,
                          std::uint8_t subject) {
    request.add({tier.name(), of.in(tier), 1'000'000'000, Seconds{window}, 1, subject});
  };
  const auto watched = request.add(state::Subject{value.in("address")});
  charge("address-minute", value, 60, watched);
  charge("address-hour", value, 3600, watched);
  charge("session-minute", value, 60, request.add(state::Subject{value.in("session")}));
  charge("site-minute", state::KeyedValue("default"), 60, state::Charge::kNobody);
  request.charges[request.count - 1].shared = true;
  return request;
}

void limiter_one_address(benchmark::State& bench) {
  state::MemoryStore store({});
  for (auto _ : bench) {
    auto answer = store.admit(charges_of(1));
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(limiter_one_address);

void limiter_million_addresses(benchmark::State& bench) {
  static state::MemoryStore store({.max_limiter_keys = 4'000'000});
  FastRandom random(static_cast<std::uint64_t>(bench.thread_index()) + 1);
  for (auto _ : bench) {
    auto answer = store.admit(charges_of(random.below(1'000'000)));
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(limiter_million_addresses)->Threads(1)->Threads(2);

/// How long a charge takes where there are more threads than cores, so that one may be stopped by
/// the scheduler while it holds a lock: each charge timed, of a million addresses and one site.
void limiter_waits(benchmark::State& bench) {
  static state::Limiter limiter(2'000'000);
  std::vector<double> took;
  took.reserve(1 << 20);
  auto state = static_cast<std::uint64_t>(bench.thread_index() + 1);
  for (auto _ : bench) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const auto request = charges_of((state >> 33) % 1'000'000);
    const auto before = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(limiter.charge(request));
    const auto after = std::chrono::steady_clock::now();
    if (took.size() < took.capacity()) {
      took.push_back(std::chrono::duration<double, std::micro>(after - before).count());
    }
  }
  std::ranges::sort(took);
  const auto at = [&](double share) {
    return took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))];
  };
  const auto average = benchmark::Counter::kAvgThreads;
  bench.counters["p50_us"] = benchmark::Counter(at(0.5), average);
  bench.counters["p99_us"] = benchmark::Counter(at(0.99), average);
  bench.counters["p99.99_us"] = benchmark::Counter(at(0.9999), average);
}
BENCHMARK(limiter_waits)->Threads(2)->Threads(8)->Iterations(300'000);

/// What a million addresses take in memory, each with its two windows, when all of them are kept.
void limiter_memory(benchmark::State& bench) {
  const auto resident = [] {
    std::ifstream status("/proc/self/statm");
    long pages = 0;
    status >> pages >> pages;
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
  };
  constexpr std::uint64_t kAddresses = 1'000'000;
  for (auto _ : bench) {
    const double before = resident();
    state::Limiter limiter(2 * kAddresses + kAddresses / 8);  // shards are not filled evenly
    for (std::uint64_t address = 0; address < kAddresses; ++address) {
      const std::string_view bytes(reinterpret_cast<const char*>(&address), sizeof address);
      state::AdmitRequest request;
      request.add({"minute", state::key_of("minute", bytes), 60, Seconds{60}});
      request.add({"hour", state::key_of("hour", bytes), 1000, Seconds{3600}});
      limiter.charge(request);
    }
    bench.counters["MiB"] = (resident() - before) / (1 << 20);
    bench.counters["kept"] = static_cast<double>(limiter.size());
  }
}
BENCHMARK(limiter_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Taking and giving back the places of a message: address, site, session.
void in_flight_places(benchmark::State& bench) {
  http::InFlight table;
  const std::array<http::InFlight::Holder, 3> holders{{{state::key_of("address", "a"), 64},
                                                       {state::key_of("site", "default"), 2000},
                                                       {state::key_of("session", "s"), 16}}};
  for (auto _ : bench) {
    http::InFlight::Places places;
    benchmark::DoNotOptimize(table.enter(holders, places));
  }
}
BENCHMARK(in_flight_places);

/// What the bot guard looks at in a message of 120 bytes from a browser.
void bot_evidence(benchmark::State& bench) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
      "Gecko/20100101 Firefox/128.0\r\nAccept-Language: en\r\nSec-Fetch-Site: same-origin\r\n\r\n";
  http::RequestHead head;
  if (!http::parse_request_head(text, head)) return bench.SkipWithError("no head");
  const std::string message =
      "Where is my order A-1001? It should have been here on Monday, and the tracking page says "
      "nothing at all since Tuesday.";
  const guards::AgentTable agents;
  guards::Trails trails;
  const std::array<std::string_view, 1> own{"shop.example"};
  const auto session = state::key_of("session", "s");
  for (auto _ : bench) {
    auto score = guards::judge_browser(head, true, agents, {});
    const auto traits = guards::MessageTraits::of(message, own);
    score.add(guards::judge_message(message, traits));
    score.add(guards::judge_spam(traits));
    const auto print = guards::text_fingerprint(message);
    for (int i = 0; i < 3; ++i) {
      benchmark::DoNotOptimize(trails.note(session, print, Clock::system().monotonic()));
    }
    benchmark::DoNotOptimize(score);
  }
}
BENCHMARK(bot_evidence);

void session_token_check(benchmark::State& bench) {
  const identity::SessionTokens tokens({secret()});
  http::SessionClaims claims;
  claims.id = identity::new_session_id();
  claims.site = "default";
  claims.origin = "https://www.example.com";
  const std::string token = tokens.issue(claims);
  for (auto _ : bench) benchmark::DoNotOptimize(tokens.verify(token));
}
BENCHMARK(session_token_check);

/// All that a session costs a request of its owner: its token, who presents it, how it stands in
/// the store and whether it was revoked, and what speaks against him.
void session_security(benchmark::State& bench) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
      "Accept-Language: en-GB,en;q=0.9\r\nSec-CH-UA-Platform: \"Linux\"\r\n"
      "Sec-CH-UA-Mobile: ?0\r\n\r\n";
  http::RequestHead head;
  if (!http::parse_request_head(text, head)) return bench.SkipWithError("no head");
  const auto address = *IpAddress::parse("203.0.113.7");
  const identity::SessionTokens tokens({secret()});
  state::MemoryStore store({});
  http::SessionClaims claims;
  claims.id = identity::new_session_id();
  claims.site = "default";
  claims.origin = "https://www.example.com";
  claims.owner = tokens.presenters().of(head, address, claims);
  const std::string token = tokens.issue(claims);
  state::NewMessage message;
  message.session = claims.id;
  (void)store.begin_message(message);
  const WallTime now = Clock::system().wall();
  for (auto _ : bench) {
    const auto session = tokens.verify(token);
    const auto presenter = tokens.presenters().of(head, address, *session);
    const identity::SessionKeys keys(*session, presenter);
    state::AdmitRequest look;
    look.session = state::session_key(session->id);
    look.may_be_revoked_by(keys.token());
    look.may_be_revoked_by(keys.shut_out());
    auto answer = store.admit(look);
    const auto& use = answer.value()->session.use;
    const auto standing = identity::standing_of(*session, presenter, use, now);
    benchmark::DoNotOptimize(guards::judge_presenter({*session, presenter, use, standing, 0, now}));
  }
}
BENCHMARK(session_security);

void upstream_token_mint(benchmark::State& bench) {
  const identity::UpstreamTokens tokens(secret(), Seconds{60});
  const WallTime now = Clock::system().wall();
  for (auto _ : bench) {
    benchmark::DoNotOptimize(tokens.mint({"gzoy95-kIDMEEpa8Raob27jZV0ns-0JY", "www.example.com",
                                          kMessage, "01M8086KGT8RPGBRDADFNED1WE"},
                                         now));
  }
}
BENCHMARK(upstream_token_mint);

/// Access tokens by keys of one kind.
identity::UserTokens user_tokens(std::string_view kind) {
  std::vector<identity::JwtKey> keys;
  if (kind == "HS256") keys.push_back(identity::JwtKey::from_secret(secret()).value());
  if (kind == "RS256") {
    keys.push_back(identity::JwtKey::from_pem(forge::rsa_key().private_pem()).value());
  }
  if (kind == "ES256") {
    keys.push_back(identity::JwtKey::from_pem(forge::ec_key().private_pem()).value());
  }
  return identity::UserTokens::make({}, identity::JwtKeys::make(std::move(keys)).value(),
                                    identity::JwtKeys::from_secrets({secret()}).value())
      .value();
}

const identity::UserClaims& user_claims() {
  static const identity::UserClaims claims{
      .subject = "alice@example.com",
      .grants = {{http::Role::operator_, "shop"}, {http::Role::viewer, "*"}},
      .family = identity::UserTokens::new_id(),
      .generation = 0,
      .id = {},
      .issued = {},
      .expires = {}};
  return claims;
}

void user_token_issue(benchmark::State& bench, std::string_view kind) {
  const auto tokens = user_tokens(kind);
  const WallTime now = Clock::system().wall();
  for (auto _ : bench) {
    benchmark::DoNotOptimize(tokens.issue(identity::UserTokens::Use::access, user_claims(), now));
  }
}
BENCHMARK_CAPTURE(user_token_issue, HS256, "HS256");
BENCHMARK_CAPTURE(user_token_issue, RS256, "RS256");
BENCHMARK_CAPTURE(user_token_issue, ES256, "ES256");

void user_token_verify(benchmark::State& bench, std::string_view kind) {
  constexpr auto kAccess = identity::UserTokens::Use::access;
  const auto tokens = user_tokens(kind);
  const WallTime now = Clock::system().wall();
  const std::string token = tokens.issue(kAccess, user_claims(), now)->token;
  for (auto _ : bench) benchmark::DoNotOptimize(tokens.verify(kAccess, token, now));
}
BENCHMARK_CAPTURE(user_token_verify, HS256, "HS256");
BENCHMARK_CAPTURE(user_token_verify, RS256, "RS256");
BENCHMARK_CAPTURE(user_token_verify, ES256, "ES256");

/// A token that is no longer accepted costs its signature; one of bad form does not.
/// A proof of possession, whose key is new to the gateway each time.
void dpop_proof_verify(benchmark::State& bench) {
  const std::vector<std::string> urls{"https://chat.example.com/api/v1/chat/message"};
  const auto proof = forge::dpop(forge::ec_key(), {.token = "pcs_" + std::string(280, 'a')});
  const WallTime now = from_epoch_seconds(1'800'000'000);
  for (auto _ : bench) benchmark::DoNotOptimize(identity::verify_dpop(proof, "POST", urls, now));
}
BENCHMARK(dpop_proof_verify);

void user_token_refuse(benchmark::State& bench, std::string_view token) {
  const auto tokens = user_tokens("HS256");
  const WallTime now = Clock::system().wall();
  for (auto _ : bench) {
    benchmark::DoNotOptimize(tokens.verify(identity::UserTokens::Use::access, token, now));
  }
}
BENCHMARK_CAPTURE(user_token_refuse, no_algorithm, "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.");
const std::string kDots(8 * 1024, '.');
BENCHMARK_CAPTURE(user_token_refuse, eight_kilobytes, kDots);

/// Form and checksum of a key as it comes in, and its hash against the record.
void api_key_check(benchmark::State& bench) {
  const identity::ApiKeys keys({secret()});
  const auto minted = keys.mint({}, Clock::system().wall());
  for (auto _ : bench) {
    const auto text = identity::parse_api_key(minted.text);
    benchmark::DoNotOptimize(keys.matches(*text, minted.record));
  }
}
BENCHMARK(api_key_check);

/// What somebody made up is refused by its checksum.
void api_key_refuse(benchmark::State& bench) {
  auto text = identity::ApiKeys({secret()}).mint({}, Clock::system().wall()).text;
  std::swap(text[20], text[21]);
  text[22] = text[22] == 'A' ? 'B' : 'A';
  for (auto _ : bench) benchmark::DoNotOptimize(identity::parse_api_key(text));
}
BENCHMARK(api_key_refuse);

void totp_check(benchmark::State& bench) {
  const auto totp_secret = identity::new_totp_secret();
  const WallTime now = Clock::system().wall();
  for (auto _ : bench) {
    benchmark::DoNotOptimize(identity::accepted_totp_step(totp_secret, "123456", 0, now));
  }
}
BENCHMARK(totp_check);

/// Of a work factor as it is asked for.
void password_verify(benchmark::State& bench) {
  const auto passwords =
      identity::Passwords::make({.cost = static_cast<unsigned>(bench.range(0))}).value();
  const auto hash = passwords.hash("correct horse battery").value();
  for (auto _ : bench) benchmark::DoNotOptimize(passwords.verify("another password", hash));
}
BENCHMARK(password_verify)->DenseRange(10, 13)->Unit(benchmark::kMillisecond);

/// Accounts in a file below the working directory, so that an fsync is one of that disk.
class AccountFile : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State&) override {
    std::filesystem::remove_all(kFolder);
    std::filesystem::create_directory(kFolder);
    store = identity::open_sqlite_accounts({.file = kFolder / "accounts.db"}).value();
    for (int i = 0; i < 10'000; ++i) {
      user = store
                 ->add_user(
                     {.name = "user-" + std::to_string(i), .password_hash = "", .grants = {}}, now)
                 .value()
                 .value()
                 .id;
    }
    (void)store->open_family(store->user(user).value(), "family", now + Seconds{3600}, now).value();
  }
  void TearDown(benchmark::State&) override {
    store.reset();
    std::filesystem::remove_all(kFolder);
  }

 protected:
  inline static const std::filesystem::path kFolder = "account-bench";
  const WallTime now = Clock::system().wall();
  std::unique_ptr<identity::AccountStore> store;
  std::string user;
};

BENCHMARK_F(AccountFile, account_find)(benchmark::State& bench) {
  for (auto _ : bench) benchmark::DoNotOptimize(store->find_user("USER-5000"));
}
BENCHMARK_F(AccountFile, account_rotate)(benchmark::State& bench) {
  std::uint32_t generation = 0;
  for (auto _ : bench) {
    benchmark::DoNotOptimize(store->rotate_family("family", generation++, now));
  }
}
BENCHMARK_F(AccountFile, account_open)(benchmark::State& bench) {
  for (auto _ : bench) {
    benchmark::DoNotOptimize(identity::open_sqlite_accounts({.file = kFolder / "accounts.db"}));
  }
}

Task<void> call_often(net::Background& background, int times, std::atomic<bool>& done) {
  for (int i = 0; i < times; ++i) (void)co_await background.run([] { return 1; });
  done = true;
  done.notify_one();
}

/// To another thread and back to the worker, one call after the other.
void background_call(benchmark::State& bench, net::Background::Priority priority) {
  constexpr int kCalls = 200;
  net::Worker worker(0);
  std::thread thread([&] { worker.run(); });
  net::Background background({.priority = priority});
  for (auto _ : bench) {
    std::atomic<bool> done{false};
    worker.post([&] { spawn(call_often(background, kCalls, done)); });
    done.wait(false);
  }
  bench.counters["a_call"] = benchmark::Counter(
      kCalls, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  background.stop();
  worker.stop();
  thread.join();
}
BENCHMARK_CAPTURE(background_call, normal, net::Background::Priority::normal)->UseRealTime();
BENCHMARK_CAPTURE(background_call, idle, net::Background::Priority::idle)->UseRealTime();

void request_head_parse(benchmark::State& bench) {
  const std::string head =
      "POST /api/v1/chat/message HTTP/1.1\r\nHost: chat.example.com\r\nContent-Type: "
      "application/json\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/130.0 Safari/537.36\r\n"
      "Accept: */*\r\nOrigin: https://www.example.com\r\nAccept-Language: "
      "en-GB,en;q=0.9\r\nContent-Length: 126\r\n\r\n";
  http::RequestHead parsed;
  for (auto _ : bench) {
    benchmark::DoNotOptimize(http::parse_request_head(head, parsed));
    benchmark::DoNotOptimize(http::check_framing(parsed));
  }
}
BENCHMARK(request_head_parse);

void json_message_parse(benchmark::State& bench) {
  for (auto _ : bench) benchmark::DoNotOptimize(http::parse_json(kMessage));
}
BENCHMARK(json_message_parse);

void answer_decode(benchmark::State& bench) {
  constexpr std::string_view kAnswer =
      R"({"response":"Hello from the upstream, how can I help you today?","sessionId":"abc"})";
  for (auto _ : bench) {
    upstream::AnswerDecoder decoder("application/json", 1 << 20);
    std::vector<std::string> pieces;
    benchmark::DoNotOptimize(decoder.put(kAnswer, pieces));
    benchmark::DoNotOptimize(decoder.finish(pieces));
  }
}
BENCHMARK(answer_decode);

void sse_item_encode(benchmark::State& bench) {
  std::string out;
  for (auto _ : bench) {
    out.clear();
    const auto event =
        chat::item_event(1'795'304'934'939, "01M8086PEY9X68KTC6X4YDTP15", " a word or two");
    chat::append_event(out, chat::Face::sse, 1'795'304'934'939, event);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(sse_item_encode);

/// One text, again and again, as the content guard has it judged.
void inspect(benchmark::State& bench, const std::string& text) {
  const auto engine = *detect::Engine::make(detect::embedded_rules());
  const auto scratch = *engine->make_scratch();
  for (auto _ : bench) {
    auto finding = engine->inspect(text, detect::Field::prose, *scratch);
    benchmark::DoNotOptimize(finding);
  }
  bench.SetBytesProcessed(bench.iterations() * static_cast<std::int64_t>(text.size()));
}

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += piece;
  out.resize(bytes);
  return out;
}

constexpr std::string_view kTalk =
    "Hi, I'm looking for a three-bedroom house near the lake; is #42 still available? My budget is "
    "$500k (or 10% more), and we'd like to visit on Friday at 5:30. ";

void inspect_chat_100_bytes(benchmark::State& bench) { inspect(bench, repeated(kTalk, 100)); }
BENCHMARK(inspect_chat_100_bytes);
void inspect_chat_1_kilobyte(benchmark::State& bench) { inspect(bench, repeated(kTalk, 1024)); }
BENCHMARK(inspect_chat_1_kilobyte);
void inspect_attack(benchmark::State& bench) { inspect(bench, "1' OR '1'='1' UNION SELECT 1,2--"); }
BENCHMARK(inspect_attack);

/// 64 KB of what makes one part or another work hardest.
void inspect_worst(benchmark::State& bench) {
  static constexpr std::array<std::string_view, 21> kPieces{"' or '",
                                                            "'",
                                                            "' or x=",
                                                            "<a b='",
                                                            "<script>",
                                                            ";ls ",
                                                            ";a'b\"c;",
                                                            "$(`",
                                                            "{{a.b(",
                                                            "http://a@",
                                                            "%2525",
                                                            "&#38;#38;",
                                                            "aGVsbG8g",
                                                            "../",
                                                            "1 or ",
                                                            "1 union ",
                                                            "'/*",
                                                            "') or (",
                                                            "ignore all ",
                                                            "\xef\xbc\x9c",
                                                            "tell your rules "};
  const auto piece = kPieces[static_cast<std::size_t>(bench.range(0))];
  bench.SetLabel(std::string(piece));
  inspect(bench, repeated(piece, 64 * 1024));
}
BENCHMARK(inspect_worst)->DenseRange(0, 20)->Unit(benchmark::kMillisecond);

void engine_start(benchmark::State& bench) {
  for (auto _ : bench) {
    auto engine = detect::Engine::make(detect::embedded_rules());
    benchmark::DoNotOptimize(engine);
  }
}
BENCHMARK(engine_start)->Unit(benchmark::kMicrosecond);

/// Answers of a service, in pieces as they are read from it.
void scan_answer(benchmark::State& bench, std::string_view item) {
  const auto rules = *detect::LeakRules::make(detect::embedded_leak_rules(), 1);
  const auto asked = *rules.all_but({});
  std::string text = "[";
  while (text.size() < 1'000'000) (text += item) += ',';
  text += "0]";
  std::string out;
  for (auto _ : bench) {
    detect::LeakScanner scanner(rules, asked, detect::LeakScanner::Syntax::json);
    for (std::size_t at = 0; at < text.size(); at += 8192) {
      out.clear();
      (void)scanner.put(std::string_view(text).substr(at, 8192), rules.memory(0), out);
      benchmark::DoNotOptimize(out.data());
    }
    (void)scanner.finish(rules.memory(0), out);
  }
  bench.SetBytesProcessed(static_cast<std::int64_t>(bench.iterations() * text.size()));
}
void scan_answer_clean(benchmark::State& bench) {
  scan_answer(bench,
              R"({"id":48213,"customer":"b7d1c1a0-5f0e-4f6a-9b1e-2f4f7c1d2e3f","name":"Anna )"
              R"(Schmidt","note":"Please ring twice,\nthe door is at the back.","total":1299.5,)"
              R"("at":"2026-01-02T03:04:05Z","paid":true})");
}
BENCHMARK(scan_answer_clean)->Unit(benchmark::kMillisecond);
void scan_answer_of_traces(benchmark::State& bench) {
  scan_answer(bench,
              R"({"error":"Oops\n\tat com.shop.Orders.find(Orders.java:42)\n\tat com.shop.Main.)"
              R"(main(Main.java:7)\nCaused by: java.lang.NullPointerException"})");
}
BENCHMARK(scan_answer_of_traces)->Unit(benchmark::kMillisecond);
/// One line of matches: looking for its begin from each of them would be quadratic.
void scan_answer_of_one_line(benchmark::State& bench) {
  std::string line = "\"";
  for (int i = 0; i < 20'000; ++i) line += ".go:12 ";
  scan_answer(bench, line + '"');
}
BENCHMARK(scan_answer_of_one_line)->Unit(benchmark::kMillisecond);

/// An order of 1 KiB: thirteen lines with an id, amounts, a text and a date each.
std::string order_of_1_kilobyte() {
  std::string out = R"({"customer":"2eb8aa08-aa98-11ea-b4aa-73b441d16380","lines":[)";
  for (int i = 0; out.size() < 960; ++i) {
    if (i > 0) out += ',';
    out += R"({"sku":"AB-12)" + std::to_string(10 + i) +
           R"(","count":2,"price":19.99,"note":"blue, please"})";
  }
  return out + R"(],"at":"2026-12-01T15:09:04Z"})";
}

void check_schema_1_kilobyte(benchmark::State& state) {
  const auto schema = schema::Schema::compile(R"({"type":"object","required":["customer","lines"],
    "properties":{"customer":{"type":"string","format":"uuid"},"at":{"type":"string","format":"date-time"},
    "lines":{"type":"array","minItems":1,"maxItems":100,"items":{"type":"object","required":["sku","count"],
    "additionalProperties":false,"properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"},
    "count":{"type":"integer","minimum":1,"maximum":1000},"price":{"type":"number","minimum":0,"multipleOf":0.01},
    "note":{"type":"string","maxLength":200}}}}}})");
  const auto text = order_of_1_kilobyte();
  http::JsonBody body;
  if (!schema || !http::parse_json(text, {}, body) || schema->check(body)) {
    state.SkipWithError("the order does not follow the schema");
  }
  for (auto _ : state) benchmark::DoNotOptimize(schema->check(body));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(check_schema_1_kilobyte);

void compile_pattern(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        schema::Pattern::compile("^[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,190}\\.[a-z]{2,}$"));
  }
}
BENCHMARK(compile_pattern)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace portcullis
