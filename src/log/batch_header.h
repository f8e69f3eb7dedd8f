// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/result.h"
#include "wire/kafka/ids.h"
#include "wire/kafka/record_batch.h"

namespace penstock::log {

// What the log wants to know of a batch that is already trusted: its header without its records.
struct BatchHeader {
  std::uint64_t position = 0;  // in the segment file
  std::uint64_t bytes = 0;
  kafka::Offset base_offset;
  kafka::Offset last_offset;
  kafka::LeaderEpoch leader_epoch;
  std::int64_t max_timestamp = -1;
  kafka::ProducerId producer_id{-1};
  kafka::ProducerEpoch producer_epoch{-1};
  kafka::Sequence base_sequence{-1};

  std::uint64_t end() const { return position + bytes; }
  static BatchHeader of(const kafka::RecordBatchView& batch, std::uint64_t position);
  // From the first kBatchHeaderBytes of a batch. Corrupt when they are none.
  static Result<BatchHeader> parse(BytesView head, std::uint64_t position);
};

// Goes from header to header through a segment file, reading little of the records between them.
class HeaderWalker {
 public:
  HeaderWalker(const File& file, std::uint64_t from, std::uint64_t end)
      : file_(file), next_(from), end_(end) {}

  // The next header; nullopt at the end. Corrupt when the bytes there are no batch or reach beyond
  // the end.
  Result<std::optional<BatchHeader>> next();

 private:
  static constexpr std::size_t kChunkBytes = 8 << 10;
  const File& file_;
  std::uint64_t next_;
  std::uint64_t end_;
  Bytes chunk_;
  std::uint64_t chunk_at_ = 0;
};

}  // namespace penstock::log
