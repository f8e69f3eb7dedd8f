// SPDX-License-Identifier: Apache-2.0
// Metadata v0-v9: brokers, topics and partitions. A topic that may be created on demand is there
// when the answer leaves, so no client has to ask twice.
#include "wire/kafka/messages/metadata.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

using Response = kafka::MetadataResponse;

Response::Topic describe(Node& node, const log::Topic& topic, bool operations) {
  Response::Topic described;
  described.name = topic.name;
  described.is_internal = topic.name.value() == kOffsetsTopic;
  if (operations) described.topic_authorized_operations = kTopicOperations;
  for (kafka::PartitionId id(0); id < kafka::PartitionId(topic.partitions); ++id) {
    Response::Topic::Partition partition;
    partition.id = id;
    partition.leader_id = node.id();
    partition.replica_nodes = partition.isr_nodes = {node.id()};
    // A partition that had to stop keeps its leader here: Produce and Fetch then say
    // KAFKA_STORAGE_ERROR.
    if (const auto log = node.logs().partition(topic.name, id); log)
      partition.leader_epoch = (*log)->leader_epoch();
    described.partitions.push_back(std::move(partition));
  }
  return described;
}

Response::Topic failed(const TopicName& name, KafkaError error) {
  Response::Topic topic;
  topic.name = name;
  topic.error = error;
  return topic;
}

Response::Topic find_or_create(Node& node, const TopicName& name, bool may_create,
                               bool operations) {
  if (const log::Topic* topic = node.logs().find(name); topic != nullptr)
    return describe(node, *topic, operations);
  if (!log::check_topic_name(name.value())) return failed(name, KafkaError::InvalidTopic);
  if (!may_create) return failed(name, KafkaError::UnknownTopicOrPartition);
  if (name.value() == kOffsetsTopic) {
    if (const auto prepared = node.groups().prepare(); !prepared)
      return failed(name, to_kafka(prepared.error()));
    return describe(node, *node.logs().find(name), operations);
  }
  const auto created = node.create_topic(name, node.config().num_partitions, {});
  if (!created) return failed(name, to_kafka(created.error()));
  return describe(node, *created, operations);
}

}  // namespace

void handle(Node& node, Call<kafka::MetadataRequest> call) {
  const auto& request = call.request;
  Response response;
  response.brokers.push_back(
      {node.id(), call.caller.advertised.host, call.caller.advertised.port, std::nullopt});
  response.cluster_id = node.logs().cluster_id();
  response.controller_id = node.id();
  if (request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = kClusterOperations;

  const bool operations = request.include_topic_authorized_operations;
  const bool all = !request.topics || (call.version == 0 && request.topics->empty());
  if (all) {
    for (const log::Topic* topic : node.logs().topics())
      response.topics.push_back(describe(node, *topic, operations));
  } else {
    const bool may_create =
        request.allow_auto_topic_creation && node.config().auto_create_topics_enable;
    for (const auto& topic : *request.topics)
      response.topics.push_back(find_or_create(node, topic.name, may_create, operations));
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
