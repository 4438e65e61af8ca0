#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
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
/// and what was revoked is told to the state that all nodes share. Where their database is away it
/// looks on, and says once that it went and that it came.
///
/// Threads:   open(), start() and stop() on the main thread; the others any.
/// Ownership: stop() before the workers end; the state outlives it.
class Accounts {
 public:
  /// Reads what is there. @returns what is wrong with the file; a database elsewhere may be away.
  static Result<std::unique_ptr<Accounts>> open(const config::Settings& settings,
                                                state::Store& state, observe::Log& log);
  ~Accounts() { stop(); }

  /// Where nobody has an account: makes "admin", with a password that is to be shown once.
  Result<std::optional<std::string>> make_first_admin();

  /// Begins to watch; what it finds is told on this worker. `when_read`: called once, on the thread
  /// that watches, when accounts have been read after they could not be at the start.
  void start(net::Worker& worker, std::function<void()> when_read = {});
  /// Whether they have been read since the start; from any thread, as the next two.
  bool is_known() const noexcept { return directory_.is_known(); }
  /// In a database that other nodes share.
  bool is_elsewhere() const noexcept { return elsewhere_; }
  /// Whether they could be read when that was tried last, half a second ago, and written within
  /// the last minute.
  bool up() const noexcept { return readable_ && writable_; }
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
  void look();
  void tell(std::vector<state::Revocation> revoked);
  Result<void> keep(WallTime now);
  void note(std::atomic<bool>& works, const Result<void>& result);

  const std::unique_ptr<identity::AccountStore> store_;
  state::Store& state_;
  observe::Log& log_;
  identity::Directory directory_;
  net::Background calls_;
  net::Background hashing_;
  std::int64_t version_ = -1;
  std::int64_t last_revocation_ = 0;
  bool elsewhere_ = false;
  bool read_ = false;
  std::atomic<bool> readable_{true};
  std::atomic<bool> writable_{true};
  WallTime kept_;
  std::atomic<bool> retell_{false};
  std::function<void()> when_read_;
  net::Worker* worker_ = nullptr;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace portcullis::gateway
