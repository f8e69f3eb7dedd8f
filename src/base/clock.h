// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace penstock {

using Duration = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;
using Micros = std::chrono::microseconds;
// For measuring and for timers: never goes back.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// For timestamps that leave the process: microseconds since 1970 UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Micros>;

// The only source of time, so that tests own it. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall() const = 0;

  std::int64_t wall_millis() const { return wall().time_since_epoch().count() / 1000; }
  std::int64_t wall_micros() const { return wall().time_since_epoch().count(); }
};

// The machine's clocks.
const Clock& system_clock();

// A clock that stands still until a test moves it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime start = WallTime(Micros(1'700'000'000'000'000))) : start_(start) {}
  TimePoint now() const override { return TimePoint(Duration(elapsed_.load())); }
  WallTime wall() const override {
    return start_ + std::chrono::duration_cast<Micros>(Duration(elapsed_.load()));
  }
  void advance(Duration by) { elapsed_ += by.count(); }

 private:
  WallTime start_;
  std::atomic<std::int64_t> elapsed_{0};
};

}  // namespace penstock
