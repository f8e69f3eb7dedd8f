// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/record_batch.h"

#include "base/crc32c.h"
#include "wire/kafka/frame.h"

namespace penstock::kafka {
namespace {

constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::int16_t kAppendTimeBit = 0x08;
// CRC, magic, attributes and two null lengths: the smallest legacy message after its offset and
// size.
constexpr std::int32_t kLegacyLengthMin = 14;
// Length, attributes, two deltas, key and value lengths, header count.
constexpr std::size_t kRecordBytesMin = 7;

// Offsets and times of a batch are a client's claims: their sums wrap instead of being undefined.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::uint32_t computed_crc(BytesView batch) {
  return crc32c(batch.substr(kAttributesAt));
}

std::optional<BytesView> read_nullable(Reader& reader) {
  const std::int32_t size = reader.varint();
  if (size < 0) {
    if (size < -1) reader.fail();
    return std::nullopt;
  }
  return reader.bytes(static_cast<std::size_t>(size));
}

// Reads past the headers, so that RecordHeaders need not check again.
RecordHeaders read_headers(Reader& body) {
  const std::int32_t count = body.varint();
  if (count == 0) return {};
  if (count < 0) body.fail();
  const BytesView bytes = body.rest();
  for (std::int32_t i = 0; i < count && !body.failed(); ++i) {
    if (!read_nullable(body)) body.fail();  // a header's key is never null
    static_cast<void>(read_nullable(body));
  }
  return {bytes, count};
}

ProducedBatch refuse(KafkaError error, std::string message) {
  return {std::nullopt, {error, std::move(message)}};
}

}  // namespace

Result<std::size_t> batch_size(BytesView head) {
  if (head.size() < kBatchPrefixBytes) return 0;
  const auto length = load_be<std::int32_t>(head.data() + 8);
  if (length < kLegacyLengthMin || static_cast<std::size_t>(length) > kFrameBytesMax) {
    return fail(Code::Corrupt, "a record batch cannot be {} bytes long", length);
  }
  return kBatchPrefixBytes + static_cast<std::size_t>(length);
}

Result<RecordBatchView> RecordBatchView::parse(BytesView bytes) {
  const std::size_t size = TRY(batch_size(bytes));
  if (bytes.size() <= kBatchMagicAt)
    return fail(Code::OutOfRange, "the record batch is cut off after {} bytes", bytes.size());
  const auto magic = static_cast<std::int8_t>(bytes[kBatchMagicAt]);
  if (magic == 0 || magic == 1)
    return fail(Code::Unsupported, "a message of magic {}, not a record batch", magic);
  if (magic != kMagicV2) return fail(Code::Corrupt, "a record batch of magic {}", magic);
  if (size < kBatchHeaderBytes)
    return fail(Code::Corrupt, "a record batch of {} bytes has no room for its header", size);
  if (bytes.size() < size) {
    return fail(Code::OutOfRange, "the record batch of {} bytes is cut off after {}", size,
                bytes.size());
  }
  return RecordBatchView(bytes.substr(0, size));
}

bool RecordBatchView::crc_matches() const {
  return computed_crc(bytes_) == crc();
}

Offset RecordBatchView::last_offset() const {
  return Offset(wrapping_add(base_offset().value(), last_offset_delta()));
}

Offset RecordBatchView::next_offset() const {
  return Offset(wrapping_add(last_offset().value(), 1));
}

Sequence RecordBatchView::last_sequence() const {
  const std::uint32_t sum = static_cast<std::uint32_t>(base_sequence().value()) +
                            static_cast<std::uint32_t>(last_offset_delta());
  return Sequence(static_cast<std::int32_t>(sum & 0x7fffffff));
}

Result<std::optional<RecordBatchView>> BatchReader::next() {
  if (rest_.empty()) return std::nullopt;
  auto batch = RecordBatchView::parse(rest_);
  if (!batch) {
    if (batch.error().code == Code::OutOfRange || rest_.size() < kBatchPrefixBytes)
      return std::nullopt;
    return fail(std::move(batch).error());
  }
  rest_.remove_prefix(batch->size());
  return *batch;
}

RecordReader::RecordReader(const RecordBatchView& batch, BytesView records)
    : reader_(records),
      base_offset_(batch.base_offset()),
      base_timestamp_(batch.base_timestamp()),
      append_time_(batch.timestamp_type() == TimestampType::LogAppendTime ? batch.max_timestamp()
                                                                          : kNoTimestamp),
      left_(batch.record_count()),
      last_delta_max_(batch.last_offset_delta()) {}

Result<RecordReader> RecordReader::open(const RecordBatchView& batch, Bytes& scratch,
                                        std::size_t decompressed_bytes_max) {
  if (batch.record_count() < 0)
    return fail(Code::Corrupt, "a record batch with {} records", batch.record_count());
  if (batch.codec() == Codec::None) return RecordReader(batch, batch.payload());
  scratch.clear();
  TRY_WITH(decompress(batch.codec(), batch.payload(), decompressed_bytes_max, scratch),
           "record batch");
  return RecordReader(batch, scratch);
}

bool RecordReader::refuse(const char* why) {
  fault_ = why;
  return false;
}

bool RecordReader::next(RecordView& record) {
  if (left_ == 0 || fault_) return false;
  const std::int32_t size = reader_.varint();
  Reader body(reader_.bytes(size < 0 ? SIZE_MAX : static_cast<std::size_t>(size)));
  if (reader_.failed()) return refuse("a record is longer than its batch");
  static_cast<void>(body.be<std::int8_t>());  // attributes: none are defined
  const std::int64_t timestamp_delta = body.varlong();
  const std::int32_t offset_delta = body.varint();
  record.key = read_nullable(body);
  record.value = read_nullable(body);
  record.headers = read_headers(body);
  if (body.failed()) return refuse("a field is longer than its record");
  if (body.left() != 0) return refuse("a record has bytes after its headers");
  if (offset_delta <= last_delta_ || offset_delta > last_delta_max_)
    return refuse("offsets do not ascend in the batch");
  record.offset = Offset(wrapping_add(base_offset_.value(), offset_delta));
  record.timestamp =
      append_time_ != kNoTimestamp ? append_time_ : wrapping_add(base_timestamp_, timestamp_delta);
  last_delta_ = offset_delta;
  --left_;
  return true;
}

Result<void> RecordReader::finish() const {
  if (fault_) return fail(Code::Corrupt, "record batch at offset {}: {}", base_offset_, fault_);
  if (left_ != 0)
    return fail(Code::Corrupt, "record batch at offset {}: {} records were not read", base_offset_,
                left_);
  if (reader_.left() != 0)
    return fail(Code::Corrupt, "record batch at offset {}: bytes after the last record",
                base_offset_);
  return {};
}

ProducedBatch check_produced(BytesView records) {
  const auto parsed = RecordBatchView::parse(records);
  if (!parsed) {
    const bool legacy = parsed.error().code == Code::Unsupported;
    return refuse(legacy ? KafkaError::InvalidRecord : KafkaError::CorruptMessage,
                  parsed.error().message);
  }
  const RecordBatchView batch = *parsed;
  if (batch.size() != records.size())
    return refuse(KafkaError::InvalidRecord, "more than one record batch for a partition");
  if (!batch.crc_matches())
    return refuse(KafkaError::CorruptMessage, "the record batch does not match its CRC");
  if (static_cast<int>(batch.codec()) > static_cast<int>(Codec::Zstd)) {
    return refuse(KafkaError::UnsupportedCompressionType, "an unknown compression codec");
  }
  if (batch.control()) return refuse(KafkaError::InvalidRecord, "a control batch from a client");
  const std::int64_t count = batch.record_count();
  if (count <= 0 || count != std::int64_t{batch.last_offset_delta()} + 1) {
    return refuse(KafkaError::InvalidRecord,
                  fmt::format("{} records, but the last offset is {} after the first", count,
                              batch.last_offset_delta()));
  }
  if (batch.codec() == Codec::None &&
      static_cast<std::size_t>(count) > batch.payload().size() / kRecordBytesMin) {
    return refuse(KafkaError::InvalidRecord,
                  fmt::format("no {} records fit in {} bytes", count, batch.payload().size()));
  }
  if (batch.producer_id() >= ProducerId(0) &&
      (batch.base_sequence() < Sequence(0) || batch.producer_epoch() < ProducerEpoch(0))) {
    return refuse(KafkaError::InvalidRecord, "a producer id without sequence and epoch");
  }
  return {batch, {}};
}

void patch_base_offset(char* batch, Offset base_offset, LeaderEpoch leader_epoch) {
  store_be(batch, base_offset.value());
  store_be(batch + 12, leader_epoch.value());
}

void patch_append_time(char* batch, std::size_t batch_bytes, std::int64_t timestamp) {
  const auto attributes = load_be<std::int16_t>(batch + kAttributesAt);
  store_be(batch + kAttributesAt, static_cast<std::int16_t>(attributes | kAppendTimeBit));
  store_be(batch + kMaxTimestampAt, timestamp);
  store_be(batch + kCrcAt, computed_crc({batch, batch_bytes}));
}

}  // namespace penstock::kafka
