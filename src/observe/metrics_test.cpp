#include "observe/metrics.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis::observe {
namespace {

TEST(Counter, SumsWhatEveryThreadAdded) {
  CounterFamily family("portcullis_requests_total", {"route", "status"});
  const auto a = family.cell({"chat", "2xx"});
  const auto b = family.cell({"chat", "4xx"});
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 20; ++t) {
    threads.emplace_back([&, t] {
      set_metric_shard(t);
      EXPECT_LT(metric_shard(), kMetricShards);
      for (int i = 0; i < 5000; ++i) {
        family.add(a);
        family.add(b, 2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(family.value(a), 100'000U);
  EXPECT_EQ(family.value(b), 200'000U);
  EXPECT_EQ(family.total(), 300'000U);
}

TEST(Counter, GivesOneCellToOneCombinationOfLabels) {
  CounterFamily family("portcullis_events_total", {"type", "level"});
  const auto first = family.cell({"a", "b"});
  EXPECT_EQ(family.cell({"a", "b"}), first);
  EXPECT_NE(family.cell({"b", "a"}), first);
  EXPECT_EQ(family.cells().size(), 2U);
  EXPECT_EQ(family.label_names(), (std::vector<std::string>{"type", "level"}));
}

TEST(Counter, IsBoundedWhateverLabelsCome) {
  CounterFamily family("portcullis_rate_limited_total", {"tier"});
  for (int i = 0; i < 2000; ++i) family.add(family.cell({"tier " + std::to_string(i)}));
  EXPECT_LE(family.cells().size(), CounterFamily::kMaxCells);
  EXPECT_EQ(family.total(), 2000U) << "nothing is lost";
}

TEST(Histogram, PutsEachValueIntoTheFirstBucketThatHoldsIt) {
  Histogram histogram("portcullis_request_duration_seconds", {0.1, 1.0, 10.0});
  for (const double value : {0.0, 0.1, 0.11, 1.0, 9.9, 10.0, 10.1, 1e6}) histogram.observe(value);
  EXPECT_EQ(histogram.bucket(0), 2U);
  EXPECT_EQ(histogram.bucket(1), 2U);
  EXPECT_EQ(histogram.bucket(2), 2U);
  EXPECT_EQ(histogram.bucket(3), 2U);
  EXPECT_EQ(histogram.count(), 8U);
  EXPECT_NEAR(histogram.sum(), 1'000'031.21, 1e-3);
  histogram.observe(-1);
  EXPECT_EQ(histogram.bucket(0), 3U);
  EXPECT_NEAR(histogram.sum(), 1'000'031.21, 1e-3) << "a clock that went back takes nothing away";
}

TEST(Metrics, AFamilyIsMadeOnce) {
  Metrics metrics;
  EXPECT_EQ(&metrics.counter("portcullis_requests_total"),
            &metrics.counter("portcullis_requests_total"));
  EXPECT_EQ(&metrics.histogram("portcullis_request_duration_seconds"),
            &metrics.histogram("portcullis_request_duration_seconds"));
}

TEST(Metrics, WritesPrometheusText) {
  PROVES("F122");
  Metrics metrics;
  auto& requests = metrics.counter("portcullis_requests_total");
  requests.add(requests.cell({"chat", "2xx"}), 3);
  metrics.histogram("portcullis_request_duration_seconds").observe(0.2);
  metrics.gauge("portcullis_connections_open", [] { return 1.0; });
  metrics.gauge("portcullis_connections_open", [] { return 7.0; });
  const std::string text = metrics.text();
  for (const char* line :
       {"# TYPE portcullis_requests_total counter\n",
        "portcullis_requests_total{route=\"chat\",status=\"2xx\"} 3\n",
        "# TYPE portcullis_request_duration_seconds histogram\n",
        "portcullis_request_duration_seconds_count 1\n",
        "portcullis_request_duration_seconds_bucket{le=\"+Inf\"} 1\n",
        "# TYPE portcullis_connections_open gauge\n", "portcullis_connections_open 7\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("portcullis_connections_open 1\n"), std::string::npos);
}

TEST(Metrics, CumulativeBucketsEndInTheCount) {
  Metrics metrics;
  auto& histogram = metrics.histogram("portcullis_request_duration_seconds");
  for (int i = 0; i < 100; ++i) histogram.observe(i * 0.01);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) sum += histogram.bucket(i);
  EXPECT_EQ(sum, 100U);
  EXPECT_NE(metrics.text().find("_bucket{le=\"+Inf\"} 100\n"), std::string::npos);
}

TEST(MetricTable, NamesEachMetricOnceInTheFormOfPrometheus) {
  std::set<std::string_view> names;
  for (const auto& info : metric_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(info.name.starts_with("portcullis_")) << info.name;
    EXPECT_TRUE(info.type == "counter" || info.type == "gauge" || info.type == "histogram");
    EXPECT_EQ(info.type == "counter", info.name.ends_with("_total")) << info.name;
    EXPECT_FALSE(info.help.empty());
  }
}

TEST(Metrics, TimesAreCountedInNanosecondsAndShownInSeconds) {
  Metrics metrics;
  auto& family = metrics.counter("portcullis_guard_duration_seconds_total");
  const auto cell = family.cell({"rate"});
  family.add(cell, 1'500'000'000);
  EXPECT_EQ(family.value(cell), 1'500'000'000U);
  const std::string text = metrics.text();
  EXPECT_NE(text.find("portcullis_guard_duration_seconds_total{guard=\"rate\"} 1.5\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace portcullis::observe
