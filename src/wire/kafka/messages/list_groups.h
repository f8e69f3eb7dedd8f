// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct ListGroupsResponse;

// states_filter: empty = every state (v4, KIP-518).
struct ListGroupsRequest {
  using Response = ListGroupsResponse;
  static constexpr Api api{
      .key = 16, .name = "ListGroups", .versions = {0, 4}, .flexible_since = 3};

  std::vector<std::string> states_filter;

  static void walk(auto& io, auto& m) { io.field("StatesFilter", m.states_filter, since(4)); }
  bool operator==(const ListGroupsRequest&) const = default;
};

struct ListGroupsResponse {
  static constexpr Api api = ListGroupsRequest::api;

  struct Group {
    GroupId group;
    std::string protocol_type;
    std::string state;

    static void walk(auto& io, auto& m) {
      io.field("GroupId", m.group, since(0));
      io.field("ProtocolType", m.protocol_type, since(0));
      io.field("GroupState", m.state, since(4), ignorable);
    }
    bool operator==(const Group&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::vector<Group> groups;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, since(0));
    io.field("Groups", m.groups, since(0));
  }
  bool operator==(const ListGroupsResponse&) const = default;
};

}  // namespace penstock::kafka
