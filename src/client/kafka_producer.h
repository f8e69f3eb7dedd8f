// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/function.h"
#include "base/result.h"
#include "client/kafka_config.h"

namespace penstock::client {

struct KafkaProducerConfig {
  KafkaConfig kafka;
  bool idempotent = true;   // no doubles and no reordering on retry; acks=all
  std::string compression;  // "none", "lz4", "zstd", "snappy", "gzip"; empty: librdkafka's default
  Duration linger = Millis(5);  // how long a record waits for company
};

// A record to send; all views are copied before produce() returns.
struct ProducerRecord {
  std::string_view topic;
  std::int32_t partition =
      -1;  // -1: by key, as Java's producer does (murmur2), or at random without one
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::vector<std::pair<std::string_view, std::optional<BytesView>>> headers;
  std::int64_t timestamp_millis = 0;  // 0: now
};

struct Delivery {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};
using OnDelivery = Function<void(Result<Delivery>)>;

// A Kafka producer; all members from any thread. Owns a librdkafka handle with its threads. A
// record is acknowledged when its OnDelivery is called with a value, on librdkafka's background
// thread (post on from there; do not block). ~KafkaProducer drops what is not delivered yet:
// flush() first.
class KafkaProducer {
 public:
  static Result<std::unique_ptr<KafkaProducer>> open(const KafkaProducerConfig& config);
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // Returns when a broker has answered; Unavailable or Timeout when none does in time.
  Result<void> wait_ready(Duration timeout) const;

  enum class WhenFull { Fail, Wait };
  // Queues the record. An error means that it was not queued and `on_delivery` will not be called:
  // Unavailable when the queue is full.
  Result<void> produce(const ProducerRecord& record, OnDelivery on_delivery = {},
                       WhenFull when_full = WhenFull::Wait);

  std::size_t queued() const;  // not yet delivered
  // Returns when all that was queued is delivered or has failed; Timeout if some is left.
  Result<void> flush(Duration timeout);

 private:
  struct Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::client
