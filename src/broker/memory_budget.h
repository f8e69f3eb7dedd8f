// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/function.h"

namespace penstock::broker {

// How many bytes all connections hold together: requests being worked on, and answers that their
// clients have not taken yet. A connection that finds it spent by requests stops reading and leaves
// a callback; they run, oldest first, as soon as there is room again. Answers stop nobody: a client
// that does not read must not keep the others from asking. On the broker's loop.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t limit) : limit_(limit) {}

  // How many bytes of records an answer may bring: a part of what is left. So the more is held by
  // readers who are slow to take it, the less the next one gets, and something is left for those
  // who read.
  std::int64_t share() const {
    constexpr std::int64_t kShares = 16;
    return std::max<std::int64_t>(limit_ - used(), 0) / kShares;
  }

  void take(std::int64_t bytes) { requests_ += bytes; }
  void give_back(std::int64_t bytes) {
    requests_ -= bytes;
    while (!exhausted() && !waiting_.empty()) {
      auto resume = std::move(waiting_.front());
      waiting_.pop_front();
      resume();
    }
  }
  bool exhausted() const { return requests_ > limit_; }
  void when_room(Function<void()> resume) { waiting_.push_back(std::move(resume)); }
  void hold_answer(std::int64_t bytes) { answers_ += bytes; }
  void answer_taken(std::int64_t bytes) { answers_ -= bytes; }
  std::int64_t used() const { return requests_ + answers_; }

 private:
  const std::int64_t limit_;
  std::int64_t requests_ = 0;
  std::int64_t answers_ = 0;
  std::deque<Function<void()>> waiting_;
};

}  // namespace penstock::broker
