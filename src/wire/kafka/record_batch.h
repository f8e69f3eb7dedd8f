// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/compression.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"
#include "wire/kafka/record.h"

// Record batches of magic 2 (KIP-98), on the wire and in segment files alike. The header:
//
//    0 base_offset i64         not in the CRC: rewritten by the broker
//    8 batch_length i32        bytes after this field
//   12 leader_epoch i32        not in the CRC: rewritten by the broker
//   16 magic i8 = 2            at this place in magic 0 and 1 too
//   17 crc u32                 CRC-32C of everything after it
//   21 attributes i16          bits 0-2 codec, 3 append time, 4 transactional, 5 control
//   23 last_offset_delta i32
//   27 base_timestamp i64      of the first record
//   35 max_timestamp i64
//   43 producer_id i64         -1: none
//   51 producer_epoch i16
//   53 base_sequence i32
//   57 record_count i32
//   61 records                 compressed as one blob
namespace penstock::kafka {

inline constexpr std::size_t kBatchPrefixBytes = 12;  // enough to know a batch's size
inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::size_t kBatchMagicAt = 16;
inline constexpr std::int8_t kMagicV2 = 2;

enum class TimestampType : std::int8_t { CreateTime = 0, LogAppendTime = 1 };

// The size of the batch (or of the legacy message) that begins `head`; 0 while fewer than 12 bytes
// are there. Corrupt when no batch can be so long.
Result<std::size_t> batch_size(BytesView head);

// One batch in bytes that it does not own. A value; copying copies the view.
class RecordBatchView {
 public:
  // The batch at the start of `bytes`, which may go on after it. Checks length and magic, not the
  // CRC. OutOfRange: the batch is cut off (more bytes may complete it); Unsupported: a magic that
  // is not 2; Corrupt: neither.
  static Result<RecordBatchView> parse(BytesView bytes);

  // Reads every byte of the batch once.
  bool crc_matches() const;

  BytesView bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  // The records as stored: compressed when codec() says so.
  BytesView payload() const { return bytes_.substr(kBatchHeaderBytes); }

  Offset base_offset() const { return Offset(load<std::int64_t>(0)); }
  Offset last_offset() const;
  Offset next_offset() const;
  std::int32_t last_offset_delta() const { return load<std::int32_t>(23); }
  LeaderEpoch leader_epoch() const { return LeaderEpoch(load<std::int32_t>(12)); }
  std::uint32_t crc() const { return load<std::uint32_t>(17); }
  std::int16_t attributes() const { return load<std::int16_t>(21); }
  // Codec 5 to 7 do not exist; decompress() refuses them.
  Codec codec() const { return static_cast<Codec>(attributes() & 7); }
  TimestampType timestamp_type() const {
    return static_cast<TimestampType>((attributes() >> 3) & 1);
  }
  bool transactional() const { return (attributes() & 0x10) != 0; }
  bool control() const { return (attributes() & 0x20) != 0; }
  std::int64_t base_timestamp() const { return load<std::int64_t>(27); }
  std::int64_t max_timestamp() const { return load<std::int64_t>(35); }
  ProducerId producer_id() const { return ProducerId(load<std::int64_t>(43)); }
  ProducerEpoch producer_epoch() const { return ProducerEpoch(load<std::int16_t>(51)); }
  Sequence base_sequence() const { return Sequence(load<std::int32_t>(53)); }
  // Sequences count to 2^31 - 1 and go on at 0.
  Sequence last_sequence() const;
  std::int32_t record_count() const { return load<std::int32_t>(57); }

 private:
  explicit RecordBatchView(BytesView bytes) : bytes_(bytes) {}
  template <class T>
  T load(std::size_t at) const {
    return load_be<T>(bytes_.data() + at);
  }
  BytesView bytes_;
};

// Batches one after the other, as in a segment file or a Fetch response.
class BatchReader {
 public:
  explicit BatchReader(BytesView bytes) : rest_(bytes) {}

  // The next batch; nullopt at the end and before a batch that is cut off (then rest() is not
  // empty).
  Result<std::optional<RecordBatchView>> next();
  BytesView rest() const { return rest_; }

 private:
  BytesView rest_;
};

// The records of one batch, one after the other. Allocates nothing for a batch without compression,
// else the decompressed bytes in `scratch`, which must outlive the reader and the records.
class RecordReader {
 public:
  // At most this many bytes come out of a compressed batch.
  static constexpr std::size_t kDecompressedBytesMax = 256 << 20;

  static Result<RecordReader> open(const RecordBatchView& batch, Bytes& scratch,
                                   std::size_t decompressed_bytes_max = kDecompressedBytesMax);

  // False at the end and at the first fault: look at fault() after the loop.
  bool next(RecordView& record);
  // What was wrong, if anything: a record that does not fit, a wrong count, bytes after the last
  // record.
  Result<void> finish() const;

 private:
  RecordReader(const RecordBatchView& batch, BytesView records);
  bool refuse(const char* why);

  Reader reader_;
  Offset base_offset_;
  std::int64_t base_timestamp_;
  std::int64_t append_time_;  // kNoTimestamp: each record has its own time
  std::int32_t left_;
  std::int32_t last_delta_ = -1;  // of the record read last; deltas ascend
  std::int32_t last_delta_max_;
  const char* fault_ = nullptr;
};

// Calls f(const RecordView&) for each record.
template <class F>
Result<void> for_each_record(const RecordBatchView& batch, Bytes& scratch, F&& f) {
  RecordReader reader = TRY(RecordReader::open(batch, scratch));
  RecordView record;
  while (reader.next(record)) f(std::as_const(record));
  return reader.finish();
}

// Why a producer's batch may not be appended.
struct Refusal {
  KafkaError error = KafkaError::None;
  std::string message;
};

// The checks that every produced batch must pass and that need nothing but the batch: one whole
// batch of magic 2 with a right CRC, a count that agrees with its offsets, no control batch,
// sequences where there is a producer id. Limits and topic configuration are the log's. `records`
// is what the request held for one partition.
struct ProducedBatch {
  std::optional<RecordBatchView> batch;  // set when there is no refusal
  Refusal refusal;
};
ProducedBatch check_produced(BytesView records);

// What the broker writes into a batch that it takes; neither is covered by the CRC. `batch` points
// at the batch's first byte.
void patch_base_offset(char* batch, Offset base_offset, LeaderEpoch leader_epoch);
// Makes it a batch of LogAppendTime and computes its CRC anew. Readers then take this time for all
// its records.
void patch_append_time(char* batch, std::size_t batch_bytes, std::int64_t timestamp);

}  // namespace penstock::kafka
