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

struct JoinGroupResponse;

// v4+ gives a new member its id by MEMBER_ID_REQUIRED (KIP-394); v5 static membership (KIP-345).
// The metadata of a protocol is opaque to the broker.
struct JoinGroupRequest {
  using Response = JoinGroupResponse;
  static constexpr Api api{.key = 11, .name = "JoinGroup", .versions = {0, 9}, .flexible_since = 6};

  struct Protocol {
    std::string name;
    Bytes metadata;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.bytes("Metadata", m.metadata, since(0));
    }
    bool operator==(const Protocol&) const = default;
  };

  GroupId group;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  MemberId member;
  std::optional<InstanceId> instance;
  std::string protocol_type;
  std::vector<Protocol> protocols;
  std::optional<std::string> reason;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, since(0));
    io.field("SessionTimeoutMs", m.session_timeout_ms, since(0));
    io.field("RebalanceTimeoutMs", m.rebalance_timeout_ms, since(1), ignorable);
    io.field("MemberId", m.member, since(0));
    io.field("GroupInstanceId", m.instance, since(5), nullable_since(5));
    io.field("ProtocolType", m.protocol_type, since(0));
    io.field("Protocols", m.protocols, since(0));
    io.field("Reason", m.reason, since(8), nullable_since(8), ignorable);
  }
  bool operator==(const JoinGroupRequest&) const = default;
};

// Only the leader gets the members.
struct JoinGroupResponse {
  static constexpr Api api = JoinGroupRequest::api;

  struct Member {
    MemberId member;
    std::optional<InstanceId> instance;
    Bytes metadata;

    static void walk(auto& io, auto& m) {
      io.field("MemberId", m.member, since(0));
      io.field("GroupInstanceId", m.instance, since(5), nullable_since(5), ignorable);
      io.bytes("Metadata", m.metadata, since(0));
    }
    bool operator==(const Member&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  Generation generation{-1};
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  MemberId leader;
  bool skip_assignment = false;
  MemberId member;
  std::vector<Member> members;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(2), ignorable);
    io.field("ErrorCode", m.error, since(0));
    io.field("GenerationId", m.generation, since(0));
    io.field("ProtocolType", m.protocol_type, since(7), nullable_since(7), ignorable);
    io.field("ProtocolName", m.protocol_name, since(0), nullable_since(7));
    io.field("Leader", m.leader, since(0));
    io.field("SkipAssignment", m.skip_assignment, since(9));
    io.field("MemberId", m.member, since(0));
    io.field("Members", m.members, since(0));
  }
  bool operator==(const JoinGroupResponse&) const = default;
};

}  // namespace penstock::kafka
