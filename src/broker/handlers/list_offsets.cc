// SPDX-License-Identifier: Apache-2.0
// ListOffsets v0-v7. Spark asks for earliest and latest after every poll, so these come from
// memory. Without transactions the last stable offset is the high watermark, and both isolation
// levels get the same.
#include "wire/kafka/messages/list_offsets.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

using Request = kafka::ListOffsetsRequest;
using Response = kafka::ListOffsetsResponse;

constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;  // KIP-734, v7

Result<log::TimestampedOffset> find_offset(const log::PartitionLog& log, std::int64_t timestamp) {
  switch (timestamp) {
    case kLatest:
      return log::TimestampedOffset{-1, log.high_watermark(), log.leader_epoch()};
    case kEarliest:
      return log::TimestampedOffset{-1, log.log_start_offset(), log.leader_epoch()};
    case kMaxTimestamp:
      return TRY(log.offset_of_max_timestamp()).value_or(log::TimestampedOffset{});
    default:
      return TRY(log.offset_for_time(timestamp)).value_or(log::TimestampedOffset{});
  }
}

Response::Topic::Partition answer_partition(Node& node, const TopicName& topic,
                                            const Request::Topic::Partition& wanted,
                                            std::int16_t version) {
  Response::Topic::Partition answer;
  answer.id = wanted.id;
  const auto log = node.logs().partition(topic, wanted.id);
  answer.error = log ? check_epoch(wanted.current_leader_epoch, **log) : to_kafka(log.error());
  if (answer.error != KafkaError::None) return answer;
  if (wanted.timestamp < kMaxTimestamp || (wanted.timestamp == kMaxTimestamp && version < 7)) {
    answer.error = KafkaError::UnsupportedVersion;
    return answer;
  }
  const auto found = find_offset(**log, wanted.timestamp);
  if (!found) {
    answer.error = to_kafka(found.error());
    return answer;
  }
  if (version == 0) {
    if (found->offset != kafka::kNoOffset && wanted.max_num_offsets > 0)
      answer.old_style_offsets.push_back(found->offset);
    return answer;
  }
  answer.timestamp = found->timestamp;
  answer.offset = found->offset;
  answer.leader_epoch = found->leader_epoch;
  return answer;
}

}  // namespace

void handle(Node& node, Call<kafka::ListOffsetsRequest> call) {
  Response response;
  for (const auto& topic : call.request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (const auto& wanted : topic.partitions)
      answer.partitions.push_back(answer_partition(node, topic.name, wanted, call.version));
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
