// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

// The values that go into and come out of the group coordinator. They carry what the protocol
// means, not what a version of it looks like: handlers translate.
namespace penstock::broker {

using kafka::Generation;
using kafka::GroupId;
using kafka::InstanceId;
using kafka::KafkaError;
using kafka::LeaderEpoch;
using kafka::MemberId;
using kafka::Offset;
using kafka::PartitionId;
using kafka::TopicName;

// The moment a fact is told to the coordinator, on both clocks.
struct Now {
  TimePoint steady;
  std::int64_t wall_millis = 0;
};

// Who waits for an answer that comes later. Made by the caller, given back once.
enum class Waiter : std::uint64_t {};

struct Protocol {
  std::string name;
  Bytes metadata;  // opaque
  friend bool operator==(const Protocol&, const Protocol&) = default;
};

struct JoinRequest {
  GroupId group;
  MemberId member;  // empty: not yet known to the group
  std::optional<InstanceId> instance;
  std::string client_id;
  std::string client_host;
  Millis session_timeout{0};
  Millis rebalance_timeout{0};
  std::string protocol_type;
  std::vector<Protocol> protocols;        // in order of preference
  bool requires_known_member_id = false;  // JoinGroup v4+ (KIP-394)
  bool supports_skip_assignment = false;  // JoinGroup v9+ (KIP-814)
};

struct JoinedMember {
  MemberId id;
  std::optional<InstanceId> instance;
  Bytes metadata;  // for the chosen protocol
};

struct JoinResult {
  KafkaError error = KafkaError::None;
  Generation generation{-1};
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  MemberId leader;
  bool skip_assignment = false;
  MemberId member;
  std::vector<JoinedMember> members;  // for the leader only
};

struct Assignment {
  MemberId member;
  Bytes bytes;  // opaque
};

struct SyncRequest {
  GroupId group;
  Generation generation;
  MemberId member;
  std::optional<InstanceId> instance;
  std::optional<std::string> protocol_type;  // SyncGroup v5+ checks both (KIP-559)
  std::optional<std::string> protocol;
  std::vector<Assignment> assignments;  // from the leader
};

struct SyncResult {
  KafkaError error = KafkaError::None;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  Bytes assignment;
};

struct HeartbeatRequest {
  GroupId group;
  Generation generation;
  MemberId member;
  std::optional<InstanceId> instance;
};

struct LeavingMember {
  MemberId member;  // may be empty when the instance is given: removal by an administrator
  std::optional<InstanceId> instance;
};

struct LeaveRequest {
  GroupId group;
  std::vector<LeavingMember> members;
};

struct LeaveResult {
  KafkaError error = KafkaError::None;
  std::vector<KafkaError> members;  // one for each of the request's
};

struct TopicPartition {
  TopicName topic;
  PartitionId partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

struct CommittedOffset {
  Offset offset;
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
  std::int64_t commit_millis = 0;  // wall clock
  friend bool operator==(const CommittedOffset&, const CommittedOffset&) = default;
};

struct CommitRequest {
  struct Entry {
    TopicPartition partition;
    CommittedOffset offset;
  };
  GroupId group;
  Generation generation{-1};
  MemberId member;
  std::optional<InstanceId> instance;
  std::vector<Entry> entries;
};

enum class GroupState { Empty, PreparingRebalance, CompletingRebalance, Stable, Dead };
std::string_view name(GroupState state);  // as DescribeGroups spells it

// What survives a restart of one group, and of one of its offsets. No value = a tombstone.
struct GroupSnapshot {
  struct Member {
    MemberId id;
    std::optional<InstanceId> instance;
    std::string client_id;
    std::string client_host;
    Millis rebalance_timeout{0};
    Millis session_timeout{0};
    Bytes subscription;  // metadata for the chosen protocol
    Bytes assignment;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::string protocol_type;
  Generation generation{0};
  std::optional<std::string> protocol;
  std::optional<MemberId> leader;
  std::int64_t state_millis = -1;  // since when the group is in its state, wall clock
  std::vector<Member> members;
  friend bool operator==(const GroupSnapshot&, const GroupSnapshot&) = default;
};
struct GroupRecord {
  GroupId group;
  std::optional<GroupSnapshot> value;
  friend bool operator==(const GroupRecord&, const GroupRecord&) = default;
};
struct OffsetRecord {
  GroupId group;
  TopicPartition partition;
  std::optional<CommittedOffset> value;
  friend bool operator==(const OffsetRecord&, const OffsetRecord&) = default;
};
using CoordinatorRecord = std::variant<GroupRecord, OffsetRecord>;

// Names a write until GroupCoordinator::persisted() tells how it ended.
enum class PersistId : std::uint64_t {};

// What the coordinator wants done, in this order within each list. The writes of one group must
// reach the disk, and be reported to persisted(), in the order they were asked for.
struct Actions {
  struct Join {
    Waiter waiter;
    JoinResult result;
  };
  struct Sync {
    Waiter waiter;
    SyncResult result;
  };
  struct Commit {
    Waiter waiter;
    std::vector<KafkaError> errors;  // one for each entry of the request
  };
  struct Delete {
    Waiter waiter;
    KafkaError error;
  };
  struct Persist {
    PersistId id;
    GroupId group;
    std::vector<CoordinatorRecord> records;
  };
  std::vector<Join> joins;
  std::vector<Sync> syncs;
  std::vector<Commit> commits;
  std::vector<Delete> deletes;
  std::vector<Persist> persists;

  bool empty() const {
    return joins.empty() && syncs.empty() && commits.empty() && deletes.empty() && persists.empty();
  }
};

struct GroupDescription {
  struct Member {
    MemberId id;
    std::optional<InstanceId> instance;
    std::string client_id;
    std::string client_host;
    Bytes metadata;
    Bytes assignment;
  };
  GroupState state = GroupState::Dead;
  std::string protocol_type;
  std::string protocol;
  std::vector<Member> members;
};

struct ListedGroup {
  GroupId id;
  std::string protocol_type;
  GroupState state;
};

}  // namespace penstock::broker
