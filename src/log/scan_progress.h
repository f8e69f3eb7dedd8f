// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/logging.h"

namespace penstock::log {

// Says once a second how far the scan of a partition is.
class ScanProgress {
 public:
  ScanProgress(std::string partition, const Clock& clock)
      : partition_(std::move(partition)), clock_(clock), next_(clock.now() + kEvery) {}

  void expect(std::uint64_t bytes) { total_ += bytes; }  // another segment, before its scan
  void scanned(std::uint64_t bytes) {
    done_ += bytes;
    const TimePoint now = clock_.now();
    if (now < next_) return;
    next_ = now + kEvery;
    log_info("log", "recovering {}: {} % of {} MiB", partition_,
             total_ == 0 ? 100 : done_ * 100 / total_, total_ >> 20);
  }

 private:
  static constexpr auto kEvery = std::chrono::seconds(1);

  std::string partition_;
  const Clock& clock_;
  TimePoint next_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace penstock::log
