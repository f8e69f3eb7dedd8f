// SPDX-License-Identifier: Apache-2.0
#include "base/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/utf8.h"

namespace penstock {
namespace {

std::atomic<LogLevel> least_level{LogLevel::Info};
std::atomic<LogFormat> line_format{LogFormat::Pretty};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = spdlog::stderr_color_mt("penstock");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// A message may quote bytes of a client; JSON is UTF-8.
std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : to_utf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void start_logging(LogLevel least, LogFormat format) {
  least_level = least;
  line_format = format;
  logger().set_pattern(format == LogFormat::Json
                           ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%e%z\",\"level\":\"%l\",%v}"
                           : "%H:%M:%S.%e %^%-7l%$ %v");
}

bool log_enabled(LogLevel level) {
  return level >= least_level.load(std::memory_order_relaxed);
}

void log_line(LogLevel level, std::string_view room, std::string_view message) {
  if (line_format == LogFormat::Json)
    logger().log(to_spdlog(level), "\"room\":\"{}\",\"message\":\"{}\"", room,
                 json_escaped(message));
  else
    logger().log(to_spdlog(level), "{}: {}", room, message);
}

}  // namespace penstock
