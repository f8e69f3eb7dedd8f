// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/kafka_config.h"

namespace penstock::client {

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;          // -1: the broker's default
  std::int32_t replication_factor = -1;  // -1: the broker's default
  std::map<std::string, std::string> configs;
};

struct PartitionInfo {
  std::int32_t id = 0;
  std::int32_t leader = -1;
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> in_sync;
};
struct TopicInfo {
  std::string name;
  std::vector<PartitionInfo> partitions;
};

struct BrokerInfo {
  std::int32_t id = 0;
  std::string host;
  std::int32_t port = 0;
};
struct ClusterInfo {
  std::string id;
  std::int32_t controller = -1;
  std::vector<BrokerInfo> brokers;
};

struct GroupListing {
  std::string id;
  std::string state;  // "Stable", "Empty" ...
};
struct GroupMember {
  std::string id;
  std::string instance;
  std::string client_id;
  std::string host;
  std::vector<TopicPartition> assignment;
};
struct GroupInfo {
  std::string id;
  std::string state;
  std::string assignor;
  std::vector<GroupMember> members;
};

// Questions and orders to a cluster. Blocking, each call with the time limit given at open(); any
// thread.
class KafkaAdmin {
 public:
  static Result<std::unique_ptr<KafkaAdmin>> open(const KafkaConfig& config,
                                                  Duration timeout = std::chrono::seconds(10));
  ~KafkaAdmin();
  KafkaAdmin(const KafkaAdmin&) = delete;
  KafkaAdmin& operator=(const KafkaAdmin&) = delete;

  Result<ClusterInfo> cluster() const;
  Result<std::vector<TopicInfo>> topics() const;           // all, by name
  Result<TopicInfo> topic(const std::string& name) const;  // NotFound; does not create it
  Result<std::map<std::string, std::string>> topic_configs(const std::string& name) const;
  // Only what was set for the topic itself, so without the broker's defaults.
  Result<std::map<std::string, std::string>> own_topic_configs(const std::string& name) const;
  // Needs the right to describe the cluster's configuration, which not every user has.
  Result<std::map<std::string, std::string>> broker_configs(std::int32_t id) const;
  Result<void> create_topic(const NewTopic& topic) const;    // AlreadyExists
  Result<void> delete_topic(const std::string& name) const;  // NotFound

  Result<std::vector<GroupListing>> groups() const;
  Result<GroupInfo> group(
      const std::string& id) const;  // state "Dead" if it does not exist, as Kafka says
  Result<std::vector<TopicPartitionOffset>> group_offsets(const std::string& id) const;
  Result<void> delete_group(const std::string& id) const;
  Result<Watermarks> watermarks(const TopicPartition& partition) const;
  // Of each partition the first record at or after the time (milliseconds since 1970), or the end
  // when all are older.
  Result<std::vector<TopicPartitionOffset>> offsets_at(
      const std::vector<TopicPartition>& partitions, std::int64_t millis) const;
  // Sets the group's offsets. Conflict: the group has members, who would not know.
  Result<void> set_group_offsets(const std::string& id,
                                 const std::vector<TopicPartitionOffset>& offsets) const;

 private:
  struct Impl;
  explicit KafkaAdmin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::client
