#include "gateway/runtime.hpp"

#include <gtest/gtest.h>

#include "config/loader.hpp"
#include "state/memory_store.hpp"

namespace portcullis::gateway {
namespace {

/// Builds one configuration after the other as reloads do: each may take over what the one in force
/// has.
class RuntimeTest : public testing::Test {
 protected:
  Result<std::shared_ptr<const Runtime>> make(const std::string& url, std::string ca_file = {}) {
    std::unordered_map<std::string, std::string> variables{
        {"N8N_WEBHOOK_URL", url},
        {"UPSTREAM_CA_FILE", std::move(ca_file)},
        {"JWT_SECRET_KEY", std::string(64, 'j')},
        {"SESSION_SECRET_KEY", std::string(64, 's')}};
    if (!captcha_secret_.empty()) {
      variables.insert({{"BOT_CHALLENGE", "turnstile"},
                        {"BOT_CHALLENGE_SITE_KEY", "key"},
                        {"BOT_CHALLENGE_SECRET", captcha_secret_}});
    }
    config::Sources sources;
    sources.environment = [&](const std::string& name) {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
    const Assistants none;
    const Assistants& in_force = in_force_ ? in_force_->assistants() : none;
    const Captchas no_captchas;
    const Captchas& captchas = in_force_ ? in_force_->captchas() : no_captchas;
    const ServiceGroups groups;
    const Lasting lasting{log_,    metrics_, sink_,       store_,   blocks_,  in_flight_, sockets_,
                          trails_, hub_,     forwarding_, in_force, captchas, groups,     nullptr,
                          nullptr, 1};
    return Runtime::make(
        config::load(sources).settings, lasting,
        {"1", WallTime{}, [] { return false; }, [] { return std::string_view("disabled"); },
         [] { return std::string_view("disabled"); }, [] { return state::StoreFigures{}; },
         [](routes::Audience) { return std::vector<std::string>{}; }});
  }
  void put_in_force(const std::string& url) {
    auto made = make(url);
    ASSERT_TRUE(made) << made.error().detail;
    in_force_ = *std::move(made);
  }
  std::weak_ptr<upstream::Assistant> assistant() const {
    return in_force_->assistants().begin()->second;
  }

  std::string captcha_secret_;  ///< empty: no captchas
  observe::Log log_{observe::Level::critical, observe::LogFormat::text};
  observe::Metrics metrics_;
  audit::LogSink sink_{log_, metrics_};
  state::MemoryStore store_{{.max_limiter_keys = 1000}};
  state::BlockTable blocks_{1};
  http::InFlight in_flight_;
  http::websocket::Census sockets_;
  guards::Trails trails_;
  chat::StreamHub hub_{{}};
  guards::ForwardingWarning forwarding_{log_};
  std::shared_ptr<const Runtime> in_force_;
};

TEST_F(RuntimeTest, AnAssistantThatDidNotChangeIsTakenOver) {
  put_in_force("http://127.0.0.1:1/a");
  const auto before = assistant().lock();
  put_in_force("http://127.0.0.1:1/a");
  EXPECT_EQ(assistant().lock(), before);
}

TEST_F(RuntimeTest, AReplacedAssistantGoesWithTheLastConfigurationThatHasIt) {
  put_in_force("http://127.0.0.1:1/a");
  const auto replaced = assistant();
  auto under_way = in_force_;
  put_in_force("http://127.0.0.1:1/b");
  EXPECT_EQ(in_force_->assistants().size(), 1U);
  EXPECT_NE(assistant().lock(), replaced.lock());
  EXPECT_FALSE(replaced.expired()) << "an exchange still uses it";
  under_way.reset();
  EXPECT_TRUE(replaced.expired());
}

TEST_F(RuntimeTest, AProviderOfCaptchasIsTakenOverUntilItsKeysChange) {
  put_in_force("http://127.0.0.1:1/a");
  EXPECT_TRUE(in_force_->captchas().empty());
  captcha_secret_ = "one";
  put_in_force("http://127.0.0.1:1/a");
  ASSERT_EQ(in_force_->captchas().size(), 1U);
  const auto before = in_force_->captchas().begin()->second;
  put_in_force("http://127.0.0.1:1/b");
  EXPECT_EQ(in_force_->captchas().begin()->second, before);
  captcha_secret_ = "two";
  put_in_force("http://127.0.0.1:1/b");
  ASSERT_EQ(in_force_->captchas().size(), 1U);
  EXPECT_NE(in_force_->captchas().begin()->second, before);
}

TEST_F(RuntimeTest, AConfigurationThatFailsLeavesTheAssistantsAsTheyAre) {
  put_in_force("http://127.0.0.1:1/a");
  EXPECT_FALSE(make("https://127.0.0.1:1/a", "/nowhere/ca.pem"));
  ASSERT_EQ(in_force_->assistants().size(), 1U);
  EXPECT_NE(assistant().lock(), nullptr);
}

}  // namespace
}  // namespace portcullis::gateway
