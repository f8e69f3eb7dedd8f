// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "base/metrics.h"
#include "broker/group_coordinator/group_coordinator.h"
#include "log/log_manager.h"
#include "net/loop.h"

namespace penstock::broker {

// Offsets, lag and membership under the names of kafka_exporter, so that its dashboards work.
// Renewed at most once a second and only after something has changed, so an idle broker does not
// wake for it; what was deleted disappears. On the broker's loop. The logs and the coordinator
// given to watch() must outlive it or stop() must come first.
class TopicMetrics {
 public:
  TopicMetrics(net::Loop& loop, Metrics& metrics);
  ~TopicMetrics() { stop(); }
  TopicMetrics(const TopicMetrics&) = delete;
  TopicMetrics& operator=(const TopicMetrics&) = delete;

  // Listens to every partition that it does not know yet.
  void watch(log::LogManager& logs, const GroupCoordinator& groups);
  void refresh_soon();
  void stop();

 private:
  struct PartitionGauges {
    Metrics::Gauge current;
    Metrics::Gauge oldest;
  };
  struct LagGauges {
    Metrics::Gauge current;
    Metrics::Gauge lag;
  };
  void refresh();
  void refresh_topics();
  void refresh_groups();
  PartitionGauges partition_gauges(const TopicPartition& id);
  LagGauges lag_gauges(const GroupId& group, const TopicPartition& id);

  net::Loop& loop_;
  Metrics& metrics_;
  log::LogManager* logs_ = nullptr;
  const GroupCoordinator* groups_ = nullptr;
  net::TimerId timer_ = net::TimerId::None;
  std::set<std::weak_ptr<log::PartitionLog>, std::owner_less<>> watched_;
  std::map<TopicName, Metrics::Gauge> topics_;
  std::map<TopicPartition, PartitionGauges> partitions_;
  std::map<std::pair<GroupId, TopicPartition>, LagGauges> lags_;
  std::map<GroupId, Metrics::Gauge> members_;
};

}  // namespace penstock::broker
