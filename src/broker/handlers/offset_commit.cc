// SPDX-License-Identifier: Apache-2.0
// OffsetCommit v1-v8: answered when the offsets are on disk. The retention time of v2-v4 is not
// heeded: offsets live by offsets.retention.minutes (KIP-211 dropped the field).
#include "wire/kafka/messages/offset_commit.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::OffsetCommitRequest> call) {
  const auto& request = call.request;
  CommitRequest commit{request.group, request.generation, request.member, request.instance, {}};
  kafka::OffsetCommitResponse response;
  struct Place {
    std::size_t topic;
    std::size_t partition;
  };
  std::vector<Place> places;  // of commit's entries in the response
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    const log::Topic* known = node.logs().find(topic.name);
    for (const auto& partition : topic.partitions) {
      const bool exists = known != nullptr && partition.id >= PartitionId(0) &&
                          partition.id < PartitionId(known->partitions);
      answer.partitions.push_back(
          {partition.id, exists ? KafkaError::None : KafkaError::UnknownTopicOrPartition});
      if (!exists) continue;
      places.push_back({response.topics.size() - 1, answer.partitions.size() - 1});
      commit.entries.push_back(
          {{topic.name, partition.id},
           {partition.offset, partition.leader_epoch, partition.metadata.value_or(""), 0}});
    }
  }
  node.groups().commit(
      commit, [places = std::move(places), response = std::move(response),
               reply = std::move(call.reply)](const std::vector<KafkaError>& errors) mutable {
        for (std::size_t i = 0; i < places.size(); ++i)
          response.topics[places[i].topic].partitions[places[i].partition].error = errors[i];
        reply(std::move(response));
      });
}

}  // namespace penstock::broker
