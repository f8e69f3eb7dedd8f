// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct MetadataResponse;

// topics: v0 empty = all; v1+ null = all, empty = none.
struct MetadataRequest {
  using Response = MetadataResponse;
  static constexpr Api api{.key = 3, .name = "Metadata", .versions = {0, 9}, .flexible_since = 9};

  struct Topic {
    TopicName name;

    static void walk(auto& io, auto& m) { io.field("Name", m.name, since(0)); }
    bool operator==(const Topic&) const = default;
  };

  std::optional<std::vector<Topic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  static void walk(auto& io, auto& m) {
    io.field("Topics", m.topics, since(0), nullable_since(1));
    io.field("AllowAutoTopicCreation", m.allow_auto_topic_creation, since(4));
    io.field("IncludeClusterAuthorizedOperations", m.include_cluster_authorized_operations,
             since(8));
    io.field("IncludeTopicAuthorizedOperations", m.include_topic_authorized_operations, since(8));
  }
  bool operator==(const MetadataRequest&) const = default;
};

// Authorized operations hold kOperationsNotAsked unless the request asked for them.
struct MetadataResponse {
  static constexpr Api api = MetadataRequest::api;

  struct Broker {
    BrokerId id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    static void walk(auto& io, auto& m) {
      io.field("NodeId", m.id, since(0));
      io.field("Host", m.host, since(0));
      io.field("Port", m.port, since(0));
      io.field("Rack", m.rack, since(1), nullable_since(1), ignorable);
    }
    bool operator==(const Broker&) const = default;
  };

  struct Topic {
    struct Partition {
      KafkaError error = KafkaError::None;
      PartitionId id;
      BrokerId leader_id;
      LeaderEpoch leader_epoch{-1};
      std::vector<BrokerId> replica_nodes;
      std::vector<BrokerId> isr_nodes;
      std::vector<BrokerId> offline_replicas;

      static void walk(auto& io, auto& m) {
        io.field("ErrorCode", m.error, since(0));
        io.field("PartitionIndex", m.id, since(0));
        io.field("LeaderId", m.leader_id, since(0));
        io.field("LeaderEpoch", m.leader_epoch, since(7), ignorable);
        io.field("ReplicaNodes", m.replica_nodes, since(0));
        io.field("IsrNodes", m.isr_nodes, since(0));
        io.field("OfflineReplicas", m.offline_replicas, since(5), ignorable);
      }
      bool operator==(const Partition&) const = default;
    };

    KafkaError error = KafkaError::None;
    TopicName name;
    bool is_internal = false;
    std::vector<Partition> partitions;
    std::int32_t topic_authorized_operations = kOperationsNotAsked;

    static void walk(auto& io, auto& m) {
      io.field("ErrorCode", m.error, since(0));
      io.field("Name", m.name, since(0));
      io.field("IsInternal", m.is_internal, since(1), ignorable);
      io.field("Partitions", m.partitions, since(0));
      io.field("TopicAuthorizedOperations", m.topic_authorized_operations, since(8));
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  BrokerId controller_id{-1};
  std::vector<Topic> topics;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(3), ignorable);
    io.field("Brokers", m.brokers, since(0));
    io.field("ClusterId", m.cluster_id, since(2), nullable_since(2), ignorable);
    io.field("ControllerId", m.controller_id, since(1), ignorable);
    io.field("Topics", m.topics, since(0));
    io.field("ClusterAuthorizedOperations", m.cluster_authorized_operations, since(8));
  }
  bool operator==(const MetadataResponse&) const = default;
};

}  // namespace penstock::kafka
