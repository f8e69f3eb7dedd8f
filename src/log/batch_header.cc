// SPDX-License-Identifier: Apache-2.0
#include "log/batch_header.h"

#include <algorithm>

namespace penstock::log {

BatchHeader BatchHeader::of(const kafka::RecordBatchView& batch, std::uint64_t position) {
  return {
      .position = position,
      .bytes = batch.size(),
      .base_offset = batch.base_offset(),
      .last_offset = batch.last_offset(),
      .leader_epoch = batch.leader_epoch(),
      .max_timestamp = batch.max_timestamp(),
      .producer_id = batch.producer_id(),
      .producer_epoch = batch.producer_epoch(),
      .base_sequence = batch.base_sequence(),
  };
}

Result<BatchHeader> BatchHeader::parse(BytesView head, std::uint64_t position) {
  const std::int32_t length =
      head.size() < kafka::kBatchHeaderBytes ? 0 : load_be<std::int32_t>(head.data() + 8);
  const std::int8_t magic =
      length == 0 ? std::int8_t{0} : static_cast<std::int8_t>(head[kafka::kBatchMagicAt]);
  if (length < static_cast<std::int32_t>(kafka::kBatchHeaderBytes - kafka::kBatchPrefixBytes) ||
      magic != kafka::kMagicV2) {
    return fail(Code::Corrupt, "no record batch begins at byte {}", position);
  }
  const char* at = head.data();
  BatchHeader header;
  header.position = position;
  header.bytes = kafka::kBatchPrefixBytes + static_cast<std::uint64_t>(length);
  header.base_offset = kafka::Offset(load_be<std::int64_t>(at));
  header.leader_epoch = kafka::LeaderEpoch(load_be<std::int32_t>(at + 12));
  header.last_offset = header.base_offset + load_be<std::int32_t>(at + 23);
  header.max_timestamp = load_be<std::int64_t>(at + 35);
  header.producer_id = kafka::ProducerId(load_be<std::int64_t>(at + 43));
  header.producer_epoch = kafka::ProducerEpoch(load_be<std::int16_t>(at + 51));
  header.base_sequence = kafka::Sequence(load_be<std::int32_t>(at + 53));
  return header;
}

Result<std::optional<BatchHeader>> HeaderWalker::next() {
  if (next_ >= end_) return std::nullopt;
  if (next_ < chunk_at_ || next_ + kafka::kBatchHeaderBytes > chunk_at_ + chunk_.size()) {
    chunk_.resize(std::min<std::uint64_t>(kChunkBytes, end_ - next_));
    chunk_.resize(TRY(file_.read(next_, chunk_.data(), chunk_.size())));
    chunk_at_ = next_;
  }
  const BatchHeader header = TRY_WITH(
      BatchHeader::parse(BytesView(chunk_).substr(next_ - chunk_at_), next_), file_.path());
  if (header.end() > end_) {
    return fail(Code::Corrupt, "{}: the batch at byte {} ends at {}, after the file's end {}",
                file_.path(), next_, header.end(), end_);
  }
  next_ = header.end();
  return header;
}

}  // namespace penstock::log
