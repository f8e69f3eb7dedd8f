// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/disk.h"
#include "base/metrics.h"
#include "broker/config.h"
#include "broker/group_service.h"
#include "broker/memory_budget.h"
#include "broker/producer_ids.h"
#include "broker/request_metrics.h"
#include "broker/topic_metrics.h"
#include "log/log_manager.h"
#include "net/loop.h"

namespace penstock::broker {

// Something that waits for a later event and can be asked to answer at once.
class LongPoll {
 public:
  virtual ~LongPoll() = default;
  virtual void finish() = 0;
};

// What stands behind all connections: the logs, the groups, the ids and the limits. Handlers get it
// by reference. Lives on the broker's loop, from open() to destruction.
class Node {
 public:
  static Result<std::unique_ptr<Node>> open(const BrokerConfig& config, const std::string& data_dir,
                                            Disk& disk, net::Loop& loop,
                                            log::RunBlocking run_blocking, Metrics& metrics);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const BrokerConfig& config() const { return config_; }
  net::Loop& loop() { return loop_; }
  log::LogManager& logs() { return *logs_; }
  GroupService& groups() { return *groups_; }
  ProducerIds& producer_ids() { return producer_ids_; }
  RequestMetrics& requests() { return requests_; }
  TopicMetrics& topic_metrics() { return topic_metrics_; }
  MemoryBudget& memory() { return memory_; }
  std::set<std::shared_ptr<LongPoll>>& long_polls() { return long_polls_; }
  kafka::BrokerId id() const { return kafka::BrokerId(config_.broker_id); }

  // Creates a topic and watches it. Its errors are LogManager's.
  Result<log::Topic> create_topic(const TopicName& name, std::int32_t partitions,
                                  const log::TopicConfigs& configs);
  // Deletes a topic with the offsets committed for it.
  Result<void> delete_topic(const TopicName& name);

  // Answers every long poll at once, so that what is in flight can end; then no new one waits.
  void finish_waiting();
  bool stopping() const { return stopping_; }
  // Flushes and marks the clean shutdown. No request after it.
  void close(Function<void(const Result<void>&)> done);

 private:
  Node(const BrokerConfig& config, net::Loop& loop, Metrics& metrics, ProducerIds producer_ids);

  const BrokerConfig config_;
  net::Loop& loop_;
  RequestMetrics requests_;
  MemoryBudget memory_;
  ProducerIds producer_ids_;
  std::set<std::shared_ptr<LongPoll>> long_polls_;
  bool stopping_ = false;
  // The logs go first: then nothing is called back any more.
  std::unique_ptr<GroupService> groups_;
  TopicMetrics topic_metrics_;
  std::unique_ptr<log::LogManager> logs_;
};

// The protocol's code for why a partition or a file operation failed.
KafkaError to_kafka(const Error& error);

}  // namespace penstock::broker
