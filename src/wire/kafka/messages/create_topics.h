// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "wire/kafka/api.h"
#include "wire/kafka/configs.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct CreateTopicsResponse;

// Partitions and replication factor -1 = the default of the broker (v4+, KIP-464).
struct CreateTopicsRequest {
  using Response = CreateTopicsResponse;
  static constexpr Api api{
      .key = 19, .name = "CreateTopics", .versions = {0, 7}, .flexible_since = 5};

  struct Topic {
    struct Assignment {
      PartitionId id;
      std::vector<BrokerId> broker_ids;

      static void walk(auto& io, auto& m) {
        io.field("PartitionIndex", m.id, since(0));
        io.field("BrokerIds", m.broker_ids, since(0));
      }
      bool operator==(const Assignment&) const = default;
    };

    struct Config {
      std::string name;
      std::optional<std::string> value;

      static void walk(auto& io, auto& m) {
        io.field("Name", m.name, since(0));
        io.field("Value", m.value, since(0), nullable_since(0));
      }
      bool operator==(const Config&) const = default;
    };

    TopicName name;
    std::int32_t num_partitions = 0;
    std::int16_t replication_factor = 0;
    std::vector<Assignment> assignments;
    std::vector<Config> configs;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("NumPartitions", m.num_partitions, since(0));
      io.field("ReplicationFactor", m.replication_factor, since(0));
      io.field("Assignments", m.assignments, since(0));
      io.field("Configs", m.configs, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::vector<Topic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  static void walk(auto& io, auto& m) {
    io.field("Topics", m.topics, since(0));
    io.field("timeoutMs", m.timeout_ms, since(0));
    io.field("validateOnly", m.validate_only, since(1));
  }
  bool operator==(const CreateTopicsRequest&) const = default;
};

struct CreateTopicsResponse {
  static constexpr Api api = CreateTopicsRequest::api;

  struct Topic {
    struct Config {
      std::string name;
      std::optional<std::string> value;
      bool read_only = false;
      ConfigSource config_source = ConfigSource::Unknown;
      bool is_sensitive = false;

      static void walk(auto& io, auto& m) {
        io.field("Name", m.name, since(5));
        io.field("Value", m.value, since(5), nullable_since(5));
        io.field("ReadOnly", m.read_only, since(5));
        io.field("ConfigSource", m.config_source, since(5), ignorable);
        io.field("IsSensitive", m.is_sensitive, since(5));
      }
      bool operator==(const Config&) const = default;
    };

    TopicName name;
    Uuid topic_id;
    KafkaError error = KafkaError::None;
    std::optional<std::string> error_message;
    KafkaError topic_config_error_code = KafkaError::None;
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("TopicId", m.topic_id, since(7), ignorable);
      io.field("ErrorCode", m.error, since(0));
      io.field("ErrorMessage", m.error_message, since(1), nullable_since(1), ignorable);
      io.field("TopicConfigErrorCode", m.topic_config_error_code, since(5), tagged(0), ignorable);
      io.field("NumPartitions", m.num_partitions, since(5), ignorable);
      io.field("ReplicationFactor", m.replication_factor, since(5), ignorable);
      io.field("Configs", m.configs, since(5), nullable_since(5), ignorable);
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(2), ignorable);
    io.field("Topics", m.topics, since(0));
  }
  bool operator==(const CreateTopicsResponse&) const = default;
};

}  // namespace penstock::kafka
