// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace penstock::stream {

// Spares a sink that is in trouble: after some failures in a row (open) it is left alone, for a
// second at first and then longer and longer, and asked with one small piece (half open) before it
// gets whole batches again (closed). A value without a thread; facts and a time in, and the state
// out.
class Breaker {
 public:
  enum class State : std::uint8_t { Closed, HalfOpen, Open };

  static constexpr int kFailuresToOpen = 4;
  static constexpr std::size_t kProbeRows = 100;

  // `chance` in [0, 1) spreads the probes of workers that failed together over the upper half of
  // the pause. Returns when to try again; while closed that is the caller's own back-off.
  TimePoint failed(TimePoint now, Duration backoff, double chance) {
    ++failures_;
    if (failures_ < kFailuresToOpen) return now + backoff;
    state_ = State::Open;
    const int step = std::min(failures_ - kFailuresToOpen, kDoublingsMax);
    const Duration pause = std::min<Duration>(kFirstPause * (1 << step), kLongestPause);
    until_ = now + Duration(static_cast<Duration::rep>(static_cast<double>(pause.count()) *
                                                       (0.5 + chance / 2)));
    return until_;
  }
  // Something is about to be sent.
  void trying(TimePoint now) {
    if (state_ == State::Open && now >= until_) state_ = State::HalfOpen;
  }
  void succeeded() {
    failures_ = 0;
    state_ = State::Closed;
  }

  State state() const { return state_; }
  int failures() const { return failures_; }  // in a row

 private:
  static constexpr int kDoublingsMax = 8;
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(15);

  State state_ = State::Closed;
  int failures_ = 0;
  TimePoint until_{};
};

constexpr std::string_view name(Breaker::State state) {
  switch (state) {
    case Breaker::State::Closed:
      return "closed";
    case Breaker::State::HalfOpen:
      return "half_open";
    case Breaker::State::Open:
      return "open";
  }
  return "?";
}

}  // namespace penstock::stream
