// SPDX-License-Identifier: Apache-2.0
#include "log/group_commit.h"

#include <deque>
#include <utility>
#include <vector>

namespace penstock::log {

RunBlocking on_pool(net::BlockingPool& pool) {
  return [&pool](net::Work work) { pool.run(std::move(work)); };
}

// Held by the flushes under way too, so that one may end after its GroupCommit has gone.
struct GroupCommit::State : std::enable_shared_from_this<State> {
  State(net::Loop& home, RunBlocking runner, Metrics& metrics)
      : loop(home),
        run(std::move(runner)),
        seconds(metrics.histogram("penstock_log_flush_seconds",
                                  "Time of one flush of a partition's log to the disk.")),
        flushes(metrics.counter("penstock_log_flushes_total", "Flushes of partitions' logs.")),
        failures(metrics.counter("penstock_log_flush_failures_total",
                                 "Flushes that failed; their partitions refuse writes.")) {}

  // Starting is posted, so that everything written in this turn of the loop shares the flush.
  void start_soon() {
    if (posted || queue.empty() || running == kFlushesMax) return;
    posted = true;
    loop.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->start();
    });
  }

  void start() {
    posted = false;
    while (!queue.empty() && running < kFlushesMax) {
      std::shared_ptr<Member> member = std::move(queue.front());
      queue.pop_front();
      member->state_ = Member::State::Flushing;
      ++running;
      run([self = shared_from_this(), member, flush = member->begin_flush(),
           begun = loop.clock().now()]() mutable {
        Result<void> result = flush();
        net::Loop& home = self->loop;
        home.post([self = std::move(self), member = std::move(member), result = std::move(result),
                   begun] { self->ended(member, result, begun); });
      });
    }
  }

  void ended(const std::shared_ptr<Member>& member, const Result<void>& result, TimePoint begun) {
    --running;
    flushes.add();
    if (!result) failures.add();
    seconds.observe(std::chrono::duration<double>(loop.clock().now() - begun).count());
    if (stopped) return;
    const bool dirty = member->state_ == Member::State::FlushingAndDirty;
    member->state_ = dirty ? Member::State::Queued : Member::State::Clean;
    if (dirty) queue.push_back(member);
    member->end_flush(result);
    start_soon();
    if (idle()) {
      for (auto& done : std::exchange(waiting_for_idle, {})) done();
    }
  }

  bool idle() const { return running == 0 && queue.empty(); }

  net::Loop& loop;
  RunBlocking run;
  std::deque<std::shared_ptr<Member>> queue;
  std::vector<Function<void()>> waiting_for_idle;
  int running = 0;
  bool posted = false;
  bool stopped = false;
  Metrics::Histogram seconds;
  Metrics::Counter flushes;
  Metrics::Counter failures;
};

GroupCommit::GroupCommit(net::Loop& loop, RunBlocking run, Metrics& metrics)
    : state_(std::make_shared<State>(loop, std::move(run), metrics)) {}

GroupCommit::~GroupCommit() {
  state_->stopped = true;
  state_->queue.clear();
}

void GroupCommit::mark(std::shared_ptr<Member> member) {
  switch (member->state_) {
    case Member::State::Clean:
      member->state_ = Member::State::Queued;
      state_->queue.push_back(std::move(member));
      state_->start_soon();
      break;
    case Member::State::Flushing:
      member->state_ = Member::State::FlushingAndDirty;
      break;
    case Member::State::Queued:
    case Member::State::FlushingAndDirty:
      break;
  }
}

bool GroupCommit::idle() const {
  return state_->idle();
}

void GroupCommit::when_idle(Function<void()> done) {
  if (idle()) return state_->loop.post(std::move(done));
  state_->waiting_for_idle.push_back(std::move(done));
}

}  // namespace penstock::log
