// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/clock.h"
#include "net/loop.h"

namespace penstock::stream {

// Work that other threads leave for the engine's thread, which runs it when it looks, or waits for
// it.
class Inbox {
 public:
  virtual ~Inbox() = default;

  void post(net::Work work) {
    {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    changed_.notify_one();
  }
  // Runs what is there; false when there was nothing.
  bool run() {
    std::deque<net::Work> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(work_);
    }
    for (net::Work& work : taken) work();
    return !taken.empty();
  }
  // Until there is work, or `at_most` has passed.
  virtual void wait(Duration at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return !work_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<net::Work> work_;
};

}  // namespace penstock::stream
