// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct FetchResponse;

// Sessions are KIP-227: session 0 with epoch -1 is no session. The order of the partitions matters.
struct FetchRequest {
  using Response = FetchResponse;
  static constexpr Api api{.key = 1, .name = "Fetch", .versions = {4, 12}, .flexible_since = 12};

  struct Topic {
    struct Partition {
      PartitionId id;
      LeaderEpoch current_leader_epoch{-1};
      Offset offset;
      LeaderEpoch last_fetched_epoch{-1};
      Offset log_start_offset{-1};
      std::int32_t partition_max_bytes = 0;

      static void walk(auto& io, auto& m) {
        io.field("Partition", m.id, since(0));
        io.field("CurrentLeaderEpoch", m.current_leader_epoch, since(9), ignorable);
        io.field("FetchOffset", m.offset, since(0));
        io.field("LastFetchedEpoch", m.last_fetched_epoch, since(12));
        io.field("LogStartOffset", m.log_start_offset, since(5), ignorable);
        io.field("PartitionMaxBytes", m.partition_max_bytes, since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Topic", m.name, versions(0, 12), ignorable);
      io.field("Partitions", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  struct ForgottenTopic {
    TopicName name;
    std::vector<PartitionId> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Topic", m.name, versions(7, 12), ignorable);
      io.field("Partitions", m.partitions, since(7));
    }
    bool operator==(const ForgottenTopic&) const = default;
  };

  std::optional<std::string> cluster_id;
  BrokerId replica_id{-1};
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = INT32_MAX;
  IsolationLevel isolation_level = IsolationLevel::ReadUncommitted;
  FetchSessionId session_id;
  std::int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics;
  std::string rack_id;

  static void walk(auto& io, auto& m) {
    io.field("ClusterId", m.cluster_id, since(12), nullable_since(12), tagged(0), ignorable);
    io.field("ReplicaId", m.replica_id, since(0));
    io.field("MaxWaitMs", m.max_wait_ms, since(0));
    io.field("MinBytes", m.min_bytes, since(0));
    io.field("MaxBytes", m.max_bytes, since(3), ignorable);
    io.field("IsolationLevel", m.isolation_level, since(4), ignorable);
    io.field("SessionId", m.session_id, since(7), ignorable);
    io.field("SessionEpoch", m.session_epoch, since(7), ignorable);
    io.field("Topics", m.topics, since(0));
    io.field("ForgottenTopicsData", m.forgotten_topics, since(7));
    io.field("RackId", m.rack_id, since(11), ignorable);
  }
  bool operator==(const FetchRequest&) const = default;
};

// records: whole batches as they stand in the log; the last may be cut. encode_response_pieces()
// moves them, so they leave without a copy.
struct FetchResponse {
  static constexpr Api api = FetchRequest::api;

  struct Topic {
    struct Partition {
      struct EpochEndOffset {
        LeaderEpoch epoch{-1};
        Offset end_offset{-1};

        static void walk(auto& io, auto& m) {
          io.field("Epoch", m.epoch, since(12));
          io.field("EndOffset", m.end_offset, since(12));
        }
        bool operator==(const EpochEndOffset&) const = default;
      };

      struct Leader {
        BrokerId leader_id{-1};
        LeaderEpoch leader_epoch{-1};

        static void walk(auto& io, auto& m) {
          io.field("LeaderId", m.leader_id, since(12));
          io.field("LeaderEpoch", m.leader_epoch, since(12));
        }
        bool operator==(const Leader&) const = default;
      };

      struct SnapshotId {
        Offset end_offset{-1};
        LeaderEpoch epoch{-1};

        static void walk(auto& io, auto& m) {
          io.field("EndOffset", m.end_offset, since(0));
          io.field("Epoch", m.epoch, since(0));
        }
        bool operator==(const SnapshotId&) const = default;
      };

      struct AbortedTransaction {
        ProducerId producer_id;
        Offset first_offset;

        static void walk(auto& io, auto& m) {
          io.field("ProducerId", m.producer_id, since(4));
          io.field("FirstOffset", m.first_offset, since(4));
        }
        bool operator==(const AbortedTransaction&) const = default;
      };

      PartitionId id;
      KafkaError error = KafkaError::None;
      Offset high_watermark;
      Offset last_stable_offset{-1};
      Offset log_start_offset{-1};
      EpochEndOffset diverging_epoch;
      Leader current_leader;
      SnapshotId snapshot_id;
      std::optional<std::vector<AbortedTransaction>> aborted_transactions;
      BrokerId preferred_read_replica{-1};
      std::optional<Bytes> records;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("ErrorCode", m.error, since(0));
        io.field("HighWatermark", m.high_watermark, since(0));
        io.field("LastStableOffset", m.last_stable_offset, since(4), ignorable);
        io.field("LogStartOffset", m.log_start_offset, since(5), ignorable);
        io.field("DivergingEpoch", m.diverging_epoch, since(12), tagged(0));
        io.field("CurrentLeader", m.current_leader, since(12), tagged(1));
        io.field("SnapshotId", m.snapshot_id, since(12), tagged(2));
        io.field("AbortedTransactions", m.aborted_transactions, since(4), nullable_since(4),
                 ignorable);
        io.field("PreferredReadReplica", m.preferred_read_replica, since(11));
        io.records("Records", m.records, since(0), nullable_since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Topic", m.name, versions(0, 12), ignorable);
      io.field("Partitions", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  FetchSessionId session_id;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, since(7), ignorable);
    io.field("SessionId", m.session_id, since(7));
    io.field("Responses", m.topics, since(0));
  }
  bool operator==(const FetchResponse&) const = default;
};

}  // namespace penstock::kafka
