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

enum class CoordinatorType : std::int8_t { Group = 0, Transaction = 1 };

struct FindCoordinatorResponse;

// v4 asks for many keys at once.
struct FindCoordinatorRequest {
  using Response = FindCoordinatorResponse;
  static constexpr Api api{
      .key = 10, .name = "FindCoordinator", .versions = {0, 4}, .flexible_since = 3};

  std::string key;
  CoordinatorType key_type = CoordinatorType::Group;
  std::vector<std::string> coordinator_keys;

  static void walk(auto& io, auto& m) {
    io.field("Key", m.key, versions(0, 3));
    io.field("KeyType", m.key_type, since(1));
    io.field("CoordinatorKeys", m.coordinator_keys, since(4));
  }
  bool operator==(const FindCoordinatorRequest&) const = default;
};

// v4 answers in `coordinators`, older versions in the fields before it.
struct FindCoordinatorResponse {
  static constexpr Api api = FindCoordinatorRequest::api;

  struct Coordinator {
    std::string key;
    BrokerId node_id;
    std::string host;
    std::int32_t port = 0;
    KafkaError error = KafkaError::None;
    std::optional<std::string> error_message;

    static void walk(auto& io, auto& m) {
      io.field("Key", m.key, since(4));
      io.field("NodeId", m.node_id, since(4));
      io.field("Host", m.host, since(4));
      io.field("Port", m.port, since(4));
      io.field("ErrorCode", m.error, since(4));
      io.field("ErrorMessage", m.error_message, since(4), nullable_since(4), ignorable);
    }
    bool operator==(const Coordinator&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::optional<std::string> error_message;
  BrokerId node_id;
  std::string host;
  std::int32_t port = 0;
  std::vector<Coordinator> coordinators;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("ErrorCode", m.error, versions(0, 3));
    io.field("ErrorMessage", m.error_message, versions(1, 3), nullable_since(1), ignorable);
    io.field("NodeId", m.node_id, versions(0, 3));
    io.field("Host", m.host, versions(0, 3));
    io.field("Port", m.port, versions(0, 3));
    io.field("Coordinators", m.coordinators, since(4));
  }
  bool operator==(const FindCoordinatorResponse&) const = default;
};

}  // namespace penstock::kafka
