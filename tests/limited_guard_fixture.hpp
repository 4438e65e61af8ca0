#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "default_settings.hpp"
#include "guards/rate/charges.hpp"
#include "http/in_flight.hpp"
#include "identity/captcha_verifier.hpp"
#include "pipeline/route.hpp"
#include "state/memory_store.hpp"

namespace portcullis::guards {

/// What guards that limit are made of, in memory and by a clock that a test moves.
class LimitedGuardFixture : public testing::Test {
 protected:
  using Captchas = std::vector<std::shared_ptr<identity::CaptchaVerifier>>;

  explicit LimitedGuardFixture(config::Settings settings = default_settings(),
                               Captchas captchas = {})
      : settings_(std::move(settings)), captchas_(std::move(captchas)) {
    site_.id = "default";
    site_.limits = pipeline::Limits::of(settings_, {});
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  config::Settings settings_;
  observe::Metrics metrics_;
  state::MemoryStore store_{{}, clock_};
  state::BlockTable blocks_{100, clock_};
  http::InFlight in_flight_;
  const Captchas captchas_;
  const LimitParts parts_{store_,   blocks_, in_flight_, metrics_, "a secret of this test",
                          captchas_};
  pipeline::Site site_;
  pipeline::Route route_;
};

}  // namespace portcullis::guards
