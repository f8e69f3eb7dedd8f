// SPDX-License-Identifier: Apache-2.0
// What the engine tells about itself: the lag each second, a batch when it is done.
#include <fmt/format.h>

#include <algorithm>

#include "base/logging.h"
#include "stream/engine.h"
#include "stream/engine_meters.h"

namespace penstock::stream {
namespace {

using std::chrono::seconds;

constexpr Duration kTick = seconds(1);
// While records are fetched, their answers tell the ends; a question now and then finds a partition
// that gives nothing because the broker cannot read it (the consumer tries in silence).
constexpr Duration kAskWhileReading = seconds(10);
constexpr Duration kAskTimeout = Millis(500);
constexpr Duration kAskBudget = Millis(50);  // for one tick: the rest of the partitions come next

std::int64_t millis(Duration duration) {
  return std::chrono::duration_cast<Millis>(duration).count();
}

}  // namespace

void Engine::tick() {
  const TimePoint now = parts_.clock.now();
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  hear_ends();
  if (source_open_ && !stopping_) {
    ask_ends();
    ask_left_out();
  }
  renew_lag();
  const bool held_back = source_open_ && !stopping_ && !accepting();
  const bool letters = letters_fail();
  for (const auto& [partition, state] : partitions_) {
    meters_->of(partition).paused_memory.set(held_back && !letters ? 1 : 0);
    meters_->of(partition).paused_dlq.set(held_back && letters ? 1 : 0);
  }
  show_trouble();
  meters_->decode_busy.set(decoding_.look(now));
  meters_->transform_busy.set(transforming_.look(now));
  meters_->sink_busy.set(writing_share_.look(now));
}

// What the consumer struggles with, unless the status says something already.
void Engine::show_trouble() {
  const auto trouble = source_open_ ? parts_.source.trouble() : std::nullopt;
  const std::string now = trouble ? trouble->message : "";
  if (now == trouble_) return;
  if (trouble && trouble->code == Code::Unauthorized) {
    log_error("stream", "pipeline {} cannot read: {}; it is tried again until it works", spec_.name,
              now);
  }
  parts_.report.update([&](PipelineStatus& status) {
    if (status.error.empty() || status.error == trouble_) status.error = now;
  });
  trouble_ = now;
}

const MicroBatch* Engine::oldest_batch() const {
  if (writing_) return writing_->batch.get();
  if (ready_) return ready_->batch.get();
  return open_.get();
}

// ---- Lag

// What the consumer has heard with its fetches.
void Engine::hear_ends() {
  for (const auto& [partition, state] : partitions_) {
    std::int64_t& end = ends_[partition].offset;
    end = std::max({end, state.next, parts_.source.last_end(partition).value_or(0)});
  }
}

// What the consumer does not hear, because it does not fetch while it is held back.
void Engine::ask_ends() {
  const TimePoint now = parts_.clock.now();
  if (partitions_.empty() || now < next_ask_) return;
  next_ask_ = accepting() ? now + kAskWhileReading : now;
  bool found_damage = false;
  auto at = partitions_.upper_bound(last_asked_);
  for (std::size_t i = 0; i < partitions_.size() && parts_.clock.now() - now < kAskBudget; ++i) {
    if (at == partitions_.end()) at = partitions_.begin();
    const client::TopicPartition& partition = (at++)->first;
    last_asked_ = partition;
    if (left_out_.contains(partition)) continue;
    const auto marks = parts_.source.watermarks(partition, kAskTimeout);
    if (marks) {
      std::int64_t& end = ends_[partition].offset;
      end = std::max(end, marks->high);
    } else if (marks.error().code == Code::Io) {
      parts_.source.hold(partition);
      leave_out(partition, marks.error());
      found_damage = true;
    } else {  // the broker is away: the consumer waits for it, and so can we
      next_ask_ = parts_.clock.now() + kAskWhileReading;
      break;
    }
  }
  if (found_damage) report_left_out();
}

// For how long the oldest record that is not acknowledged has waited: by its own time when it is in
// our hands, else by the time for which we have known of it.
double Engine::lag_seconds(const client::TopicPartition& partition, std::int64_t behind, End& end) {
  if (behind == 0) {
    end.behind_since.reset();
    return 0;
  }
  if (!end.behind_since) end.behind_since = parts_.clock.now();
  for (const MicroBatch* batch : {writing_ ? writing_->batch.get() : nullptr,
                                  ready_ ? ready_->batch.get() : nullptr, open_.get()}) {
    if (batch == nullptr) continue;
    const auto range = batch->ranges.find(partition);
    if (range == batch->ranges.end() || range->second.oldest_millis < 0) continue;
    return std::max(
        0.0, static_cast<double>(parts_.clock.wall_millis() - range->second.oldest_millis) / 1000);
  }
  return std::chrono::duration<double>(parts_.clock.now() - *end.behind_since).count();
}

void Engine::renew_lag() {
  const MicroBatch* oldest = oldest_batch();
  const Duration age = oldest == nullptr ? Duration(0) : parts_.clock.now() - oldest->opened;
  meters_->checkpoint_age.set(std::chrono::duration<double>(age).count());
  if (!assigned_once_) return;  // not known
  OffsetMap checkpoint;
  OffsetMap high_watermark;
  std::int64_t sum = 0;
  for (const auto& [partition, ack] : acks_) {
    End& end = ends_[partition];
    const std::int64_t behind = std::max<std::int64_t>(0, end.offset - ack.committable());
    sum += behind;
    checkpoint[partition.topic][partition.partition] = ack.committable();
    high_watermark[partition.topic][partition.partition] = end.offset;
    auto& meters = meters_->of(partition);
    meters.lag.set(static_cast<double>(behind));
    meters.lag_seconds.set(lag_seconds(partition, behind, end));
  }
  parts_.report.update([&](PipelineStatus& status) {
    status.checkpoint = std::move(checkpoint);
    status.high_watermark = std::move(high_watermark);
    status.lag = sum;
  });
}

// ---- Batches

void Engine::report(const Sealed& done) {
  const MicroBatch& batch = *done.batch;
  const TimePoint now = parts_.clock.now();
  hear_ends();
  Progress progress;
  progress.id = id_;
  progress.run_id = run_id_;
  progress.name = spec_.name;
  progress.started = batch.started;
  progress.batch_id = batch.id;
  progress.input_rows = static_cast<std::int64_t>(batch.records());
  const auto per_second = [&](Duration over) -> std::optional<double> {
    if (over <= Duration(0)) return std::nullopt;
    return static_cast<double>(batch.records()) / std::chrono::duration<double>(over).count();
  };
  if (last_trigger_) progress.input_rows_per_second = per_second(batch.opened - *last_trigger_);
  last_trigger_ = batch.opened;
  progress.processed_rows_per_second = per_second(now - batch.opened);
  // Spark's names, for what is a step of ours too: taking records in, the way through the plan and
  // the dead-letter topic into the sink, positions that went by themselves, all of it.
  const Duration checkpointing = done.checkpointing.value_or(Duration(0));
  progress.duration_ms = {{"addBatch", millis(now - done.sealed_at - checkpointing)},
                          {"getBatch", millis(batch.decoding)},
                          {"triggerExecution", millis(now - batch.opened)}};
  if (done.checkpointing) progress.duration_ms["commitOffsets"] = millis(checkpointing);
  progress.source_description =
      fmt::format("KafkaV2[Subscribe[{}]]", fmt::join(spec_.source.topics, ", "));
  for (const auto& [partition, ack] : acks_) {
    progress.start_offset[partition.topic][partition.partition] = ack.committable();
    progress.end_offset[partition.topic][partition.partition] = ack.committable();
    progress.latest_offset[partition.topic][partition.partition] = ends_[partition].offset;
  }
  for (const auto& [partition, range] : batch.ranges) {
    progress.start_offset[partition.topic][partition.partition] = range.first;
    progress.end_offset[partition.topic][partition.partition] = range.end.offset;
  }
  progress.sink_description = parts_.store.description();
  progress.output_rows = static_cast<std::int64_t>(batch.to_write.size() - done.culprits);
  progress.filtered_rows = static_cast<std::int64_t>(batch.filtered);
  progress.rejected = batch.rejected;

  meters_->batch_done(batch, static_cast<std::size_t>(progress.output_rows), done.bytes_written,
                      now, parts_.clock.wall_millis(), spec_);
  parts_.report.update([&](PipelineStatus& status) {
    ++status.batches;
    status.rows_read += progress.input_rows;
    status.rows_written += progress.output_rows;
    status.rows_filtered += progress.filtered_rows;
    for (const auto& [reason, count] : batch.rejected) status.rejected[reason] += count;
    for (const auto& [reason, message] : batch.last_reject) status.last_reject[reason] = message;
  });
  renew_lag();
  // A sample: the counts are in the metrics and the status.
  for (const auto& [reason, message] : batch.last_reject) {
    const auto [last, first] = last_reject_log_.try_emplace(reason, now);
    if (!first && now - last->second < seconds(10)) continue;
    last->second = now;
    log_warn("stream", "pipeline {}: {} record(s) rejected as {}, the last one {}", spec_.name,
             batch.rejected.at(reason), stream::name(reason), message);
  }
  log_debug("stream", "progress {}", progress.json());
  parts_.report.add(std::move(progress));
}

}  // namespace penstock::stream
