#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "upstream/health_check.hpp"

namespace portcullis::upstream {

struct ServiceGroupOptions {
  std::string name;
  std::vector<HttpServiceOptions> targets{};  ///< at least one
  std::optional<HealthOptions> health{};      ///< none: nobody asks
  /// So long a target that has recovered takes its share up slowly, from a tenth on.
  Milliseconds slow_start{0};
};

/// A service that several targets provide. A request goes to the one of two chosen by chance that
/// has fewer under way, so that a slow target gets less and no herd follows a fast one. A target
/// whose breaker is open gets none but probes, and one that is unwell none while another is well.
/// Callers are told apart by a number, so that none of
/// them takes a service from the others, by failures or by how long he makes it wait.
///
/// Threads:   any worker; pools belong to their worker, breakers and counts are shared.
/// Ownership: as an Assistant: the last configuration that has it lets it go, after retire() on
///            each worker.
/// Source:    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001; the slow
///            start is that of Envoy with an aggression of 1.
class ServiceGroup {
 public:
  /// @returns invalid_input for a URL or a file that cannot be used.
  /// A caller has at most a quarter of their connections at a time.
  static Result<std::shared_ptr<ServiceGroup>> make(ServiceGroupOptions options,
                                                    observe::Metrics& metrics, observe::Log& log);

  /// From now on its targets are asked whether they are well, by this worker.
  void start_checks(net::Worker& worker);
  bool is_asking() const;

  /// A target for one request, which counts as under way for as long as this lives. Its outcome is
  /// told by record(); without that it says nothing about the target.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { release(); }

    explicit operator bool() const noexcept { return group_ != nullptr; }
    const std::shared_ptr<HttpService>& service() const noexcept { return service_; }
    std::size_t target() const noexcept { return target_; }
    void record(bool success);
    /// That nobody answers at all, which is no caller's doing.
    void record_absence();
    /// What comes of it depends on how long its caller takes: it says nothing about the target.
    void forget() noexcept;

   private:
    friend class ServiceGroup;
    void release() noexcept;

    std::shared_ptr<ServiceGroup> group_;
    std::shared_ptr<HttpService> service_;
    std::size_t target_ = 0;
    std::uint64_t caller_ = 0;
    Breaker::Pass pass_;
  };
  /// One that is none of `tried`, a bit for each target. `may_probe`: whether the request may be
  /// the one that finds out about a target that was away, while others are there. Errors:
  /// unavailable where no such target takes any, exhausted where the caller has too many.
  static Result<Lease> choose(const std::shared_ptr<ServiceGroup>& group, std::uint64_t tried,
                              std::uint64_t caller, bool may_probe);

  const std::string& name() const noexcept { return name_; }
  std::size_t targets() const noexcept { return targets_.size(); }
  /// Targets that are well and take requests.
  std::size_t available() const;
  /// Until one does; 0 where one is.
  Milliseconds retry_after() const;
  std::size_t open_connections() const;
  void retire(net::Worker& worker);

 private:
  struct Target {
    std::shared_ptr<HttpService> service;
    std::shared_ptr<HealthCheck> health;  ///< null: nobody asks
    bool is_well() const noexcept { return !health || health->is_well(); }
    /// Is well, and its breaker is closed.
    bool is_good() const {
      return is_well() && service->breaker().state() == Breaker::State::closed;
    }
    std::atomic<std::uint32_t> under_way{0};
  };
  ServiceGroup(std::string name, Milliseconds slow_start)
      : name_(std::move(name)), slow_start_(slow_start) {}
  bool takes_its_share(const Target& target) const;
  bool enter(std::uint64_t caller);
  void leave(std::uint64_t caller) noexcept;

  const std::string name_;
  const Milliseconds slow_start_;
  std::size_t share_ = 1;  ///< requests of one caller at a time
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> callers_;  ///< that have some under way
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace portcullis::upstream
