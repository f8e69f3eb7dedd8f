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

struct OffsetFetchResponse;

// v2-v7: null topics = all the group has; v8 asks for many groups.
struct OffsetFetchRequest {
  using Response = OffsetFetchResponse;
  static constexpr Api api{
      .key = 9, .name = "OffsetFetch", .versions = {1, 8}, .flexible_since = 6};

  struct Topic {
    TopicName name;
    std::vector<PartitionId> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, versions(0, 7));
      io.field("PartitionIndexes", m.partitions, versions(0, 7));
    }
    bool operator==(const Topic&) const = default;
  };

  struct Group {
    struct Topic {
      TopicName name;
      std::vector<PartitionId> partitions;

      static void walk(auto& io, auto& m) {
        io.field("Name", m.name, since(8));
        io.field("PartitionIndexes", m.partitions, since(8));
      }
      bool operator==(const Topic&) const = default;
    };

    GroupId group;
    std::optional<std::vector<Topic>> topics;

    static void walk(auto& io, auto& m) {
      io.field("GroupId", m.group, since(8));
      io.field("Topics", m.topics, since(8), nullable_since(8));
    }
    bool operator==(const Group&) const = default;
  };

  GroupId group;
  std::optional<std::vector<Topic>> topics;
  std::vector<Group> groups;
  bool require_stable = false;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, versions(0, 7));
    io.field("Topics", m.topics, versions(0, 7), nullable_since(2));
    io.field("Groups", m.groups, since(8));
    io.field("RequireStable", m.require_stable, since(7));
  }
  bool operator==(const OffsetFetchRequest&) const = default;
};

// A partition without a commit has offset -1 and no error.
struct OffsetFetchResponse {
  static constexpr Api api = OffsetFetchRequest::api;

  struct Topic {
    struct Partition {
      PartitionId id;
      Offset offset;
      LeaderEpoch leader_epoch{-1};
      std::optional<std::string> metadata;
      KafkaError error = KafkaError::None;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, versions(0, 7));
        io.field("CommittedOffset", m.offset, versions(0, 7));
        io.field("CommittedLeaderEpoch", m.leader_epoch, versions(5, 7), ignorable);
        io.field("Metadata", m.metadata, versions(0, 7), nullable_since(0));
        io.field("ErrorCode", m.error, versions(0, 7));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, versions(0, 7));
      io.field("Partitions", m.partitions, versions(0, 7));
    }
    bool operator==(const Topic&) const = default;
  };

  struct Group {
    struct Topic {
      struct Partition {
        PartitionId id;
        Offset offset;
        LeaderEpoch leader_epoch{-1};
        std::optional<std::string> metadata;
        KafkaError error = KafkaError::None;

        static void walk(auto& io, auto& m) {
          io.field("PartitionIndex", m.id, since(8));
          io.field("CommittedOffset", m.offset, since(8));
          io.field("CommittedLeaderEpoch", m.leader_epoch, since(8), ignorable);
          io.field("Metadata", m.metadata, since(8), nullable_since(8));
          io.field("ErrorCode", m.error, since(8));
        }
        bool operator==(const Partition&) const = default;
      };

      TopicName name;
      std::vector<Partition> partitions;

      static void walk(auto& io, auto& m) {
        io.field("Name", m.name, since(8));
        io.field("Partitions", m.partitions, since(8));
      }
      bool operator==(const Topic&) const = default;
    };

    GroupId group;
    std::vector<Topic> topics;
    KafkaError error = KafkaError::None;

    static void walk(auto& io, auto& m) {
      io.field("GroupId", m.group, since(8));
      io.field("Topics", m.topics, since(8));
      io.field("ErrorCode", m.error, since(8));
    }
    bool operator==(const Group&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;
  KafkaError error = KafkaError::None;
  std::vector<Group> groups;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(3), ignorable);
    io.field("Topics", m.topics, versions(0, 7));
    io.field("ErrorCode", m.error, versions(2, 7), ignorable);
    io.field("Groups", m.groups, since(8));
  }
  bool operator==(const OffsetFetchResponse&) const = default;
};

}  // namespace penstock::kafka
