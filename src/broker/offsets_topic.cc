// SPDX-License-Identifier: Apache-2.0
#include "broker/offsets_topic.h"

#include <map>

#include "base/logging.h"
#include "broker/offsets_records.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::broker {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kSnapshotRecords = 1000;  // in one batch of a rewrite

}  // namespace

OffsetsTopic::OffsetsTopic(log::LogManager& logs, const BrokerConfig& config, const Clock& clock)
    : logs_(logs), config_(config), clock_(clock) {}

std::int32_t OffsetsTopic::partitions() const {
  const log::Topic* topic = logs_.find(TopicName(kOffsetsTopic));
  return topic == nullptr ? config_.offsets_topic_num_partitions : topic->partitions;
}

PartitionId OffsetsTopic::partition_of(const GroupId& group) const {
  return PartitionId((java_hash(group.value()) & INT32_MAX) % partitions());
}

bool OffsetsTopic::available(const GroupId& group) const {
  return unreadable_.empty() || !unreadable_.contains(partition_of(group));
}

Result<void> OffsetsTopic::create_if_missing() {
  if (logs_.find(TopicName(kOffsetsTopic)) != nullptr) return {};
  TRY_WITH(logs_.create_topic(TopicName(kOffsetsTopic), config_.offsets_topic_num_partitions,
                              {{"cleanup.policy", "compact"},
                               {"compression.type", "producer"},
                               {"retention.ms", "-1"},
                               {"segment.bytes", "104857600"}}),
           "creating __consumer_offsets");
  return {};
}

void OffsetsTopic::load(const std::function<void(const CoordinatorRecord&)>& visit) {
  const log::Topic* topic = logs_.find(TopicName(kOffsetsTopic));
  if (topic == nullptr) return;
  for (PartitionId id(0); id < PartitionId(topic->partitions); ++id) {
    const auto log = logs_.partition(topic->name, id);
    const Result<void> loaded =
        log ? load_partition(**log, visit) : Result<void>(fail(log.error()));
    if (loaded) continue;
    unreadable_.insert(id);
    log_error("broker", "{}-{} cannot be read, so its groups are not served: {}", kOffsetsTopic, id,
              loaded.error().message);
  }
}

Result<void> OffsetsTopic::load_partition(
    log::PartitionLog& log, const std::function<void(const CoordinatorRecord&)>& visit) {
  Bytes scratch;
  Offset next = log.log_start_offset();
  while (next < log.high_watermark()) {
    const log::ReadResult read = TRY(log.read(next, kReadBytes));
    if (read.batches.empty()) break;
    kafka::BatchReader batches(read.batches);
    while (const auto batch = TRY(batches.next())) {
      next = batch->next_offset();
      if (batch->control()) continue;
      auto records = TRY(kafka::RecordReader::open(*batch, scratch));
      for (kafka::RecordView record; records.next(record);) {
        if (!record.key || record.offset < log.log_start_offset()) continue;
        const auto decoded = TRY_WITH(decode_record(*record.key, record.value),
                                      fmt::format("offset {}", record.offset));
        if (decoded) visit(*decoded);
      }
      TRY(records.finish());
    }
  }
  return {};
}

Result<Offset> OffsetsTopic::append(log::PartitionLog& log,
                                    const std::vector<CoordinatorRecord>& records) {
  kafka::RecordBatchBuilder builder;
  for (const CoordinatorRecord& record : records) {
    const EncodedRecord encoded = TRY(encode_record(record));
    builder.add(clock_.wall_millis(), encoded.key, encoded.value);
  }
  const Bytes batch = TRY(builder.build());
  const log::AppendResult appended = log.append(batch, {.from_client = false});
  if (!appended.ok()) return fail(Code::Io, "{} ({})", appended.message, appended.error);
  return appended.last_offset + 1;
}

// Storage trouble is told as NOT_COORDINATOR, as Kafka does: clients look the coordinator up again
// and retry.
void OffsetsTopic::write(const GroupId& group, const std::vector<CoordinatorRecord>& records,
                         Function<void(KafkaError)> done) {
  const auto refused = [&](const Error& error) {
    log_warn("broker", "group {}: {}", group, error.message);
    done(error.code == Code::TooLarge ? KafkaError::InvalidRequest : KafkaError::NotCoordinator);
  };
  if (const auto created = create_if_missing(); !created) return refused(created.error());
  const auto log = logs_.partition(TopicName(kOffsetsTopic), partition_of(group));
  if (!log) return refused(log.error());
  const auto end = append(**log, records);
  if (!end) return refused(end.error());
  (*log)->when_durable(*end, [group, done = std::move(done)](const Result<void>& written) mutable {
    if (!written) log_warn("broker", "group {}: {}", group, written.error().message);
    done(written ? KafkaError::None : KafkaError::NotCoordinator);
  });
}

void OffsetsTopic::rewrite_large(
    const std::function<void(const std::function<void(CoordinatorRecord)>&)>& snapshot) {
  const log::Topic* topic = logs_.find(TopicName(kOffsetsTopic));
  if (topic == nullptr) return;
  std::map<PartitionId, std::vector<CoordinatorRecord>> live;
  for (PartitionId id(0); id < PartitionId(topic->partitions); ++id) {
    const auto log = logs_.partition(topic->name, id);
    if (log && (*log)->bytes() > static_cast<std::uint64_t>(config_.offsets_topic_rewrite_bytes) &&
        !unreadable_.contains(id))
      live[id];
  }
  if (live.empty()) return;
  snapshot([&](CoordinatorRecord record) {
    const GroupId& group =
        std::visit([](const auto& each) -> const GroupId& { return each.group; }, record);
    if (const auto found = live.find(partition_of(group)); found != live.end())
      found->second.push_back(std::move(record));
  });

  for (const auto& [id, records] : live) {
    const auto log = *logs_.partition(topic->name, id);
    const Offset start = log->log_end_offset();
    const auto rewrite = [&]() -> Result<Offset> {
      TRY(log->roll());
      Offset end = start;
      for (std::size_t at = 0; at < records.size(); at += kSnapshotRecords)
        end = TRY(append(*log, {records.begin() + static_cast<std::ptrdiff_t>(at),
                                records.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                      at + kSnapshotRecords, records.size()))}));
      return end;
    };
    const auto end = rewrite();
    if (!end) {
      log_warn("broker", "{}-{} keeps its old records: {}", kOffsetsTopic, id, end.error().message);
      continue;
    }
    log->when_durable(*end, [log, start, id_ = id](const Result<void>& written) {
      const auto dropped = written ? log->delete_records_before(start) : written;
      if (!dropped)
        log_warn("broker", "{}-{} keeps its old records: {}", kOffsetsTopic, id_,
                 dropped.error().message);
    });
  }
}

std::int32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  const auto add = [&](std::uint32_t unit) { hash = 31 * hash + unit; };
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<std::uint8_t>(utf8[i]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t point = bytes == 1 ? lead : lead & (0x7fU >> bytes);
    for (std::size_t k = 1; k < bytes && i + k < utf8.size(); ++k)
      point = (point << 6) | (static_cast<std::uint8_t>(utf8[i + k]) & 0x3fU);
    i += bytes;
    if (point < 0x10000) {
      add(point);
    } else {  // a surrogate pair in UTF-16
      add(0xd800 + ((point - 0x10000) >> 10));
      add(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return static_cast<std::int32_t>(hash);
}

}  // namespace penstock::broker
