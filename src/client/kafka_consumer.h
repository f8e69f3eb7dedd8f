// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "client/kafka_batch.h"
#include "client/kafka_config.h"

namespace penstock::client {

struct KafkaConsumerConfig {
  KafkaConfig kafka;
  std::string group;           // empty: only assign() works
  std::string group_instance;  // static membership (KIP-345) if not empty
  // Where a partition without committed offset begins, or one whose offset is not there any more:
  // "earliest" or "latest"; "error" makes poll() fail with OutOfRange instead.
  std::string start = "latest";
  bool cooperative = true;  // cooperative-sticky assignment (KIP-429); else range, round robin
};

struct Rebalance {
  enum class Kind {
    Assigned,  // set `partitions[i].offset` to start elsewhere than at the group's committed offset
    Revoked,   // finish and commit before returning: afterwards the partitions belong to another
               // member
    Lost,      // they already do; drop what is buffered, do not commit
  };
  Kind kind = Kind::Assigned;
  std::vector<TopicPartitionOffset> partitions;  // only those that come or go
};
using OnRebalance = std::function<void(Rebalance&)>;

struct PollLimits {
  std::size_t records_max = 100'000;
  std::size_t bytes_max = 64 << 20;  // exceeded by at most one record
  Duration wait_max = std::chrono::seconds(
      1);  // for the first record; what is there already is taken without waiting
};

// A Kafka consumer: a member of a group, or on partitions of its choice. Owns a librdkafka handle
// with its threads; fetches ahead while the caller works. All members are for one thread, the
// polling one, except wake(). Blocking; never on a net::Loop. Does not commit by itself: commit()
// is the caller's word that everything below is done.
class KafkaConsumer {
 public:
  static Result<std::unique_ptr<KafkaConsumer>> open(const KafkaConsumerConfig& config);
  ~KafkaConsumer();  // close()
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  // Joins the group. `on_rebalance` is called from inside poll() and close().
  Result<void> subscribe(const std::vector<std::string>& topics, OnRebalance on_rebalance);
  // Takes these partitions without a group; offsets may be kOffsetEarliest, kOffsetLatest,
  // kOffsetStored.
  Result<void> assign(const std::vector<TopicPartitionOffset>& partitions);

  // Waits for the first record, then takes what is there. An empty batch: nothing came, or wake()
  // was called, or only a rebalance happened. An error: nothing will come any more without
  // somebody's help (unknown topic, refused credentials, fatal state); brokers that are away are
  // waited for, with a log line. Call it at least every max.poll.interval.ms (5 minutes), also
  // while paused.
  Result<KafkaBatch> poll(const PollLimits& limits);
  // What the client struggles with meanwhile: brokers that are away, a refused password. Gone with
  // the next record, assignment or answer about watermarks.
  std::optional<Error> trouble() const;
  // Makes a waiting (or the next) poll() return at once. Any thread.
  void wake();

  Result<void> pause(const std::vector<TopicPartition>& partitions);
  Result<void> resume(const std::vector<TopicPartition>& partitions);
  // Of an assigned partition; what was fetched ahead is dropped.
  Result<void> seek(const TopicPartitionOffset& to, Duration timeout);

  std::vector<TopicPartition> assignment() const;
  // The offset after the last record polled; kOffsetNone before the first.
  Result<std::vector<TopicPartitionOffset>> position(
      const std::vector<TopicPartition>& partitions) const;
  // What the group has committed; kOffsetNone where it has not.
  Result<std::vector<TopicPartitionOffset>> committed(const std::vector<TopicPartition>& partitions,
                                                      Duration timeout) const;
  // As the broker says now, and as the last fetch said (no request; fails before the first fetch).
  Result<Watermarks> watermarks(const TopicPartition& partition, Duration timeout) const;
  Result<Watermarks> last_watermarks(const TopicPartition& partition) const;
  Result<std::vector<std::int32_t>> partitions(const std::string& topic, Duration timeout) const;

  // Durable in the group when it returns. Conflict: another member owns a partition now. Timeout:
  // the coordinator has not answered within five seconds; the offsets may have been taken.
  Result<void> commit(const std::vector<TopicPartitionOffset>& offsets);
  // `done` is called from inside a later poll() or close().
  void commit_async(const std::vector<TopicPartitionOffset>& offsets,
                    Function<void(Result<void>)> done);

  // Leaves the group (revoking through on_rebalance first). Batches must be gone.
  void close();

 private:
  struct Impl;
  explicit KafkaConsumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::client
