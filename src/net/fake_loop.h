// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <mutex>

#include "net/loop.h"

namespace penstock::net {

// A loop for tests: runs on the calling thread, in run(), and its clock stands still until
// advance(). post() may come from other threads.
class FakeLoop final : public Loop {
 public:
  void post(Work work) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  TimerId after(Duration delay, Work work) override {
    const auto id = static_cast<TimerId>(++last_timer_);
    timers_.emplace(std::pair(clock_.now() + delay, id), std::move(work));
    return id;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  bool here() const override { return true; }
  const Clock& clock() const override { return clock_; }

  // Runs what is posted, and what that posts, until nothing is left.
  void run() {
    for (Work work = take(); work; work = take()) work();
  }
  // Moves the clock, firing each timer at its own time, in order.
  void advance(Duration by) {
    const TimePoint end = clock_.now() + by;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      auto next = timers_.extract(timers_.begin());
      if (next.key().first > clock_.now()) clock_.advance(next.key().first - clock_.now());
      next.mapped()();
      run();
    }
    clock_.advance(end - clock_.now());
  }
  std::size_t timers() const { return timers_.size(); }

 private:
  Work take() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return {};
    Work work = std::move(queue_.front());
    queue_.pop_front();
    return work;
  }

  std::mutex mutex_;
  std::deque<Work> queue_;
  std::map<std::pair<TimePoint, TimerId>, Work> timers_;
  std::uint64_t last_timer_ = 0;
  FakeClock clock_;
};

}  // namespace penstock::net
