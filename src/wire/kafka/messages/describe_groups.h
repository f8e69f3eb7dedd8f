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

struct DescribeGroupsResponse;

struct DescribeGroupsRequest {
  using Response = DescribeGroupsResponse;
  static constexpr Api api{
      .key = 15, .name = "DescribeGroups", .versions = {0, 5}, .flexible_since = 5};

  std::vector<GroupId> groups;
  bool include_authorized_operations = false;

  static void walk(auto& io, auto& m) {
    io.field("Groups", m.groups, since(0));
    io.field("IncludeAuthorizedOperations", m.include_authorized_operations, since(3));
  }
  bool operator==(const DescribeGroupsRequest&) const = default;
};

struct DescribeGroupsResponse {
  static constexpr Api api = DescribeGroupsRequest::api;

  struct Group {
    struct Member {
      MemberId member;
      std::optional<InstanceId> instance;
      std::string client_id;
      std::string client_host;
      Bytes member_metadata;
      Bytes member_assignment;

      static void walk(auto& io, auto& m) {
        io.field("MemberId", m.member, since(0));
        io.field("GroupInstanceId", m.instance, since(4), nullable_since(4), ignorable);
        io.field("ClientId", m.client_id, since(0));
        io.field("ClientHost", m.client_host, since(0));
        io.bytes("MemberMetadata", m.member_metadata, since(0));
        io.bytes("MemberAssignment", m.member_assignment, since(0));
      }
      bool operator==(const Member&) const = default;
    };

    KafkaError error = KafkaError::None;
    GroupId group;
    std::string state;
    std::string protocol_type;
    std::string protocol_data;
    std::vector<Member> members;
    std::int32_t authorized_operations = kOperationsNotAsked;

    static void walk(auto& io, auto& m) {
      io.field("ErrorCode", m.error, since(0));
      io.field("GroupId", m.group, since(0));
      io.field("GroupState", m.state, since(0));
      io.field("ProtocolType", m.protocol_type, since(0));
      io.field("ProtocolData", m.protocol_data, since(0));
      io.field("Members", m.members, since(0));
      io.field("AuthorizedOperations", m.authorized_operations, since(3));
    }
    bool operator==(const Group&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Group> groups;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("Groups", m.groups, since(0));
  }
  bool operator==(const DescribeGroupsResponse&) const = default;
};

}  // namespace penstock::kafka
