#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "config/settings.hpp"
#include "identity/account_store.hpp"
#include "identity/directory.hpp"
#include "identity/passwords.hpp"
#include "net/background.hpp"
#include "observe/log.hpp"
#include "state/store.hpp"

namespace portcullis::gateway {

/// The accounts of this process, and the threads that they are asked on. A thread of its own looks
/// twice a second whether anybody, such as the command line, has changed them: keys are renewed,
/// and what was revoked is told to the state that all nodes share.
///
/// Threads:   open(), start() and stop() on the main thread; the others any.
/// Ownership: stop() before the workers end; the state outlives it.
class Accounts {
 public:
  /// Reads what is there. @returns what is wrong with the file.
  static Result<std::unique_ptr<Accounts>> open(const config::Settings& settings,
                                                state::Store& state, observe::Log& log);
  ~Accounts() { stop(); }

  /// Where nobody has an account: makes "admin", with a password that is shown once.
  Result<std::optional<std::string>> make_first_admin();

  /// Begins to watch; what it finds is told on this worker.
  void start(net::Worker& worker);
  /// What is shared may have lost what it was told: tells all of it again, soon. From any thread.
  void retell() noexcept { retell_ = true; }
  void stop();

  identity::AccountStore& store() noexcept { return *store_; }
  const identity::Directory& directory() const noexcept { return directory_; }
  net::Background& calls() noexcept { return calls_; }
  net::Background& hashing() noexcept { return hashing_; }

 private:
  Accounts(std::unique_ptr<identity::AccountStore> store, state::Store& state, observe::Log& log);
  void watch();
  Result<std::vector<state::Revocation>> news();
  void keep(WallTime now);
  void complain(const Error& error);

  const std::unique_ptr<identity::AccountStore> store_;
  state::Store& state_;
  observe::Log& log_;
  identity::Directory directory_;
  net::Background calls_;
  net::Background hashing_;
  std::int64_t version_ = -1;
  std::int64_t last_revocation_ = 0;
  bool complained_ = false;
  std::atomic<bool> retell_{false};
  net::Worker* worker_ = nullptr;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace portcullis::gateway
