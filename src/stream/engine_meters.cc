// SPDX-License-Identifier: Apache-2.0
#include "stream/engine_meters.h"

namespace penstock::stream {
namespace {

Labels with(Labels labels, const std::string& key, std::string value) {
  labels[key] = std::move(value);
  return labels;
}

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string sink_name(const PipelineSpec& spec) {
  return spec.cassandra() != nullptr ? "cassandra" : "console";
}

}  // namespace

Engine::Meters::Meters(Metrics& registry, const PipelineSpec& spec)
    : metrics(registry), base{{"pipeline", spec.name}} {
  const auto phase = [&](const char* name) {
    return metrics.histogram("ingest_batch_duration_seconds", "Time of a batch by phase",
                             with(base, "phase", name));
  };
  const Labels sink = with(base, "sink", sink_name(spec));
  memory = metrics.gauge("ingest_memory_bytes", "Records held between fetch and acknowledgement",
                         with(base, "pool", "batches"));
  assigned = metrics.gauge("ingest_partitions_assigned", "Partitions that this worker reads", base);
  dlq_records = metrics.counter("ingest_dlq_records_total", "Records diverted",
                                with(base, "dlq", spec.dlq.topic));
  dlq_failures = metrics.counter("ingest_dlq_failures_total", "Failed attempts to divert", base);
  filtered = metrics.counter("ingest_records_filtered_total", "Records taken away by where", base);
  rows = metrics.counter("ingest_rows_written_total", "Rows acknowledged by the sink", sink);
  bytes =
      metrics.counter("ingest_bytes_written_total", "Request bytes acknowledged by the sink", sink);
  batch_rows = metrics.histogram("ingest_batch_rows", "Records in a batch", base,
                                 {1, 10, 100, 1e3, 1e4, 1e5, 1e6});
  decode_seconds = phase("decode");
  transform_seconds = phase("transform");
  sink_seconds = phase("sink");
  total_seconds = phase("total");
  latency_seconds = metrics.histogram("ingest_end_to_end_latency_seconds",
                                      "Oldest record of a batch to acknowledgement", base);
}

Metrics::Counter Engine::Meters::sink_errors(Code code) {
  return metrics.counter("ingest_sink_errors_total", "Failed writes",
                         with(base, "error", std::string(name(code))));
}
Metrics::Counter Engine::Meters::rebalances(const std::string& kind) {
  return metrics.counter("ingest_rebalances_total", "Rebalances of the group",
                         with(base, "kind", kind));
}
Metrics::Gauge Engine::Meters::lag(const client::TopicPartition& partition) {
  const auto found = lags.find(partition);
  if (found != lags.end()) return found->second;
  const Labels labels =
      with(with(base, "topic", partition.topic), "partition", std::to_string(partition.partition));
  return lags
      .emplace(partition, metrics.gauge("ingest_lag_records",
                                        "Records behind the end of the partition", labels))
      .first->second;
}

void Engine::Meters::batch_done(const MicroBatch& batch, std::size_t rows_written,
                                std::size_t bytes_written, TimePoint now, std::int64_t wall_millis,
                                const PipelineSpec& spec) {
  for (const auto& [partition, range] : batch.ranges) {
    auto found = read.find(partition.topic);
    if (found == read.end()) {
      found =
          read.emplace(partition.topic, metrics.counter("ingest_records_read_total", "Records read",
                                                        with(base, "topic", partition.topic)))
              .first;
    }
    found->second.add(static_cast<double>(range.end.offset - range.first));
    if (range.oldest_millis >= 0)
      latency_seconds.observe(static_cast<double>(wall_millis - range.oldest_millis) / 1000);
  }
  for (const auto& [reason, count] : batch.rejected) {
    metrics
        .counter("ingest_records_rejected_total", "Records that became no row",
                 with(with(base, "reason", std::string(name(reason))), "action",
                      std::string(name(spec.on_error.at(reason)))))
        .add(static_cast<double>(count));
  }
  filtered.add(static_cast<double>(batch.filtered));
  rows.add(static_cast<double>(rows_written));
  bytes.add(static_cast<double>(bytes_written));
  batch_rows.observe(static_cast<double>(batch.records()));
  decode_seconds.observe(in_seconds(batch.decoding));
  transform_seconds.observe(in_seconds(batch.transforming));
  sink_seconds.observe(in_seconds(batch.writing));
  total_seconds.observe(in_seconds(now - batch.opened));
}

}  // namespace penstock::stream
