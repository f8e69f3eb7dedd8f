// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/function.h"

namespace penstock::broker {

// How many bytes all connections hold together: requests being worked on, and answers that their
// clients have not taken yet. A connection that finds the budget spent stops reading and leaves a
// callback; they run, oldest first, as soon as there is room again. On the broker's loop.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t limit) : limit_(limit) {}

  // How many bytes of records an answer may bring: a part of what is left. So the more is held by
  // readers who are slow to take it, the less the next one gets, and something is left for those
  // who read. 0 when the budget is spent.
  std::int64_t share() const {
    constexpr std::int64_t kShares = 16;
    return std::max<std::int64_t>(limit_ - used_, 0) / kShares;
  }

  void take(std::int64_t bytes) { used_ += bytes; }
  void give_back(std::int64_t bytes) {
    used_ -= bytes;
    while (!exhausted() && !waiting_.empty()) {
      auto resume = std::move(waiting_.front());
      waiting_.pop_front();
      resume();
    }
  }
  bool exhausted() const { return used_ > limit_; }
  void when_room(Function<void()> resume) { waiting_.push_back(std::move(resume)); }
  std::int64_t used() const { return used_; }

 private:
  const std::int64_t limit_;
  std::int64_t used_ = 0;
  std::deque<Function<void()>> waiting_;
};

}  // namespace penstock::broker
