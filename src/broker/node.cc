// SPDX-License-Identifier: Apache-2.0
#include "broker/node.h"

#include "base/logging.h"

namespace penstock::broker {
namespace {

Result<log::LogConfig> log_defaults(const BrokerConfig& config) {
  log::LogConfig defaults;
  defaults.segment_bytes = config.log_segment_bytes;
  defaults.segment_ms = config.log_roll_ms;
  defaults.retention_ms = config.log_retention_ms;
  defaults.retention_bytes = config.log_retention_bytes;
  defaults.max_message_bytes = config.message_max_bytes;
  defaults.index_interval_bytes = config.log_index_interval_bytes;
  defaults.producer_id_expiration = config.producer_id_expiration_ms;
  return defaults.with({{"message.timestamp.type", config.log_message_timestamp_type}});
}

}  // namespace

Node::Node(const BrokerConfig& config, net::Loop& loop, Metrics& metrics, ProducerIds producer_ids)
    : config_(config),
      loop_(loop),
      requests_(metrics),
      memory_(config.queued_max_request_bytes),
      producer_ids_(std::move(producer_ids)),
      topic_metrics_(loop, metrics) {}

Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::open(const BrokerConfig& config, const std::string& data_dir,
                                         Disk& disk, net::Loop& loop, log::RunBlocking run_blocking,
                                         Metrics& metrics) {
  TRY(disk.make_dirs(data_dir));
  log::LogManager::Options options;
  options.dir = data_dir;
  options.defaults = TRY(log_defaults(config));
  options.node_id = config.broker_id;
  options.checkpoint_interval =
      std::min<Millis>(config.log_retention_check_interval_ms, std::chrono::minutes(1));
  auto logs = TRY(log::LogManager::open(options, disk, loop, std::move(run_blocking), metrics));
  ProducerIds producer_ids = TRY(ProducerIds::open(disk, data_dir));

  std::unique_ptr<Node> node(new Node(config, loop, metrics, std::move(producer_ids)));
  node->logs_ = std::move(logs);
  node->groups_ = std::make_unique<GroupService>(node->config_, *node->logs_, loop);
  node->topic_metrics_.watch(*node->logs_, node->groups_->groups());
  node->groups_->on_change([&metrics_ = node->topic_metrics_] { metrics_.refresh_soon(); });
  return node;
}

Result<log::Topic> Node::create_topic(const TopicName& name, std::int32_t partitions,
                                      const log::TopicConfigs& configs) {
  auto topic = TRY(logs_->create_topic(name, partitions, configs));
  topic_metrics_.watch(*logs_, groups_->groups());
  log_info("broker", "topic {} was created with {} partitions", name, partitions);
  return topic;
}

Result<void> Node::delete_topic(const TopicName& name) {
  const TopicName gone = name;  // `name` may be the topic's own
  TRY(logs_->delete_topic(gone));
  groups_->remove_topic(gone);
  topic_metrics_.refresh_soon();
  log_info("broker", "topic {} was deleted", gone);
  return {};
}

void Node::finish_waiting() {
  stopping_ = true;
  while (!long_polls_.empty()) {
    const auto poll = long_polls_.extract(long_polls_.begin()).value();
    poll->finish();
  }
  groups_->stop();
}

void Node::close(Function<void(const Result<void>&)> done) {
  topic_metrics_.stop();
  logs_->close(std::move(done));
}

KafkaError to_kafka(const Error& error) {
  switch (error.code) {
    case Code::NotFound:
      return KafkaError::UnknownTopicOrPartition;
    case Code::OutOfRange:
      return KafkaError::OffsetOutOfRange;
    case Code::AlreadyExists:
      return KafkaError::TopicAlreadyExists;
    case Code::InvalidArgument:
      return KafkaError::InvalidRequest;
    case Code::Corrupt:
    case Code::NoSpace:
    case Code::Io:
    case Code::Closed:
      return KafkaError::KafkaStorageError;
    default:
      return KafkaError::UnknownServerError;
  }
}

}  // namespace penstock::broker
