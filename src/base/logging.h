// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace penstock {

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat { Pretty, Json };

// Where log lines go and how they look. Call once, before threads start. Lines go to standard
// error: standard output belongs to what a command prints.
void start_logging(LogLevel least, LogFormat format);

bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view room, std::string_view message);

// One line, whole sentences, no secrets: `log_warn("broker", "topic {} ...", topic)`. Any thread.
template <class... Args>
void log_debug(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::Debug))
    log_line(LogLevel::Debug, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::Info))
    log_line(LogLevel::Info, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::Warn))
    log_line(LogLevel::Warn, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::Error))
    log_line(LogLevel::Error, room, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace penstock
