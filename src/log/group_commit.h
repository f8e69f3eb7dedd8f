// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/function.h"
#include "base/metrics.h"
#include "base/result.h"
#include "net/loop.h"

namespace penstock::log {

// Where calls that block run. Production gives it a net::BlockingPool; tests run the work at once,
// or when they choose.
using RunBlocking = std::function<void(net::Work)>;
RunBlocking on_pool(net::BlockingPool& pool);

// Brings what members have written to the disk, many writes with one fdatasync.
//
// Lives on its loop; a flush runs through RunBlocking. Each member has at most one flush under way;
// what it writes meanwhile waits for its next one, so the batch is as large as the disk is slow and
// no timer is needed. Members flush beside each other, up to kFlushesMax at once: the file system
// then joins their journal commits, and a slow file holds up nobody else.
class GroupCommit {
 public:
  static constexpr int kFlushesMax = 4;

  // Something that is written now and durable later. Calls come on the loop.
  class Member {
   public:
    virtual ~Member() = default;

   protected:
    // The work that makes durable what was written so far. It runs elsewhere and touches nothing of
    // the member's.
    virtual Function<Result<void>()> begin_flush() = 0;
    // That work's outcome. After an error nothing of it may be called durable, now or later (see
    // File::sync).
    virtual void end_flush(const Result<void>& result) = 0;

   private:
    friend class GroupCommit;
    enum class State : std::uint8_t { Clean, Queued, Flushing, FlushingAndDirty };
    State state_ = State::Clean;
  };

  // `loop` must outlive every flush. The work given to `run` may outlive this object.
  GroupCommit(net::Loop& loop, RunBlocking run, Metrics& metrics);
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  // The member has written. It is kept alive until its flush has ended.
  void mark(std::shared_ptr<Member> member);

  bool idle() const;  // nothing is queued or under way
  // Calls back on the loop as soon as everything marked so far, and meanwhile, is flushed.
  void when_idle(Function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace penstock::log
