// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct OffsetForLeaderEpochResponse;

// A client asks where its leader epoch ended, to see whether the log was cut behind its back
// (KIP-320).
struct OffsetForLeaderEpochRequest {
  using Response = OffsetForLeaderEpochResponse;
  static constexpr Api api{
      .key = 23, .name = "OffsetForLeaderEpoch", .versions = {2, 4}, .flexible_since = 4};

  struct Topic {
    struct Partition {
      PartitionId id;
      LeaderEpoch current_leader_epoch{-1};
      LeaderEpoch leader_epoch;

      static void walk(auto& io, auto& m) {
        io.field("Partition", m.id, since(0));
        io.field("CurrentLeaderEpoch", m.current_leader_epoch, since(2), ignorable);
        io.field("LeaderEpoch", m.leader_epoch, since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Topic", m.name, since(0));
      io.field("Partitions", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  BrokerId replica_id{-2};
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ReplicaId", m.replica_id, since(3), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const OffsetForLeaderEpochRequest&) const = default;
};

struct OffsetForLeaderEpochResponse {
  static constexpr Api api = OffsetForLeaderEpochRequest::api;

  struct Topic {
    struct Partition {
      KafkaError error = KafkaError::None;
      PartitionId id;
      LeaderEpoch leader_epoch{-1};
      Offset end_offset{-1};

      static void walk(auto& io, auto& m) {
        io.field("ErrorCode", m.error, since(0));
        io.field("Partition", m.id, since(0));
        io.field("LeaderEpoch", m.leader_epoch, since(1), ignorable);
        io.field("EndOffset", m.end_offset, since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Topic", m.name, since(0));
      io.field("Partitions", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(2), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const OffsetForLeaderEpochResponse&) const = default;
};

}  // namespace penstock::kafka
