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

struct LeaveGroupResponse;

// v3+ lets an admin remove many members by instance id; older versions name one member.
struct LeaveGroupRequest {
  using Response = LeaveGroupResponse;
  static constexpr Api api{
      .key = 13, .name = "LeaveGroup", .versions = {0, 5}, .flexible_since = 4};

  struct Member {
    MemberId member;
    std::optional<InstanceId> instance;
    std::optional<std::string> reason;

    static void walk(auto& io, auto& m) {
      io.field("MemberId", m.member, since(3));
      io.field("GroupInstanceId", m.instance, since(3), nullable_since(3));
      io.field("Reason", m.reason, since(5), nullable_since(5), ignorable);
    }
    bool operator==(const Member&) const = default;
  };

  GroupId group;
  MemberId member;
  std::vector<Member> members;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, since(0));
    io.field("MemberId", m.member, versions(0, 2));
    io.field("Members", m.members, since(3));
  }
  bool operator==(const LeaveGroupRequest&) const = default;
};

struct LeaveGroupResponse {
  static constexpr Api api = LeaveGroupRequest::api;

  struct Member {
    MemberId member;
    std::optional<InstanceId> instance;
    KafkaError error = KafkaError::None;

    static void walk(auto& io, auto& m) {
      io.field("MemberId", m.member, since(3));
      io.field("GroupInstanceId", m.instance, since(3), nullable_since(3));
      io.field("ErrorCode", m.error, since(3));
    }
    bool operator==(const Member&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::vector<Member> members;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, since(0));
    io.field("Members", m.members, since(3));
  }
  bool operator==(const LeaveGroupResponse&) const = default;
};

}  // namespace penstock::kafka
