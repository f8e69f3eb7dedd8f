// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_metrics.h"

#include <algorithm>

#include "broker/offsets_topic.h"

namespace penstock::broker {
namespace {

constexpr Duration kRefreshEvery = std::chrono::seconds(1);

// The entry of `key`, made at its first use.
template <class Map, class Make>
auto entry_of(Map& map, const typename Map::key_type& key, Make&& make) {
  const auto found = map.find(key);
  return found != map.end() ? found : map.emplace(key, make()).first;
}

double number(Offset offset) {
  return static_cast<double>(offset.value());
}

}  // namespace

TopicMetrics::TopicMetrics(net::Loop& loop, Metrics& metrics) : loop_(loop), metrics_(metrics) {
  metrics_.gauge("kafka_brokers", "Brokers in the cluster.").set(1);
}

void TopicMetrics::watch(log::LogManager& logs, const GroupCoordinator& groups) {
  logs_ = &logs;
  groups_ = &groups;
  std::erase_if(watched_, [](const auto& log) { return log.expired(); });
  logs.for_each([&](log::PartitionLog& log) {
    if (log.id().topic.value() == kOffsetsTopic) return;
    if (watched_.insert(log.weak_from_this()).second)
      static_cast<void>(log.on_change([this] { refresh_soon(); }));
  });
  refresh_soon();
}

void TopicMetrics::refresh_soon() {
  if (timer_ != net::TimerId::None || logs_ == nullptr) return;
  timer_ = loop_.after(kRefreshEvery, [this] {
    timer_ = net::TimerId::None;
    refresh();
  });
}

void TopicMetrics::stop() {
  loop_.cancel(std::exchange(timer_, net::TimerId::None));
  logs_ = nullptr;
}

void TopicMetrics::refresh() {
  if (logs_ == nullptr) return;
  refresh_topics();
  refresh_groups();
}

TopicMetrics::PartitionGauges TopicMetrics::partition_gauges(const TopicPartition& id) {
  const Labels labels{{"topic", id.topic.value()},
                      {"partition", std::to_string(id.partition.value())}};
  return {
      metrics_.gauge("kafka_topic_partition_current_offset",
                     "The offset after the partition's last durable record.", labels),
      metrics_.gauge("kafka_topic_partition_oldest_offset",
                     "The offset of the partition's first record.", labels),
  };
}

TopicMetrics::LagGauges TopicMetrics::lag_gauges(const GroupId& group, const TopicPartition& id) {
  const Labels labels{{"consumergroup", group.value()},
                      {"topic", id.topic.value()},
                      {"partition", std::to_string(id.partition.value())}};
  return {
      metrics_.gauge("kafka_consumergroup_current_offset",
                     "The offset that the group has committed.", labels),
      metrics_.gauge("kafka_consumergroup_lag", "Durable records that the group has not committed.",
                     labels),
  };
}

void TopicMetrics::refresh_topics() {
  std::erase_if(topics_, [&](const auto& entry) {
    if (logs_->find(entry.first) != nullptr) return false;
    metrics_.remove(entry.second);
    return true;
  });
  std::erase_if(partitions_, [&](const auto& entry) {
    if (logs_->partition(entry.first.topic, entry.first.partition)) return false;
    metrics_.remove(entry.second.current);
    metrics_.remove(entry.second.oldest);
    return true;
  });
  for (const log::Topic* topic : logs_->topics()) {
    if (topic->name.value() == kOffsetsTopic) continue;
    const auto gauge = entry_of(topics_, topic->name, [&] {
      return metrics_.gauge("kafka_topic_partitions", "Partitions of the topic.",
                            {{"topic", topic->name.value()}});
    });
    gauge->second.set(topic->partitions);
  }
  logs_->for_each([&](log::PartitionLog& log) {
    if (log.id().topic.value() == kOffsetsTopic) return;
    const TopicPartition id{log.id().topic, log.id().partition};
    const auto gauges = entry_of(partitions_, id, [&] { return partition_gauges(id); });
    gauges->second.current.set(number(log.high_watermark()));
    gauges->second.oldest.set(number(log.log_start_offset()));
  });
}

void TopicMetrics::refresh_groups() {
  std::erase_if(members_, [&](const auto& entry) {
    if (groups_->groups().contains(entry.first)) return false;
    metrics_.remove(entry.second);
    return true;
  });
  std::erase_if(lags_, [&](const auto& entry) {
    const auto& [group, partition] = entry.first;
    const auto found = groups_->groups().find(group);
    if (found != groups_->groups().end() && found->second.offsets.contains(partition) &&
        logs_->partition(partition.topic, partition.partition))
      return false;
    metrics_.remove(entry.second.current);
    metrics_.remove(entry.second.lag);
    return true;
  });
  for (const auto& [id, group] : groups_->groups()) {
    const auto members = entry_of(members_, id, [&, &group_id = id] {
      return metrics_.gauge("kafka_consumergroup_members", "Members of the consumer group.",
                            {{"consumergroup", group_id.value()}});
    });
    members->second.set(static_cast<double>(group.members.size()));
    for (const auto& [partition, committed] : group.offsets) {
      const auto log = logs_->partition(partition.topic, partition.partition);
      if (!log) continue;
      const auto gauges =
          entry_of(lags_, std::pair(id, partition),
                   [&, &group_id = id, &of = partition] { return lag_gauges(group_id, of); });
      gauges->second.current.set(number(committed.offset));
      gauges->second.lag.set(
          std::max(0.0, number((*log)->high_watermark()) - number(committed.offset)));
    }
  }
}

}  // namespace penstock::broker
