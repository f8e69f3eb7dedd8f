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

struct DescribeClusterResponse;

// Replaces the cluster part of Metadata for admin clients (KIP-700).
struct DescribeClusterRequest {
  using Response = DescribeClusterResponse;
  static constexpr Api api{
      .key = 60, .name = "DescribeCluster", .versions = {0, 0}, .flexible_since = 0};

  bool include_cluster_authorized_operations = false;

  static void walk(auto& io, auto& m) {
    io.field("IncludeClusterAuthorizedOperations", m.include_cluster_authorized_operations,
             since(0));
  }
  bool operator==(const DescribeClusterRequest&) const = default;
};

struct DescribeClusterResponse {
  static constexpr Api api = DescribeClusterRequest::api;

  struct Broker {
    BrokerId id;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    static void walk(auto& io, auto& m) {
      io.field("BrokerId", m.id, since(0));
      io.field("Host", m.host, since(0));
      io.field("Port", m.port, since(0));
      io.field("Rack", m.rack, since(0), nullable_since(0));
    }
    bool operator==(const Broker&) const = default;
  };

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  std::optional<std::string> error_message;
  std::string cluster_id;
  BrokerId controller_id{-1};
  std::vector<Broker> brokers;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(0));
    io.field("ErrorCode", m.error, since(0));
    io.field("ErrorMessage", m.error_message, since(0), nullable_since(0));
    io.field("ClusterId", m.cluster_id, since(0));
    io.field("ControllerId", m.controller_id, since(0));
    io.field("Brokers", m.brokers, since(0));
    io.field("ClusterAuthorizedOperations", m.cluster_authorized_operations, since(0));
  }
  bool operator==(const DescribeClusterResponse&) const = default;
};

}  // namespace penstock::kafka
