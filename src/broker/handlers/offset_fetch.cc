// SPDX-License-Identifier: Apache-2.0
// OffsetFetch v1-v8. No committed offset is -1 and not an error. Offsets are never pending without
// transactions, so require_stable (v7) changes nothing.
#include "wire/kafka/messages/offset_fetch.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

template <class Partition>
Partition answer_partition(PartitionId id, const CommittedOffset* committed) {
  Partition answer;
  answer.id = id;
  answer.offset = committed == nullptr ? kafka::kNoOffset : committed->offset;
  answer.metadata = committed == nullptr ? "" : committed->metadata;
  if (committed != nullptr) answer.leader_epoch = committed->leader_epoch;
  return answer;
}

// The topics asked for, or all that the group has. The layouts of v1-v7 and v8 hold the same in
// different types.
template <class Topic, class Asked>
std::vector<Topic> answer_topics(const std::map<TopicPartition, CommittedOffset>* offsets,
                                 const std::optional<std::vector<Asked>>& asked) {
  using Partition = typename decltype(Topic::partitions)::value_type;
  std::vector<Topic> topics;
  if (!asked) {
    if (offsets == nullptr) return topics;
    for (const auto& [place, offset] : *offsets) {  // in order of topics
      if (topics.empty() || topics.back().name != place.topic)
        topics.emplace_back().name = place.topic;
      topics.back().partitions.push_back(answer_partition<Partition>(place.partition, &offset));
    }
    return topics;
  }
  for (const Asked& topic : *asked) {
    Topic& answer = topics.emplace_back();
    answer.name = topic.name;
    for (const PartitionId id : topic.partitions) {
      const CommittedOffset* committed = nullptr;
      if (offsets != nullptr)
        if (const auto found = offsets->find({topic.name, id}); found != offsets->end())
          committed = &found->second;
      answer.partitions.push_back(answer_partition<Partition>(id, committed));
    }
  }
  return topics;
}

template <class Topics>
void fail_partitions(Topics& topics, KafkaError error) {
  for (auto& topic : topics)
    for (auto& partition : topic.partitions) partition.error = error;
}

}  // namespace

void handle(Node& node, Call<kafka::OffsetFetchRequest> call) {
  using Response = kafka::OffsetFetchResponse;
  Response response;
  if (call.version >= 8) {
    for (const auto& asked : call.request.groups) {
      Response::Group& answer = response.groups.emplace_back();
      answer.group = asked.group;
      answer.error = node.groups().check(asked.group);
      if (answer.error == KafkaError::None)
        answer.topics = answer_topics<Response::Group::Topic>(
            node.groups().groups().committed(asked.group), asked.topics);
    }
    return call.reply(std::move(response));
  }
  response.error = node.groups().check(call.request.group);
  response.topics = answer_topics<Response::Topic>(
      response.error == KafkaError::None ? node.groups().groups().committed(call.request.group)
                                         : nullptr,
      call.request.topics);
  fail_partitions(response.topics, response.error);  // v1 knows no other place for it
  call.reply(std::move(response));
}

}  // namespace penstock::broker
