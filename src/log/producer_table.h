// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "log/batch_header.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::log {

// What idempotent producers have appended to one partition (KIP-98): of each its epoch and its last
// five batches, which is how many a client keeps in flight. Lives on its log's loop.
class ProducerTable {
 public:
  struct Batch {
    kafka::Sequence first_sequence;
    kafka::Sequence last_sequence;
    kafka::Offset first_offset;
    kafka::Offset last_offset;
    std::int64_t appended_at = -1;  // wall milliseconds
  };
  struct Verdict {
    kafka::KafkaError error = kafka::KafkaError::None;
    std::string message;
    std::optional<Batch> duplicate;  // already appended, there
  };

  // Whether the producer may append this batch now.
  Verdict check(const kafka::RecordBatchView& batch) const;
  // It was appended (or was found in the log); batches without a producer are ignored.
  void record(const BatchHeader& batch, std::int64_t now);
  // Forgets producers that appended nothing since `before`.
  void expire(std::int64_t before);
  std::size_t size() const { return producers_.size(); }

  // Kafka's producer snapshot, version 1. Each producer has a row for each remembered batch, oldest
  // first: Kafka's own reader keeps the last row of a producer, ours keeps all.
  Bytes encode() const;
  // Corrupt when the checksum or the size is wrong.
  static Result<ProducerTable> decode(BytesView bytes);

 private:
  static constexpr std::size_t kBatches = 5;
  struct Producer {
    kafka::ProducerEpoch epoch;
    std::array<Batch, kBatches> batches;  // the oldest first
    std::size_t count = 0;

    const Batch& newest() const { return batches[count - 1]; }
    void push(const Batch& batch);
  };
  void add(kafka::ProducerId id, kafka::ProducerEpoch epoch, const Batch& batch);

  std::unordered_map<kafka::ProducerId, Producer> producers_;
};

}  // namespace penstock::log
