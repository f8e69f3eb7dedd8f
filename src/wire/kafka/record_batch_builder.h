// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/compression.h"
#include "wire/kafka/ids.h"
#include "wire/kafka/record.h"

namespace penstock::kafka {

// Puts records together to one batch of magic 2.
class RecordBatchBuilder {
 public:
  struct Options {
    Offset base_offset{0};
    LeaderEpoch leader_epoch{0};
    Codec codec = Codec::None;
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = kNoProducerEpoch;
    Sequence base_sequence = kNoSequence;
    bool transactional = false;
    bool control = false;
  };

  explicit RecordBatchBuilder(Options options) : options_(options) {}
  RecordBatchBuilder() : RecordBatchBuilder(Options{}) {}

  // The next record, at the offset after the last one.
  void add(std::int64_t timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
           std::span<const RecordHeader> headers = {});
  // A record at its own offset, which must be larger than the last one's (compaction keeps gaps).
  void add_at(Offset offset, std::int64_t timestamp, std::optional<BytesView> key,
              std::optional<BytesView> value, std::span<const RecordHeader> headers = {});

  std::int32_t record_count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // Of the batch before compression.
  std::size_t size() const;

  // The batch; the builder is empty after it and may be used again. Fails only when compression
  // does.
  Result<Bytes> build();

 private:
  Options options_;
  Bytes records_;
  std::int32_t count_ = 0;
  std::int32_t last_offset_delta_ = -1;
  std::int64_t base_timestamp_ = kNoTimestamp;
  std::int64_t max_timestamp_ = kNoTimestamp;
};

}  // namespace penstock::kafka
