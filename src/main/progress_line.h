// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/clock.h"

namespace penstock::main_room {

// "12,345 records, 6,172/s" on a terminal's standard error, renewed once a second at most; silent
// elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(std::string noun)
      : noun_(std::move(noun)), tty_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void at(std::uint64_t count) {
    if (!tty_ || system_clock().now() < next_) return;
    next_ = system_clock().now() + std::chrono::seconds(1);
    const double seconds = std::chrono::duration<double>(system_clock().now() - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
    std::fprintf(stderr, "\r\033[K%llu %s, %.0f/s", static_cast<unsigned long long>(count),
                 noun_.c_str(), rate);
    shown_ = true;
  }

 private:
  std::string noun_;
  bool tty_;
  bool shown_ = false;
  TimePoint start_ = system_clock().now();
  TimePoint next_ = start_ + std::chrono::seconds(1);
};

}  // namespace penstock::main_room
