// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace penstock::client {

// How to reach a Kafka cluster: built in, Apache Kafka, Redpanda; all three through librdkafka.
struct KafkaConfig {
  std::string bootstrap_servers;  // "host:port,host:port"
  std::string client_id = "penstock";
  // librdkafka's own configuration names ("security.protocol", "fetch.wait.max.ms" ...); they win
  // over what we set. An unknown name or a bad value fails open() with librdkafka's words.
  // What is said of a secret never holds its value.
  std::map<std::string, std::string> properties;
};

// Whether librdkafka takes these names and values; InvalidArgument names the first that it does
// not.
Result<void> check_properties(const std::map<std::string, std::string>& properties);

// Offsets that stand for a place, with Kafka's and librdkafka's numbers.
inline constexpr std::int64_t kOffsetEarliest = -2;
inline constexpr std::int64_t kOffsetLatest = -1;
inline constexpr std::int64_t kOffsetStored = -1000;  // the group's committed offset
inline constexpr std::int64_t kOffsetNone = -1001;    // none is known

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

struct TopicPartitionOffset {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = kOffsetNone;
  std::string metadata;  // of a committed offset
  TopicPartition topic_partition() const { return {topic, partition}; }
};

// The first offset that can be read and the one after the last.
struct Watermarks {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

}  // namespace penstock::client
