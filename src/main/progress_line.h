// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "base/clock.h"

namespace penstock::main_room {

// "12345 records, 6172/s", or "12345 of 50000 records (24 %), 6172/s", on a terminal's standard
// error, renewed once a second at most; silent elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(std::string noun, std::uint64_t total = 0)
      : noun_(std::move(noun)), total_(total), tty_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Takes the line away, for what comes after it.
  void clear() {
    if (std::exchange(shown_, false)) fmt::print(stderr, "\r\033[K");
  }
  void at(std::uint64_t count) {
    if (!tty_) return;
    const TimePoint now = system_clock().now();
    if (now < next_) return;
    next_ = now + std::chrono::seconds(1);
    shown_ = true;
    const double rate =
        static_cast<double>(count) / std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "\r\033[K{}", count);
    if (total_ > 0) fmt::print(stderr, " of {}", total_);
    fmt::print(stderr, " {}", noun_);
    if (total_ > 0) fmt::print(stderr, " ({} %)", count * 100 / total_);
    fmt::print(stderr, ", {:.0f}/s", rate);
  }

 private:
  std::string noun_;
  std::uint64_t total_;  // 0: not known
  bool tty_;
  bool shown_ = false;
  TimePoint start_ = system_clock().now();
  TimePoint next_ = start_ + std::chrono::seconds(1);
};

}  // namespace penstock::main_room
