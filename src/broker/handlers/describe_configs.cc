// SPDX-License-Identifier: Apache-2.0
// DescribeConfigs v0-v4: every known key with its value and where it comes from, for topics and for
// this broker. Tools read all, change one and write all back, so nothing may be missing.
#include "wire/kafka/messages/describe_configs.h"

#include <algorithm>

#include "broker/handlers/handlers.h"
#include "broker/topic_configs.h"

namespace penstock::broker {
namespace {

using Request = kafka::DescribeConfigsRequest;
using Response = kafka::DescribeConfigsResponse;
using kafka::ConfigSource;

bool wanted(const Request::Resource& resource, const std::string& key) {
  return !resource.configuration_keys ||
         std::ranges::find(*resource.configuration_keys, key) != resource.configuration_keys->end();
}

Response::Resource::Config show(const ConfigEntry& entry, const std::string* own, bool read_only,
                                const Request& request) {
  Response::Resource::Config config;
  config.name = entry.name;
  config.value = own == nullptr ? entry.value : *own;
  config.read_only = read_only;
  config.config_source = own == nullptr ? ConfigSource::Default : ConfigSource::Topic;
  config.is_default = own == nullptr;
  config.config_type = entry.type;
  if (request.include_synonyms) {
    if (own != nullptr) config.synonyms.push_back({entry.name, *own, ConfigSource::Topic});
    if (!entry.broker_name.empty())
      config.synonyms.push_back({entry.broker_name, entry.value, ConfigSource::Default});
  }
  if (request.include_documentation) config.documentation = entry.documentation;
  return config;
}

void describe_topic(Node& node, const Request& request, const Request::Resource& resource,
                    Response::Resource& answer) {
  const log::Topic* topic = node.logs().find(TopicName(resource.resource_name));
  if (topic == nullptr) {
    const bool valid = log::check_topic_name(resource.resource_name).has_value();
    answer.error = valid ? KafkaError::UnknownTopicOrPartition : KafkaError::InvalidTopic;
    answer.error_message = fmt::format("there is no topic '{}'", resource.resource_name);
    return;
  }
  for (const ConfigEntry& entry : topic_config_defaults(node.config())) {
    if (!wanted(resource, entry.name)) continue;
    const auto own = topic->configs.find(entry.name);
    answer.configs.push_back(
        show(entry, own == topic->configs.end() ? nullptr : &own->second, false, request));
  }
}

void describe_broker(Node& node, const Request& request, const Request::Resource& resource,
                     Response::Resource& answer) {
  // The empty name stands for the defaults of all brokers, of which there are no dynamic ones.
  if (resource.resource_name.empty()) return;
  if (resource.resource_name != std::to_string(node.id().value())) {
    answer.error = KafkaError::InvalidRequest;
    answer.error_message =
        fmt::format("the only broker is {}, not '{}'", node.id(), resource.resource_name);
    return;
  }
  for (const ConfigEntry& entry : broker_config_entries(node.config()))
    if (wanted(resource, entry.name)) answer.configs.push_back(show(entry, nullptr, true, request));
}

}  // namespace

void handle(Node& node, Call<kafka::DescribeConfigsRequest> call) {
  Response response;
  for (const auto& resource : call.request.resources) {
    auto& answer = response.resources.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    switch (resource.resource_type) {
      case kafka::ConfigResource::Topic:
        describe_topic(node, call.request, resource, answer);
        break;
      case kafka::ConfigResource::Broker:
        describe_broker(node, call.request, resource, answer);
        break;
      default:
        answer.error = KafkaError::InvalidRequest;
        answer.error_message = fmt::format("resources of type {} have no configs here",
                                           static_cast<int>(resource.resource_type));
    }
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
