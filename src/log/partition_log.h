// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/function.h"
#include "base/result.h"
#include "log/group_commit.h"
#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/topic_partition.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"
#include "wire/kafka/record_batch.h"

namespace penstock::log {

class ProducerTable;
class Segment;

// What became of an append. Refusals are answers for the client, so they carry the protocol's
// error.
struct AppendResult {
  kafka::KafkaError error = kafka::KafkaError::None;
  std::string message;                // why it was refused
  kafka::Offset base_offset{-1};      // of the first record
  kafka::Offset last_offset{-1};      // of the last one; durable once high_watermark() is above it
  std::int64_t log_append_time = -1;  // -1 unless the topic uses LogAppendTime
  kafka::Offset log_start_offset{-1};
  bool duplicate = false;  // an idempotent producer's retry: nothing appended, the first offsets

  bool ok() const { return error == kafka::KafkaError::None; }
};

struct AppendOptions {
  // False: our own records. Several batches, control batches and any size that fits in a segment
  // are fine.
  bool from_client = true;
};

struct ReadResult {
  Bytes batches;  // whole batches, back to back; empty at the high watermark
  kafka::Offset high_watermark;
  kafka::Offset log_start_offset;
};

// A record's place found by time.
struct TimestampedOffset {
  std::int64_t timestamp = -1;
  kafka::Offset offset{-1};
  kafka::LeaderEpoch leader_epoch{-1};
};

// One partition: record batches in segment files of Kafka's layout (docs/formats/log-segment.md),
// with offsets given out here.
//
// Lives on its loop; not thread-safe. append() has written the batches to the page cache when it
// returns; they are durable and readable once high_watermark() has passed them, which GroupCommit
// brings about. Appends become durable in order. After a failed fdatasync, or bytes that cannot be
// trusted, the log refuses appends (failure() says why) and never calls the lost bytes durable.
// Stop with close(), which wants an idle GroupCommit; destruction without it is a crash.
class PartitionLog final : public GroupCommit::Member,
                           public std::enable_shared_from_this<PartitionLog> {
 public:
  struct Environment {
    Disk& disk;
    const Clock& clock;
    GroupCommit& commit;
    RunBlocking run_blocking;  // removal of old segments
  };
  // What is known about the directory from outside it.
  struct Knowledge {
    bool clean_shutdown = false;
    kafka::Offset recovery_point{
        0};  // everything below was durable: a bad batch there is corruption
    kafka::Offset log_start_offset{0};
  };

  // Opens the log in `dir`, or begins one. After an unclean stop scans what the recovery point does
  // not cover, cuts a torn tail and raises the leader epoch. Corrupt, naming file and position,
  // when bytes that were durable are bad.
  static Result<std::shared_ptr<PartitionLog>> open(const Environment& environment,
                                                    const std::string& dir,
                                                    const TopicPartition& id,
                                                    const LogConfig& config,
                                                    const Knowledge& knowledge);
  ~PartitionLog() override;

  const TopicPartition& id() const { return id_; }
  const LogConfig& config() const { return config_; }
  void set_config(const LogConfig& config) { config_ = config; }

  // Checks the batches (one or more of magic 2, back to back), gives them offsets and writes them.
  // Their CRC is computed once, over bytes that are not changed afterwards.
  AppendResult append(BytesView batches, const AppendOptions& options = {});

  // Calls back on the loop once everything below `end` is durable, or with why it will not be;
  // within this call when that is known already. In order of `end`.
  void when_durable(kafka::Offset end, Function<void(const Result<void>&)> done);

  // From the batch that holds `from` to at most `bytes_max` bytes, whole batches below the high
  // watermark. The first batch comes even when it alone is longer, if `at_least_one` (KIP-74).
  // OutOfRange below log_start_offset() or above log_end_offset(); Corrupt or Io, naming the file,
  // when the bytes cannot be had.
  Result<ReadResult> read(kafka::Offset from, std::size_t bytes_max,
                          bool at_least_one = true) const;

  kafka::Offset log_start_offset() const { return log_start_; }
  kafka::Offset high_watermark() const { return high_watermark_; }  // everything below is durable
  kafka::Offset log_end_offset() const { return log_end_; }         // the next record's offset
  std::uint64_t bytes() const;                                      // of all segments
  std::size_t segments() const;
  const std::optional<Error>& failure() const { return failure_; }

  // The first record below the high watermark whose timestamp is at least `timestamp`. Of a batch
  // that decompresses to more than kLookupBytesMax, the first record stands for that one.
  static constexpr std::size_t kLookupBytesMax = 64 << 20;
  Result<std::optional<TimestampedOffset>> offset_for_time(std::int64_t timestamp) const;
  // The record with the largest timestamp, the first of equals (KIP-734).
  Result<std::optional<TimestampedOffset>> offset_of_max_timestamp() const;

  kafka::LeaderEpoch leader_epoch() const { return epochs_.latest(); }
  EpochEnd end_of_epoch(kafka::LeaderEpoch epoch) const {
    return epochs_.end_of(epoch, high_watermark_);
  }

  // Called on the loop whenever the high watermark or the log start has moved, or the log has
  // failed or gone: a long poll looks again. Listeners may add and remove listeners.
  enum class ListenerId : std::uint64_t {};
  ListenerId on_change(std::function<void()> listener);
  void remove_listener(ListenerId id);

  // Seals the active segment and begins a new one; does nothing when it is empty.
  Result<void> roll();
  // Forgets records below `offset` (at most the high watermark), and the segments that hold nothing
  // else. For DeleteRecords and for logs that are rewritten.
  Result<void> delete_records_before(kafka::Offset offset);
  // Applies retention by time and size, and forgets idle producers.
  Result<void> enforce_retention();

  // Everything below is durable with its indexes: what the recovery-point checkpoint may say.
  kafka::Offset recovery_point() const { return high_watermark_; }
  // Writes indexes and the producer snapshot, all synced. No append after it.
  Result<void> close();
  // The directory is about to be removed: waiting calls fail with NotFound, no file is touched any
  // more.
  void abandon(const Error& why);

 private:
  friend class LogRecovery;
  struct Waiter {
    kafka::Offset end;
    Function<void(const Result<void>&)> done;
  };

  PartitionLog(const Environment& environment, std::string dir, TopicPartition id,
               const LogConfig& config);
  Function<Result<void>()> begin_flush() override;
  void end_flush(const Result<void>& result) override;

  Segment& active() { return *segments_.rbegin()->second; }
  Result<ReadResult> read_batches(kafka::Offset from, std::size_t bytes_max,
                                  bool at_least_one) const;
  Result<std::optional<TimestampedOffset>> find_time(std::int64_t timestamp) const;
  // Says once what is wrong with the bytes: clients ask for them again and again.
  void report(const Error& error) const;
  const Segment* segment_holding(kafka::Offset offset) const;
  Result<void> begin_segment(kafka::Offset base);
  Result<void> roll_if_needed(std::uint64_t incoming_bytes, kafka::Offset incoming_last);
  AppendResult write_batches(std::span<const kafka::RecordBatchView> batches, AppendResult result);
  // Removes whole segments below, never the active one; the files go in the background.
  void remove_segments_below(kafka::Offset offset);
  Result<std::shared_ptr<File>> write_snapshot();
  void fail_with(const Error& error);
  void settle_waiters();
  void notify();

  Environment environment_;
  std::string dir_;
  TopicPartition id_;
  LogConfig config_;

  std::map<kafka::Offset, std::shared_ptr<Segment>>
      segments_;  // by base offset; the last is active
  kafka::Offset log_start_{0};
  kafka::Offset high_watermark_{0};
  kafka::Offset log_end_{0};
  std::unique_ptr<ProducerTable> producers_;
  LeaderEpochs epochs_;
  std::shared_ptr<File> durable_end_;  // the hint of docs/formats/log-segment.md

  std::vector<std::shared_ptr<File>> unsynced_;  // sealed files that the next flush has to cover
  bool dir_unsynced_ = false;
  bool changed_ = false;  // since open()
  kafka::Offset flushing_to_{0};
  std::deque<Waiter> waiters_;
  std::map<ListenerId, std::function<void()>> listeners_;
  std::uint64_t last_listener_ = 0;
  std::optional<Error> failure_;
  mutable std::string reported_;  // the last fault that was found in reading
};

}  // namespace penstock::log
