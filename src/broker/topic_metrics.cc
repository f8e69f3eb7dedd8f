// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_metrics.h"

#include <algorithm>

#include "broker/offsets_topic.h"

namespace penstock::broker {
namespace {

constexpr Duration kRefreshEvery = std::chrono::seconds(1);

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

void TopicMetrics::refresh_topics() {
  for (const log::Topic* topic : logs_->topics()) {
    if (topic->name.value() == kOffsetsTopic) continue;
    metrics_
        .gauge("kafka_topic_partitions", "Partitions of the topic.",
               {{"topic", topic->name.value()}})
        .set(topic->partitions);
  }
  logs_->for_each([&](log::PartitionLog& log) {
    if (log.id().topic.value() == kOffsetsTopic) return;
    const TopicPartition id{log.id().topic, log.id().partition};
    auto found = partitions_.find(id);
    if (found == partitions_.end()) {
      const Labels labels{{"topic", id.topic.value()},
                          {"partition", std::to_string(id.partition.value())}};
      found =
          partitions_
              .emplace(id,
                       PartitionGauges{
                           metrics_.gauge("kafka_topic_partition_current_offset",
                                          "The offset after the partition's last durable record.",
                                          labels),
                           metrics_.gauge("kafka_topic_partition_oldest_offset",
                                          "The offset of the partition's first record.", labels)})
              .first;
    }
    found->second.current.set(number(log.high_watermark()));
    found->second.oldest.set(number(log.log_start_offset()));
  });
}

void TopicMetrics::refresh_groups() {
  for (const auto& [id, group] : groups_->groups()) {
    auto members = members_.find(id);
    if (members == members_.end())
      members = members_
                    .emplace(id, metrics_.gauge("kafka_consumergroup_members",
                                                "Members of the consumer group.",
                                                {{"consumergroup", id.value()}}))
                    .first;
    members->second.set(static_cast<double>(group.members.size()));
    for (const auto& [partition, committed] : group.offsets) {
      const auto log = logs_->partition(partition.topic, partition.partition);
      if (!log) continue;
      auto found = lags_.find({id, partition});
      if (found == lags_.end()) {
        const Labels labels{{"consumergroup", id.value()},
                            {"topic", partition.topic.value()},
                            {"partition", std::to_string(partition.partition.value())}};
        found = lags_
                    .emplace(std::pair(id, partition),
                             LagGauges{
                                 metrics_.gauge("kafka_consumergroup_current_offset",
                                                "The offset that the group has committed.", labels),
                                 metrics_.gauge("kafka_consumergroup_lag",
                                                "Durable records that the group has not committed.",
                                                labels)})
                    .first;
      }
      found->second.current.set(number(committed.offset));
      found->second.lag.set(
          std::max(0.0, number((*log)->high_watermark()) - number(committed.offset)));
    }
  }
}

}  // namespace penstock::broker
