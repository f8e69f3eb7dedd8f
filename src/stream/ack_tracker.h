// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/check.h"

namespace penstock::stream {

// What of one partition is done: ranges are begun in the order of offsets and completed in any
// order; the offset that may be committed is the end of the unbroken run of completed ranges from
// the start. A range that never completes never lets it pass. A value without a thread.
class AckTracker {
 public:
  explicit AckTracker(std::int64_t start) : committable_(start), next_(start) {}

  // Takes [next offset of the partition so far, end). Gaps in offsets (compaction, transaction
  // markers) belong to the range after them.
  std::uint64_t begin(std::int64_t end) {
    CHECK(end > next_, "ranges are begun in order");
    next_ = end;
    ranges_.push_back({end, false});
    return first_id_ + ranges_.size() - 1;
  }

  // True when the committable offset moved. Completing a range twice, or one that was never begun,
  // is a mistake of ours.
  bool complete(std::uint64_t id) {
    CHECK(id >= first_id_ && id - first_id_ < ranges_.size() && !ranges_[id - first_id_].done,
          "range is open");
    ranges_[id - first_id_].done = true;
    bool moved = false;
    while (!ranges_.empty() && ranges_.front().done) {
      committable_ = ranges_.front().end;
      ranges_.pop_front();
      ++first_id_;
      moved = true;
    }
    return moved;
  }

  std::int64_t committable() const { return committable_; }
  std::int64_t next() const { return next_; }  // the end of the last range begun
  std::size_t open() const { return ranges_.size(); }

 private:
  struct Range {
    std::int64_t end;
    bool done;
  };
  std::deque<Range> ranges_;
  std::uint64_t first_id_ = 0;
  std::int64_t committable_;
  std::int64_t next_;
};

}  // namespace penstock::stream
