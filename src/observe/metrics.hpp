#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::observe {

/// Which cell of the sharded metrics this thread writes: workers set their number once.
void set_metric_shard(unsigned shard) noexcept;
unsigned metric_shard() noexcept;

inline constexpr unsigned kMetricShards = 16;

/// Everything known about one metric; all of them stand in metric_table.cpp.
struct MetricInfo {
  std::string_view name;
  std::string_view type;    ///< counter, gauge or histogram
  std::string_view labels;  ///< comma list
  std::string_view help;
};
std::span<const MetricInfo> metric_table();

/// Counters of one family, one per combination of label values.
///
/// Units:   what is counted; a family named `…_seconds_total` is given nanoseconds and shown in
///          seconds.
/// Threads: add() from any; each worker writes a cache line of its own, a scrape sums them.
/// Cost:    one uncontended atomic addition.
class CounterFamily {
 public:
  using Cell = std::uint32_t;
  static constexpr Cell kMaxCells = 512;

  CounterFamily(std::string_view name, std::vector<std::string> label_names);

  /// The cell for these label values, made at first use. Takes a lock: for start and reload.
  /// Label values must come from configuration or code, never from a client.
  Cell cell(const std::vector<std::string>& label_values);
  void add(Cell cell, std::uint64_t count = 1) noexcept;
  std::uint64_t value(Cell cell) const noexcept;
  std::uint64_t total() const noexcept;

  const std::string& name() const noexcept { return name_; }
  const std::vector<std::string>& label_names() const noexcept { return label_names_; }
  std::vector<std::vector<std::string>> cells() const;

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kMaxCells> values{};
  };
  std::string name_;
  std::vector<std::string> label_names_;
  mutable std::mutex mutex_;
  std::vector<std::vector<std::string>> label_values_;
  std::array<std::unique_ptr<Shard>, kMetricShards> shards_;
};

/// A histogram without labels beside one fixed family label.
///
/// Threads and cost as CounterFamily: one bucket search, three additions.
class Histogram {
 public:
  Histogram(std::string_view name, std::vector<double> bounds);
  void observe(double value) noexcept;
  std::uint64_t count() const noexcept;

  const std::string& name() const noexcept { return name_; }
  const std::vector<double>& bounds() const noexcept { return bounds_; }
  std::uint64_t bucket(std::size_t index) const noexcept;
  double sum() const noexcept;

 private:
  static constexpr std::size_t kMaxBuckets = 24;
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kMaxBuckets> buckets{};
    std::atomic<std::uint64_t> sum_nanos{0};  ///< in units of 1e-9
  };
  std::string name_;
  std::vector<double> bounds_;
  std::array<Shard, kMetricShards> shards_;
};

/// All metrics of the process, and their Prometheus text.
///
/// Threads:   registration and text() take a lock; counting does not.
/// Ownership: families live as long as the registry.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  CounterFamily& counter(std::string_view name);
  Histogram& histogram(std::string_view name);
  /// A value read at scrape time. Replaces an earlier reader of the same name.
  void gauge(std::string_view name, std::function<double()> read);

  /// Prometheus text exposition format 0.0.4.
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<CounterFamily>> counters_;
  std::vector<std::unique_ptr<Histogram>> histograms_;
  std::vector<std::pair<std::string, std::function<double()>>> gauges_;
};

}  // namespace portcullis::observe
