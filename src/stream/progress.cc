// SPDX-License-Identifier: Apache-2.0
#include "stream/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "stream/json_text.h"

namespace penstock::stream {
namespace {

std::string rate(std::string_view key, const std::optional<double>& value) {
  // Spark leaves out what is not a number.
  if (!value) return "";
  return fmt::format("\"{}\":{:.3f},", key, *value);
}

// Spark's, of its Kafka source: strings, the average as a Java double.
std::string source_metrics(const std::vector<std::int64_t>& behind) {
  if (behind.empty()) return "{}";
  const auto [least, most] = std::minmax_element(behind.begin(), behind.end());
  const double sum = std::accumulate(behind.begin(), behind.end(), 0.0);
  std::string average = fmt::format("{}", sum / static_cast<double>(behind.size()));
  if (average.find_first_not_of("0123456789") == std::string::npos) average += ".0";
  return fmt::format(
      "{{\"avgOffsetsBehindLatest\":\"{}\",\"maxOffsetsBehindLatest\":\"{}\","
      "\"minOffsetsBehindLatest\":\"{}\"}}",
      average, *most, *least);
}

}  // namespace

// Each partition's distance from the end of the batch to the latest offset.
std::vector<std::int64_t> Progress::behind() const {
  std::vector<std::int64_t> out;
  for (const auto& [topic, partitions] : latest_offset) {
    const auto ends = end_offset.find(topic);
    if (ends == end_offset.end()) continue;
    for (const auto& [partition, latest] : partitions) {
      const auto end = ends->second.find(partition);
      if (end != ends->second.end()) out.push_back(std::max<std::int64_t>(0, latest - end->second));
    }
  }
  return out;
}

std::int64_t Progress::lag() const {
  const auto each = behind();
  return std::accumulate(each.begin(), each.end(), std::int64_t{0});
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
  const std::string rates = rate("inputRowsPerSecond", input_rows_per_second) +
                            rate("processedRowsPerSecond", processed_rows_per_second);
  return fmt::format(
      "{{\"id\":\"{}\",\"runId\":\"{}\",\"name\":{},\"timestamp\":\"{}\",\"batchId\":{},"
      "\"numInputRows\":{},{}"
      "\"durationMs\":{{{}}},\"stateOperators\":[],\"sources\":[{{\"description\":{},"
      "\"startOffset\":{},\"endOffset\":{},"
      "\"latestOffset\":{},\"numInputRows\":{},{}\"metrics\":{}}}],"
      "\"sink\":{{\"description\":{},\"numOutputRows\":{}}},\"filtered\":{},\"rejected\":{{{}}},"
      "\"lag\":{}}}",
      id.text(), run_id.text(), json_text(name), json_time(started), batch_id, input_rows, rates,
      durations, json_text(source_description), json_offsets(start_offset),
      json_offsets(end_offset), json_offsets(latest_offset), input_rows, rates,
      source_metrics(behind()), json_text(sink_description), output_rows, filtered_rows, rejects,
      lag());
}

}  // namespace penstock::stream
