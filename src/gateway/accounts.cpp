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
  // Nothing that was revoked before may pass while the first look is awaited.
  TRY(const auto revoked, out->news());
  for (const auto& revocation : revoked) (void)state.revoke(revocation);
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

void Accounts::start(net::Worker& worker) {
  worker_ = &worker;
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
  WallTime kept = Clock::system().wall();
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, kLookEvery, [this] { return stopped_; })) {
    lock.unlock();
    auto revoked = news();
    if (!revoked) {
      complain(revoked.error());
    } else if (!revoked->empty()) {
      worker_->post([this, revoked = *std::move(revoked)] {
        spawn([](state::Store& state, std::vector<state::Revocation> all) -> Task<void> {
          for (const auto& one : all) (void)co_await state.revoke(one);
        }(state_, revoked));
      });
    }
    if (const WallTime now = Clock::system().wall(); now >= kept + kKeepEvery || now < kept) {
      kept = now;
      keep(now);
    }
    lock.lock();
  }
}

/// What was revoked since the last look; renews keys where anything was changed.
Result<std::vector<state::Revocation>> Accounts::news() {
  std::vector<state::Revocation> out;
  TRY(const auto version, store_->version());
  if (version == version_ && !retell_) return out;
  if (auto renewed = directory_.renew(*store_); !renewed) return std::unexpected(renewed.error());
  auto last = retell_.exchange(false) ? 0 : last_revocation_;
  while (true) {
    TRY(const auto page, store_->revocations(last, identity::AccountStore::kMaxPage));
    for (const auto& one : page) {
      out.push_back(identity::revocation_of(one));
      last = one.number;
    }
    if (page.size() < identity::AccountStore::kMaxPage) break;
  }
  // What is changed from here on is seen at the next look.
  version_ = version;
  last_revocation_ = last;
  complained_ = false;
  return out;
}

void Accounts::keep(WallTime now) {
  for (const auto& [id, used] : directory_.take_uses()) (void)store_->touch_api_key(id, used);
  const auto families = store_->purge_families(now);
  const auto revocations = store_->purge_revocations(now);
  if (!families) complain(families.error());
  if (!revocations) complain(revocations.error());
}

/// Once until it works again.
void Accounts::complain(const Error& error) {
  if (std::exchange(complained_, true)) return;
  log_.write(observe::Level::error, "accounts cannot be read or written",
             {{"reason", error.detail}});
}

}  // namespace portcullis::gateway
