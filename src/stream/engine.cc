// SPDX-License-Identifier: Apache-2.0
#include "stream/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/logging.h"
#include "stream/checkpoint.h"
#include "stream/engine_meters.h"
#include "stream/show.h"

namespace penstock::stream {
namespace {

using std::chrono::seconds;

constexpr std::size_t kPollRecords = 10'000;
constexpr std::size_t kPollBytes = 4 << 20;
constexpr Duration kIdleWait = seconds(10);
constexpr Duration kPollAtLeastEvery = seconds(30);  // far below max.poll.interval.ms
constexpr Duration kCommitEvery = Millis(500);
constexpr Duration kRevokeBudget = seconds(10);
constexpr Duration kColumnsKept = seconds(5);  // after the last batch
constexpr std::size_t kCulpritsWithoutSuccess = 20;

enum class Failing { Transient, Row, Global };
Failing classify(Code code) {
  switch (code) {
    case Code::Timeout:  // the outcome is unknown: the same rows again change nothing
    case Code::Unavailable:
    case Code::Closed:
    case Code::Io:
    case Code::Conflict:
    case Code::NoSpace:
      return Failing::Transient;
    case Code::InvalidArgument:
    case Code::TooLarge:
    case Code::OutOfRange:
      return Failing::Row;
    default:
      return Failing::Global;
  }
}

// Full jitter, from 50 ms doubling to 5 s (so that many workers do not come back at once).
Duration backoff(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const std::int64_t most = std::min<std::int64_t>(5000, std::int64_t{50} << std::min(attempt, 10));
  return Millis(most / 2 + static_cast<std::int64_t>(random()) % (most / 2 + 1));
}

Uuid id_of(const std::string& name) {
  // The same for every run of the pipeline, as Spark's id is for a checkpoint directory.
  Uuid id;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= i;
    id.bytes[i] = static_cast<std::uint8_t>(hash >> 32);
  }
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

DecoderOptions decoder_options(const PipelineSpec& spec) {
  return {spec.max_record_bytes, spec.on_error.at(Reason::Type) == Action::Null,
          spec.on_error.at(Reason::Convert) == Action::Null};
}

}  // namespace

Engine::Engine(const PipelineSpec& spec, const Plan& plan, const Parts& parts)
    : spec_(spec),
      plan_(plan),
      parts_(parts),
      decoder_(plan.input(), decoder_options(spec)),
      columns_(std::make_shared<ColumnPool>(plan.input(), spec.memory_bytes / 4)),
      id_(id_of(spec.name)),
      began_(parts.clock.now()),
      last_poll_(began_),
      meters_(std::make_unique<Meters>(parts.metrics, spec)) {}
Engine::~Engine() = default;

void Engine::request_stop(Duration budget) {
  stop_budget_ = budget.count();
  stopping_ = true;
  parts_.inbox.post([] {});
  parts_.source.wake();
}

void Engine::fail_with(std::string message) {
  if (!error_.empty()) return;
  error_ = std::move(message);
  log_error("stream", "pipeline {} stops: {}", spec_.name, error_);
}

// ---- Stages

bool Engine::open_is_full() const {
  if (!open_) return false;
  const std::size_t rows_max = std::min(spec_.trigger.max_rows, parts_.store.rows_max());
  const std::size_t bytes_max = std::min(spec_.memory_bytes / 4, parts_.store.bytes_max() / 2);
  return open_->records() >= rows_max || open_->request_bytes() >= bytes_max ||
         open_->fetched_bytes() >= spec_.memory_bytes / 4;
}

bool Engine::should_seal() const {
  if (!open_ || open_->empty()) return false;
  if (open_is_full() || draining_ || stopping_) return true;
  switch (spec_.trigger.kind) {
    case Trigger::Kind::Interval:
      return parts_.clock.now() >= seal_at_;
    case Trigger::Kind::Asap:
      return !writing_ && !ready_;
    case Trigger::Kind::AvailableNow:
      return reached_the_end();
  }
  return true;
}

bool Engine::advance() {
  bool moved = false;
  for (bool more = true; more && error_.empty();) {
    more = write_next();
    if (!ready_ && should_seal()) {
      seal();
      more = true;
    }
    if (leftover_ && !open_is_full()) {
      const Leftover rest = *std::move(leftover_);
      leftover_.reset();
      take(rest.fetched, rest.from);
      more = true;
    }
    moved |= more;
  }
  return moved;
}

void Engine::open_batch() {
  const TimePoint now = parts_.clock.now();
  open_ =
      std::make_unique<MicroBatch>(spec_, plan_, columns_, next_batch_++, now, parts_.clock.wall());
  // Triggers fire on multiples of the interval, as Spark's do.
  const Duration interval = std::max<Duration>(spec_.trigger.interval, Millis(1));
  seal_at_ = began_ + ((now - began_) / interval + 1) * interval;
}

void Engine::take(std::shared_ptr<const Fetched> fetched, std::size_t from) {
  if (!open_) open_batch();
  const TimePoint begin = parts_.clock.now();
  const std::size_t rows_max = std::min(spec_.trigger.max_rows, parts_.store.rows_max());
  const std::size_t count = fetched->records().size();
  const std::size_t rest =
      open_->add(fetched, from, rows_max, partitions_, decoder_, parts_.clock.wall_millis());
  open_->decoding += parts_.clock.now() - begin;
  if (rest < count) leftover_ = Leftover{std::move(fetched), rest};
  if (open_->empty()) {  // nothing of it was for us
    open_.reset();
    --next_batch_;
  }
}

void Engine::seal() {
  const TimePoint begin = parts_.clock.now();
  Sealed sealed;
  sealed.batch = std::move(open_);
  sealed.batch->seal(parts_.store.key());
  sealed.batch->transforming = parts_.clock.now() - begin;
  if (!sealed.batch->fatal.empty()) return fail_with(sealed.batch->fatal);
  for (const auto& [partition, range] : sealed.batch->ranges) {
    const auto tracker = acks_.find(partition);
    const auto state = partitions_.find(partition);
    if (tracker == acks_.end() || state == partitions_.end() || state->second.epoch != range.epoch)
      continue;
    sealed.acks.emplace(partition, tracker->second.begin(range.end.offset));
  }
  sealed.bisection = Bisection(sealed.batch->to_write.size());
  ready_ = std::move(sealed);
  send_letters(*ready_);
}

void Engine::send_letters(Sealed& sealed) {
  if (sealed.batch->letters.empty()) {
    sealed.letters = Letters::Acknowledged;
    return;
  }
  sealed.letters = Letters::Sending;
  sealed.retry_at = {};
  std::vector<DeadLetter> copy = sealed.batch->letters;  // kept for another try
  Inbox& inbox = parts_.inbox;
  Source& source = parts_.source;
  parts_.dead_letters.send(std::move(copy), [this, &inbox, &source](Result<void> result) {
    inbox.post([this, result = std::move(result)] { on_letters(result); });
    source.wake();
  });
}

void Engine::on_letters(const Result<void>& result) {
  // Letters of one batch at a time: those of the writing one (its culprits) hold back nothing that
  // is ready, and both are never under way at once because a batch moves on only with its letters
  // acknowledged.
  Sealed* sealed = writing_ && writing_->letters == Letters::Sending ? &*writing_
                   : ready_                                          ? &*ready_
                                                                     : nullptr;
  if (sealed == nullptr || sealed->letters != Letters::Sending) return;
  if (result) {
    meters_->dlq_records.add(static_cast<double>(sealed->batch->letters.size()));
    sealed->letters = Letters::Acknowledged;
    sealed->batch->letters.clear();
    sealed->attempt = 0;
    return;
  }
  meters_->dlq_failures.add();
  if (classify(result.error().code) != Failing::Transient) {
    return fail_with(fmt::format("cannot write to the dead-letter topic {}: {}", spec_.dlq.topic,
                                 result.error().message));
  }
  retry_later(*sealed, result.error().with("dead-letter topic"));
}

void Engine::retry_later(Sealed& sealed, const Error& error) {
  const Duration delay = backoff(sealed.attempt++);
  sealed.retry_at = parts_.clock.now() + delay;
  if (sealed.attempt == 1 || sealed.attempt % 10 == 0) {
    log_warn("stream", "pipeline {}: batch {} is tried again (attempt {}): {}", spec_.name,
             sealed.batch->id, sealed.attempt, error.message);
  }
  parts_.report.update([&](PipelineStatus& status) { status.error = error.message; });
}

bool Engine::write_next() {
  const TimePoint now = parts_.clock.now();
  for (std::optional<Sealed>* stage : {&ready_, &writing_}) {
    if (*stage && (*stage)->letters == Letters::Sending && (*stage)->retry_at != TimePoint{} &&
        now >= (*stage)->retry_at) {
      send_letters(**stage);
    }
  }
  if (!writing_) {
    if (!ready_ || ready_->letters != Letters::Acknowledged) return false;
    writing_ = std::move(ready_);
    ready_.reset();
    writing_->write_began = now;
  }
  Sealed& sealed = *writing_;
  if (sealed.in_flight || now < sealed.retry_at || sealed.letters != Letters::Acknowledged)
    return false;
  if (const auto segment = sealed.bisection.next()) {
    dispatch(segment);
    return true;
  }
  if (!sealed.batch->letters.empty()) {  // rows that the store refused
    send_letters(sealed);
    return true;
  }
  // Nothing was written, or not in one piece: the positions are still to be recorded.
  if (!sealed.rows_done && parts_.store.keeps_positions() && !positions_of(*sealed.batch).empty()) {
    dispatch(std::nullopt);
    return true;
  }
  finish();
  return true;
}

Positions Engine::positions_of(const MicroBatch& batch) const {
  Positions out;
  for (const auto& [partition, range] : batch.ranges) {
    const auto state = partitions_.find(partition);
    if (state != partitions_.end() && state->second.epoch == range.epoch)
      out.emplace(partition, range.end);
  }
  return out;
}

void Engine::dispatch(std::optional<Bisection::Segment> segment) {
  Sealed& sealed = *writing_;
  StoreBatch batch;
  batch.rows = sealed.batch->rows;
  batch.timestamps = sealed.batch->timestamps;
  const auto& rows = sealed.batch->to_write;
  if (segment) {
    batch.selection.assign(rows.begin() + static_cast<std::ptrdiff_t>(segment->first),
                           rows.begin() + static_cast<std::ptrdiff_t>(segment->second));
  }
  const bool whole = !segment || (segment->first == 0 && segment->second == rows.size());
  if (whole && parts_.store.keeps_positions()) batch.positions = positions_of(*sealed.batch);
  sealed.in_flight = true;
  Inbox& inbox = parts_.inbox;
  Source& source = parts_.source;
  const std::int64_t id = sealed.batch->id;
  parts_.store.write(std::move(batch),
                     [this, &inbox, &source, whole, id](Result<StoreOutcome> result) {
                       inbox.post([this, whole, id, result = std::move(result)] {
                         if (!writing_ || writing_->batch->id != id) return;  // given up meanwhile
                         if (whole && result) writing_->rows_done = true;
                         on_written(result);
                       });
                       source.wake();
                     });
}

void Engine::on_written(Result<StoreOutcome> result) {
  Sealed& sealed = *writing_;
  sealed.in_flight = false;
  if (!result) return on_refused(result.error());
  sealed.bytes_written += result->bytes;
  if (sealed.attempt > 0)
    parts_.report.update([](PipelineStatus& status) { status.error.clear(); });
  sealed.attempt = 0;
  if (sealed.bisection.next()) sealed.bisection.accepted();
}

void Engine::on_refused(const Error& error) {
  Sealed& sealed = *writing_;
  meters_->sink_errors(error.code).add();
  switch (classify(error.code)) {
    case Failing::Transient:
      return retry_later(sealed, error.with("store"));
    case Failing::Global:
      return fail_with(fmt::format("the store refuses the batch: {}", error.message));
    case Failing::Row:
      break;
  }
  const auto segment = sealed.bisection.next();
  if (!segment)
    return fail_with(fmt::format("the store refuses the checkpoint: {}", error.message));
  const std::uint32_t row = sealed.batch->to_write[segment->first];
  if (!sealed.bisection.refused()) return;
  sealed.batch->reject_row(row, {Reason::SinkPermanent, "", error.message});
  ++sealed.culprits;
  if (!sealed.batch->fatal.empty()) return fail_with(sealed.batch->fatal);
  if (sealed.bisection.accepted_rows() == 0 && sealed.culprits >= kCulpritsWithoutSuccess) {
    fail_with(fmt::format("the store refuses every row: {}", error.message));
  }
}

void Engine::finish() {
  Sealed done = *std::move(writing_);
  writing_.reset();
  done.batch->writing = parts_.clock.now() - done.write_began;
  for (const auto& [partition, ack] : done.acks) {
    const auto state = partitions_.find(partition);
    if (state == partitions_.end() || state->second.epoch != done.batch->ranges.at(partition).epoch)
      continue;
    AckTracker& tracker = acks_.at(partition);
    if (tracker.complete(ack)) to_commit_[partition] = tracker.committable();
  }
  if (!done.batch->rows->rows.empty() || done.batch->records() > 0) {
    for (const Sink& sink : spec_.sinks) {
      if (const auto* console = std::get_if<ConsoleSink>(&sink)) {
        parts_.console.print(show_batch(
            done.batch->id, fmt::format("{} -> {}", spec_.name, parts_.store.description()),
            plan_.output(), *done.batch->rows, *console));
      }
    }
  }
  report(done);
  last_finish_ = parts_.clock.now();
  if (parts_.clock.now() - last_commit_ >= kCommitEvery) commit_group(false);
}

void Engine::commit_group(bool wait) {
  if (to_commit_.empty()) return;
  std::vector<client::TopicPartitionOffset> offsets;
  for (const auto& [partition, offset] : to_commit_) {
    offsets.push_back({partition.topic, partition.partition, offset, commit_metadata(next_batch_)});
  }
  last_commit_ = parts_.clock.now();
  to_commit_.clear();
  if (auto committed = parts_.source.commit(offsets, wait); !committed) {
    // The checkpoint is the truth where there is one; the next commit says the same and more.
    log_warn("stream", "pipeline {}: cannot commit to group {}: {}", spec_.name, spec_.source.group,
             committed.error().message);
  }
}

// ---- Turn

bool Engine::accepting() const {
  return source_open_ && error_.empty() && !stopping_ && !gate_closed_ && !leftover_ &&
         !(open_is_full() && ready_);
}

Duration Engine::wait_time() const {
  const TimePoint now = parts_.clock.now();
  TimePoint until = now + kIdleWait;
  if (open_ && !ready_ && spec_.trigger.kind == Trigger::Kind::Interval)
    until = std::min(until, seal_at_);
  for (const std::optional<Sealed>* stage : {&ready_, &writing_}) {
    if (*stage && !(*stage)->in_flight && (*stage)->retry_at > now)
      until = std::min(until, (*stage)->retry_at);
  }
  if (!to_commit_.empty()) until = std::min(until, last_commit_ + kCommitEvery);
  if (!source_open_) until = std::min(until, source_retry_at_);
  if (stop_deadline_) until = std::min(until, *stop_deadline_);
  return std::max<Duration>(until - now, Duration(0));
}

bool Engine::reached_the_end() const {
  if (!assigned_once_ || leftover_) return false;
  return std::all_of(partitions_.begin(), partitions_.end(),
                     [](const auto& entry) { return entry.second.next >= entry.second.stop; });
}

bool Engine::step() {
  if (ended_) return false;
  parts_.inbox.run();
  advance();
  if (!error_.empty()) return end();
  if (stopping_ && !stop_deadline_) {
    stop_deadline_ = parts_.clock.now() + Duration(stop_budget_.load());
    parts_.report.update([](PipelineStatus& status) { status.state = PipelineState::Stopping; });
    leftover_.reset();  // not begun: read again next time
  }
  if (stop_deadline_ && (idle() || parts_.clock.now() >= *stop_deadline_)) return end();
  if (spec_.trigger.kind == Trigger::Kind::AvailableNow && reached_the_end() && idle())
    return end();
  if (!to_commit_.empty() && parts_.clock.now() - last_commit_ >= kCommitEvery) commit_group(false);
  if (idle() && parts_.clock.now() - last_finish_ >= kColumnsKept) columns_->clear();

  // Memory between fetch and acknowledgement, with hysteresis.
  std::size_t held = open_ ? open_->bytes() : 0;
  for (const std::optional<Sealed>* stage : {&ready_, &writing_})
    held += *stage ? (*stage)->batch->bytes() : 0;
  gate_closed_ = held > (gate_closed_ ? spec_.memory_bytes / 2 : spec_.memory_bytes / 5 * 4);
  meters_->memory.set(static_cast<double>(held));

  if (!source_open_ && parts_.clock.now() >= source_retry_at_ && !stopping_) {
    source_open_ = true;
    if (auto opened = parts_.source.open(*this); !opened) reopen_source(opened.error());
  }
  if (!poll_once()) parts_.inbox.wait(std::min<Duration>(wait_time(), kPollAtLeastEvery));
  return true;
}

// False when this turn is not for reading.
bool Engine::poll_once() {
  const bool take_more = accepting();
  const TimePoint now = parts_.clock.now();
  if (!take_more) {
    // The broker takes a member that does not poll for dead: poll with everything paused.
    if (!source_open_ || stopping_ || now - last_poll_ < kPollAtLeastEvery) return false;
    if (!paused_) parts_.source.pause_all();
    paused_ = true;
  } else if (paused_) {
    parts_.source.resume_all();
    paused_ = false;
  }
  const std::size_t room =
      std::min(spec_.trigger.max_rows, parts_.store.rows_max()) - (open_ ? open_->records() : 0);
  auto fetched = parts_.source.poll(std::clamp<std::size_t>(room, 1, kPollRecords), kPollBytes,
                                    take_more ? wait_time() : Duration(0));
  last_poll_ = parts_.clock.now();
  if (!fetched) {
    reopen_source(fetched.error());
    return true;
  }
  for (const auto& end : (*fetched)->ends()) {
    // A transaction marker at the end is no record, so `next` alone would never reach `stop`.
    const auto partition = partitions_.find(end.topic_partition());
    if (partition == partitions_.end() || spec_.trigger.kind != Trigger::Kind::AvailableNow)
      continue;
    partition->second.stop =
        std::min(partition->second.stop, std::max(end.offset, partition->second.next));
  }
  if (!(*fetched)->records().empty()) {
    take(*std::move(fetched), 0);
  } else {
    for (auto& [partition, state] : partitions_) {
      for (const auto& end : (*fetched)->ends()) {
        if (end.topic_partition() == partition && end.offset >= state.stop)
          state.next = std::max(state.next, state.stop);
      }
    }
  }
  return true;
}

void Engine::reopen_source(const Error& error) {
  if (classify(error.code) != Failing::Transient && error.code != Code::NotFound) {
    return fail_with(fmt::format("cannot read from Kafka: {}", error.message));
  }
  leftover_.reset();
  drain(parts_.clock.now() + kRevokeBudget);
  commit_group(false);
  // The source's memory goes with it.
  open_.reset();
  ready_.reset();
  writing_.reset();
  if (source_open_) parts_.source.close();
  source_open_ = false;
  partitions_.clear();
  acks_.clear();
  to_commit_.clear();
  source_retry_at_ = parts_.clock.now() + seconds(1);
  log_warn("stream", "pipeline {}: reading again in 1 s: {}", spec_.name, error.message);
  parts_.report.update([&](PipelineStatus& status) { status.error = error.message; });
}

void Engine::drain(TimePoint deadline) {
  draining_ = true;
  while (error_.empty() && (open_ || ready_ || writing_) && parts_.clock.now() < deadline) {
    parts_.inbox.run();
    if (!advance())
      parts_.inbox.wait(std::min<Duration>(wait_time(), deadline - parts_.clock.now()));
  }
  draining_ = false;
}

bool Engine::end() {
  if (!ended_) {
    ended_ = true;
    commit_group(true);
    open_.reset();
    ready_.reset();
    writing_.reset();
    leftover_.reset();
    if (source_open_) parts_.source.close();
    source_open_ = false;
    parts_.report.update([&](PipelineStatus& status) {
      status.state = error_.empty() ? PipelineState::Stopped : PipelineState::Failed;
      status.error = error_;
    });
  }
  return false;
}

// ---- Assignment

Result<void> Engine::on_assigned(std::vector<client::TopicPartitionOffset>& partitions) {
  std::vector<client::TopicPartition> names;
  for (const auto& partition : partitions) names.push_back(partition.topic_partition());
  const auto choose = [&]() -> Result<void> {
    Positions checkpoints;
    if (parts_.store.keeps_positions())
      checkpoints = TRY_WITH(parts_.store.positions(names), "reading the checkpoint");
    const auto committed = TRY_WITH(parts_.source.committed(names), "reading the group's offsets");
    for (auto& partition : partitions) {
      const client::TopicPartition key = partition.topic_partition();
      const auto checkpoint = checkpoints.find(key);
      const auto group = committed.find(key);
      const client::Watermarks marks =
          TRY_WITH(parts_.source.watermarks(key), "reading the partition's offsets");
      const Start start = TRY(decide_start(
          key, checkpoint == checkpoints.end() ? std::nullopt : std::optional(checkpoint->second),
          group == committed.end() ? Committed{} : group->second, marks, spec_.source));
      if (!start.note.empty()) log_warn("stream", "pipeline {}: {}", spec_.name, start.note);
      partition.offset = start.position.offset;
      MicroBatch::PartitionState state{WriteClock(start.position.write_clock), ++epoch_,
                                       start.position.offset, INT64_MAX};
      if (spec_.trigger.kind == Trigger::Kind::AvailableNow) state.stop = marks.high;
      partitions_.insert_or_assign(key, state);
      acks_.insert_or_assign(key, AckTracker(start.position.offset));
      if (checkpoint != checkpoints.end())
        next_batch_ = std::max(next_batch_, checkpoint->second.batch + 1);
    }
    return {};
  };
  Result<void> chosen = choose();
  for (int attempt = 0;
       !chosen && classify(chosen.error().code) == Failing::Transient && attempt < 20 && !stopping_;
       ++attempt) {
    parts_.inbox.wait(backoff(attempt));
    chosen = choose();
  }
  if (!chosen) {
    fail_with(chosen.error().message);
    return chosen;
  }
  assigned_once_ = true;
  meters_->assigned.set(static_cast<double>(partitions_.size()));
  meters_->rebalances("assigned").add();
  parts_.report.update([&](PipelineStatus& status) {
    status.state = stopping_ ? PipelineState::Stopping : PipelineState::Running;
    status.error.clear();
    for (const auto& [key, state] : partitions_)
      status.checkpoint[key.topic][key.partition] = state.next;
  });
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
  }
  meters_->assigned.set(static_cast<double>(partitions_.size()));
}

// ---- Reports

void Engine::update_lag(Progress& progress) {
  for (const auto& [partition, state] : partitions_) {
    const auto end = parts_.source.last_end(partition);
    const auto acks = acks_.find(partition);
    if (!end || acks == acks_.end()) continue;
    progress.latest_offset[partition.topic][partition.partition] = *end;
    meters_->lag(partition).set(
        static_cast<double>(std::max<std::int64_t>(0, *end - acks->second.committable())));
  }
}

void Engine::report(const Sealed& done) {
  const MicroBatch& batch = *done.batch;
  const TimePoint now = parts_.clock.now();
  const auto millis = [](Duration duration) {
    return std::chrono::duration_cast<Millis>(duration).count();
  };
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
  progress.duration_ms = {{"addBatch", millis(batch.decoding + batch.transforming + batch.writing)},
                          {"getBatch", millis(batch.decoding)},
                          {"triggerExecution", millis(now - batch.opened)},
                          {"walCommit", 0}};
  progress.source_description =
      fmt::format("KafkaV2[Subscribe[{}]]", fmt::join(spec_.source.topics, ", "));
  for (const auto& [partition, range] : batch.ranges) {
    progress.start_offset[partition.topic][partition.partition] = range.first;
    progress.end_offset[partition.topic][partition.partition] = range.end.offset;
  }
  progress.sink_description = parts_.store.description();
  progress.output_rows = static_cast<std::int64_t>(batch.to_write.size() - done.culprits);
  progress.filtered_rows = static_cast<std::int64_t>(batch.filtered);
  progress.rejected = batch.rejected;
  update_lag(progress);

  meters_->batch_done(batch, static_cast<std::size_t>(progress.output_rows), done.bytes_written,
                      now, parts_.clock.wall_millis(), spec_);
  parts_.report.update([&](PipelineStatus& status) {
    ++status.batches;
    status.rows_read += progress.input_rows;
    status.rows_written += progress.output_rows;
    status.rows_filtered += progress.filtered_rows;
    for (const auto& [reason, count] : batch.rejected) status.rejected[reason] += count;
    for (const auto& [reason, message] : batch.last_reject) status.last_reject[reason] = message;
    for (const auto& [topic, ends] : progress.end_offset) {
      for (const auto& [partition, offset] : ends) status.checkpoint[topic][partition] = offset;
    }
    status.high_watermark = progress.latest_offset;
    status.lag = progress.lag();
  });
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
