// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/record_batch_builder.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/writer.h"

namespace penstock::kafka {
namespace {

std::size_t varlong_size(std::int64_t value) {
  return uvarint_size((static_cast<std::uint64_t>(value) << 1) ^
                      static_cast<std::uint64_t>(value >> 63));
}

std::size_t nullable_size(const std::optional<BytesView>& bytes) {
  return bytes ? varlong_size(static_cast<std::int64_t>(bytes->size())) + bytes->size() : 1;
}

void append_nullable(Bytes& to, const std::optional<BytesView>& bytes) {
  append_varlong(to, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
  if (bytes) to.append(*bytes);
}

}  // namespace

void RecordBatchBuilder::add(std::int64_t timestamp, std::optional<BytesView> key,
                             std::optional<BytesView> value,
                             std::span<const RecordHeader> headers) {
  add_at(options_.base_offset + (last_offset_delta_ + 1), timestamp, key, value, headers);
}

void RecordBatchBuilder::add_at(Offset offset, std::int64_t timestamp, std::optional<BytesView> key,
                                std::optional<BytesView> value,
                                std::span<const RecordHeader> headers) {
  const std::int64_t delta = offset - options_.base_offset;
  CHECK(delta > last_offset_delta_ && delta <= INT32_MAX, "offsets of a batch ascend");
  if (empty()) {
    base_timestamp_ = max_timestamp_ = timestamp;
    if (records_.capacity() == 0) records_.reserve(1024);
  }
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  last_offset_delta_ = static_cast<std::int32_t>(delta);
  ++count_;

  const std::int64_t timestamp_delta = timestamp - base_timestamp_;
  std::size_t body_bytes = 1 + varlong_size(timestamp_delta) + varlong_size(delta) +
                           nullable_size(key) + nullable_size(value) +
                           varlong_size(static_cast<std::int64_t>(headers.size()));
  for (const RecordHeader& header : headers)
    body_bytes += nullable_size(header.key) + nullable_size(header.value);

  append_varlong(records_, static_cast<std::int64_t>(body_bytes));
  records_.push_back(0);
  append_varlong(records_, timestamp_delta);
  append_varlong(records_, delta);
  append_nullable(records_, key);
  append_nullable(records_, value);
  append_varlong(records_, static_cast<std::int64_t>(headers.size()));
  for (const RecordHeader& header : headers) {
    append_nullable(records_, header.key);
    append_nullable(records_, header.value);
  }
}

std::size_t RecordBatchBuilder::size() const {
  return kBatchHeaderBytes + records_.size();
}

Result<Bytes> RecordBatchBuilder::build() {
  Bytes batch;
  batch.reserve(size());
  append_be(batch, options_.base_offset.value());
  append_be(batch, std::int32_t{0});  // length and CRC follow
  append_be(batch, options_.leader_epoch.value());
  batch.push_back(kMagicV2);
  append_be(batch, std::uint32_t{0});
  const int attributes = static_cast<int>(options_.codec) | (options_.transactional ? 0x10 : 0) |
                         (options_.control ? 0x20 : 0);
  append_be(batch, static_cast<std::int16_t>(attributes));
  append_be(batch, last_offset_delta_);
  append_be(batch, base_timestamp_);
  append_be(batch, max_timestamp_);
  append_be(batch, options_.producer_id.value());
  append_be(batch, options_.producer_epoch.value());
  append_be(batch, options_.base_sequence.value());
  append_be(batch, count_);
  TRY(compress(options_.codec, records_, batch));
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - kBatchPrefixBytes));
  store_be(batch.data() + 17, crc32c(BytesView(batch).substr(21)));

  records_.clear();
  count_ = 0;
  last_offset_delta_ = -1;
  return batch;
}

}  // namespace penstock::kafka
