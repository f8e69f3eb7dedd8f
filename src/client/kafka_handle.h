// SPDX-License-Identifier: Apache-2.0
// What the Kafka .cc files of this room share. The only header that shows librdkafka.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/kafka_config.h"

namespace penstock::client {

struct DestroyHandle {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using HandlePtr = std::unique_ptr<rd_kafka_t, DestroyHandle>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, DestroyHandle>;
using PartitionListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyHandle>;
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, DestroyHandle>;
using EventPtr = std::unique_ptr<rd_kafka_event_t, DestroyHandle>;

// Our Code for librdkafka's and Kafka's numbers; the message is "what: librdkafka's words".
Error kafka_error(rd_kafka_resp_err_t error, std::string_view what);
Error kafka_error(rd_kafka_resp_err_t error, std::string_view what, const char* words);
// Takes ownership; null means success.
Result<void> kafka_result(rd_kafka_error_t* error, std::string_view what);

// A configuration under construction: the first bad property fails it, named.
class ConfBuilder {
 public:
  // Bootstrap servers, client id, and log lines to our log.
  explicit ConfBuilder(const KafkaConfig& config);
  ConfBuilder& set(const std::string& name, const std::string& value);
  rd_kafka_conf_t* raw() { return conf_.get(); }
  const Result<void>& state() const { return state_; }
  // Puts the user's properties on top and opens the client.
  Result<HandlePtr> open(rd_kafka_type_t type, const KafkaConfig& config);

 private:
  ConfPtr conf_;
  Result<void> state_;
};

PartitionListPtr to_list(std::span<const TopicPartitionOffset> partitions);
PartitionListPtr to_list(std::span<const TopicPartition> partitions);
std::vector<TopicPartitionOffset> from_list(const rd_kafka_topic_partition_list_t& list);
// The first partition's error, if one has any.
Result<void> check_list(const rd_kafka_topic_partition_list_t& list, std::string_view what);

// The present range of a partition, as its broker says, within `timeout`.
Result<Watermarks> query_watermarks(rd_kafka_t* handle, const TopicPartition& partition,
                                    Duration timeout);

// "topic [3]"
std::string text(const TopicPartition& partition);
int to_millis(Duration duration);

}  // namespace penstock::client
