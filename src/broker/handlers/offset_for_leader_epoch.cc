// SPDX-License-Identifier: Apache-2.0
// OffsetForLeaderEpoch v2-v4: where an epoch ended, so that a consumer notices a log that was cut
// behind its back (KIP-320).
#include "wire/kafka/messages/offset_for_leader_epoch.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::OffsetForLeaderEpochRequest> call) {
  kafka::OffsetForLeaderEpochResponse response;
  for (const auto& topic : call.request.topics) {
    auto& topic_answer = response.topics.emplace_back();
    topic_answer.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& answer = topic_answer.partitions.emplace_back();
      answer.id = wanted.id;
      const auto log = node.logs().partition(topic.name, wanted.id);
      answer.error = log ? check_epoch(wanted.current_leader_epoch, **log) : to_kafka(log.error());
      if (answer.error != KafkaError::None) continue;
      const log::EpochEnd end = (*log)->end_of_epoch(wanted.leader_epoch);
      answer.leader_epoch = end.epoch;
      answer.end_offset = end.end_offset;
    }
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
