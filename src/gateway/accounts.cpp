#include "gateway/accounts.hpp"

#include <pthread.h>

#include "base/base32.hpp"
#include "crypto/digest.hpp"
#include "identity/from_settings.hpp"
#include "identity/revocations.hpp"

namespace portcullis::gateway {
namespace {

constexpr Milliseconds kLookEvery{500};
/// How often uses of keys are written down, and what is over is forgotten.
constexpr Seconds kKeepEvery{60};
/// Logins that wait for their password to be looked at; each takes about a fifth of a second.
constexpr std::size_t kWaitingHashes = 32;
constexpr std::size_t kWaitingCalls = 256;
/// 120 random bits need no slow hash; at the first login it is hashed anew as the settings say.
constexpr std::size_t kFirstPasswordBytes = 15;

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(const config::Settings& settings,
                                                 state::Store& state, observe::Log& log) {
  TRY(auto store, identity::open_account_store(settings));
  std::unique_ptr<Accounts> out(new Accounts(std::move(store), state, log));
  out->elsewhere_ = !settings.database_url.empty();
  // Nothing that was revoked before may pass while the first look is awaited.
  const auto revoked = out->news();
  if (revoked) {
    for (const auto& revocation : *revoked) (void)state.revoke(revocation);
    out->directory_.set_known();
    out->read_ = true;
    return out;
  }
  // A file is ours to mend; of a database elsewhere only a schema that is not ours is no passing
  // matter.
  if (!out->elsewhere_ || revoked.error().code == ErrorCode::malformed) {
    return std::unexpected(revoked.error());
  }
  out->note(out->readable_, std::unexpected(revoked.error()));
  return out;
}

Accounts::Accounts(std::unique_ptr<identity::AccountStore> store, state::Store& state,
                   observe::Log& log)
    : store_(std::move(store)),
      state_(state),
      log_(log),
      calls_({.name = "accounts", .threads = 2, .queue = kWaitingCalls}),
      hashing_({.name = "passwords",
                .threads = net::Background::half_of_cores(),
                .queue = kWaitingHashes,
                .priority = net::Background::Priority::idle}) {}

Result<std::optional<std::string>> Accounts::make_first_admin() {
  TRY(const auto page, store_->users("", 1));
  if (!page.users.empty()) return std::nullopt;
  TRY(const auto passwords, identity::Passwords::make({.cost = identity::Passwords::kMinCost}));
  std::string password = text::base32(crypto::random_bytes(kFirstPasswordBytes));
  TRY(auto hash, passwords.hash(password));
  identity::NewUser admin{.name = "admin",
                          .password_hash = std::move(hash),
                          .grants = {{identity::Role::admin, std::string(identity::kEverySite)}}};
  TRY(const auto added, store_->add_user(admin, Clock::system().wall()));
  if (!added) return std::nullopt;
  return password;
}

void Accounts::start(net::Worker& worker, std::function<void()> when_read) {
  worker_ = &worker;
  when_read_ = std::move(when_read);
  thread_ = std::thread([this] { watch(); });
}

void Accounts::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
  calls_.stop();
  hashing_.stop();
}

void Accounts::watch() {
  pthread_setname_np(pthread_self(), "accounts-watch");
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, kLookEvery, [this] { return stopped_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void Accounts::look() {
  auto revoked = news();
  if (!revoked) return note(readable_, std::unexpected(revoked.error()));
  note(readable_, {});
  const bool first = !std::exchange(read_, true);
  if (first || !revoked->empty()) tell(*std::move(revoked));
  if (first && when_read_) when_read_();
  const WallTime now = Clock::system().wall();
  if (now < kept_ + kKeepEvery && now >= kept_ && writable_) return;
  kept_ = now;
  note(writable_, keep(now));
}

/// Only once all of them are told is nothing that was revoked let through.
void Accounts::tell(std::vector<state::Revocation> revoked) {
  worker_->post([this, revoked = std::move(revoked)] {
    spawn([](state::Store& state, identity::Directory& directory,
             std::vector<state::Revocation> all) -> Task<void> {
      for (const auto& one : all) (void)co_await state.revoke(one);
      directory.set_known();
    }(state_, directory_, revoked));
  });
}

/// What was revoked since the last look; renews keys where anything was changed.
Result<std::vector<state::Revocation>> Accounts::news() {
  std::vector<state::Revocation> out;
  TRY(const auto version, store_->version());
  if (version == version_ && !retell_) return out;
  if (auto renewed = directory_.renew(*store_); !renewed) return std::unexpected(renewed.error());
  // A replica that took over may lack what was written last, and give its numbers out again.
  const bool went_back = version < version_;
  const bool retell = retell_.exchange(false);
  auto last = retell || went_back ? 0 : last_revocation_;
  while (true) {
    const auto page = store_->revocations(last, identity::AccountStore::kMaxPage);
    if (!page) {
      if (retell) retell_ = true;
      return std::unexpected(page.error());
    }
    for (const auto& one : *page) {
      out.push_back(identity::revocation_of(one));
      last = one.number;
    }
    if (page->size() < identity::AccountStore::kMaxPage) break;
  }
  // What is changed from here on is seen at the next look.
  version_ = version;
  last_revocation_ = last;
  return out;
}

Result<void> Accounts::keep(WallTime now) {
  TRY([[maybe_unused]] const auto families, store_->purge_families(now));
  TRY([[maybe_unused]] const auto revocations, store_->purge_revocations(now));
  for (const auto& [id, used] : directory_.take_uses()) {
    const auto noted = store_->touch_api_key(id, used);
    // A key may be gone by now.
    if (!noted && noted.error().code != ErrorCode::not_found) return noted;
  }
  return {};
}

/// Says it once for each time that it goes or comes.
void Accounts::note(std::atomic<bool>& works, const Result<void>& result) {
  const bool worked = works.exchange(result.has_value());
  const std::string_view what = &works == &readable_ ? "read" : "written";
  if (!result && worked) {
    log_.write(observe::Level::error, "accounts cannot be " + std::string(what),
               {{"reason", result.error().detail}});
  } else if (result && !worked) {
    log_.write(observe::Level::info, "accounts can be " + std::string(what) + " again");
  }
}

}  // namespace portcullis::gateway
