// SPDX-License-Identifier: Apache-2.0
#include "log/producer_table.h"

#include <algorithm>

#include "base/crc32c.h"

namespace penstock::log {
namespace {

constexpr std::int16_t kSnapshotVersion = 1;
constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kCountAt = 6;
constexpr std::size_t kRowsAt = 10;
constexpr std::size_t kRowBytes = 46;

// Sequences count from 0 to 2^31 - 1 and begin again.
kafka::Sequence sequence_after(kafka::Sequence sequence, std::int64_t steps) {
  constexpr std::int64_t kSequences = std::int64_t{1} << 31;
  return kafka::Sequence(
      static_cast<std::int32_t>((sequence.value() + steps + kSequences) % kSequences));
}

}  // namespace

void ProducerTable::Producer::push(const Batch& batch) {
  if (count == kBatches) {
    std::move(batches.begin() + 1, batches.end(), batches.begin());
    --count;
  }
  batches[count++] = batch;
}

ProducerTable::Verdict ProducerTable::check(const kafka::RecordBatchView& batch) const {
  if (batch.producer_id() < kafka::ProducerId(0)) return {};
  const auto found = producers_.find(batch.producer_id());
  if (found == producers_.end()) return {};  // unknown or expired: any sequence may be its next
  const Producer& producer = found->second;
  if (batch.producer_epoch() < producer.epoch) {
    return {kafka::KafkaError::InvalidProducerEpoch,
            fmt::format("producer {} has epoch {}, this batch is of epoch {}", batch.producer_id(),
                        producer.epoch, batch.producer_epoch()),
            {}};
  }
  kafka::Sequence expected(0);
  if (batch.producer_epoch() == producer.epoch) {
    const auto end = producer.batches.begin() + static_cast<std::ptrdiff_t>(producer.count);
    const auto same = std::find_if(producer.batches.begin(), end, [&](const Batch& known) {
      return known.first_sequence == batch.base_sequence() &&
             known.last_sequence == batch.last_sequence();
    });
    if (same != end) return {kafka::KafkaError::None, {}, *same};
    expected = sequence_after(producer.newest().last_sequence, 1);
  }
  if (batch.base_sequence() == expected) return {};
  return {kafka::KafkaError::OutOfOrderSequenceNumber,
          fmt::format("producer {} (epoch {}) sent sequence {}, its next one is {}",
                      batch.producer_id(), batch.producer_epoch(), batch.base_sequence(), expected),
          {}};
}

void ProducerTable::record(const BatchHeader& batch, std::int64_t now) {
  if (batch.producer_id < kafka::ProducerId(0) || batch.base_sequence < kafka::Sequence(0)) return;
  add(batch.producer_id, batch.producer_epoch,
      {.first_sequence = batch.base_sequence,
       .last_sequence = sequence_after(batch.base_sequence, batch.last_offset - batch.base_offset),
       .first_offset = batch.base_offset,
       .last_offset = batch.last_offset,
       .appended_at = now});
}

void ProducerTable::add(kafka::ProducerId id, kafka::ProducerEpoch epoch, const Batch& batch) {
  Producer& producer = producers_[id];
  if (producer.epoch != epoch) producer = {.epoch = epoch, .batches = {}, .count = 0};
  producer.push(batch);
}

void ProducerTable::expire(std::int64_t before) {
  std::erase_if(producers_,
                [&](const auto& entry) { return entry.second.newest().appended_at < before; });
}

Bytes ProducerTable::encode() const {
  Bytes out;
  append_be(out, kSnapshotVersion);
  append_be<std::uint32_t>(out, 0);  // CRC, below
  append_be<std::int32_t>(out, 0);   // count, below
  std::int32_t rows = 0;
  for (const auto& [id, producer] : producers_) {
    for (std::size_t i = 0; i < producer.count; ++i, ++rows) {
      const Batch& batch = producer.batches[i];
      append_be(out, id.value());
      append_be(out, producer.epoch.value());
      append_be(out, batch.last_sequence.value());
      append_be(out, batch.last_offset.value());
      append_be(out, static_cast<std::int32_t>(batch.last_offset - batch.first_offset));
      append_be(out, batch.appended_at);
      append_be<std::int32_t>(out, -1);  // coordinator epoch
      append_be<std::int64_t>(out, -1);  // first offset of an open transaction
    }
  }
  store_be(out.data() + kCountAt, rows);
  store_be(out.data() + kCrcAt, crc32c(BytesView(out).substr(kCountAt)));
  return out;
}

Result<ProducerTable> ProducerTable::decode(BytesView bytes) {
  if (bytes.size() < kRowsAt)
    return fail(Code::Corrupt, "producer snapshot of {} bytes", bytes.size());
  if (const auto version = load_be<std::int16_t>(bytes.data()); version != kSnapshotVersion) {
    return fail(Code::Corrupt, "producer snapshot of version {}", version);
  }
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != crc32c(bytes.substr(kCountAt))) {
    return fail(Code::Corrupt, "producer snapshot with a wrong checksum");
  }
  const auto rows = load_be<std::int32_t>(bytes.data() + kCountAt);
  if (rows < 0 || bytes.size() - kRowsAt != static_cast<std::size_t>(rows) * kRowBytes) {
    return fail(Code::Corrupt, "producer snapshot of {} rows in {} bytes", rows, bytes.size());
  }
  ProducerTable table;
  for (std::size_t at = kRowsAt; at < bytes.size(); at += kRowBytes) {
    const char* row = bytes.data() + at;
    const kafka::Sequence last(load_be<std::int32_t>(row + 10));
    const kafka::Offset last_offset(load_be<std::int64_t>(row + 14));
    const auto delta = load_be<std::int32_t>(row + 22);
    table.add(kafka::ProducerId(load_be<std::int64_t>(row)),
              kafka::ProducerEpoch(load_be<std::int16_t>(row + 8)),
              {.first_sequence = sequence_after(last, -std::int64_t{delta}),
               .last_sequence = last,
               .first_offset = last_offset - delta,
               .last_offset = last_offset,
               .appended_at = load_be<std::int64_t>(row + 26)});
  }
  return table;
}

}  // namespace penstock::log
