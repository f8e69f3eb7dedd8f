// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "stream/engine.h"

namespace penstock::stream {

// The engine's metrics; names and labels are the contract of docs (ingest_*), labelled with the
// pipeline.
struct Engine::Meters {
  Meters(Metrics& registry, const PipelineSpec& spec);

  Metrics::Counter sink_errors(Code code);
  Metrics::Counter rebalances(const std::string& kind);
  Metrics::Gauge lag(const client::TopicPartition& partition);
  void batch_done(const MicroBatch& batch, std::size_t rows_written, std::size_t bytes_written,
                  TimePoint now, std::int64_t wall_millis, const PipelineSpec& spec);

  Metrics& metrics;
  Labels base;
  Metrics::Gauge memory;
  Metrics::Gauge assigned;
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
  Metrics::Histogram latency_seconds;
  std::map<client::TopicPartition, Metrics::Gauge> lags;
  std::map<std::string, Metrics::Counter> read;
};

}  // namespace penstock::stream
