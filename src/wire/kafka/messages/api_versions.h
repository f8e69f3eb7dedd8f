// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct ApiVersionsResponse;

// Asked first on a connection, also before authentication. v0-v2 are empty.
struct ApiVersionsRequest {
  using Response = ApiVersionsResponse;
  static constexpr Api api{
      .key = 18, .name = "ApiVersions", .versions = {0, 3}, .flexible_since = 3};

  std::string client_software_name;
  std::string client_software_version;

  static void walk(auto& io, auto& m) {
    io.field("ClientSoftwareName", m.client_software_name, since(3), ignorable);
    io.field("ClientSoftwareVersion", m.client_software_version, since(3), ignorable);
  }
  bool operator==(const ApiVersionsRequest&) const = default;
};

// Always travels under response header v0, and answers a version of the future in the layout of v0
// (KIP-511).
struct ApiVersionsResponse {
  static constexpr Api api = ApiVersionsRequest::api;

  struct ApiRange {
    std::int16_t key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    static void walk(auto& io, auto& m) {
      io.field("ApiKey", m.key, since(0));
      io.field("MinVersion", m.min_version, since(0));
      io.field("MaxVersion", m.max_version, since(0));
    }
    bool operator==(const ApiRange&) const = default;
  };

  struct SupportedFeature {
    std::string name;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(3));
      io.field("MinVersion", m.min_version, since(3));
      io.field("MaxVersion", m.max_version, since(3));
    }
    bool operator==(const SupportedFeature&) const = default;
  };

  struct FinalizedFeature {
    std::string name;
    std::int16_t max_version_level = 0;
    std::int16_t min_version_level = 0;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(3));
      io.field("MaxVersionLevel", m.max_version_level, since(3));
      io.field("MinVersionLevel", m.min_version_level, since(3));
    }
    bool operator==(const FinalizedFeature&) const = default;
  };

  KafkaError error = KafkaError::None;
  std::vector<ApiRange> api_keys;
  std::int32_t throttle_ms = 0;
  std::vector<SupportedFeature> supported_features;
  std::int64_t finalized_features_epoch = -1;
  std::vector<FinalizedFeature> finalized_features;
  bool zk_migration_ready = false;

  static void walk(auto& io, auto& m) {
    io.field("ErrorCode", m.error, since(0));
    io.field("ApiKeys", m.api_keys, since(0));
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("SupportedFeatures", m.supported_features, since(3), tagged(0), ignorable);
    io.field("FinalizedFeaturesEpoch", m.finalized_features_epoch, since(3), tagged(1), ignorable);
    io.field("FinalizedFeatures", m.finalized_features, since(3), tagged(2), ignorable);
    io.field("ZkMigrationReady", m.zk_migration_ready, since(3), tagged(3), ignorable);
  }
  bool operator==(const ApiVersionsResponse&) const = default;
};

}  // namespace penstock::kafka
