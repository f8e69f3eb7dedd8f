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

struct OffsetCommitResponse;

// Generation -1 with an empty member commits for a group without members (assign(), tools).
struct OffsetCommitRequest {
  using Response = OffsetCommitResponse;
  static constexpr Api api{
      .key = 8, .name = "OffsetCommit", .versions = {1, 8}, .flexible_since = 8};

  struct Topic {
    struct Partition {
      PartitionId id;
      Offset offset;
      LeaderEpoch leader_epoch{-1};
      std::int64_t commit_timestamp = -1;
      std::optional<std::string> metadata;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("CommittedOffset", m.offset, since(0));
        io.field("CommittedLeaderEpoch", m.leader_epoch, since(6), ignorable);
        io.field("CommitTimestamp", m.commit_timestamp, only(1));
        io.field("CommittedMetadata", m.metadata, since(0), nullable_since(0));
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

  GroupId group;
  Generation generation{-1};
  MemberId member;
  std::optional<InstanceId> instance;
  std::int64_t retention_ms = -1;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, since(0));
    io.field("GenerationIdOrMemberEpoch", m.generation, since(1), ignorable);
    io.field("MemberId", m.member, since(1), ignorable);
    io.field("GroupInstanceId", m.instance, since(7), nullable_since(7));
    io.field("RetentionTimeMs", m.retention_ms, versions(2, 4), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const OffsetCommitRequest&) const = default;
};

struct OffsetCommitResponse {
  static constexpr Api api = OffsetCommitRequest::api;

  struct Topic {
    struct Partition {
      PartitionId id;
      KafkaError error = KafkaError::None;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("ErrorCode", m.error, since(0));
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
    io.field("ThrottleTimeMs", m.throttle_ms, since(3), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const OffsetCommitResponse&) const = default;
};

}  // namespace penstock::kafka
