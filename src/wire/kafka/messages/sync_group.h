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

struct SyncGroupResponse;

// Only the leader brings assignments; they are opaque.
struct SyncGroupRequest {
  using Response = SyncGroupResponse;
  static constexpr Api api{.key = 14, .name = "SyncGroup", .versions = {0, 5}, .flexible_since = 4};

  struct Assignment {
    MemberId member;
    Bytes assignment;

    static void walk(auto& io, auto& m) {
      io.field("MemberId", m.member, since(0));
      io.bytes("Assignment", m.assignment, since(0));
    }
    bool operator==(const Assignment&) const = default;
  };

  GroupId group;
  Generation generation;
  MemberId member;
  std::optional<InstanceId> instance;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<Assignment> assignments;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, since(0));
    io.field("GenerationId", m.generation, since(0));
    io.field("MemberId", m.member, since(0));
    io.field("GroupInstanceId", m.instance, since(3), nullable_since(3));
    io.field("ProtocolType", m.protocol_type, since(5), nullable_since(5), ignorable);
    io.field("ProtocolName", m.protocol_name, since(5), nullable_since(5), ignorable);
    io.field("Assignments", m.assignments, since(0));
  }
  bool operator==(const SyncGroupRequest&) const = default;
};

struct SyncGroupResponse {
  static constexpr Api api = SyncGroupRequest::api;

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Bytes assignment;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, since(0));
    io.field("ProtocolType", m.protocol_type, since(5), nullable_since(5), ignorable);
    io.field("ProtocolName", m.protocol_name, since(5), nullable_since(5), ignorable);
    io.bytes("Assignment", m.assignment, since(0));
  }
  bool operator==(const SyncGroupResponse&) const = default;
};

}  // namespace penstock::kafka
