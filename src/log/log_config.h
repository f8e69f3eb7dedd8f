// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "wire/kafka/record_batch.h"

namespace penstock::log {

// A topic's own settings by Kafka's key ("retention.ms"), as the user wrote them.
using TopicConfigs = std::map<std::string, std::string>;

// What a partition's log does with its bytes. The defaults are Kafka's.
struct LogConfig {
  std::int64_t segment_bytes = std::int64_t{1} << 30;
  Millis segment_ms = std::chrono::hours(168);
  Millis retention_ms = std::chrono::hours(168);  // negative: for ever
  std::int64_t retention_bytes = -1;              // negative: no limit
  std::int64_t max_message_bytes = 1'048'588;
  std::int64_t index_interval_bytes = 4096;
  std::int64_t segment_index_bytes = 10 << 20;
  kafka::TimestampType timestamp_type = kafka::TimestampType::CreateTime;
  Millis producer_id_expiration = std::chrono::hours(24);

  // This configuration with a topic's settings laid over it. Keys that are not about the log are
  // left alone; a value that cannot be is InvalidArgument and names the key.
  Result<LogConfig> with(const TopicConfigs& configs) const;
};

}  // namespace penstock::log
