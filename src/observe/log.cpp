#include "observe/log.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/text.hpp"

namespace portcullis::observe {
namespace {

constexpr std::size_t kQueueLines = 8192;

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::critical:
      return "critical";
  }
  return "info";
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::critical:
      return spdlog::level::critical;
  }
  return spdlog::level::info;
}

bool is_plain(std::string_view s) {
  if (s.empty()) return false;
  for (const char c : s) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) >= 0x7f) {
      return false;
    }
  }
  return true;
}

void append_value(std::string& out, LogFormat format, const LogField& field) {
  if (const auto* s = std::get_if<std::string_view>(&field.value)) {
    if (format == LogFormat::text && is_plain(*s)) {
      out += *s;
    } else {
      text::append_json_string(out, *s);
    }
  } else if (const auto* n = std::get_if<std::int64_t>(&field.value)) {
    text::append_number(out, *n);
  } else if (const auto* d = std::get_if<double>(&field.value)) {
    out += fmt::format("{:.3f}", *d);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

}  // namespace

Log::Log(Level level, LogFormat format, const Clock& clock)
    : level_(level),
      format_(format),
      clock_(clock),
      pool_(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)),
      logger_(std::make_shared<spdlog::async_logger>(
          "portcullis", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool_,
          spdlog::async_overflow_policy::overrun_oldest)) {
  logger_->set_pattern("%v");
  logger_->set_level(spdlog::level::trace);
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() { flush(); }

void Log::write(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level) || !logger_) return;
  const std::string line = format_line(format_, clock_.wall(), level, message, fields);
  logger_->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void Log::flush() {
  // Joins the writer after it has emptied the queue; only then does nobody else hold the logger.
  pool_.reset();
  logger_.reset();
}

std::string Log::format_line(LogFormat format, WallTime time, Level level, std::string_view message,
                             std::initializer_list<LogField> fields) {
  std::string out;
  out.reserve(256);
  if (format == LogFormat::json) {
    out += R"({"time":")";
    out += text::iso8601_millis(time);
    out += R"(","level":")";
    out += level_name(level);
    out += R"(","message":)";
    text::append_json_string(out, message);
    for (const auto& field : fields) {
      out += ",";
      text::append_json_string(out, field.key);
      out += ":";
      append_value(out, format, field);
    }
    out += "}";
    return out;
  }
  out += text::iso8601_millis(time).substr(11, 12);
  out += " ";
  std::string name(level_name(level));
  name.resize(8, ' ');
  out += name;
  out += " ";
  out += message;
  for (const auto& field : fields) {
    if (const auto* s = std::get_if<std::string_view>(&field.value); s && s->empty()) continue;
    out += " ";
    out += field.key;
    out += "=";
    append_value(out, format, field);
  }
  return out;
}

}  // namespace portcullis::observe
