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

std::string table_name(const PipelineSpec& spec) {
  const CassandraSink* sink = spec.cassandra();
  return sink != nullptr ? sink->keyspace + "." + sink->table : "";
}

}  // namespace

Engine::Meters::Meters(Metrics& registry, const PipelineSpec& spec)
    : metrics(registry),
      base{{"pipeline", spec.name}},
      sink(with(base, "sink", sink_name(spec))),
      dlq(spec.dlq.topic) {
  const auto phase = [&](const char* name) {
    return metrics.histogram("ingest_batch_duration_seconds", "Time of a batch by phase",
                             with(base, "phase", name));
  };
  const auto fill = [&](const char* stage) {
    return metrics.gauge("ingest_queue_fill_ratio",
                         "What a stage's batch takes of the pipeline's memory",
                         with(base, "stage", stage));
  };
  const auto busy = [&](const char* stage) {
    return metrics.gauge("ingest_stage_busy_ratio",
                         "Share of the last second in which a stage was at work",
                         with(base, "stage", stage));
  };
  memory = metrics.gauge("ingest_memory_bytes", "Records held between fetch and acknowledgement",
                         with(base, "pool", "batches"));
  open_fill = fill("open");
  ready_fill = fill("ready");
  writing_fill = fill("writing");
  decode_busy = busy("decode");
  transform_busy = busy("transform");
  sink_busy = busy("sink");
  assigned = metrics.gauge("ingest_partitions_assigned", "Partitions that this worker reads", base);
  checkpoint_age = metrics.gauge(
      "ingest_checkpoint_age_seconds",
      "Age of the oldest batch that no checkpoint covers; 0 when there is none", base);
  checkpoint_failures =
      metrics.counter("ingest_checkpoint_failures_total",
                      "Failed writes of positions and commits to the group", base);
  dlq_records = metrics.counter("ingest_dlq_records_total", "Records diverted",
                                with(base, "dlq", spec.dlq.topic));
  dlq_failures = metrics.counter("ingest_dlq_failures_total", "Failed attempts to divert", base);
  filtered = metrics.counter("ingest_records_filtered_total", "Records taken away by where", base);
  rows = metrics.counter("ingest_rows_written_total", "Rows acknowledged by the sink",
                         with(sink, "table", table_name(spec)));
  bytes =
      metrics.counter("ingest_bytes_written_total", "Request bytes acknowledged by the sink", sink);
  sink_inflight = metrics.gauge("ingest_sink_inflight", "Writes in the sink's hands", sink);
  breaker = metrics.gauge("ingest_sink_breaker_state",
                          "0: the sink gets batches, 1: it is asked with a small piece, 2: it is "
                          "left alone",
                          sink);
  request_seconds = metrics.histogram("ingest_sink_request_duration_seconds",
                                      "A write of the sink, whatever came of it", sink);
  batch_rows = metrics.histogram("ingest_batch_rows", "Records in a batch", base,
                                 {1, 10, 100, 1e3, 1e4, 1e5, 1e6});
  decode_seconds = phase("decode");
  transform_seconds = phase("transform");
  sink_seconds = phase("sink");
  total_seconds = phase("total");
  latency_seconds = metrics.histogram("ingest_end_to_end_latency_seconds",
                                      "Oldest record of a batch to acknowledgement", base);
  completion_seconds = metrics.histogram("ingest_completion_latency_seconds",
                                         "First fetch of a batch to acknowledgement", base);
}

Metrics::Counter Engine::Meters::sink_errors(Code code) {
  return metrics.counter("ingest_sink_errors_total", "Failed writes",
                         with(sink, "error", std::string(name(code))));
}
Metrics::Counter Engine::Meters::sink_retries(Code code) {
  return metrics.counter("ingest_sink_retries_total", "Writes that are tried again",
                         with(sink, "error", std::string(name(code))));
}
Metrics::Counter Engine::Meters::rebalances(const std::string& kind) {
  return metrics.counter("ingest_rebalances_total", "Rebalances of the group",
                         with(base, "kind", kind));
}
Metrics::Counter Engine::Meters::dlq_cut(Reason reason) {
  return metrics.counter("ingest_dlq_records_cut_total",
                         "Records diverted without their value, which was too large for the topic",
                         with(with(base, "dlq", dlq), "reason", std::string(name(reason))));
}

Engine::Meters::Partition& Engine::Meters::of(const client::TopicPartition& partition) {
  const auto found = partitions.find(partition);
  if (found != partitions.end()) return found->second;
  const Labels labels =
      with(with(base, "topic", partition.topic), "partition", std::to_string(partition.partition));
  const auto paused = [&](const char* cause) {
    return metrics.gauge("ingest_partition_paused", "1 while the partition is not read, by cause",
                         with(labels, "cause", cause));
  };
  return partitions
      .emplace(partition,
               Partition{metrics.gauge("ingest_lag_records", "Records behind the partition's end",
                                       labels),
                         metrics.gauge("ingest_lag_seconds",
                                       "For how long the oldest record behind has waited", labels),
                         metrics.gauge("ingest_committed_offset",
                                       "Next offset to read, as committed to the group", labels),
                         paused("memory"), paused("damaged"), paused("dlq"), paused("start")})
      .first->second;
}

void Engine::Meters::forget(const client::TopicPartition& partition) {
  Partition& meters = of(partition);
  for (Metrics::Gauge* gauge :
       {&meters.lag, &meters.lag_seconds, &meters.committed, &meters.paused_memory,
        &meters.paused_damaged, &meters.paused_dlq, &meters.paused_start})
    gauge->set(0);
}

void Engine::Meters::forget_all() {
  for (const auto& [partition, meters] : partitions) forget(partition);
}

void Engine::Meters::request_done(Duration took) {
  sink_inflight.set(0);
  request_seconds.observe(in_seconds(took));
}

void Engine::Meters::batch_done(const MicroBatch& batch, std::size_t rows_written,
                                std::size_t bytes_written, TimePoint now, std::int64_t wall_millis,
                                const PipelineSpec& spec) {
  for (const auto& [partition, range] : batch.ranges) {
    auto found = read.find(partition.topic);
    if (found == read.end()) {
      const Labels topic = with(base, "topic", partition.topic);
      found =
          read.emplace(partition.topic,
                       Read{metrics.counter("ingest_records_read_total", "Records read", topic),
                            metrics.counter("ingest_bytes_read_total",
                                            "Bytes of keys and values of the records read", topic)})
              .first;
    }
    found->second.records.add(static_cast<double>(range.records));
    found->second.bytes.add(static_cast<double>(range.bytes));
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
  completion_seconds.observe(in_seconds(now - batch.opened));
}

}  // namespace penstock::stream
