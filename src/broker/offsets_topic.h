// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "base/function.h"
#include "broker/config.h"
#include "broker/group_coordinator/types.h"
#include "log/log_manager.h"

namespace penstock::broker {

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// Keeps what groups must not forget in the topic __consumer_offsets, where Kafka's tools look for
// it. All records of a group are in one partition, so they keep their order. On the broker's loop.
//
// The topic is made at its first use. Until compaction exists it is bounded at start: a partition
// that has grown large is rewritten as a snapshot of what is live, and what lies before the
// snapshot is dropped once the snapshot is on disk.
class OffsetsTopic {
 public:
  OffsetsTopic(log::LogManager& logs, const BrokerConfig& config, const Clock& clock);

  // Every record in the order of its partition. A partition that cannot be read is left out:
  // available() says so.
  void load(const std::function<void(const CoordinatorRecord&)>& visit);
  // `snapshot` visits all live records.
  void rewrite_large(
      const std::function<void(const std::function<void(CoordinatorRecord)>&)>& snapshot);

  Result<void> create_if_missing();
  // Whether what is known of this group is all there is.
  bool available(const GroupId& group) const;

  // Calls back when the records are on disk, or with the error a client should hear. In order for
  // each group.
  void write(const GroupId& group, const std::vector<CoordinatorRecord>& records,
             Function<void(KafkaError)> done);

  std::int32_t partitions() const;
  PartitionId partition_of(const GroupId& group) const;

 private:
  Result<void> load_partition(log::PartitionLog& log,
                              const std::function<void(const CoordinatorRecord&)>& visit);
  Result<Offset> append(log::PartitionLog& log, const std::vector<CoordinatorRecord>& records);

  log::LogManager& logs_;
  const BrokerConfig& config_;
  const Clock& clock_;
  std::set<PartitionId> unreadable_;
};

// Java's String.hashCode, by which Kafka assigns a group to its partition.
std::int32_t java_hash(std::string_view utf8);

}  // namespace penstock::broker
