// SPDX-License-Identifier: Apache-2.0
#include "log/partition_log.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/logging.h"
#include "log/producer_table.h"
#include "log/segment.h"

namespace penstock::log {
namespace {

AppendResult refused(AppendResult result, kafka::KafkaError error, std::string message) {
  result.error = error;
  result.message = std::move(message);
  return result;
}

// A batch on its way to the file: its header with our 12 bytes in it, and the rest where the
// client's frame has it. Only LogAppendTime changes bytes under the CRC, and then works on a copy.
struct Outgoing {
  std::array<char, kafka::kBatchHeaderBytes> head;
  BytesView rest;
  Bytes rewritten;
};

void write_durable_end(File& file, kafka::Offset end) {
  Bytes hint;
  append_be(hint, end.value());
  append_be(hint, crc32c(hint));
  // Only a hint: without it recovery trusts an older recovery point.
  static_cast<void>(file.write(0, hint));
}

// The first record of the batch, from `start` on, whose timestamp is at least `timestamp`.
Result<std::optional<TimestampedOffset>> find_record(const kafka::RecordBatchView& batch,
                                                     std::int64_t timestamp, kafka::Offset start) {
  Bytes scratch;
  auto records = kafka::RecordReader::open(batch, scratch, PartitionLog::kLookupBytesMax);
  if (!records && records.error().code == Code::TooLarge) {
    // A reader that begins here meets the record it wants, only not at once.
    return TimestampedOffset{batch.base_timestamp(), std::max(batch.base_offset(), start),
                             batch.leader_epoch()};
  }
  if (!records) return fail(records.error());
  for (kafka::RecordView record; records->next(record);) {
    if (record.timestamp >= timestamp && record.offset >= start)
      return TimestampedOffset{record.timestamp, record.offset, batch.leader_epoch()};
  }
  TRY(records->finish());
  return std::nullopt;
}

}  // namespace

PartitionLog::PartitionLog(const Environment& environment, std::string dir, TopicPartition id,
                           const LogConfig& config)
    : environment_(environment),
      dir_(std::move(dir)),
      id_(std::move(id)),
      config_(config),
      producers_(std::make_unique<ProducerTable>()) {}

PartitionLog::~PartitionLog() = default;

AppendResult PartitionLog::append(BytesView batches, const AppendOptions& options) {
  AppendResult result;
  result.log_start_offset = log_start_;
  if (failure_)
    return refused(std::move(result), kafka::KafkaError::KafkaStorageError, failure_->message);
  if (!options.from_client) {
    std::vector<kafka::RecordBatchView> views;
    kafka::BatchReader reader(batches);
    for (auto batch = reader.next(); batch && *batch; batch = reader.next())
      views.push_back(**batch);
    CHECK(!views.empty() && reader.rest().empty(), "our own records are whole batches");
    return write_batches(views, std::move(result));
  }
  if (batches.size() > static_cast<std::size_t>(config_.max_message_bytes)) {
    return refused(std::move(result), kafka::KafkaError::MessageTooLarge,
                   fmt::format("the batch has {} bytes, max.message.bytes of {} is {}",
                               batches.size(), id_.topic, config_.max_message_bytes));
  }
  kafka::ProducedBatch produced = kafka::check_produced(batches);
  if (!produced.batch)
    return refused(std::move(result), produced.refusal.error, std::move(produced.refusal.message));
  ProducerTable::Verdict verdict = producers_->check(*produced.batch);
  if (verdict.error != kafka::KafkaError::None)
    return refused(std::move(result), verdict.error, std::move(verdict.message));
  if (verdict.duplicate) {
    result.base_offset = verdict.duplicate->first_offset;
    result.last_offset = verdict.duplicate->last_offset;
    if (config_.timestamp_type == kafka::TimestampType::LogAppendTime)
      result.log_append_time = verdict.duplicate->appended_at;
    result.duplicate = true;
    return result;
  }
  return write_batches({&*produced.batch, 1}, std::move(result));
}

AppendResult PartitionLog::write_batches(std::span<const kafka::RecordBatchView> batches,
                                         AppendResult result) {
  std::uint64_t bytes = 0;
  kafka::Offset next = log_end_;
  for (const auto& batch : batches) {
    bytes += batch.size();
    next = next + batch.last_offset_delta() + 1;
  }
  if (bytes > static_cast<std::uint64_t>(config_.segment_bytes)) {
    return refused(
        std::move(result), kafka::KafkaError::RecordListTooLarge,
        fmt::format("{} bytes at once are more than a segment of {} holds (segment.bytes {})",
                    bytes, id_.topic, config_.segment_bytes));
  }
  if (const Result<void> rolled = roll_if_needed(bytes, next - 1); !rolled) {
    log_warn("log", "{}: a new segment cannot be begun: {}", id_.text(), rolled.error().message);
    return refused(std::move(result), kafka::KafkaError::KafkaStorageError, rolled.error().message);
  }

  const std::int64_t now = environment_.clock.wall_millis();
  const bool append_time = config_.timestamp_type == kafka::TimestampType::LogAppendTime;
  const kafka::LeaderEpoch epoch = epochs_.latest();
  std::vector<Outgoing> outgoing(batches.size());
  std::vector<BatchHeader> headers;
  std::vector<BytesView> pieces;
  std::uint64_t position = active().bytes();
  next = log_end_;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const kafka::RecordBatchView& batch = batches[i];
    Outgoing& out = outgoing[i];
    BatchHeader& header = headers.emplace_back(BatchHeader::of(batch, position));
    header.base_offset = next;
    header.last_offset = next + batch.last_offset_delta();
    header.leader_epoch = epoch;
    if (append_time) {
      header.max_timestamp = now;
      out.rewritten = batch.bytes();
      kafka::patch_base_offset(out.rewritten.data(), next, epoch);
      kafka::patch_append_time(out.rewritten.data(), out.rewritten.size(), now);
      pieces.push_back(out.rewritten);
    } else {
      batch.bytes().copy(out.head.data(), out.head.size());
      kafka::patch_base_offset(out.head.data(), next, epoch);
      pieces.emplace_back(out.head.data(), out.head.size());
      pieces.push_back(batch.payload());
    }
    position += batch.size();
    next = header.last_offset + 1;
  }

  bool broken = false;
  if (const Result<void> written = active().write(pieces, broken); !written) {
    log_warn("log", "{}: an append of {} bytes failed: {}", id_.text(), bytes,
             written.error().message);
    if (broken) fail_with(written.error());
    return refused(std::move(result), kafka::KafkaError::KafkaStorageError,
                   written.error().message);
  }
  for (const BatchHeader& header : headers) {
    active().add(header, config_.index_interval_bytes);
    producers_->record(header, now);
  }
  result.base_offset = log_end_;
  result.last_offset = next - 1;
  if (append_time) result.log_append_time = now;
  log_end_ = next;
  changed_ = true;
  environment_.commit.mark(shared_from_this());
  return result;
}

void PartitionLog::when_durable(kafka::Offset end, Function<void(const Result<void>&)> done) {
  if (end <= high_watermark_) return done({});
  if (failure_) return done(fail(*failure_));
  const auto place = std::upper_bound(
      waiters_.begin(), waiters_.end(), end,
      [](kafka::Offset wanted, const Waiter& waiter) { return wanted < waiter.end; });
  waiters_.insert(place, {end, std::move(done)});
}

Function<Result<void>()> PartitionLog::begin_flush() {
  if (failure_) return [] { return Result<void>(); };
  flushing_to_ = log_end_;
  if (durable_end_ == nullptr) {
    if (auto hint = environment_.disk.open(dir_ + "/durable-end", OpenFile::Create))
      durable_end_ = *std::move(hint);
  }
  std::vector<std::shared_ptr<File>> files = std::exchange(unsynced_, {});
  files.push_back(active().file());
  return
      [files = std::move(files), dir = std::exchange(dir_unsynced_, false) ? dir_ : std::string(),
       hint = durable_end_, end = flushing_to_, &disk = environment_.disk]() -> Result<void> {
        for (const auto& file : files) TRY(file->sync());
        if (!dir.empty()) TRY(disk.sync_dir(dir));
        if (hint != nullptr) write_durable_end(*hint, end);
        return {};
      };
}

void PartitionLog::end_flush(const Result<void>& result) {
  if (failure_) return;
  if (!result) return fail_with(result.error());
  if (flushing_to_ == high_watermark_) return;
  high_watermark_ = flushing_to_;
  settle_waiters();
  notify();
}

void PartitionLog::settle_waiters() {
  while (!waiters_.empty() && waiters_.front().end <= high_watermark_) {
    Waiter waiter = std::move(waiters_.front());
    waiters_.pop_front();
    waiter.done({});
  }
}

void PartitionLog::fail_with(const Error& error) {
  log_error("log", "{}: refuses writes from now on: {}", id_.text(), error.message);
  abandon(error);
}

void PartitionLog::abandon(const Error& why) {
  failure_ = why;
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done(fail(why));
  notify();
}

PartitionLog::ListenerId PartitionLog::on_change(std::function<void()> listener) {
  const auto id = static_cast<ListenerId>(++last_listener_);
  listeners_.emplace(id, std::move(listener));
  return id;
}

void PartitionLog::remove_listener(ListenerId id) {
  listeners_.erase(id);
}

void PartitionLog::notify() {
  std::vector<ListenerId> ids;
  for (const auto& [id, listener] : listeners_) ids.push_back(id);
  for (const ListenerId id : ids) {
    const auto found = listeners_.find(id);
    if (found == listeners_.end()) continue;
    const std::function<void()> listener = found->second;  // it may remove itself
    listener();
  }
}

const Segment* PartitionLog::segment_holding(kafka::Offset offset) const {
  const auto after = segments_.upper_bound(offset);
  return after == segments_.begin() ? nullptr : std::prev(after)->second.get();
}

Result<ReadResult> PartitionLog::read(kafka::Offset from, std::size_t bytes_max,
                                      bool at_least_one) const {
  auto result = read_batches(from, bytes_max, at_least_one);
  if (!result) report(result.error());
  return result;
}

void PartitionLog::report(const Error& error) const {
  if (error.code != Code::Corrupt && error.code != Code::Io) return;
  if (std::exchange(reported_, error.message) == error.message) return;
  log_error("log", "{}: cannot be read: {}", id_.text(), error.message);
}

Result<ReadResult> PartitionLog::read_batches(kafka::Offset from, std::size_t bytes_max,
                                              bool at_least_one) const {
  if (from < log_start_ || from > log_end_) {
    return fail(Code::OutOfRange, "offset {} is not in {}, which has {} to {}", from, id_.text(),
                log_start_, log_end_);
  }
  ReadResult result{
      .batches = {}, .high_watermark = high_watermark_, .log_start_offset = log_start_};
  for (const Segment* segment = segment_holding(from);
       segment != nullptr && from < high_watermark_;) {
    const auto first = TRY(segment->find(from));
    if (first) {
      if (first->base_offset < high_watermark_) {
        result.batches = TRY(segment->read(*first, high_watermark_, bytes_max, at_least_one));
      }
      return result;
    }
    // The last offsets of a segment may be gone (compaction by another broker): go on in the next
    // one.
    const auto next = segments_.upper_bound(segment->base());
    segment = next == segments_.end() ? nullptr : next->second.get();
  }
  return result;
}

std::uint64_t PartitionLog::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [base, segment] : segments_) sum += segment->bytes();
  return sum;
}

std::size_t PartitionLog::segments() const {
  return segments_.size();
}

Result<std::optional<TimestampedOffset>> PartitionLog::offset_for_time(
    std::int64_t timestamp) const {
  auto found = find_time(timestamp);
  if (!found) report(found.error());
  return found;
}

Result<std::optional<TimestampedOffset>> PartitionLog::find_time(std::int64_t timestamp) const {
  for (const auto& [base, segment] : segments_) {
    if (segment->max_timestamp() < timestamp) continue;
    HeaderWalker walker = segment->walk(TRY(segment->position_before_time(timestamp)));
    while (const auto header = TRY(walker.next())) {
      if (header->base_offset >= high_watermark_) return std::nullopt;
      if (header->max_timestamp < timestamp || header->last_offset < log_start_) continue;
      const Bytes bytes = TRY(segment->file()->read_exactly(header->position, header->bytes));
      const auto batch = TRY(kafka::RecordBatchView::parse(bytes));
      const auto found = TRY_WITH(
          find_record(batch, timestamp, log_start_),
          fmt::format("{}: the batch at offset {}", segment->file()->path(), header->base_offset));
      if (found) return found;
    }
  }
  return std::nullopt;
}

Result<std::optional<TimestampedOffset>> PartitionLog::offset_of_max_timestamp() const {
  std::int64_t largest = -1;
  for (const auto& [base, segment] : segments_) {
    if (segment->max_timestamp() <= largest) continue;
    const auto next = segments_.upper_bound(base);
    const bool whole =
        base >= log_start_ && (next == segments_.end() ? log_end_ : next->first) <= high_watermark_;
    if (whole) {
      largest = segment->max_timestamp();
      continue;
    }
    HeaderWalker walker = segment->walk(0);
    while (const auto header = TRY(walker.next())) {
      if (header->base_offset >= high_watermark_) break;
      if (header->last_offset >= log_start_) largest = std::max(largest, header->max_timestamp);
    }
  }
  if (largest < 0) return std::nullopt;
  return offset_for_time(largest);
}

Result<void> PartitionLog::begin_segment(kafka::Offset base) {
  auto segment =
      TRY(Segment::create(environment_.disk, dir_, base, environment_.clock.wall_millis()));
  segments_[base] = std::move(segment);
  dir_unsynced_ = true;
  return {};
}

Result<void> PartitionLog::roll_if_needed(std::uint64_t incoming_bytes,
                                          kafka::Offset incoming_last) {
  const Segment& now = active();
  if (now.empty()) return {};
  constexpr std::int64_t kRelativeMax = std::numeric_limits<std::int32_t>::max();
  const bool full =
      now.bytes() + incoming_bytes > static_cast<std::uint64_t>(config_.segment_bytes) ||
      now.index_bytes() + TimeEntry::kBytes >
          static_cast<std::uint64_t>(config_.segment_index_bytes) ||
      incoming_last - now.base() > kRelativeMax;
  const bool old = environment_.clock.wall_millis() - now.begun_at() >= config_.segment_ms.count();
  return full || old ? roll() : Result<void>();
}

Result<void> PartitionLog::roll() {
  if (active().empty() || failure_) return {};
  // All that can fail comes first, so that a full disk leaves the log as it was.
  auto fresh =
      TRY(Segment::create(environment_.disk, dir_, log_end_, environment_.clock.wall_millis()));
  const auto sealed = [&]() -> Result<std::vector<std::shared_ptr<File>>> {
    std::shared_ptr<File> snapshot = TRY(write_snapshot());
    auto files = TRY(active().seal(environment_.disk));
    files.push_back(std::move(snapshot));
    return files;
  }();
  if (!sealed) {
    static_cast<void>(environment_.disk.remove(fresh->file()->path()));
    return fail(sealed.error());
  }
  unsynced_.insert(unsynced_.end(), sealed->begin(), sealed->end());
  segments_[log_end_] = std::move(fresh);
  dir_unsynced_ = true;
  changed_ = true;
  environment_.commit.mark(shared_from_this());
  return {};
}

Result<std::shared_ptr<File>> PartitionLog::write_snapshot() {
  std::shared_ptr<File> file = TRY(
      environment_.disk.open(dir_ + "/" + segment_file(log_end_, ".snapshot"), OpenFile::Create));
  TRY(file->truncate(0));
  TRY(file->write(0, producers_->encode()));
  // Two are kept: the newest may not have reached the disk when the power goes.
  std::vector<kafka::Offset> snapshots;
  for (const std::string& name : TRY(environment_.disk.list(dir_))) {
    if (const auto offset = segment_base(name, ".snapshot")) snapshots.push_back(*offset);
  }
  for (std::size_t i = 0; i + 2 < snapshots.size(); ++i) {
    static_cast<void>(
        environment_.disk.remove(dir_ + "/" + segment_file(snapshots[i], ".snapshot")));
  }
  return file;
}

void PartitionLog::remove_segments_below(kafka::Offset offset) {
  std::vector<std::string> doomed;
  while (segments_.size() > 1 && std::next(segments_.begin())->first <= offset) {
    const kafka::Offset base = segments_.begin()->first;
    for (const std::string_view suffix : {".log", ".index", ".timeindex"}) {
      const std::string path = dir_ + "/" + segment_file(base, suffix);
      // Renamed first: should the removal not happen, the next start finishes it.
      if (environment_.disk.rename(path, path + ".deleted")) doomed.push_back(path + ".deleted");
    }
    segments_.erase(segments_.begin());
  }
  log_start_ = std::max(log_start_, segments_.begin()->first);
  if (doomed.empty()) return;
  changed_ = true;
  environment_.run_blocking([doomed = std::move(doomed), &disk = environment_.disk] {
    for (const std::string& path : doomed) static_cast<void>(disk.remove(path));
  });
}

Result<void> PartitionLog::delete_records_before(kafka::Offset offset) {
  if (failure_) return fail(*failure_);
  if (offset > high_watermark_) {
    return fail(Code::OutOfRange, "offset {} is above the high watermark {} of {}", offset,
                high_watermark_, id_.text());
  }
  if (offset <= log_start_) return {};
  log_start_ = offset;
  changed_ = true;
  remove_segments_below(offset);
  notify();
  return {};
}

Result<void> PartitionLog::enforce_retention() {
  if (failure_) return {};
  const std::int64_t now = environment_.clock.wall_millis();
  producers_->expire(now - config_.producer_id_expiration.count());

  // A timestamp from the future would keep a segment for ever; then its age here counts.
  const auto expired = [&](const Segment& segment) {
    const std::int64_t newest = segment.max_timestamp() > now || segment.max_timestamp() < 0
                                    ? segment.begun_at()
                                    : segment.max_timestamp();
    return config_.retention_ms.count() >= 0 && newest < now - config_.retention_ms.count();
  };
  if (!active().empty() && high_watermark_ == log_end_ && expired(active())) TRY(roll());

  kafka::Offset keep_from = segments_.begin()->first;
  std::uint64_t left = bytes();
  for (auto segment = segments_.begin(); std::next(segment) != segments_.end(); ++segment) {
    const kafka::Offset end = std::next(segment)->first;
    left -= segment->second->bytes();
    const bool too_much =
        config_.retention_bytes >= 0 && left >= static_cast<std::uint64_t>(config_.retention_bytes);
    if (end > high_watermark_ || !(too_much || end <= log_start_ || expired(*segment->second)))
      break;
    keep_from = end;
  }
  if (keep_from == segments_.begin()->first) return {};
  log_info("log", "{}: retention removes the records below offset {}", id_.text(), keep_from);
  remove_segments_below(keep_from);
  notify();
  return {};
}

Result<void> PartitionLog::close() {
  CHECK(failure_ || (high_watermark_ == log_end_), "a log is closed when its flushes have ended");
  if (failure_) return fail(*failure_);
  if (changed_) {
    std::vector<std::shared_ptr<File>> files = std::exchange(unsynced_, {});
    if (!active().empty()) {
      const auto sealed = TRY(active().seal(environment_.disk));
      files.insert(files.end(), sealed.begin(), sealed.end());
    }
    files.push_back(TRY(write_snapshot()));
    for (const auto& file : files) TRY(file->sync());
    TRY(environment_.disk.sync_dir(dir_));
  }
  abandon(Error{Code::Closed, id_.text() + " is closed"});
  return {};
}

}  // namespace penstock::log
