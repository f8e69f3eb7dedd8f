// SPDX-License-Identifier: Apache-2.0
#include "transfer/topic_reader.h"

#include <algorithm>

#include "base/clock.h"
#include "client/kafka_client.h"

namespace penstock::transfer {
namespace {

constexpr Duration kSilenceMax = std::chrono::seconds(60);
const client::PollLimits kPoll{
    .records_max = 50'000, .bytes_max = 16 << 20, .wait_max = std::chrono::seconds(1)};

Record record_of(const client::KafkaBatch& batch, std::size_t i,
                 std::vector<kafka::RecordHeader>& headers) {
  const client::KafkaRecord& from = batch[i];
  headers.clear();
  for (const client::KafkaHeader& header : batch.headers(i))
    headers.push_back({header.name, header.value});
  Record record{.offset = from.offset, .timestamp_millis = from.timestamp_millis};
  if (from.has_key) record.key = from.key;
  if (from.has_value) record.value = from.value;
  record.headers = headers;
  return record;
}

}  // namespace

Result<void> read_topic(const client::KafkaConfig& kafka, const std::string& topic,
                        std::vector<Stretch>& stretches,
                        const std::function<Result<void>(std::size_t, const Record&)>& on_record,
                        const std::function<Result<void>()>& after_batch) {
  std::vector<client::TopicPartitionOffset> wanted;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    stretches[i].done = stretches[i].done || stretches[i].from >= stretches[i].to;
    if (!stretches[i].done)
      wanted.push_back({topic, static_cast<std::int32_t>(i), stretches[i].from, {}});
  }
  if (wanted.empty()) return {};
  const auto consumer = TRY(client::KafkaConsumer::open({.kafka = kafka, .start = "earliest"}));
  TRY(consumer->assign(wanted));
  std::size_t open = wanted.size();
  // What comes of it from now on is not asked for any more.
  const auto finish = [&](std::int32_t partition) -> Result<void> {
    stretches[static_cast<std::size_t>(partition)].done = true;
    --open;
    return consumer->pause({{topic, partition}});
  };
  std::vector<kafka::RecordHeader> headers;
  TimePoint heard = system_clock().now();
  while (open > 0) {
    const client::KafkaBatch batch = TRY(consumer->poll(kPoll));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto partition = static_cast<std::size_t>(batch[i].partition);
      Stretch& stretch = stretches[partition];
      if (stretch.done) continue;
      if (batch[i].offset < stretch.to) TRY(on_record(partition, record_of(batch, i, headers)));
      if (batch[i].offset + 1 >= stretch.to) TRY(finish(batch[i].partition));
    }
    for (const client::TopicPartitionOffset& end : batch.ends()) {
      const Stretch& stretch = stretches[static_cast<std::size_t>(end.partition)];
      if (!stretch.done && end.offset >= stretch.to) TRY(finish(end.partition));
    }
    TRY(after_batch());
    const TimePoint now = system_clock().now();
    if (!batch.empty()) heard = now;
    if (now - heard > kSilenceMax) {
      return fail(Code::Unavailable,
                  "topic {}: no record came for a minute; run the same command again to go on",
                  topic);
    }
  }
  return {};
}

}  // namespace penstock::transfer
