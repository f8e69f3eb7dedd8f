// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/address.h"

namespace penstock::broker {

// What CreateTopics and auto-creation answer to a replication factor above 1. One node keeps one
// copy either way.
enum class Replication {
  Coerce,  // accept and record 1, so that scripts written for three brokers run
  Refuse,  // INVALID_REPLICATION_FACTOR, as a single Kafka broker does
};

// The broker's settings under Kafka's names (dots are underscores) and, unless a comment says
// otherwise, with Kafka's defaults.
struct BrokerConfig {
  std::int32_t broker_id = 1;
  std::string version;  // of this program: what DescribeConfigs tells as penstock.version

  // Topics. What a topic does not set itself follows these.
  std::int32_t num_partitions = 1;
  bool auto_create_topics_enable = true;
  bool delete_topic_enable = true;
  Replication single_node_replication = Replication::Coerce;  // ours
  std::int64_t log_segment_bytes = 1 << 30;
  Millis log_roll_ms = std::chrono::hours(168);
  Millis log_retention_ms = std::chrono::hours(168);  // negative: keep for ever
  std::int64_t log_retention_bytes = -1;              // per partition; negative: no limit
  Millis log_retention_check_interval_ms = std::chrono::minutes(5);
  std::int32_t log_index_interval_bytes = 4096;
  std::int32_t message_max_bytes = 1'048'588;
  std::string log_message_timestamp_type = "CreateTime";  // or "LogAppendTime"
  std::string log_cleanup_policy = "delete";

  // Groups.
  Millis group_initial_rebalance_delay_ms{0};  // Kafka: 3000; its own images for one node set 0
  Millis group_min_session_timeout_ms{6'000};
  Millis group_max_session_timeout_ms{1'800'000};
  std::int32_t group_max_size = 2'147'483'647;
  std::int32_t offsets_topic_num_partitions = 50;
  std::chrono::minutes offsets_retention_minutes{10'080};
  Millis offsets_retention_check_interval_ms{600'000};
  std::int32_t offset_metadata_max_bytes = 4096;
  // Ours: at start a partition of __consumer_offsets larger than this is rewritten as a snapshot of
  // what is live (docs/formats/consumer-offsets.md). Compaction proper is not offered yet.
  std::int64_t offsets_topic_rewrite_bytes = 16 << 20;

  // Idempotent producers.
  Millis producer_id_expiration_ms{86'400'000};

  // Limits.
  std::int32_t socket_request_max_bytes = 104'857'600;
  std::int32_t fetch_max_bytes =
      57'671'680;  // of records in one Fetch response, whatever the client asks for
  std::int32_t max_connections =
      10'000;  // per listener; one more is closed at once. Kafka: no limit
  Millis connections_max_idle_ms{600'000};
  std::int64_t queued_max_request_bytes = 512
                                          << 20;  // in requests not yet answered and answers not
                                                  // yet taken; above it no connection is read
  std::int32_t max_requests_in_flight =
      64;  // per connection; above it the connection is not read (ours)

  bool operator==(const BrokerConfig&) const = default;
};

// Where one listener binds and what Metadata tells the clients that came in on it. A host that is
// left empty in `advertised` means the bound one; port 0 means the port that was really bound.
struct ListenerConfig {
  net::Address bind;
  std::optional<net::Address> advertised;
  bool operator==(const ListenerConfig&) const = default;
};
using Listeners =
    std::map<std::string, ListenerConfig>;  // by listener name: "PLAINTEXT", "INTERNAL", ...

}  // namespace penstock::broker
