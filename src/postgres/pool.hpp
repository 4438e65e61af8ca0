#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "postgres/session.hpp"

namespace portcullis::postgres {

/// The sessions of this process with one database.
///
/// While the server is away one call at a time looks for it, a few times a second; the others fail
/// at once, so that a queue of them does not wait once for each.
///
/// Threads: any.
/// Bounds:  Options::connections sessions; who finds all in use waits until its deadline.
class Pool {
 public:
  explicit Pool(Options options) : options_(std::move(options)) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// A session on loan. It is closed when it goes out of scope, unless it has been kept.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Session> session, bool used) noexcept
        : pool_(&pool), session_(std::move(session)), used_(used) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (session_) pool_->close(std::move(session_));
    }
    Session& operator*() const noexcept { return *session_; }
    Session* operator->() const noexcept { return session_.get(); }
    /// Whether it served before, and so may have been lost since.
    bool used() const noexcept { return used_; }
    /// For the next one. REQUIRES: no transaction is open.
    void keep() { pool_->give_back(std::move(session_)); }

   private:
    Pool* pool_;
    std::unique_ptr<Session> session_;
    bool used_;
  };

  /// @returns unavailable where the server cannot be reached, exhausted where all are in use.
  Result<Lease> take(MonotonicTime deadline);
  /// The server does not answer: what is known of it is old.
  void mark_away(const Error& error);
  /// Closes those that nobody uses.
  void drop_idle();

  const Options& options() const noexcept { return options_; }

 private:
  struct Idle {
    std::unique_ptr<Session> session;
    MonotonicTime since;
  };
  std::unique_ptr<Session> take_idle(std::unique_lock<std::mutex>& lock);
  Result<Lease> connect(std::unique_lock<std::mutex>& lock, MonotonicTime deadline);
  void give_back(std::unique_ptr<Session> session);
  void close(std::unique_ptr<Session> session);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Idle> idle_;  ///< the last used last, so that few are kept warm
  unsigned open_ = 0;       ///< idle, on loan and being connected
  std::optional<Error> away_;
  bool looking_ = false;
  MonotonicTime rest_until_;
};

}  // namespace portcullis::postgres
