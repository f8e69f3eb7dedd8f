// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct DeleteGroupsResponse;

struct DeleteGroupsRequest {
  using Response = DeleteGroupsResponse;
  static constexpr Api api{
      .key = 42, .name = "DeleteGroups", .versions = {0, 2}, .flexible_since = 2};

  std::vector<GroupId> groups;

  static void walk(auto& io, auto& m) { io.field("GroupsNames", m.groups, since(0)); }
  bool operator==(const DeleteGroupsRequest&) const = default;
};

struct DeleteGroupsResponse {
  static constexpr Api api = DeleteGroupsRequest::api;

  struct Group {
    GroupId group;
    KafkaError error = KafkaError::None;

    static void walk(auto& io, auto& m) {
      io.field("GroupId", m.group, since(0));
      io.field("ErrorCode", m.error, since(0));
    }
    bool operator==(const Group&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Group> groups;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(0));
    io.field("Results", m.groups, since(0));
  }
  bool operator==(const DeleteGroupsResponse&) const = default;
};

}  // namespace penstock::kafka
