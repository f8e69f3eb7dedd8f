// SPDX-License-Identifier: Apache-2.0
#include "stream/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "stream/json_text.h"

namespace penstock::stream {
namespace {

std::string rate(std::string_view key, const std::optional<double>& value) {
  // Spark leaves out what is not a number.
  if (!value) return "";
  return fmt::format("\"{}\":{:.3f},", key, *value);
}

}  // namespace

std::int64_t Progress::lag() const {
  std::int64_t sum = 0;
  for (const auto& [topic, partitions] : latest_offset) {
    const auto ends = end_offset.find(topic);
    for (const auto& [partition, latest] : partitions) {
      if (ends == end_offset.end()) continue;
      const auto end = ends->second.find(partition);
      if (end != ends->second.end()) sum += std::max<std::int64_t>(0, latest - end->second);
    }
  }
  return sum;
}

std::string Progress::json() const {
  std::string durations;
  for (const auto& [key, millis] : duration_ms)
    durations += fmt::format("{}\"{}\":{}", durations.empty() ? "" : ",", key, millis);
  std::string rejects;
  for (const auto& [reason, count] : rejected) {
    if (count > 0)
      rejects +=
          fmt::format("{}\"{}\":{}", rejects.empty() ? "" : ",", stream::name(reason), count);
  }
  std::int64_t behind_max = 0;
  for (const auto& [topic, partitions] : latest_offset) {
    for (const auto& [partition, latest] : partitions) {
      const auto ends = end_offset.find(topic);
      if (ends == end_offset.end() || ends->second.count(partition) == 0) continue;
      behind_max = std::max(behind_max, latest - ends->second.at(partition));
    }
  }
  const std::string rates = rate("inputRowsPerSecond", input_rows_per_second) +
                            rate("processedRowsPerSecond", processed_rows_per_second);
  return fmt::format(
      "{{\"id\":\"{}\",\"runId\":\"{}\",\"name\":{},\"timestamp\":\"{}\",\"batchId\":{},"
      "\"numInputRows\":{},{}"
      "\"durationMs\":{{{}}},\"stateOperators\":[],\"sources\":[{{\"description\":{},"
      "\"startOffset\":{},\"endOffset\":{},"
      "\"latestOffset\":{},\"numInputRows\":{},{}\"metrics\":{{\"maxOffsetsBehindLatest\":\"{}\"}}}"
      "}],"
      "\"sink\":{{\"description\":{},\"numOutputRows\":{}}},\"filtered\":{},\"rejected\":{{{}}},"
      "\"lag\":{}}}",
      id.text(), run_id.text(), json_text(name), json_time(started), batch_id, input_rows, rates,
      durations, json_text(source_description), json_offsets(start_offset),
      json_offsets(end_offset), json_offsets(latest_offset), input_rows, rates, behind_max,
      json_text(sink_description), output_rows, filtered_rows, rejects, lag());
}

}  // namespace penstock::stream
