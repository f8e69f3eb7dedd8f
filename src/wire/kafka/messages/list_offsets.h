// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct ListOffsetsResponse;

// timestamp: -1 latest, -2 earliest, -3 the offset of the largest timestamp (v7), -4 earliest
// local, -5 latest tiered, else the first record at or after that time.
struct ListOffsetsRequest {
  using Response = ListOffsetsResponse;
  static constexpr Api api{
      .key = 2, .name = "ListOffsets", .versions = {0, 7}, .flexible_since = 6};

  struct Topic {
    struct Partition {
      PartitionId id;
      LeaderEpoch current_leader_epoch{-1};
      std::int64_t timestamp = 0;
      std::int32_t max_num_offsets = 1;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("CurrentLeaderEpoch", m.current_leader_epoch, since(4), ignorable);
        io.field("Timestamp", m.timestamp, since(0));
        io.field("MaxNumOffsets", m.max_num_offsets, only(0));
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

  BrokerId replica_id;
  IsolationLevel isolation_level = IsolationLevel::ReadUncommitted;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ReplicaId", m.replica_id, since(0));
    io.field("IsolationLevel", m.isolation_level, since(2));
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const ListOffsetsRequest&) const = default;
};

// v0 answers with old_style_offsets, later versions with one timestamp and offset; (-1, -1) = no
// such record.
struct ListOffsetsResponse {
  static constexpr Api api = ListOffsetsRequest::api;

  struct Topic {
    struct Partition {
      PartitionId id;
      KafkaError error = KafkaError::None;
      std::vector<Offset> old_style_offsets;
      std::int64_t timestamp = -1;
      Offset offset{-1};
      LeaderEpoch leader_epoch{-1};

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("ErrorCode", m.error, since(0));
        io.field("OldStyleOffsets", m.old_style_offsets, only(0));
        io.field("Timestamp", m.timestamp, since(1));
        io.field("Offset", m.offset, since(1));
        io.field("LeaderEpoch", m.leader_epoch, since(4));
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
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(2), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const ListOffsetsResponse&) const = default;
};

}  // namespace penstock::kafka
