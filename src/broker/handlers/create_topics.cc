// SPDX-License-Identifier: Apache-2.0
// CreateTopics v0-v7. A topic is on disk when it is answered for.
#include "wire/kafka/messages/create_topics.h"

#include <algorithm>
#include <set>

#include "broker/handlers/handlers.h"
#include "broker/topic_configs.h"

namespace penstock::broker {
namespace {

using Request = kafka::CreateTopicsRequest;
using Response = kafka::CreateTopicsResponse;

// A limit of ours: each partition is a directory with open files.
constexpr std::int32_t kPartitionsMax = 10'000;

struct Refusal {
  KafkaError error;
  std::string message;
};

std::optional<Refusal> check_assignments(const Request::Topic& topic, kafka::BrokerId self) {
  if (topic.num_partitions != -1 || topic.replication_factor != -1)
    return Refusal{
        KafkaError::InvalidRequest,
        "partitions and replication factor must be -1 where replicas are assigned by hand"};
  std::set<kafka::PartitionId> ids;
  for (const auto& assignment : topic.assignments) {
    ids.insert(assignment.id);
    if (!std::ranges::all_of(assignment.broker_ids,
                             [&](kafka::BrokerId id) { return id == self; }) ||
        assignment.broker_ids.size() != 1)
      return Refusal{KafkaError::InvalidReplicaAssignment,
                     fmt::format("the only broker is {}", self)};
  }
  const auto count = static_cast<std::int32_t>(topic.assignments.size());
  if (static_cast<std::int32_t>(ids.size()) != count || *ids.begin() != PartitionId(0) ||
      *ids.rbegin() != PartitionId(count - 1))
    return Refusal{KafkaError::InvalidReplicaAssignment,
                   "partitions must be numbered from 0 without gaps"};
  return std::nullopt;
}

std::optional<Refusal> check_counts(Node& node, const Request::Topic& topic) {
  if (!topic.assignments.empty()) return check_assignments(topic, node.id());
  if (topic.num_partitions != -1 && topic.num_partitions < 1)
    return Refusal{KafkaError::InvalidPartitions, "a topic has at least 1 partition"};
  if (topic.num_partitions > kPartitionsMax)
    return Refusal{KafkaError::InvalidPartitions,
                   fmt::format("a topic has at most {} partitions", kPartitionsMax)};
  if (topic.replication_factor != -1 && topic.replication_factor < 1)
    return Refusal{KafkaError::InvalidReplicationFactor, "the replication factor is at least 1"};
  if (topic.replication_factor > 1 && node.config().single_node_replication == Replication::Refuse)
    return Refusal{KafkaError::InvalidReplicationFactor,
                   fmt::format("replication factor {} is larger than the number of brokers, 1",
                               topic.replication_factor)};
  return std::nullopt;
}

std::optional<Refusal> check_topic(Node& node, const Request::Topic& topic) {
  if (const auto name = log::check_topic_name(topic.name.value()); !name)
    return Refusal{KafkaError::InvalidTopic, name.error().message};
  if (node.logs().find(topic.name) != nullptr)
    return Refusal{KafkaError::TopicAlreadyExists,
                   fmt::format("topic '{}' already exists", topic.name)};
  if (const auto refusal = check_counts(node, topic); refusal) return refusal;
  for (const auto& config : topic.configs)
    if (const auto checked = check_topic_config(config.name, config.value); !checked)
      return Refusal{KafkaError::InvalidConfig, checked.error().message};
  return std::nullopt;
}

std::vector<Response::Topic::Config> shown_configs(Node& node, const log::TopicConfigs& configs) {
  std::vector<Response::Topic::Config> shown;
  for (const ConfigEntry& entry : topic_config_defaults(node.config())) {
    const auto own = configs.find(entry.name);
    const bool is_own = own != configs.end();
    shown.push_back({entry.name, is_own ? own->second : entry.value, false,
                     is_own ? kafka::ConfigSource::Topic : kafka::ConfigSource::Default, false});
  }
  return shown;
}

void create(Node& node, const Request::Topic& topic, bool validate_only, Response::Topic& answer) {
  const auto refuse = [&answer](KafkaError error, std::string message) {
    answer.error = error;
    answer.error_message = std::move(message);
  };
  if (const auto refusal = check_topic(node, topic); refusal)
    return refuse(refusal->error, refusal->message);
  log::TopicConfigs configs;
  for (const auto& config : topic.configs) configs[config.name] = *config.value;
  std::int32_t partitions = topic.num_partitions;
  if (!topic.assignments.empty()) partitions = static_cast<std::int32_t>(topic.assignments.size());
  if (partitions == -1) partitions = node.config().num_partitions;
  if (!validate_only) {
    const auto created = node.create_topic(topic.name, partitions, configs);
    if (!created) {
      const bool config = created.error().code == Code::InvalidArgument;
      return refuse(config ? KafkaError::InvalidConfig : to_kafka(created.error()),
                    created.error().message);
    }
    answer.topic_id = created->id;
  }
  answer.num_partitions = partitions;
  answer.replication_factor = 1;
  answer.configs = shown_configs(node, configs);
}

}  // namespace

void handle(Node& node, Call<kafka::CreateTopicsRequest> call) {
  Response response;
  std::map<TopicName, int> named;
  for (const auto& topic : call.request.topics) ++named[topic.name];
  for (const auto& topic : call.request.topics) {
    Response::Topic answer;
    answer.name = topic.name;
    if (named[topic.name] > 1) {
      answer.error = KafkaError::InvalidRequest;
      answer.error_message = "the request names the topic more than once";
      if (std::ranges::find(response.topics, topic.name, &Response::Topic::name) !=
          response.topics.end())
        continue;
    } else {
      create(node, topic, call.request.validate_only, answer);
    }
    response.topics.push_back(std::move(answer));
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
