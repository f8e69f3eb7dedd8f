// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "log/group_commit.h"
#include "log/log_config.h"
#include "log/partition_log.h"
#include "log/topic_registry.h"
#include "net/loop.h"

namespace penstock::log {

// A data directory of Kafka's layout: the topics, their partitions' logs, checkpoints and the
// clean-shutdown marker (docs/formats/log-segment.md).
//
// Lives on the broker's loop; open() runs before the loop serves. Topics are durable when
// create_topic() and delete_topic() return. A partition whose bytes cannot be trusted is reported
// by partition(), by one log line and in a gauge; the others serve. Stop with close(); destruction
// without it is a crash, from which the next open() recovers.
class LogManager {
 public:
  struct Options {
    std::string dir;
    LogConfig defaults;
    std::int32_t node_id = 1;
    Millis checkpoint_interval =
        std::chrono::seconds(60);  // also retention; driven by the loop's timer
  };

  static Result<std::unique_ptr<LogManager>> open(const Options& options, Disk& disk,
                                                  net::Loop& loop, RunBlocking run_blocking,
                                                  Metrics& metrics);
  ~LogManager();
  LogManager(const LogManager&) = delete;
  LogManager& operator=(const LogManager&) = delete;

  const std::string& cluster_id() const;  // 22 characters of base64, as Kafka's
  std::int32_t node_id() const;

  // AlreadyExists; InvalidArgument for a name, count or setting that cannot be.
  Result<Topic> create_topic(const kafka::TopicName& name, std::int32_t partitions,
                             const TopicConfigs& configs = {});
  // NotFound. Waiting calls of its partitions fail with NotFound; the files go in the background.
  Result<void> delete_topic(const kafka::TopicName& name);
  // Replaces the topic's settings; its logs follow at once.
  Result<void> set_configs(const kafka::TopicName& name, const TopicConfigs& configs);
  // Only grows.
  Result<void> add_partitions(const kafka::TopicName& name, std::int32_t partitions);

  const Topic* find(
      const kafka::TopicName& name) const;  // nullptr when there is none; valid until topics change
  const Topic* find(const Uuid& id) const;
  std::vector<const Topic*> topics() const;  // by name

  // NotFound, or Corrupt with file and position for a partition that had to stop.
  Result<std::shared_ptr<PartitionLog>> partition(const kafka::TopicName& topic,
                                                  kafka::PartitionId partition) const;
  void for_each(const std::function<void(PartitionLog&)>& visit) const;

  // Applies retention and writes the checkpoints; the loop's timer calls it.
  void maintain();

  // Flushes, seals and marks the clean shutdown, then calls back on the loop. No append after it.
  void close(Function<void(const Result<void>&)> done);

 private:
  struct Impl;
  explicit LogManager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether a topic may have this name (Kafka: 1-249 of [a-zA-Z0-9._-], not "." or ".."); the error
// says what is wrong.
Result<void> check_topic_name(std::string_view name);

}  // namespace penstock::log
