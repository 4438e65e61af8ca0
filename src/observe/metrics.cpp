#include "observe/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cassert>

#include "base/text.hpp"

namespace portcullis::observe {
namespace {

thread_local unsigned this_shard = 0;

const MetricInfo& info(std::string_view name) {
  const auto table = metric_table();
  const auto at = std::ranges::find(table, name, &MetricInfo::name);
  assert(at != table.end() && "a metric that metric_table.cpp does not list");
  return *at;
}

prometheus::MetricFamily family_of(std::string_view name, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = info(name).help;
  family.type = type;
  return family;
}

}  // namespace

void set_metric_shard(unsigned shard) noexcept { this_shard = shard % kMetricShards; }
unsigned metric_shard() noexcept { return this_shard; }

CounterFamily::CounterFamily(std::string_view name, std::vector<std::string> label_names)
    : name_(name), label_names_(std::move(label_names)) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>();
}

CounterFamily::Cell CounterFamily::cell(const std::vector<std::string>& label_values) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(label_values_, label_values);
  if (at != label_values_.end()) return static_cast<Cell>(at - label_values_.begin());
  if (label_values_.size() == kMaxCells)
    return kMaxCells - 1;  // bounded: the last cell takes the rest
  label_values_.push_back(label_values);
  return static_cast<Cell>(label_values_.size() - 1);
}

void CounterFamily::add(Cell cell, std::uint64_t count) noexcept {
  shards_[this_shard]->values[cell].fetch_add(count, std::memory_order_relaxed);
}

std::uint64_t CounterFamily::value(Cell cell) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->values[cell].load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t CounterFamily::total() const noexcept {
  std::uint64_t sum = 0;
  for (Cell cell = 0; cell < kMaxCells; ++cell) sum += value(cell);
  return sum;
}

std::vector<std::vector<std::string>> CounterFamily::cells() const {
  const std::lock_guard lock(mutex_);
  return label_values_;
}

Histogram::Histogram(std::string_view name, std::vector<double> bounds)
    : name_(name), bounds_(std::move(bounds)) {
  assert(bounds_.size() < kMaxBuckets);
}

void Histogram::observe(double value) noexcept {
  auto& shard = shards_[this_shard];
  const auto at = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  shard.buckets[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  shard.sum_nanos.fetch_add(static_cast<std::uint64_t>(std::max(0.0, value) * 1e9),
                            std::memory_order_relaxed);
}

std::uint64_t Histogram::bucket(std::size_t index) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard.buckets[index].load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) sum += bucket(i);
  return sum;
}

double Histogram::sum() const noexcept {
  std::uint64_t nanos = 0;
  for (const auto& shard : shards_) nanos += shard.sum_nanos.load(std::memory_order_relaxed);
  return static_cast<double>(nanos) * 1e-9;
}

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

CounterFamily& Metrics::counter(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (auto& family : counters_) {
    if (family->name() == name) return *family;
  }
  std::vector<std::string> labels;
  for (const auto label : text::split_list(info(name).labels)) labels.emplace_back(label);
  return *counters_.emplace_back(std::make_unique<CounterFamily>(name, std::move(labels)));
}

Histogram& Metrics::histogram(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (auto& histogram : histograms_) {
    if (histogram->name() == name) return *histogram;
  }
  std::vector<double> bounds{1e-6,   5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 1e-2,
                             2.5e-2, 5e-2, 0.1,  0.25,   0.5,  1.0,  2.5,    5.0,  10.0, 30.0};
  return *histograms_.emplace_back(std::make_unique<Histogram>(info(name).name, std::move(bounds)));
}

void Metrics::gauge(std::string_view name, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  for (auto& [known, reader] : gauges_) {
    if (known == name) {
      reader = std::move(read);
      return;
    }
  }
  gauges_.emplace_back(info(name).name, std::move(read));
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families;
  // Readers take locks of their own parts, so ours must not be held around them.
  std::unique_lock lock(mutex_);
  const auto gauges = gauges_;
  lock.unlock();
  for (const auto& [name, read] : gauges) {
    auto family = family_of(name, prometheus::MetricType::Gauge);
    prometheus::ClientMetric metric;
    metric.gauge.value = read();
    family.metric.push_back(std::move(metric));
    families.push_back(std::move(family));
  }
  lock.lock();
  for (const auto& counter : counters_) {
    auto family = family_of(counter->name(), prometheus::MetricType::Counter);
    const double unit = counter->name().ends_with("_seconds_total") ? 1e-9 : 1;
    const auto cells = counter->cells();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      prometheus::ClientMetric metric;
      for (std::size_t l = 0; l < cells[i].size(); ++l) {
        metric.label.push_back({counter->label_names()[l], cells[i][l]});
      }
      metric.counter.value =
          static_cast<double>(counter->value(static_cast<CounterFamily::Cell>(i))) * unit;
      family.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(family));
  }
  for (const auto& histogram : histograms_) {
    auto family = family_of(histogram->name(), prometheus::MetricType::Histogram);
    prometheus::ClientMetric metric;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < histogram->bounds().size(); ++i) {
      cumulative += histogram->bucket(i);
      metric.histogram.bucket.push_back({cumulative, histogram->bounds()[i]});
    }
    cumulative += histogram->bucket(histogram->bounds().size());
    metric.histogram.bucket.push_back({cumulative, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = histogram->sum();
    family.metric.push_back(std::move(metric));
    families.push_back(std::move(family));
  }
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace portcullis::observe
