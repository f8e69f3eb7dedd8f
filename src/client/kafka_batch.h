// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "client/kafka_config.h"

struct rd_kafka_message_s;

namespace penstock::client {

// A record as fetched. Views point into memory that the KafkaBatch keeps.
struct KafkaRecord {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_millis = -1;  // -1: none
  bool has_key = false;                // an empty key is a key
  bool has_value = false;              // false: a tombstone
  BytesView key;
  BytesView value;
};

struct KafkaHeader {
  std::string_view name;
  std::optional<BytesView> value;
};

// What one poll brought, by value: owns librdkafka's messages, nothing is copied. Movable, any
// thread (one at a time); the consumer may be closed only after its batches are gone.
class KafkaBatch {
 public:
  KafkaBatch() = default;
  ~KafkaBatch();
  KafkaBatch(KafkaBatch&& other) noexcept { swap(other); }
  KafkaBatch& operator=(KafkaBatch&& other) noexcept {
    swap(other);
    return *this;
  }

  const std::vector<KafkaRecord>& records() const { return records_; }
  std::size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  const KafkaRecord& operator[](std::size_t i) const { return records_[i]; }
  std::size_t bytes() const { return bytes_; }  // of keys and values

  // Parsed at each call; most records have none.
  std::vector<KafkaHeader> headers(std::size_t record) const;

  // Partitions whose end was reached, with the offset after the last record; told once each time.
  const std::vector<TopicPartitionOffset>& ends() const { return ends_; }

 private:
  friend class KafkaConsumer;
  void swap(KafkaBatch& other) noexcept;
  void add(rd_kafka_message_s* message);

  std::vector<rd_kafka_message_s*> messages_;
  std::vector<KafkaRecord> records_;
  std::vector<TopicPartitionOffset> ends_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::client
