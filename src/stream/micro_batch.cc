// SPDX-License-Identifier: Apache-2.0
#include "stream/micro_batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "stream/compaction.h"

namespace penstock::stream {
namespace {

constexpr std::size_t kKeyBytesMax = 65'535;  // Cassandra's bound for a key

// The partition of the last record is mostly that of the next one too.
class PartitionFinder {
 public:
  explicit PartitionFinder(MicroBatch::Partitions& partitions)
      : partitions_(partitions), last_(partitions.end()) {}

  MicroBatch::Partitions::iterator find(const client::KafkaRecord& record) {
    if (last_ != partitions_.end() && last_->first.partition == record.partition &&
        last_->first.topic == record.topic)
      return last_;
    return last_ = partitions_.find({std::string(record.topic), record.partition});
  }

 private:
  MicroBatch::Partitions& partitions_;
  MicroBatch::Partitions::iterator last_;
};

}  // namespace

MicroBatch::MicroBatch(const PipelineSpec& spec, const Plan& plan, std::shared_ptr<ColumnPool> pool,
                       std::int64_t batch_id, TimePoint opened_at, WallTime started_at)
    : id(batch_id),
      opened(opened_at),
      started(started_at),
      spec_(spec),
      plan_(plan),
      pool_(std::move(pool)),
      columns_(pool_->take()) {}

MicroBatch::~MicroBatch() {
  pool_->give(std::move(columns_));  // none once sealed
}

std::size_t MicroBatch::add(const Poll& poll, std::size_t from, std::size_t rows_max,
                            Partitions& partitions, JsonDecoder& decoder,
                            std::int64_t wall_millis) {
  const auto& records = poll.fetched->records();
  const auto chunk = static_cast<std::uint32_t>(fetched_.size());
  PartitionFinder finder(partitions);
  Range* range = nullptr;
  const client::TopicPartition* range_of = nullptr;
  std::size_t taken = 0;
  Reject why;
  std::size_t i = from;
  for (; i < records.size() && records_ < rows_max; ++i) {
    const client::KafkaRecord& record = records[i];
    const auto partition = finder.find(record);
    // What was fetched before a rebalance may arrive after it, and after a seek what was before. A
    // partition that went and came back may begin before what was fetched of it in its last life.
    if (partition == partitions.end() || partition->second.epoch > poll.epoch ||
        record.offset < partition->second.next || record.offset >= partition->second.stop)
      continue;
    PartitionState& state = partition->second;
    if (range_of != &partition->first) {
      range_of = &partition->first;
      range =
          &ranges
               .try_emplace(partition->first,
                            Range{record.offset, {}, state.epoch, record.timestamp_millis, 0, 0})
               .first->second;
    }
    const std::int64_t timestamp = state.clock.next(record.timestamp_millis, wall_millis);
    state.next = record.offset + 1;
    range->end = {state.next, timestamp, id};
    range->epoch = state.epoch;
    ++records_;
    ++taken;
    ++range->records;
    range->bytes += record.key.size() + record.value.size();
    fetched_bytes_ += record.key.size() + record.value.size();
    const Origin origin{chunk, static_cast<std::uint32_t>(i)};
    const bool decoded = record.has_value && decoder.decode(record.value, columns_, why);
    if (decoded) {
      origins_.push_back(origin);
      timestamps_.push_back(timestamp);
      continue;
    }
    if (!record.has_value) why = {Reason::Decode, "", "the record has no value (a tombstone)"};
    // reject() looks the record up among the fetched ones.
    if (fetched_.size() == chunk) fetched_.push_back(poll.fetched);
    reject(origin, std::move(why));
  }
  if (taken > 0 && fetched_.size() == chunk) fetched_.push_back(poll.fetched);
  return i;
}

void MicroBatch::reject(const Origin& origin, Reject why) {
  const std::shared_ptr<const Fetched>& from = fetched_[origin.fetched];
  const client::KafkaRecord& record = from->records()[origin.record];
  const Action action = spec_.on_error.at(why.reason);
  ++rejected[why.reason];
  const std::string place =
      fmt::format("{}[{}] offset {}", record.topic, record.partition, record.offset);
  last_reject[why.reason] =
      fmt::format("{}: {}{}", place, why.field.empty() ? "" : why.field + ": ", why.message);
  if (action == Action::Fail && fatal.empty()) {
    fatal = fmt::format("{} (on_error.{} is fail)", last_reject[why.reason], name(why.reason));
  }
  if (action == Action::Dlq)
    letters.push_back({record, from->headers(origin.record), std::move(why), from});
}

void MicroBatch::reject_row(std::uint32_t row, Reject why) {
  reject(origins_[rows->decoded(row)], std::move(why));
}

std::size_t MicroBatch::bytes() const {
  std::size_t sum = fetched_bytes_ + 80 * records_;
  for (const sql::Column& column : columns_) sum += column.byte_size();
  if (rows != nullptr) {
    for (const sql::Column& column : rows->columns) sum += column.byte_size();
  }
  return sum;
}

std::size_t MicroBatch::request_bytes() const {
  std::size_t sum = 0;
  for (const sql::Column& column : columns_) sum += column.byte_size();
  return sum + origins_.size() * (64 + 4 * columns_.size());
}

void MicroBatch::seal(const std::vector<std::size_t>& key) {
  const bool null_on_convert = spec_.on_error.at(Reason::Convert) == Action::Null;
  Plan::Outcome outcome = plan_.run(std::move(columns_), origins_.size(), null_on_convert);
  columns_.clear();
  pool_->give(std::move(outcome.decoded));
  filtered = outcome.filtered;
  for (FailedRow& failed : outcome.failed)
    reject(origins_[failed.decoded], std::move(failed.reject));

  Rows& all = outcome.rows;
  std::erase_if(all.rows, [&](std::uint32_t row) {
    for (const std::size_t k : key) {
      const sql::Column& column = all.columns[k];
      const std::string& field = plan_.output()[k].name;
      if (!column.has_value(row)) {
        reject(origins_[all.decoded(row)],
               {Reason::MissingRequired, field, "a column of the table's key has no value"});
        return true;
      }
      if (sql::storage(column.type()) != sql::Storage::Bytes) continue;
      if (column.bytes_at(row).size() > kKeyBytesMax) {
        reject(origins_[all.decoded(row)],
               {Reason::Oversize, field, "a column of the table's key is longer than 65535 bytes"});
        return true;
      }
    }
    return false;
  });

  const std::size_t rows_in_columns = all.columns.empty() ? 0 : all.columns[0].size();
  timestamps.resize(rows_in_columns);
  for (const std::uint32_t row : all.rows) timestamps[row] = timestamps_[all.decoded(row)];
  to_write = key.empty() ? all.rows : newest_per_key(all.columns, key, all.rows, timestamps);
  rows = std::shared_ptr<Rows>(new Rows(std::move(all)), [pool = pool_](Rows* done) {
    pool->give(std::move(done->columns));
    delete done;
  });
}

}  // namespace penstock::stream
