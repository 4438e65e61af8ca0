#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "upstream/http_service.hpp"

namespace portcullis::upstream {

/// A service that several targets provide. A request goes to the one of two chosen by chance that
/// has fewer under way, so that a slow target gets less and no herd follows a fast one. A target
/// whose breaker is open gets none but probes.
///
/// Threads:   any worker; pools belong to their worker, breakers and counts are shared.
/// Ownership: as an Assistant: the last configuration that has it lets it go, after retire() on
///            each worker.
/// Source:    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
class ServiceGroup {
 public:
  /// `targets`: the options of each; at least one.
  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<ServiceGroup>> make(std::string name,
                                                    const std::vector<HttpServiceOptions>& targets,
                                                    observe::Metrics& metrics, observe::Log& log);

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
    void record(bool success, std::uint64_t caller);

   private:
    friend class ServiceGroup;
    void release() noexcept;

    std::shared_ptr<ServiceGroup> group_;
    std::shared_ptr<HttpService> service_;
    std::size_t target_ = 0;
    Breaker::Pass pass_;
  };
  /// One that is none of `tried`, a bit for each target; nothing where no such target takes any.
  static Lease choose(const std::shared_ptr<ServiceGroup>& group, std::uint64_t tried);

  const std::string& name() const noexcept { return name_; }
  std::size_t targets() const noexcept { return targets_.size(); }
  /// Targets that take requests.
  std::size_t available() const;
  /// Until one does; 0 where one is.
  Milliseconds retry_after() const;
  std::size_t open_connections() const;
  void retire(net::Worker& worker);

 private:
  struct Target {
    std::shared_ptr<HttpService> service;
    std::atomic<std::uint32_t> under_way{0};
  };
  explicit ServiceGroup(std::string name) : name_(std::move(name)) {}

  const std::string name_;
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace portcullis::upstream
