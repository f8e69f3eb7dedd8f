// SPDX-License-Identifier: Apache-2.0
#include "stream/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/logging.h"
#include "stream/backoff.h"
#include "stream/checkpoint.h"
#include "stream/engine_meters.h"
#include "stream/failing.h"
#include "stream/show.h"

namespace penstock::stream {
namespace {

using std::chrono::seconds;

constexpr std::size_t kPollRecords = 10'000;
constexpr std::size_t kPollBytes = 4 << 20;
constexpr Duration kPollAtLeastEvery = seconds(30);  // far below max.poll.interval.ms
constexpr Duration kDrainTurn = seconds(1);
constexpr Duration kCommitEvery = Millis(500);
constexpr Duration kColumnsKept = seconds(5);  // after the last batch
constexpr std::size_t kCulpritsWithoutSuccess = 20;
constexpr Duration kReopenFirst = seconds(1);
constexpr int kReopenDoublings = 3;  // eight seconds at most

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
      decoding_(began_),
      transforming_(began_),
      writing_share_(began_),
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
    if (!leftovers_.empty() && !open_is_full()) {
      take();
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

// Decodes the oldest of what was fetched into the open batch, as far as that has room.
void Engine::take() {
  if (!open_) open_batch();
  Leftover& oldest = leftovers_.front();
  const TimePoint begin = parts_.clock.now();
  decoding_.begin(begin);
  const std::size_t rows_max = std::min(spec_.trigger.max_rows, parts_.store.rows_max());
  oldest.from = open_->add(oldest.poll, oldest.from, rows_max, partitions_, decoder_,
                           parts_.clock.wall_millis());
  const TimePoint end = parts_.clock.now();
  decoding_.end(end);
  open_->decoding += end - begin;
  if (oldest.from == oldest.poll.fetched->records().size()) leftovers_.pop_front();
  if (open_->empty()) {  // nothing of it was for us
    open_.reset();
    --next_batch_;
  }
}

void Engine::seal() {
  const TimePoint begin = parts_.clock.now();
  transforming_.begin(begin);
  Sealed sealed;
  sealed.batch = std::move(open_);
  sealed.sealed_at = begin;
  sealed.batch->seal(parts_.store.key());
  const TimePoint end = parts_.clock.now();
  transforming_.end(end);
  sealed.batch->transforming = end - begin;
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

// Sends what is to be diverted, unless it is under way or waits for another try. A batch that is
// being written (its culprits) and one that is ready may have letters under way at once.
void Engine::send_letters(Sealed& sealed) {
  sealed.letters.add(std::exchange(sealed.batch->letters, {}));
  if (sealed.letters.empty() || sealed.letters_under_way || parts_.clock.now() < sealed.retry_at)
    return;
  sealed.letters_under_way = true;
  Inbox& inbox = parts_.inbox;
  Source& source = parts_.source;
  const std::int64_t id = sealed.batch->id;
  parts_.dead_letters.send(
      sealed.letters.next(), [this, &inbox, &source, id](std::vector<Result<void>> results) {
        inbox.post([this, id, results = std::move(results)] { on_letters(id, results); });
        source.wake();
      });
}

Engine::Sealed* Engine::sealed_batch(std::int64_t id) {
  for (std::optional<Sealed>* stage : {&ready_, &writing_}) {
    if (*stage && (*stage)->batch->id == id) return &**stage;
  }
  return nullptr;  // given up meanwhile
}

void Engine::on_letters(std::int64_t batch, const std::vector<Result<void>>& results) {
  Sealed* sealed = sealed_batch(batch);
  if (sealed == nullptr) return;
  sealed->letters_under_way = false;
  const LetterQueue::Outcome outcome = sealed->letters.answered(results);
  meters_->dlq_records.add(static_cast<double>(outcome.acknowledged));
  if (!outcome.shortened.empty()) note_shortened(outcome.shortened);
  if (!outcome.error) {
    if (sealed->attempt > 0)
      parts_.report.update([](PipelineStatus& status) { status.error.clear(); });
    sealed->attempt = 0;
    return;
  }
  meters_->dlq_failures.add();
  if (outcome.error->code != Code::TooLarge && !is_waited_for(*outcome.error)) {
    return fail_with(fmt::format("cannot write to the dead-letter topic {}: {}", spec_.dlq.topic,
                                 outcome.error->message));
  }
  retry_letters(*sealed, outcome.error->with(fmt::format(
                             "reading waits for the dead-letter topic {}", spec_.dlq.topic)));
}

// The whole record did not fit into the dead-letter topic; it stays where it was.
void Engine::note_shortened(const std::vector<DeadLetter>& letters) {
  for (const DeadLetter& letter : letters) meters_->dlq_cut(letter.reject.reason).add();
  parts_.report.update([&](PipelineStatus& status) {
    for (const DeadLetter& letter : letters) ++status.letters_cut[letter.reject.reason];
  });
  const client::KafkaRecord& last = letters.back().record;
  log_warn("stream",
           "pipeline {}: {} record(s) did not fit into {} whole; the last one is still at {}[{}] "
           "offset {}",
           spec_.name, letters.size(), spec_.dlq.topic, last.topic, last.partition, last.offset);
}

bool Engine::is_waited_for(const Error& error) const {
  const Failing failing = classify(error.code);
  return failing == Failing::Transient ||
         (failing == Failing::Person && spec_.trigger.kind != Trigger::Kind::AvailableNow);
}

void Engine::retry_letters(Sealed& sealed, const Error& error) {
  sealed.retry_at = parts_.clock.now() + backoff(sealed.attempt);
  note_retry(sealed, error);
}

void Engine::retry_write(Sealed& sealed, const Error& error) {
  sealed.retry_at =
      breaker_.failed(parts_.clock.now(), backoff(sealed.attempt), chance_between_0_and_1());
  show_breaker();
  note_retry(sealed, error);
}

void Engine::note_retry(Sealed& sealed, const Error& error) {
  ++sealed.attempt;
  if (sealed.attempt == 1 || sealed.attempt % 10 == 0) {
    log_warn("stream", "pipeline {}: batch {} is tried again (attempt {}): {}", spec_.name,
             sealed.batch->id, sealed.attempt, error.message);
  }
  parts_.report.update([&](PipelineStatus& status) { status.error = error.message; });
}

// Letters that were refused and wait for another try.
bool Engine::letters_fail() const {
  return std::ranges::any_of(std::array{&ready_, &writing_}, [](const auto* stage) {
    return *stage && !(*stage)->letters.empty() && (*stage)->attempt > 0;
  });
}

void Engine::show_breaker() {
  const Breaker::State state = breaker_.state();
  if (state == breaker_shown_) return;
  if (state == Breaker::State::Closed)
    log_info("stream", "pipeline {}: the store takes batches again", spec_.name);
  if (breaker_shown_ == Breaker::State::Closed)
    log_error("stream", "pipeline {}: the store has failed {} times in a row and is left alone",
              spec_.name, breaker_.failures());
  breaker_shown_ = state;
  meters_->breaker.set(static_cast<double>(state));
  parts_.report.update([&](PipelineStatus& status) { status.breaker = name(state); });
}

bool Engine::write_next() {
  const TimePoint now = parts_.clock.now();
  for (std::optional<Sealed>* stage : {&ready_, &writing_}) {
    if (*stage && !(*stage)->letters.empty()) send_letters(**stage);
  }
  if (!writing_) {
    if (!ready_ || !ready_->letters.empty()) return false;
    writing_ = std::move(ready_);
    ready_.reset();
    writing_->write_began = now;
  }
  Sealed& sealed = *writing_;
  if (sealed.in_flight || now < sealed.retry_at || !sealed.letters.empty()) return false;
  breaker_.trying(now);
  show_breaker();
  if (breaker_.state() == Breaker::State::HalfOpen) sealed.bisection.shorten(Breaker::kProbeRows);
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
  // The positions go with all the rows, or after the last of them.
  const bool whole = !segment || (segment->first == 0 && segment->second == rows.size());
  if (whole && parts_.store.keeps_positions()) batch.positions = positions_of(*sealed.batch);
  sealed.in_flight = true;
  sealed.flight = segment ? (whole ? Flight::AllRows : Flight::SomeRows) : Flight::OnlyPositions;
  sealed.sent_at = parts_.clock.now();
  writing_share_.begin(sealed.sent_at);
  meters_->sink_inflight.set(1);
  Inbox& inbox = parts_.inbox;
  Source& source = parts_.source;
  const std::int64_t id = sealed.batch->id;
  parts_.store.write(std::move(batch), [this, &inbox, &source, id](Result<StoreOutcome> result) {
    inbox.post([this, id, result = std::move(result)] {
      if (writing_ && writing_->batch->id == id) on_written(result);
    });
    source.wake();
  });
}

void Engine::on_written(const Result<StoreOutcome>& result) {
  Sealed& sealed = *writing_;
  const TimePoint now = parts_.clock.now();
  sealed.in_flight = false;
  writing_share_.end(now);
  meters_->request_done(now - sealed.sent_at);
  if (sealed.flight != Flight::SomeRows) {
    sealed.rows_done = result.has_value();
    if (!result && parts_.store.keeps_positions()) meters_->checkpoint_failures.add();
  }
  if (sealed.flight == Flight::OnlyPositions)
    sealed.checkpointing = sealed.checkpointing.value_or(Duration(0)) + (now - sealed.sent_at);
  if (!result) return on_refused(result.error());
  breaker_.succeeded();
  show_breaker();
  sealed.bytes_written += result->bytes;
  if (sealed.attempt > 0)
    parts_.report.update([](PipelineStatus& status) { status.error.clear(); });
  sealed.attempt = 0;
  if (sealed.bisection.next()) sealed.bisection.accepted();
}

void Engine::on_refused(const Error& error) {
  Sealed& sealed = *writing_;
  meters_->sink_errors(error.code).add();
  if (is_waited_for(error)) {
    meters_->sink_retries(error.code).add();
    return retry_write(sealed, error.with("store"));
  }
  if (classify(error.code) != Failing::Row)
    return fail_with(fmt::format("the store refuses the batch: {}", error.message));
  breaker_.succeeded();  // it answers, and well
  show_breaker();
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
    ends_[partition].behind_since.reset();  // whoever waits now is the next in line
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
  if (wait) return on_committed(offsets, parts_.source.commit(offsets));
  parts_.source.commit_soon(
      offsets, [this, offsets](const Result<void>& result) { on_committed(offsets, result); });
}

void Engine::on_committed(const std::vector<client::TopicPartitionOffset>& offsets,
                          const Result<void>& committed) {
  if (committed) {
    for (const auto& offset : offsets) {
      if (partitions_.contains(offset.topic_partition()))
        meters_->of(offset.topic_partition()).committed.set(static_cast<double>(offset.offset));
    }
    return;
  }
  meters_->checkpoint_failures.add();
  log_warn("stream", "pipeline {}: cannot commit to group {}: {}", spec_.name, spec_.source.group,
           committed.error().message);
  if (ended_) return;
  // Nothing new may come to be committed, and lag tools look at the group: once more.
  for (const auto& offset : offsets) {
    const auto ack = acks_.find(offset.topic_partition());
    if (ack != acks_.end() && ack->second.committable() >= offset.offset)
      to_commit_.try_emplace(ack->first, ack->second.committable());
  }
}

// ---- Turn

bool Engine::accepting() const {
  return source_open_ && error_.empty() && !stopping_ && !gate_closed_ && leftovers_.empty() &&
         !(open_is_full() && ready_);
}

Duration Engine::wait_time() const {
  const TimePoint now = parts_.clock.now();
  TimePoint until = draining_ ? now + kDrainTurn : next_tick_;  // a drain does not tick
  if (open_ && !ready_ && spec_.trigger.kind == Trigger::Kind::Interval)
    until = std::min(until, seal_at_);
  for (const std::optional<Sealed>* stage : {&ready_, &writing_}) {
    if (*stage && !(*stage)->in_flight && (*stage)->retry_at > now)
      until = std::min(until, (*stage)->retry_at);
  }
  if (!to_commit_.empty() && !draining_) until = std::min(until, last_commit_ + kCommitEvery);
  if (!source_open_) until = std::min(until, source_retry_at_);
  if (stop_deadline_) until = std::min(until, *stop_deadline_);
  return std::max<Duration>(until - now, Duration(0));
}

bool Engine::reached_the_end() const {
  if (!assigned_once_ || !leftovers_.empty()) return false;
  return std::all_of(partitions_.begin(), partitions_.end(), [this](const auto& entry) {
    return entry.second.next >= entry.second.stop || left_out_.contains(entry.first);
  });
}

bool Engine::step() {
  if (ended_) return false;
  parts_.inbox.run();
  advance();
  if (!error_.empty()) return end();
  if (stopping_ && !stop_deadline_) {
    stop_deadline_ = parts_.clock.now() + Duration(stop_budget_.load());
    parts_.report.update([](PipelineStatus& status) { status.state = PipelineState::Stopping; });
    leftovers_.clear();  // not begun: read again next time
  }
  if (stop_deadline_ && (idle() || parts_.clock.now() >= *stop_deadline_)) return end();
  if (spec_.trigger.kind == Trigger::Kind::AvailableNow && reached_the_end() && idle()) {
    if (!left_out_.empty()) fail_with(left_out_text());
    return end();
  }
  if (!to_commit_.empty() && parts_.clock.now() - last_commit_ >= kCommitEvery) commit_group(false);
  if (idle() && parts_.clock.now() - last_finish_ >= kColumnsKept) columns_->clear();

  measure_memory();
  tick();

  if (!source_open_ && parts_.clock.now() >= source_retry_at_ && !stopping_) {
    source_open_ = true;
    if (const auto opened = parts_.source.open(*this); !opened) reopen_source(opened.error());
  }
  if (!poll_once()) parts_.inbox.wait(std::min<Duration>(wait_time(), kPollAtLeastEvery));
  return true;
}

// Memory between fetch and acknowledgement, with hysteresis.
void Engine::measure_memory() {
  std::size_t held = 0;
  const auto measure = [&](const MicroBatch* batch, Metrics::Gauge& fill) {
    const std::size_t bytes = batch == nullptr ? 0 : batch->bytes();
    fill.set(static_cast<double>(bytes) / static_cast<double>(spec_.memory_bytes));
    held += bytes;
  };
  measure(open_.get(), meters_->open_fill);
  measure(ready_ ? ready_->batch.get() : nullptr, meters_->ready_fill);
  measure(writing_ ? writing_->batch.get() : nullptr, meters_->writing_fill);
  gate_closed_ = held > (gate_closed_ ? spec_.memory_bytes / 2 : spec_.memory_bytes / 5 * 4);
  meters_->memory.set(static_cast<double>(held));
}

// False when this turn is not for reading.
bool Engine::poll_once() {
  const bool take_more = accepting();
  const TimePoint now = parts_.clock.now();
  if (!take_more) {
    // The broker takes a member that does not poll for dead: poll with everything paused, also what
    // was assigned in the last such poll. There is no place for a record.
    if (!source_open_ || stopping_ || now - last_poll_ < kPollAtLeastEvery) return false;
    parts_.source.pause_all();
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
    leftovers_.push_back({{*std::move(fetched), epoch_}, 0});
    if (leftovers_.size() == 1) take();
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

// Closes the source and opens it anew a little later. NotFound: a topic was deleted. OutOfRange: an
// offset is not there any more, and where to go on is decided as at the start.
void Engine::reopen_source(const Error& error) {
  if (!is_waited_for(error) && error.code != Code::NotFound && error.code != Code::OutOfRange) {
    return fail_with(fmt::format("cannot read from Kafka: {}", error.message));
  }
  topic_was_gone_ |= error.code == Code::NotFound;
  leftovers_.clear();
  drain(parts_.clock.now() + kRevokeBudget);
  // Not to a topic that has the name of the one that was deleted.
  if (error.code == Code::NotFound) to_commit_.clear();
  commit_group(false);
  drop_stages();  // the source's memory goes with it
  if (source_open_) parts_.source.close();
  source_open_ = false;
  forget_partitions();
  const Duration delay = kReopenFirst * (1 << std::min(source_attempt_, kReopenDoublings));
  source_retry_at_ = parts_.clock.now() + delay;
  if (source_attempt_++ % 10 < 3) {
    log_warn("stream", "pipeline {}: reading again in {} s: {}", spec_.name, delay / seconds(1),
             error.message);
  }
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

void Engine::drop_stages() {
  open_.reset();
  ready_.reset();
  writing_.reset();
  leftovers_.clear();
  writing_share_.end(parts_.clock.now());
  meters_->sink_inflight.set(0);
}

bool Engine::end() {
  if (!ended_) {
    ended_ = true;
    commit_group(true);
    drop_stages();
    if (source_open_) parts_.source.close();
    source_open_ = false;
    parts_.report.update([&](PipelineStatus& status) {
      status.state = error_.empty() ? PipelineState::Stopped : PipelineState::Failed;
      status.error = error_;
    });
  }
  return false;
}

}  // namespace penstock::stream
