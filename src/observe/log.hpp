#pragma once
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace portcullis::observe {

enum class Level : std::uint8_t { debug, info, warning, error, critical };
enum class LogFormat : std::uint8_t { text, json };

/// One named value of a log line.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;
};

/// Structured log lines on standard error: readable text for people, JSON lines for machines.
///
/// Threads: safe from any; the line is formatted by the caller and written by one background thread
///          through a bounded queue (8192 lines) that drops the oldest line when full.
/// Never:   bodies, tokens, queries or secrets. Callers hold to that; values are escaped here.
class Log {
 public:
  Log(Level level, LogFormat format, const Clock& clock = Clock::system());
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(Level level) const noexcept { return level >= level_; }
  void write(Level level, std::string_view message, std::initializer_list<LogField> fields = {});
  void set_level(Level level) noexcept { level_ = level; }
  /// Blocks until everything written so far is out. For the end of the process.
  void flush();

  static std::string format_line(LogFormat format, WallTime time, Level level,
                                 std::string_view message, std::initializer_list<LogField> fields);

 private:
  std::atomic<Level> level_;
  LogFormat format_;
  const Clock& clock_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace portcullis::observe
