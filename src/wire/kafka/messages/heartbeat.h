// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct HeartbeatResponse;

struct HeartbeatRequest {
  using Response = HeartbeatResponse;
  static constexpr Api api{.key = 12, .name = "Heartbeat", .versions = {0, 4}, .flexible_since = 4};

  GroupId group;
  Generation generation;
  MemberId member;
  std::optional<InstanceId> instance;

  static void walk(auto& io, auto& m) {
    io.field("GroupId", m.group, since(0));
    io.field("GenerationId", m.generation, since(0));
    io.field("MemberId", m.member, since(0));
    io.field("GroupInstanceId", m.instance, since(3), nullable_since(3));
  }
  bool operator==(const HeartbeatRequest&) const = default;
};

struct HeartbeatResponse {
  static constexpr Api api = HeartbeatRequest::api;

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, since(0));
  }
  bool operator==(const HeartbeatResponse&) const = default;
};

}  // namespace penstock::kafka
