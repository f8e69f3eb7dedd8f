// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct DeleteTopicsResponse;

// v6 names topics by name or by id.
struct DeleteTopicsRequest {
  using Response = DeleteTopicsResponse;
  static constexpr Api api{
      .key = 20, .name = "DeleteTopics", .versions = {0, 6}, .flexible_since = 4};

  struct Topic {
    std::optional<TopicName> name;
    Uuid topic_id;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(6), nullable_since(6));
      io.field("TopicId", m.topic_id, since(6));
    }
    bool operator==(const Topic&) const = default;
  };

  std::vector<Topic> topics;
  std::vector<TopicName> topic_names;
  std::int32_t timeout_ms = 0;

  static void walk(auto& io, auto& m) {
    io.field("Topics", m.topics, since(6));
    io.field("TopicNames", m.topic_names, versions(0, 5), ignorable);
    io.field("TimeoutMs", m.timeout_ms, since(0));
  }
  bool operator==(const DeleteTopicsRequest&) const = default;
};

struct DeleteTopicsResponse {
  static constexpr Api api = DeleteTopicsRequest::api;

  struct Topic {
    std::optional<TopicName> name;
    Uuid topic_id;
    KafkaError error = KafkaError::None;
    std::optional<std::string> error_message;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0), nullable_since(6));
      io.field("TopicId", m.topic_id, since(6), ignorable);
      io.field("ErrorCode", m.error, since(0));
      io.field("ErrorMessage", m.error_message, since(5), nullable_since(5), ignorable);
    }
    bool operator==(const Topic&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
    io.field("Responses", m.topics, since(0));
  }
  bool operator==(const DeleteTopicsResponse&) const = default;
};

}  // namespace penstock::kafka
