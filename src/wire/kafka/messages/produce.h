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

struct ProduceResponse;

// The records are views into the frame that was decoded: one record batch v2 (record_batch.h) in
// v3+, a message set of magic 0 or 1 (message_set.h) below. acks: 0 = no answer at all, 1 and -1 =
// when durable.
struct ProduceRequest {
  using Response = ProduceResponse;
  static constexpr Api api{.key = 0, .name = "Produce", .versions = {0, 9}, .flexible_since = 9};

  struct Topic {
    struct Partition {
      PartitionId id;
      std::optional<BytesView> records;

      static void walk(auto& io, auto& m) {
        io.field("Index", m.id, since(0));
        io.records("Records", m.records, since(0), nullable_since(0));
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("PartitionData", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::optional<TransactionalId> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::vector<Topic> topics;

  static void walk(auto& io, auto& m) {
    io.field("TransactionalId", m.transactional_id, since(3), nullable_since(3));
    io.field("Acks", m.acks, since(0));
    io.field("TimeoutMs", m.timeout_ms, since(0));
    io.field("TopicData", m.topics, since(0));
  }
  bool operator==(const ProduceRequest&) const = default;
};

// The throttle time comes last, unlike everywhere else.
struct ProduceResponse {
  static constexpr Api api = ProduceRequest::api;

  struct Topic {
    struct Partition {
      struct RecordError {
        std::int32_t batch_index = 0;
        std::optional<std::string> batch_index_error_message;

        static void walk(auto& io, auto& m) {
          io.field("BatchIndex", m.batch_index, since(8));
          io.field("BatchIndexErrorMessage", m.batch_index_error_message, since(8),
                   nullable_since(8));
        }
        bool operator==(const RecordError&) const = default;
      };

      PartitionId id;
      KafkaError error = KafkaError::None;
      Offset base_offset;
      std::int64_t log_append_time_ms = -1;
      Offset log_start_offset{-1};
      std::vector<RecordError> record_errors;
      std::optional<std::string> error_message;

      static void walk(auto& io, auto& m) {
        io.field("Index", m.id, since(0));
        io.field("ErrorCode", m.error, since(0));
        io.field("BaseOffset", m.base_offset, since(0));
        io.field("LogAppendTimeMs", m.log_append_time_ms, since(2), ignorable);
        io.field("LogStartOffset", m.log_start_offset, since(5), ignorable);
        io.field("RecordErrors", m.record_errors, since(8), ignorable);
        io.field("ErrorMessage", m.error_message, since(8), nullable_since(8), ignorable);
      }
      bool operator==(const Partition&) const = default;
    };

    TopicName name;
    std::vector<Partition> partitions;

    static void walk(auto& io, auto& m) {
      io.field("Name", m.name, since(0));
      io.field("PartitionResponses", m.partitions, since(0));
    }
    bool operator==(const Topic&) const = default;
  };

  std::vector<Topic> topics;
  std::int32_t throttle_ms = 0;

  static void walk(auto& io, auto& m) {
    io.field("Responses", m.topics, since(0));
    io.field("ThrottleTimeMs", m.throttle_ms, since(1), ignorable);
  }
  bool operator==(const ProduceResponse&) const = default;
};

}  // namespace penstock::kafka
