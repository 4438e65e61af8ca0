#include "config/loader.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "config/checks.hpp"
#include "config/setting.hpp"
#include "config/yaml_file.hpp"
#include "proves.hpp"

namespace portcullis::config {
namespace {

// Random enough to be taken as secrets; they protect nothing.
const std::string kSecretA = "q8Zr3mXv5Kp0Lw7Tn2Yb9Hd4Gs6Fj1Cqa8Zr3mXv5Kp0Lw7Tn2Yb9Hd4Gs6Fj1Cq";
const std::string kSecretB = "w7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5Kp0Lwb7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5Kp0Lw";

/// A folder of this test's own.
class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    std::string pattern = testing::TempDir() + "loader_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~LoaderTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Loaded load_environment(std::map<std::string, std::string> variables) {
    return load_both("", std::move(variables));
  }
  Loaded load_file(const std::string& yaml) { return load_both(yaml, {}); }
  Loaded load_both(const std::string& yaml, std::map<std::string, std::string> variables) {
    Sources sources;
    if (!yaml.empty()) sources.file = write("portcullis.yaml", yaml);
    sources.environment = [variables = std::move(variables)](const std::string& name) {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
    return load(sources);
  }
  /// What production needs at least.
  static std::map<std::string, std::string> production(
      std::map<std::string, std::string> further = {}) {
    further.insert({{"ENVIRONMENT", "production"},
                    {"JWT_SECRET_KEY", kSecretA},
                    {"SESSION_SECRET_KEY", kSecretB},
                    {"N8N_WEBHOOK_URL", "https://n8n.example/webhook/chat"},
                    {"ALLOWED_ORIGINS", "https://www.example.com"}});
    return further;
  }

  std::string folder_;
};

std::string all_of(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += problem.text() + "\n";
  return out;
}
bool mentions(const std::vector<Problem>& problems, std::string_view place,
              std::string_view message = {}) {
  for (const auto& problem : problems) {
    if (problem.place.find(place) != std::string::npos &&
        problem.message.find(message) != std::string::npos) {
      return true;
    }
  }
  return false;
}

// ---- where values come from

TEST_F(LoaderTest, WithNothingSetTheDefaultsOfDevelopmentHold) {
  PROVES("F144");
  const auto loaded = load_environment({});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  const auto& s = loaded.settings;
  EXPECT_EQ(s.profile, Profile::development);
  EXPECT_EQ(s.profile_reason, "nothing set");
  EXPECT_EQ(s.limit_chat_address_minute, 60);
  EXPECT_EQ(s.limit_chat_address_hour, 1000);
  EXPECT_EQ(s.limit_chat_session_minute, 30);
  EXPECT_EQ(s.limit_site_minute, 1000);
  EXPECT_EQ(s.limit_api_address_minute, 1000);
  EXPECT_EQ(s.breaker_failures, 5);
  EXPECT_EQ(s.breaker_open, Seconds{60});
  EXPECT_FALSE(s.require_https);
  EXPECT_TRUE(loaded.set.empty());
  ASSERT_EQ(s.sites.size(), 1U);
  EXPECT_EQ(s.sites[0].upstream.kind, UpstreamKind::demo);
  EXPECT_FALSE(loaded.notes.empty()) << "that the demo answers is said";
}

TEST_F(LoaderTest, TheEnvironmentBeatsTheFileAndTheFileBeatsTheProfile) {
  const std::string yaml =
      "server: {port: 1111, host: 127.0.0.1}\nlimits: {api_address_per_minute: 77}\n";
  const auto loaded = load_both(yaml, {{"SERVER_PORT", "2222"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.server_port, 2222);
  EXPECT_EQ(loaded.settings.server_host, "127.0.0.1");
  EXPECT_EQ(loaded.settings.limit_api_address_minute, 77);
  EXPECT_EQ(loaded.set, (std::vector<std::string>{"limits.api_address_per_minute", "server.host",
                                                  "server.port"}));
}

TEST_F(LoaderTest, TheNameOfThePathBeatsOlderNames) {
  const auto loaded = load_environment({{"API_PORT", "1"}, {"SERVER_PORT", "2"}});
  EXPECT_EQ(loaded.settings.server_port, 2);
  EXPECT_EQ(load_environment({{"API_PORT", "3"}}).settings.server_port, 3);
}

TEST_F(LoaderTest, AnEmptyVariableIsNotSet) {
  const auto loaded = load_both("server: {port: 1111}", {{"SERVER_PORT", ""}, {"API_PORT", "  "}});
  EXPECT_TRUE(loaded.errors.empty());
  EXPECT_EQ(loaded.settings.server_port, 1111);
}

TEST_F(LoaderTest, TheProfileFollowsItsOrder) {
  PROVES("F104,F214");
  const auto profile = [&](std::map<std::string, std::string> variables,
                           const std::string& yaml = "") {
    return load_both(yaml, std::move(variables)).settings.profile;
  };
  EXPECT_EQ(profile({{"SECURITY_ENVIRONMENT", "staging"}, {"ENVIRONMENT", "production"}}),
            Profile::staging);
  EXPECT_EQ(profile({{"ENVIRONMENT", "production"}, {"DEBUG", "true"}}), Profile::production);
  EXPECT_EQ(profile({{"DEBUG", "false"}}), Profile::production);
  EXPECT_EQ(profile({{"DEBUG", "TRUE"}}), Profile::development);
  EXPECT_EQ(profile({}, "environment: staging"), Profile::staging);
  EXPECT_EQ(profile({{"ENVIRONMENT", "development"}}, "environment: production"),
            Profile::development);
  EXPECT_EQ(profile({{"DEBUG", "false"}}, "environment: staging"), Profile::staging);
  EXPECT_EQ(profile({}, "debug: false"), Profile::production);
  EXPECT_EQ(profile({{"ENVIRONMENT", "Production"}}), Profile::production);
  const auto bad = load_environment({{"ENVIRONMENT", "prod"}});
  EXPECT_TRUE(mentions(bad.errors, "ENVIRONMENT", "prod")) << all_of(bad.errors);
}

TEST_F(LoaderTest, TheProfileChangesWhatNobodySet) {
  PROVES("F215");
  const auto staging = load_environment(
      {{"ENVIRONMENT", "staging"}, {"JWT_SECRET_KEY", kSecretA}, {"SESSION_SECRET_KEY", kSecretB}});
  EXPECT_EQ(staging.settings.limit_api_address_minute, 100);
  EXPECT_FALSE(staging.settings.require_https);
  const auto loaded = load_environment(production());
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_TRUE(loaded.settings.require_https);
  EXPECT_FALSE(loaded.settings.debug);
  EXPECT_FALSE(
      load_environment(production({{"SECURITY_REQUIRE_HTTPS", "false"}})).settings.require_https);
  const auto explicit_limit =
      load_environment({{"SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE", "100"}});
  EXPECT_EQ(explicit_limit.settings.limit_api_address_minute, 100)
      << "an explicit limit wins over the development profile";
}

// ---- forms of values

TEST_F(LoaderTest, ListsAreCommaListsJsonListsOrYamlLists) {
  PROVES("F049");
  for (const auto& loaded :
       {load_environment({{"ALLOWED_ORIGINS", "https://a.com, https://b.com:8443,"}}),
        load_environment({{"ALLOWED_ORIGINS", R"(["https://a.com","https://b.com:8443"])"}}),
        load_environment({{"CORS_ALLOWED_ORIGINS", "https://a.com,https://b.com:8443"}}),
        load_file("cors: {allowed_origins: [https://a.com, 'https://b.com:8443']}"),
        load_file("cors: {allowed_origins: 'https://a.com,https://b.com:8443'}"),
        load_file("cors:\n  allowed_origins:\n  - https://a.com\n  - https://b.com:8443\n")}) {
    EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
    ASSERT_EQ(loaded.settings.allowed_origins.size(), 2U);
    EXPECT_EQ(loaded.settings.allowed_origins[1].text(), "https://b.com:8443");
    EXPECT_EQ(loaded.settings.sites.front().origins.size(), 2U);
  }
}

TEST_F(LoaderTest, AListThatIsNoneIsAnError) {
  for (const char* text : {"[https://a.com", R"(["https://a.com",1])", R"([["https://a.com"]])",
                           "https://a.com,nonsense", "https://a.com/path"}) {
    const auto loaded = load_environment({{"ALLOWED_ORIGINS", text}});
    EXPECT_TRUE(mentions(loaded.errors, "ALLOWED_ORIGINS")) << text;
  }
  EXPECT_TRUE(mentions(load_file("server: {port: [1, 2]}").errors, "server.port"));
  EXPECT_TRUE(mentions(load_file("cors: {allowed_origins: [[a]]}").errors, "cors.allowed_origins"));
  EXPECT_TRUE(
      mentions(load_file("cors: {allowed_origins: {a: b}}").errors, "cors.allowed_origins"));
}

TEST_F(LoaderTest, DurationsAndSizesHaveUnits) {
  const auto loaded = load_environment({{"STREAM_HEARTBEAT", "500ms"},
                                        {"STREAM_RESUME_GRACE", "2m"},
                                        {"UPSTREAM_IDLE_TIMEOUT", "90"},
                                        {"JWT_EXPIRATION_HOURS", "12"},
                                        {"SESSION_IDLE", "30 M"},
                                        {"LIMITS_CHAT_BODY", "64KiB"},
                                        {"STREAM_BUFFER", "8192"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.stream_heartbeat, Milliseconds{500});
  EXPECT_EQ(loaded.settings.stream_resume_grace, Seconds{120});
  EXPECT_EQ(loaded.settings.upstream_idle_timeout, Seconds{90});
  EXPECT_EQ(loaded.settings.session_life, Seconds{12 * 3600});
  EXPECT_EQ(loaded.settings.session_idle, Seconds{1800});
  EXPECT_EQ(loaded.settings.chat_body_bytes, 65536);
  EXPECT_EQ(loaded.settings.stream_buffer_bytes, 8192);
  for (const char* bad : {"1.5s", "-1s", "1w", "s", "1 s s", "0x10", "9223372036854775807h",
                          "99999999999999999999", "11m"}) {
    EXPECT_TRUE(mentions(load_environment({{"STREAM_HEARTBEAT", bad}}).errors, "STREAM_HEARTBEAT"))
        << bad;
  }
  for (const char* bad : {"64KB", "1.5MiB", "-1", "999999999999GiB", "KiB", "65MiB"}) {
    EXPECT_TRUE(mentions(load_environment({{"LIMITS_CHAT_BODY", bad}}).errors, "LIMITS_CHAT_BODY"))
        << bad;
  }
}

TEST_F(LoaderTest, RateLimitsAcceptOneToABillion) {
  PROVES("F009,F010");
  EXPECT_EQ(load_environment({{"RATE_LIMIT_PER_MINUTE", "1"}}).settings.limit_chat_address_minute,
            1);
  EXPECT_EQ(load_environment({{"RATE_LIMIT_PER_MINUTE", "1000000000"}})
                .settings.limit_chat_address_minute,
            1'000'000'000);
  EXPECT_EQ(load_environment({{"RATE_LIMIT_PER_HOUR", "7"}}).settings.limit_chat_address_hour, 7);
  for (const char* bad :
       {"0", "-1", "1000000001", "60.0", "many", "1e3", "0x3c", "60 per minute"}) {
    const auto loaded = load_environment({{"RATE_LIMIT_PER_MINUTE", bad}});
    EXPECT_TRUE(mentions(loaded.errors, "RATE_LIMIT_PER_MINUTE", bad)) << all_of(loaded.errors);
  }
}

// ---- problems

TEST_F(LoaderTest, EveryProblemIsReportedAtOnceWithItsPlace) {
  PROVES("F217");
  const auto loaded = load_both(
      "server:\n  port: 99999\n  prot: 1\n  host: x\n  host: y\n"
      "limits:\n  chat_address_per_minute: lots\n",
      {{"WORKERS", "-3"}, {"TRUSTED_PROXIES", "10.0.0.0/99"}, {"GUARDS_RATE_MODE", "maybe"}});
  const std::string all = all_of(loaded.errors);
  EXPECT_TRUE(mentions(loaded.errors, "portcullis.yaml:2:9 server.port", "99999")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "portcullis.yaml:3:3 server.prot", "did you mean")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "portcullis.yaml:5:3 server.host", "twice")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "portcullis.yaml:7:28", "lots")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "WORKERS", "-3")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "TRUSTED_PROXIES", "10.0.0.0/99")) << all;
  EXPECT_TRUE(mentions(loaded.errors, "GUARDS_RATE_MODE", "maybe")) << all;
  EXPECT_EQ(loaded.errors.size(), 7U) << all;
}

TEST_F(LoaderTest, SyntaxErrorsAndStrangeShapesAreProblemsAndNoExceptions) {
  for (const char* yaml :
       {"a: [", "- a\n- b", "just text", "server: 5", "server: [1]", "? {a: b}\n: c", "sites: x",
        "sites: [x]", "sites: [{}]", "routes: {}", "routes: [{path: x}]",
        "\tserver:", "a: *missing", "server: {port: {a: 1}}", "x: 1",
        "sites: [{id: a b, origins: [https://a.com]}]", "routes: [{path: /x, enabled: perhaps}]",
        "routes: [{path: /x, guards: {nobody: off}}]"}) {
    EXPECT_FALSE(load_file(yaml).errors.empty()) << yaml;
  }
  EXPECT_FALSE(load_file(std::string(2 << 20, '#')).errors.empty()) << "larger than 1 MiB";
  EXPECT_FALSE(load_file(std::string(20'000, '[')).errors.empty());
  Sources missing;
  missing.file = folder_ + "/absent.yaml";
  missing.environment = [](const std::string&) { return std::nullopt; };
  EXPECT_TRUE(mentions(load(missing).errors, "absent.yaml", "cannot be read"));
  missing.file = folder_;
  EXPECT_FALSE(load(missing).errors.empty()) << "a folder is no file";
}

TEST_F(LoaderTest, AnEmptyFileSetsNothing) {
  for (const char* yaml : {"# nothing\n", "---\n", "{}"}) {
    const auto loaded = load_file(yaml);
    EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
    EXPECT_TRUE(loaded.set.empty());
  }
}

// ---- secrets

TEST_F(LoaderTest, ASecretMayComeFromAFile) {
  const std::string path = write("secret", kSecretA + "\n");
  const auto loaded = load_environment({{"JWT_SECRET_KEY_FILE", path}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.jwt_secrets, std::vector<std::string>{kSecretA});
  const auto not_secret = load_environment({{"SERVER_PORT_FILE", path}});
  EXPECT_TRUE(not_secret.errors.empty()) << "only secrets have a file form";
}

TEST_F(LoaderTest, ASecretWhoseFileIsNoGoodHasOneErrorThatSaysWhy) {
  const std::string good = write("good", kSecretA);
  const std::map<std::string, std::string> bad{
      {folder_ + "/absent", "cannot be read"},
      {folder_, "cannot be read"},
      {write("empty", ""), "is empty"},
      {write("blank", " \r\n\n"), "is empty"},
      {write("large", std::string(64 * 1024 + 1, 'q')), "is larger than 64 KiB"},
      {"/dev/zero", "is larger than 64 KiB"}};
  for (const std::string name : {"JWT_SECRET_KEY", "SESSION_SECRET_KEY"}) {
    for (const auto& [path, message] : bad) {
      auto variables = production();
      variables.erase(name);
      variables[name + "_FILE"] = path;
      const auto loaded = load_environment(variables);
      ASSERT_EQ(loaded.errors.size(), 1U) << all_of(loaded.errors);
      EXPECT_TRUE(mentions(loaded.errors, name + "_FILE", path + " " + message));
    }
    const auto both = load_environment(production({{name + "_FILE", good}}));
    ASSERT_EQ(both.errors.size(), 1U) << all_of(both.errors);
    EXPECT_TRUE(mentions(both.errors, name + "_FILE", "are both set"));
    // A list without an entry is an empty list, and no secret at all must never start.
    const auto nothing = load_environment(production({{name, ","}}));
    EXPECT_FALSE(nothing.errors.empty());
  }
}

TEST_F(LoaderTest, ASecretOf64KiBInAFileIsTaken) {
  std::string longest;
  while (longest.size() < 64 * 1024) longest += kSecretA;
  longest.resize(64 * 1024);
  const auto loaded = load_environment({{"JWT_SECRET_KEY_FILE", write("longest", longest)}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.jwt_secrets, std::vector<std::string>{longest});
}

TEST_F(LoaderTest, ASecretMayBeAListOfWhichTheFirstSigns) {
  const auto loaded = load_environment({{"SESSION_SECRET_KEY", kSecretA + "," + kSecretB}});
  EXPECT_EQ(loaded.settings.session_secrets, (std::vector<std::string>{kSecretA, kSecretB}));
}

TEST_F(LoaderTest, WeakSecretsAreRefusedAndShortOnesWarnedAbout) {
  PROVES("F105,F170,F171");
  for (const std::string& weak :
       {std::string("short"), std::string(31, 'x') + "yz", kSecretA.substr(0, 31),
        std::string("change-me-change-me-change-me-123"), "your-secret-key-" + kSecretA,
        std::string(64, 'a'), std::string("0123456789abcdef0123456789abcdef")}) {
    for (const char* name : {"JWT_SECRET_KEY", "SESSION_SECRET_KEY"}) {
      EXPECT_TRUE(mentions(load_environment({{name, weak}}).errors, name)) << weak;
    }
  }
  const auto shorter = load_environment({{"JWT_SECRET_KEY", kSecretA.substr(0, 40)}});
  EXPECT_TRUE(shorter.errors.empty()) << all_of(shorter.errors);
  EXPECT_TRUE(mentions(shorter.warnings, "JWT_SECRET_KEY", "64"));
  const auto good = load_environment({{"JWT_SECRET_KEY", kSecretA}});
  EXPECT_FALSE(mentions(good.warnings, "JWT_SECRET_KEY"));
}

TEST_F(LoaderTest, NamesOfHeadersAndCookiesAreTokens) {
  const auto good = load_environment(
      {{"CLIENT_ADDRESS_HEADER", "X-Client~IP"}, {"SESSION_COOKIE_NAME", "chat!session"}});
  EXPECT_TRUE(good.errors.empty()) << all_of(good.errors);
  const auto bad = load_environment(
      {{"CLIENT_ADDRESS_HEADER", "X-Client IP"}, {"SESSION_COOKIE_NAME", "chat=session"}});
  EXPECT_TRUE(mentions(bad.errors, "CLIENT_ADDRESS_HEADER", "header"));
  EXPECT_TRUE(mentions(bad.errors, "SESSION_COOKIE_NAME", "cookie"));
}

TEST_F(LoaderTest, OneSecretForTwoUsesIsRefused) {
  const auto loaded = load_environment(
      {{"JWT_SECRET_KEY", kSecretA + "," + kSecretB}, {"SESSION_SECRET_KEY", kSecretB}});
  EXPECT_TRUE(mentions(loaded.errors, "SESSION_SECRET_KEY", "equals"));
}

TEST_F(LoaderTest, OutsideOfDevelopmentSecretsMustBeGiven) {
  PROVES("F105");
  for (const char* profile : {"staging", "production"}) {
    const auto loaded = load_environment({{"ENVIRONMENT", profile}});
    EXPECT_TRUE(mentions(loaded.errors, "JWT_SECRET_KEY", "missing"));
    EXPECT_TRUE(mentions(loaded.errors, "SESSION_SECRET_KEY", "missing"));
  }
}

TEST_F(LoaderTest, NoMessageHoldsASecret) {
  const std::string bad_key = "key with spaces 7f3a9c";
  const auto loaded = load_both("session: {secret_key: " + kSecretB.substr(0, 20) + "}",
                                {{"JWT_SECRET_KEY", kSecretA.substr(0, 20)},
                                 {"N8N_API_KEY", bad_key},
                                 {"REDIS_URL", "redis://:hunter2hunter2@r:6379\x01"}});
  const std::string all = all_of(loaded.errors) + all_of(loaded.warnings);
  EXPECT_GE(loaded.errors.size(), 3U);
  EXPECT_EQ(all.find(kSecretA.substr(0, 20)), std::string::npos) << all;
  EXPECT_EQ(all.find(kSecretB.substr(0, 20)), std::string::npos) << all;
  EXPECT_EQ(all.find("7f3a9c"), std::string::npos) << all;
  EXPECT_EQ(all.find("hunter2"), std::string::npos) << all;
  EXPECT_TRUE(mentions(loaded.warnings, "session.secret_key", "prefer the environment")) << all;
}

TEST_F(LoaderTest, DevelopmentSecretsAreMadeOnceAndKeptToThemselves) {
  auto first = load_environment({{"DATA_DIR", folder_ + "/data"}});
  ensure_development_secrets(first);
  ASSERT_EQ(first.settings.jwt_secrets.size(), 1U);
  ASSERT_EQ(first.settings.session_secrets.size(), 1U);
  EXPECT_NE(first.settings.jwt_secrets[0], first.settings.session_secrets[0]);
  EXPECT_TRUE(weakness_of_secret(first.settings.jwt_secrets[0]).empty());
  using std::filesystem::perms;
  const auto mode = std::filesystem::status(folder_ + "/data/secrets/jwt_secret_key").permissions();
  EXPECT_EQ(mode & (perms::group_all | perms::others_all), perms::none);
  auto second = load_environment({{"DATA_DIR", folder_ + "/data"}});
  ensure_development_secrets(second);
  EXPECT_EQ(second.settings.jwt_secrets, first.settings.jwt_secrets);
  EXPECT_EQ(second.settings.session_secrets, first.settings.session_secrets);
  auto third = load_environment(production({{"DATA_DIR", folder_ + "/other"}}));
  ensure_development_secrets(third);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/other"));
}

// ---- what settings mean together

TEST_F(LoaderTest, ProductionRefusesWhatOnlyDevelopmentMayDo) {
  const auto star = load_environment(production({{"CORS_ALLOWED_ORIGINS", "*"}}));
  EXPECT_TRUE(mentions(star.errors, "ALLOWED_ORIGINS", "production"));
  auto without = production();
  without.erase("N8N_WEBHOOK_URL");
  EXPECT_TRUE(mentions(load_environment(without).errors, "N8N_WEBHOOK_URL"));
  without["UPSTREAM_KIND"] = "demo";
  EXPECT_TRUE(load_environment(without).errors.empty());
  EXPECT_TRUE(mentions(load_environment(production({{"STATE_SIMULATE", "slow"}})).errors,
                       "STATE_SIMULATE"));
}

TEST_F(LoaderTest, ProductionWarnsByTheChecklist) {
  PROVES("F217");
  const auto loaded =
      load_environment(production({{"SECURITY_REQUIRE_HTTPS", "false"},
                                   {"SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "61"},
                                   {"SECURITY_ENABLE_SECURITY_MONITORING", "false"},
                                   {"SECURITY_ENABLE_THREAT_DETECTION", "false"},
                                   {"SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE", "501"},
                                   {"DEBUG", "true"},
                                   {"SECURITY_ENABLE_SECURITY_HEADERS", "false"},
                                   {"SECURITY_ENABLE_INPUT_SANITIZATION", "false"},
                                   {"SECURITY_WEBSOCKET_REQUIRE_AUTH", "false"},
                                   {"GUARDS_ORIGIN_MODE", "monitor"}}));
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  for (const char* place :
       {"SECURITY_REQUIRE_HTTPS", "SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES",
        "SECURITY_ENABLE_SECURITY_MONITORING", "SECURITY_ENABLE_THREAT_DETECTION",
        "SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE", "DEBUG", "SECURITY_ENABLE_SECURITY_HEADERS",
        "SECURITY_ENABLE_INPUT_SANITIZATION", "SECURITY_WEBSOCKET_REQUIRE_AUTH",
        "guards.origin.mode"}) {
    EXPECT_TRUE(mentions(loaded.warnings, place)) << place << "\n" << all_of(loaded.warnings);
  }
  for (const char* place : {"TRUSTED_PROXIES", "PUBLIC_URL"}) {
    EXPECT_TRUE(mentions(load_environment(production()).warnings, place)) << place;
  }
  const auto complete = load_environment(
      production({{"TRUSTED_PROXIES", "10.0.0.1"}, {"PUBLIC_URL", "https://chat.example"}}));
  EXPECT_TRUE(complete.warnings.empty()) << all_of(complete.warnings);
}

TEST_F(LoaderTest, AKeyThatTravelsUnencryptedIsWarnedAbout) {
  const auto warned = [&](const char* url) {
    return mentions(
        load_environment({{"N8N_WEBHOOK_URL", url}, {"N8N_API_KEY", "abcdef"}}).warnings,
        "N8N_API_KEY");
  };
  EXPECT_TRUE(warned("http://n8n.example/webhook/x"));
  EXPECT_FALSE(warned("https://n8n.example/webhook/x"));
  EXPECT_FALSE(warned("http://127.0.0.1:5678/webhook/x"));
}

TEST_F(LoaderTest, SitesHaveOriginsUpstreamsAndLimitsOfTheirOwn) {
  const auto loaded = load_both(
      "sites:\n- id: shop\n  origins: [https://shop.example]\n"
      "  upstream: {kind: n8n, url: 'http://127.0.0.1:5678/webhook/shop'}\n"
      "  history: off\n  limits: {per_minute: 5, session_per_minute: 7}\n",
      {{"ALLOWED_ORIGINS", "https://www.example.com"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  ASSERT_EQ(loaded.settings.sites.size(), 2U);
  const auto& shop = loaded.settings.sites[1];
  EXPECT_EQ(loaded.settings.sites[0].id, "default");
  EXPECT_EQ(shop.id, "shop");
  EXPECT_EQ(shop.upstream.kind, UpstreamKind::n8n);
  EXPECT_EQ(shop.history, HistoryMode::off);
  EXPECT_EQ(shop.limits.at("per_minute"), 5);
  EXPECT_EQ(shop.limits.at("session_per_minute"), 7);
  EXPECT_EQ(shop.limits.size(), 2U);
}

TEST_F(LoaderTest, SitesJudgeWhoPresentsTheirSessionsInTheirOwnWay) {
  const auto shop_of = [&](const std::string& risk, std::map<std::string, std::string> variables) {
    return load_both("sites: [{id: shop, origins: [https://a.com], session_risk: " + risk + "}]",
                     std::move(variables));
  };
  const auto loaded = shop_of("{mode: off, alert: 30}", {{"SESSION_RISK", "monitor"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.session_risk, Mode::monitor);
  EXPECT_EQ(loaded.settings.session_risk_alert, 50);
  EXPECT_EQ(loaded.settings.session_risk_deny, 75);
  const auto& risk = loaded.settings.sites[1].session_risk;
  EXPECT_EQ(risk.mode, Mode::off);
  EXPECT_EQ(risk.alert, 30);
  EXPECT_FALSE(risk.deny);
  for (const char* wrong : {"{mode: perhaps}", "{alert: 0}", "{deny: 101}", "{colour: red}", "off",
                            "{alert: 76}", "{deny: 49}"}) {
    EXPECT_FALSE(shop_of(wrong, {}).errors.empty()) << wrong;
  }
  EXPECT_TRUE(shop_of("{deny: 76}", {{"SESSION_RISK_ALERT", "75"}}).errors.empty());
  EXPECT_FALSE(load_environment({{"SESSION_RISK_ALERT", "76"}}).errors.empty());
  EXPECT_FALSE(load_environment({{"SESSION_RISK", "perhaps"}}).errors.empty());
}

TEST_F(LoaderTest, SitesSayForThemselvesHowTheirUsersAreKnown) {
  const std::string good = "q8Zr3mXv5Kp0Lw7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5aaaaaaaaaaaaaaaaaaaaaaaaa";
  const auto shop_of = [&](const std::string& identity,
                           std::map<std::string, std::string> variables = {}) {
    return load_both(
        "sites: [{id: shop, origins: [https://a.com], visitor_identity: " + identity + "}]",
        std::move(variables));
  };
  const auto loaded = shop_of("{secret: " + good + ", issuer: shop, max_life: 120, required: true}",
                              {{"VISITOR_IDENTITY_KEY_FILE", "/k"},
                               {"VISITOR_IDENTITY_ISSUER", "main"},
                               {"VISITOR_IDENTITY_MAX_LIFE", "5m"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  const auto& main = loaded.settings.sites[0].visitor_identity;
  EXPECT_EQ(main.key_file, "/k");
  EXPECT_EQ(main.max_life, Seconds{300});
  EXPECT_TRUE(main.secret.empty()) << "nobody has another's";
  const auto& shop = loaded.settings.sites[1].visitor_identity;
  EXPECT_EQ(shop.secret, good);
  EXPECT_EQ(shop.audience, "portcullis");
  EXPECT_EQ(shop.max_life, Seconds{120});
  EXPECT_TRUE(shop.required);
  for (const std::string wrong :
       {"{required: true}", "{secret: short, issuer: a}", "{form: hash}", "{form: md5}",
        "{colour: red}", "{secret: your-secret-your-secret-your-secret-1234567890, issuer: a}",
        "{key_file: /k}", "{max_life: 5, key_file: /k, issuer: a}", "{required: maybe}"}) {
    EXPECT_FALSE(shop_of(wrong).errors.empty()) << wrong;
  }
  EXPECT_FALSE(shop_of("{secret: " + good + "}").errors.empty()) << "of which issuer?";
  EXPECT_FALSE(shop_of("{secret: " + good + ", key_file: /k, issuer: a}").errors.empty());
  EXPECT_FALSE(
      shop_of("{secret: " + good + ", issuer: a}", {{"SESSION_SECRET_KEY", good}}).errors.empty())
      << "the site's server would know the gateway's";
  const auto hashes = shop_of("{secret: " + good + ", form: hash}");
  EXPECT_TRUE(hashes.errors.empty()) << all_of(hashes.errors);
  EXPECT_NE(all_of(hashes.warnings).find("for ever"), std::string::npos);
  EXPECT_EQ(all_of(shop_of("{secret: tooshort, issuer: a}").errors).find("tooshort"),
            std::string::npos);
}

TEST_F(LoaderTest, SitesBindTheirSessionsToKeysOrNot) {
  const auto loaded = load_both(
      "sites: [{id: shop, origins: [https://a.com], proof_of_possession: off}, {id: bank, origins: "
      "[https://b.com]}]",
      {{"SESSION_PROOF_OF_POSSESSION", "require"}});
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.proof_of_possession, ProofOfPossession::require);
  EXPECT_EQ(loaded.settings.sites[1].proof_of_possession, ProofOfPossession::off);
  EXPECT_FALSE(loaded.settings.sites[2].proof_of_possession);
  EXPECT_FALSE(
      load_file("sites: [{id: shop, origins: [https://a.com], proof_of_possession: maybe}]")
          .errors.empty());
}

TEST_F(LoaderTest, RoutesHaveACostAndAWindowOfTheirOwn) {
  const auto loaded = load_file(
      "routes:\n- path: /api/health\n  cost: 5\n  limits: {address_per_minute: 20}\n"
      "- path: /api/test\n");
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  EXPECT_EQ(loaded.settings.routes[0].cost, 5);
  EXPECT_EQ(loaded.settings.routes[0].address_per_minute, 20);
  EXPECT_EQ(loaded.settings.routes[1].cost, 1);
  EXPECT_FALSE(loaded.settings.routes[1].address_per_minute);
  for (const char* wrong : {"cost: 0", "cost: 1001", "cost: [1]", "limits: {per_minute: 5}",
                            "limits: {address_per_minute: none}"}) {
    EXPECT_FALSE(
        load_file("routes:\n- path: /api/health\n  " + std::string(wrong) + "\n").errors.empty())
        << wrong;
  }
}

TEST_F(LoaderTest, SitesThatClashAreErrors) {
  const std::string shop = "{id: shop, origins: [https://a.com]}";
  for (const std::string& yaml :
       {"sites: [" + shop + ", {id: shop, origins: [https://b.com]}]",
        "sites: [" + shop + ", {id: other, origins: [https://a.com]}]",
        std::string("sites: [{id: default, origins: [https://a.com]}]"),
        std::string("sites: [{id: x}]"), std::string("sites: [{origins: [https://a.com]}]"),
        std::string("sites: [{id: x, origins: [nonsense]}]"),
        std::string("sites: [{id: x, origins: [https://a.com], limits: {per_minute: 0}}]"),
        std::string("sites: [{id: x, origins: [https://a.com], limits: {per_hour: 1}}]"),
        std::string("sites: [{id: x, origins: [https://a.com], upstream: {kind: n8n}}]"),
        std::string("sites: [{id: x, origins: [https://a.com], upstream: {url: 'ftp://x'}}]"),
        std::string("sites: [{id: x, origins: [https://a.com], colour: red}]"),
        std::string("sites: [{id: x, origins: [https://a.com], history: perhaps}]")}) {
    EXPECT_FALSE(load_file(yaml).errors.empty()) << yaml;
  }
}

TEST_F(LoaderTest, AnApiKeyOfASiteHasVisibleCharactersOnlyToo) {
  const auto loaded = load_file(
      "sites: [{id: x, origins: [https://a.com], upstream: {url: 'http://127.0.0.1/x', "
      "api_key: \"a\\r\\nX-Evil: b\"}}]");
  EXPECT_TRUE(mentions(loaded.errors, "api_key")) << all_of(loaded.errors);
}

TEST_F(LoaderTest, RoutesCanBeSwitchedOffAndGuardsTuned) {
  const auto loaded = load_file(
      "routes:\n- {path: /health, enabled: false}\n- {path: /x, guards: {rate: monitor}}");
  EXPECT_TRUE(loaded.errors.empty()) << all_of(loaded.errors);
  ASSERT_EQ(loaded.settings.routes.size(), 2U);
  EXPECT_FALSE(loaded.settings.routes[0].enabled);
  EXPECT_EQ(loaded.settings.routes[1].guard_modes.at("rate"), Mode::monitor);
}

// ---- the table

TEST(SettingsTable, EverySettingHasADefaultThatItAccepts) {
  Settings settings;
  for (const auto& setting : settings_table()) {
    EXPECT_FALSE(setting.text.empty()) << setting.path;
    EXPECT_FALSE(setting.env.empty()) << setting.path;
    if (setting.default_text.empty() || setting.type.starts_with("list")) continue;
    RawValue raw;
    raw.items.push_back(setting.default_text);
    EXPECT_TRUE(setting.store(settings, raw)) << setting.path;
    EXPECT_EQ(setting.show(settings), setting.default_text) << setting.path;
  }
}

TEST(SettingsTable, NoTwoSettingsShareAPathOrAName) {
  std::map<std::string, std::string> names;
  for (const auto& setting : settings_table()) {
    EXPECT_EQ(find_setting(setting.path), &setting);
    for (const auto& name : setting.env) {
      EXPECT_TRUE(names.emplace(name, setting.path).second)
          << name << " of " << setting.path << " and " << names[name];
    }
  }
  EXPECT_EQ(find_setting("nothing"), nullptr);
}

TEST(WebhookPath, MeansOneThingToEveryReader) {
  for (const char* path : {"/webhook/a", "/webhook/5f1c-0a/chat", "/webhook-test/a_b.c~d"}) {
    EXPECT_TRUE(is_webhook_path(path)) << path;
  }
  for (const char* path :
       {"", "/", "/webhook", "/webhook/", "/webhook//a", "/webhook/a/", "/webhook/../a",
        "/webhook/a/./b", "/webhook/a?b", "/webhook/%61", "/webhook/a b", "/rest/a",
        "/webhook-waiting/a", "webhook/a", "/n8n/webhook/a", "/webhook/a;b", "/webhook/a\\b"}) {
    EXPECT_FALSE(is_webhook_path(path)) << path;
  }
  EXPECT_FALSE(is_webhook_path("/webhook/" + std::string(200, 'a')));
}

TEST(Texts, AreReadByLanguageAndCode) {
  const auto content = parse_yaml(
      "texts: {DE: {RATE_LIMITED: Langsam}}\nsites: [{id: a, origins: [https://a.example], "
      "texts: {fr: {RATE_LIMITED: Doucement}}}]",
      "f");
  EXPECT_TRUE(content.errors.empty());
  EXPECT_EQ(content.texts.at("de").at("RATE_LIMITED"), "Langsam");
  EXPECT_EQ(content.sites.at(0).texts.at("fr").at("RATE_LIMITED"), "Doucement");
  for (const std::string& text :
       {std::string("texts: {de: {A: ''}}"), "texts: {de: {A: " + std::string(501, 'x') + "}}",
        std::string("texts: {de: x}"), std::string("texts: {de: {A: x, A: y}}"),
        std::string("texts: [a]")}) {
    EXPECT_FALSE(parse_yaml(text, "f").errors.empty()) << text;
  }
}

TEST_F(LoaderTest, AMisspeltVariableIsWarnedOf) {
  Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  sources.names = [] {
    return std::vector<std::string>{"RATE_LIMIT_PER_MINUT",
                                    "SESSION_SECRET_KEYS_FILE",
                                    "RATE_LIMIT_PER_MINUTE",
                                    "PATH",
                                    "LOG_LEVEK",
                                    "HTTP_PROXY"};
  };
  const auto loaded = load(sources);
  EXPECT_TRUE(mentions(loaded.warnings, "RATE_LIMIT_PER_MINUT", "mean RATE_LIMIT_PER_MINUTE?"));
  EXPECT_TRUE(mentions(loaded.warnings, "SESSION_SECRET_KEYS_FILE", "mean SESSION_SECRET_KEY?"));
  EXPECT_TRUE(mentions(loaded.warnings, "LOG_LEVEK", "mean LOG_LEVEL?"));
  EXPECT_FALSE(mentions(loaded.warnings, "PATH", "is no setting"));
  EXPECT_FALSE(mentions(loaded.warnings, "HTTP_PROXY", "is no setting"));
}

TEST_F(LoaderTest, AWrongRedisUrlIsSaidToBeWrongInWhatAndNotRepeated) {
  const auto loaded = load_environment({{"REDIS_URL", "redis://user:hush@host:99999"}});
  EXPECT_TRUE(mentions(loaded.errors, "REDIS_URL", "has a port that is no number"));
  EXPECT_EQ(all_of(loaded.errors).find("hush"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::config
