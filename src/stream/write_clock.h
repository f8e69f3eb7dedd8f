// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace penstock::stream {

// Gives each record of one partition its write timestamp in microseconds: the record's own time,
// and at least one more than the record before it. So the newest offset of a key wins even within
// one millisecond or when producers' clocks step back, and reading the same records again from the
// same state gives the same timestamps, which makes a replay change nothing. The state travels in
// the checkpoint (docs/decisions/0071).
class WriteClock {
 public:
  WriteClock() = default;
  explicit WriteClock(std::int64_t last_micros) : last_(last_micros) {}

  // A record without a time (-1), or one more than a day ahead of `wall_millis`, counts as of now:
  // a timestamp in the far future would block every later write of its key.
  std::int64_t next(std::int64_t record_millis, std::int64_t wall_millis) {
    constexpr std::int64_t kDayMillis = 86'400'000;
    if (record_millis < 0 || record_millis > wall_millis + kDayMillis) record_millis = wall_millis;
    last_ = std::max(record_millis * 1000, last_ + 1);
    return last_;
  }
  std::int64_t last() const { return last_; }

 private:
  std::int64_t last_ = 0;
};

}  // namespace penstock::stream
