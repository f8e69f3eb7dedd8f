// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "stream/engine.h"

namespace penstock::stream {

// The engine's metrics, ingest_*, labelled with the pipeline. Names and labels are a contract with
// whoever draws them: tests/e2e/test_metrics.py has the list.
struct Engine::Meters {
  Meters(Metrics& registry, const PipelineSpec& spec);

  // Of one partition: gauges, which say 0 once the partition is not ours any more.
  struct Partition {
    Metrics::Gauge lag;
    Metrics::Gauge lag_seconds;
    Metrics::Gauge committed;
    Metrics::Gauge paused_memory;
    Metrics::Gauge paused_damaged;
    Metrics::Gauge paused_dlq;
    Metrics::Gauge paused_start;
  };
  Partition& of(const client::TopicPartition& partition);
  void forget(const client::TopicPartition& partition);
  void forget_all();

  Metrics::Counter sink_errors(Code code);
  Metrics::Counter sink_retries(Code code);
  Metrics::Counter rebalances(const std::string& kind);
  Metrics::Counter dlq_cut(Reason reason);
  void request_done(Duration took);
  void batch_done(const MicroBatch& batch, std::size_t rows_written, std::size_t bytes_written,
                  TimePoint now, std::int64_t wall_millis, const PipelineSpec& spec);

  Metrics& metrics;
  Labels base;
  Labels sink;  // base and the sink's kind
  std::string dlq;
  Metrics::Gauge memory;
  Metrics::Gauge open_fill;
  Metrics::Gauge ready_fill;
  Metrics::Gauge writing_fill;
  Metrics::Gauge assigned;
  Metrics::Gauge checkpoint_age;
  Metrics::Gauge sink_inflight;
  Metrics::Gauge breaker;
  Metrics::Gauge decode_busy;
  Metrics::Gauge transform_busy;
  Metrics::Gauge sink_busy;
  Metrics::Counter checkpoint_failures;
  Metrics::Counter dlq_records;
  Metrics::Counter dlq_failures;
  Metrics::Counter filtered;
  Metrics::Counter rows;
  Metrics::Counter bytes;
  Metrics::Histogram batch_rows;
  Metrics::Histogram decode_seconds;
  Metrics::Histogram transform_seconds;
  Metrics::Histogram sink_seconds;
  Metrics::Histogram total_seconds;
  Metrics::Histogram request_seconds;
  Metrics::Histogram latency_seconds;
  Metrics::Histogram completion_seconds;
  std::map<client::TopicPartition, Partition> partitions;
  struct Read {
    Metrics::Counter records;
    Metrics::Counter bytes;
  };
  std::map<std::string, Read> read;
};

}  // namespace penstock::stream
