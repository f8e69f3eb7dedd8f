// SPDX-License-Identifier: Apache-2.0
// DeleteTopics v0-v6. The topic is gone when it is answered for, and the offsets committed for it
// with it.
#include "wire/kafka/messages/delete_topics.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

using Response = kafka::DeleteTopicsResponse;

void remove(Node& node, std::int16_t version, Response::Topic& answer) {
  const auto refuse = [&answer](KafkaError error, std::string message) {
    answer.error = error;
    answer.error_message = std::move(message);
  };
  if (!node.config().delete_topic_enable)
    return refuse(version >= 3 ? KafkaError::TopicDeletionDisabled : KafkaError::InvalidRequest,
                  "delete.topic.enable is false");
  const log::Topic* topic =
      answer.name ? node.logs().find(*answer.name) : node.logs().find(answer.topic_id);
  if (topic == nullptr)
    return refuse(answer.name ? KafkaError::UnknownTopicOrPartition : KafkaError::UnknownTopicId,
                  "there is no such topic");
  answer.name = topic->name;
  answer.topic_id = topic->id;
  if (topic->name.value() == kOffsetsTopic)
    return refuse(KafkaError::InvalidTopic, "the broker keeps its consumer groups in this topic");
  if (const auto deleted = node.delete_topic(topic->name); !deleted)
    refuse(to_kafka(deleted.error()), deleted.error().message);
}

}  // namespace

void handle(Node& node, Call<kafka::DeleteTopicsRequest> call) {
  Response response;
  for (const TopicName& name : call.request.topic_names) response.topics.emplace_back().name = name;
  for (const auto& topic : call.request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
  }
  for (auto& answer : response.topics) remove(node, call.version, answer);
  call.reply(std::move(response));
}

}  // namespace penstock::broker
