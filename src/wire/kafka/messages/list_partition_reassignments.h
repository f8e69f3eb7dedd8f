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

struct ListPartitionReassignmentsResponse;

// topics: null = all. One node moves nothing: the answer is empty, but kafka-topics --describe
// asks.
struct ListPartitionReassignmentsRequest {
  using Response = ListPartitionReassignmentsResponse;
  static constexpr Api api{
      .key = 46, .name = "ListPartitionReassignments", .versions = {0, 0}, .flexible_since = 0};

  struct Topic {
    TopicName name;
    std::vector<PartitionId> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("PartitionIndexes", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<Topic>> topics;

  static void walk(auto& io, auto& m) {
    io.field("TimeoutMs", m.timeout_ms, since(0));
    io.field("Topics", m.topics, since(0), nullable_since(0));
  }
  bool operator==(const ListPartitionReassignmentsRequest&) const = default;
};

struct ListPartitionReassignmentsResponse {
  static constexpr Api api = ListPartitionReassignmentsRequest::api;

  struct Topic {
    struct Partition {
      PartitionId id;
      std::vector<BrokerId> replicas;
      std::vector<BrokerId> adding_replicas;
      std::vector<BrokerId> removing_replicas;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("Replicas", m.replicas, since(0));
        io.field("AddingReplicas", m.adding_replicas, since(0));
        io.field("RemovingReplicas", m.removing_replicas, since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("Partitions", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::optional<std::string> error_message;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(0));
    io.field("ErrorCode", m.error, since(0));
    io.field("ErrorMessage", m.error_message, since(0), nullable_since(0));
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const ListPartitionReassignmentsResponse&) const = default;
};

}  // namespace penstock::kafka
