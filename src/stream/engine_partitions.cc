// SPDX-License-Identifier: Apache-2.0
// The engine's partitions: where they start, which are left out, when they go.
#include <fmt/format.h>

#include <algorithm>

#include "base/logging.h"
#include "stream/backoff.h"
#include "stream/checkpoint.h"
#include "stream/engine.h"
#include "stream/engine_meters.h"
#include "stream/failing.h"

namespace penstock::stream {
namespace {

using std::chrono::seconds;

constexpr int kAssignAttempts = 2;      // then the partitions wait, and the group is not held up
constexpr int kAssignAttemptsNow = 20;  // of a pipeline that is to end by itself
constexpr Duration kAskBudget = Millis(200);    // for one tick
constexpr Duration kAskTimeout = seconds(10);   // when nothing can go on without the answer
constexpr Duration kAgainTimeout = seconds(1);  // when the others wait meanwhile
constexpr Duration kLeftOutFirst = seconds(1);
constexpr Duration kLeftOutMost = seconds(30);

std::string text(const client::TopicPartition& partition) {
  return fmt::format("{}[{}]", partition.topic, partition.partition);
}

}  // namespace

Result<Stands> Engine::ask_stands(const std::vector<client::TopicPartition>& partitions) {
  Stands stands;
  if (parts_.store.keeps_positions())
    stands.checkpoints = TRY_WITH(parts_.store.positions(), "reading the checkpoint");
  stands.committed = TRY_WITH(parts_.source.committed(partitions), "reading the group's offsets");
  return stands;
}

Result<void> Engine::start_partition(const client::TopicPartition& partition,
                                     const Stands& stands) {
  const auto checkpoint = stands.checkpoints.find(partition);
  const bool has_checkpoint = checkpoint != stands.checkpoints.end();
  const Committed group = stands.group(partition);
  const client::Watermarks marks = stands.marks.at(partition);
  const Start start =
      TRY(decide_start(partition, has_checkpoint ? std::optional(checkpoint->second) : std::nullopt,
                       group, marks, spec_.source));
  if (!start.note.empty()) log_warn("stream", "pipeline {}: {}", spec_.name, start.note);
  const std::int64_t offset = start.position.offset;
  MicroBatch::PartitionState state{WriteClock(start.position.write_clock), ++epoch_, offset,
                                   INT64_MAX};
  if (spec_.trigger.kind == Trigger::Kind::AvailableNow) state.stop = marks.high;
  partitions_.insert_or_assign(partition, state);
  acks_.insert_or_assign(partition, AckTracker(offset));
  ends_.insert_or_assign(partition, End{marks.high, {}});
  meters_->of(partition).committed.set(static_cast<double>(offset));
  if (!has_checkpoint) return {};
  next_batch_ = std::max(next_batch_, checkpoint->second.batch + 1);
  // Whoever wrote the checkpoint may have died before it told the group, and no record may ever
  // come that would bring the two together: lag tools look at the group.
  if (offset == checkpoint->second.offset && offset > group.offset) to_commit_[partition] = offset;
  return {};
}

// A topic that was deleted and created anew is read from its start, or not at all.
Result<void> Engine::heed_new_topics(Stands& stands) {
  std::set<std::string> forgotten;
  for (const auto& [partition, marks] : stands.marks) {
    if (stands.forgotten(partition)) forgotten.insert(partition.topic);
  }
  if (forgotten.empty()) return {};
  TRY(ask_others(forgotten, stands));
  return begin_anew(topic_was_gone_ ? forgotten : new_topics(stands), stands);
}

// One partition tells of its whole topic, whoever reads it.
Result<void> Engine::ask_others(const std::set<std::string>& topics, Stands& stands) {
  std::vector<client::TopicPartition> others;
  for (const auto& [partition, checkpoint] : stands.checkpoints) {
    if (topics.contains(partition.topic) && !stands.marks.contains(partition))
      others.push_back(partition);
  }
  if (others.empty()) return {};
  stands.committed.merge(TRY_WITH(parts_.source.committed(others), "reading the group's offsets"));
  for (const client::TopicPartition& other : others) {
    const auto found = parts_.source.watermarks(other, kAgainTimeout);
    if (found) {
      stands.marks.emplace(other, *found);
    } else if (found.error().code == Code::NotFound) {  // the new topic has fewer
      stands.checkpoints.erase(other);
    } else if (found.error().code != Code::Io) {
      return fail(found.error().with("reading the partition's offsets"));
    }
  }
  return {};
}

// Tells the group where the partitions begin now: before the first of them has a checkpoint in the
// new topic, after which nothing would show that those of the others are the old one's.
Result<void> Engine::begin_anew(const std::set<std::string>& topics, Stands& stands) {
  std::vector<client::TopicPartitionOffset> starts;
  for (const auto& [partition, checkpoint] : stands.checkpoints) {
    if (!topics.contains(partition.topic) || !stands.forgotten(partition)) continue;
    const auto marks = stands.marks.find(partition);
    const std::int64_t low = marks == stands.marks.end() ? 0 : marks->second.low;
    if (spec_.source.fail_on_data_loss) {
      return fail(Code::OutOfRange,
                  "{}: the topic was deleted and created anew; the checkpoint at {} was the old "
                  "one's; set fail_on_data_loss: false to continue at {}, or set the group's "
                  "offset (penstock group reset-offsets)",
                  text(partition), checkpoint.offset, low);
    }
    starts.push_back({partition.topic, partition.partition, low, std::string(kAnew)});
  }
  if (starts.empty()) return {};
  TRY_WITH(parts_.source.commit(starts), "recording where a new topic begins");
  for (const auto& start : starts)
    stands.committed.insert_or_assign(start.topic_partition(),
                                      Committed{start.offset, start.metadata});
  return {};
}

Result<void> Engine::choose_starts(std::vector<client::TopicPartitionOffset>& partitions) {
  std::vector<client::TopicPartition> names;
  for (const auto& partition : partitions) names.push_back(partition.topic_partition());
  Stands stands = TRY(ask_stands(names));
  std::set<client::TopicPartition> unreadable;
  for (const client::TopicPartition& name : names) {
    const auto found = parts_.source.watermarks(name, kAskTimeout);
    if (found) {
      stands.marks.emplace(name, *found);
    } else if (found.error().code == Code::Io) {
      leave_out(name, found.error());
      unreadable.insert(name);
    } else {
      return fail(found.error().with("reading the partition's offsets"));
    }
  }
  TRY(heed_new_topics(stands));
  for (auto& partition : partitions) {
    const client::TopicPartition name = partition.topic_partition();
    if (unreadable.contains(name)) {
      partition.offset = client::kOffsetNone;
      continue;
    }
    TRY(start_partition(name, stands));
    partition.offset = partitions_.at(name).next;
    left_out_.erase(name);
  }
  return {};
}

Result<void> Engine::on_assigned(std::vector<client::TopicPartitionOffset>& partitions) {
  const bool ends_by_itself = spec_.trigger.kind == Trigger::Kind::AvailableNow;
  const int attempts = ends_by_itself ? kAssignAttemptsNow : kAssignAttempts;
  Result<void> chosen = choose_starts(partitions);
  for (int attempt = 0; !chosen && classify(chosen.error().code) == Failing::Transient &&
                        attempt < attempts && !stopping_;
       ++attempt) {
    parts_.inbox.wait(backoff(attempt));
    chosen = choose_starts(partitions);
  }
  if (!chosen && (ends_by_itself || !is_waited_for(chosen.error()))) {
    fail_with(chosen.error().message);
    return chosen;
  }
  if (!chosen) {  // the store or the coordinator is away
    for (auto& partition : partitions) {
      if (partitions_.contains(partition.topic_partition())) continue;
      leave_out(partition.topic_partition(), chosen.error());
      partition.offset = client::kOffsetNone;
    }
  }
  source_attempt_ = 0;
  if (!partitions.empty() && left_out_.empty()) topic_was_gone_ = false;
  assigned_once_ = true;
  meters_->assigned.set(static_cast<double>(partitions_.size()));
  meters_->rebalances("assigned").add();
  parts_.report.update([&](PipelineStatus& status) {
    status.state = stopping_ ? PipelineState::Stopping : PipelineState::Running;
    status.error.clear();
  });
  report_left_out();
  renew_lag();
  return {};
}

void Engine::on_revoked(const std::vector<client::TopicPartition>& partitions) {
  meters_->rebalances("revoked").add();
  if (!ended_) {
    drain(parts_.clock.now() + kRevokeBudget);
    commit_group(true);
  }
  on_lost(partitions);
}

void Engine::on_lost(const std::vector<client::TopicPartition>& partitions) {
  for (const auto& partition : partitions) {
    partitions_.erase(partition);
    acks_.erase(partition);
    to_commit_.erase(partition);
    ends_.erase(partition);
    left_out_.erase(partition);
    meters_->forget(partition);
  }
  meters_->assigned.set(static_cast<double>(partitions_.size()));
  if (ended_) return;  // the status keeps what was last known
  report_left_out();
  renew_lag();
}

void Engine::forget_partitions() {
  meters_->forget_all();
  partitions_.clear();
  acks_.clear();
  to_commit_.clear();
  ends_.clear();
  left_out_.clear();
  assigned_once_ = false;
  meters_->assigned.set(0);
  parts_.report.update([](PipelineStatus& status) { status.lag.reset(); });
  report_left_out();
}

// ---- Partitions that the broker cannot read

void Engine::leave_out(const client::TopicPartition& partition, const Error& error) {
  const bool is_new = left_out_.try_emplace(partition).second;
  LeftOut& out = left_out_.at(partition);
  out.why = error.message;
  out.damaged = error.code == Code::Io;
  out.retry_at = parts_.clock.now() + backoff(out.attempt++, kLeftOutFirst, kLeftOutMost);
  meters_->of(partition).paused_damaged.set(out.damaged ? 1 : 0);
  meters_->of(partition).paused_start.set(out.damaged ? 0 : 1);
  if (is_new)
    log_error("stream", "pipeline {} leaves {} out for now: {}", spec_.name, text(partition),
              error.message);
}

// Asks for those that are due, until one fails or some time is spent, so that the others do not
// wait long. Not while all are paused, since the source could not begin it.
void Engine::ask_left_out() {
  if (paused_ || left_out_.empty()) return;
  const TimePoint began = parts_.clock.now();
  bool asked = false;
  for (bool more = true; more && parts_.clock.now() - began < kAskBudget;) {
    const auto due = std::find_if(left_out_.begin(), left_out_.end(), [&](const auto& entry) {
      return parts_.clock.now() >= entry.second.retry_at;
    });
    if (due == left_out_.end()) break;
    asked = true;
    more = ask_left_out(client::TopicPartition(due->first));
  }
  if (asked) report_left_out();
}

bool Engine::ask_left_out(const client::TopicPartition& partition) {
  if (const auto taken = take_back(partition); !taken) {
    if (is_waited_for(taken.error())) {
      leave_out(partition, taken.error());
    } else {
      fail_with(taken.error().message);
    }
    return false;
  }
  // What held one up held up all that were not damaged: they need not wait any longer.
  const bool was_damaged = left_out_.at(partition).damaged;
  left_out_.erase(partition);
  meters_->of(partition).paused_damaged.set(0);
  meters_->of(partition).paused_start.set(0);
  meters_->assigned.set(static_cast<double>(partitions_.size()));
  for (auto& [other, out] : left_out_) {
    if (!was_damaged && !out.damaged) out.retry_at = parts_.clock.now();
  }
  log_info("stream", "pipeline {} reads {} again", spec_.name, text(partition));
  return true;
}

Result<void> Engine::take_back(const client::TopicPartition& partition) {
  const auto marks = TRY(parts_.source.watermarks(partition, kAgainTimeout));
  if (!partitions_.contains(partition)) {  // it has not been read yet
    Stands stands = TRY(ask_stands({partition}));
    stands.marks.emplace(partition, marks);
    TRY(heed_new_topics(stands));
    TRY(start_partition(partition, stands));
  }
  return parts_.source.begin(
      {partition.topic, partition.partition, partitions_.at(partition).next, ""});
}

std::string Engine::left_out_text() const {
  std::string out;
  for (const auto& [partition, left] : left_out_)
    out += fmt::format("{}{} is left out: {}", out.empty() ? "" : "; ", text(partition), left.why);
  return out;
}

void Engine::report_left_out() {
  parts_.report.update([&](PipelineStatus& status) {
    status.left_out.clear();
    for (const auto& [partition, left] : left_out_)
      status.left_out[partition.topic][partition.partition] = left.why;
  });
}

}  // namespace penstock::stream
