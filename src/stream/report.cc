// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "stream/engine.h"
#include "stream/json_text.h"

namespace penstock::stream {

std::string_view name(PipelineState state) {
  switch (state) {
    case PipelineState::Starting:
      return "starting";
    case PipelineState::Running:
      return "running";
    case PipelineState::Stopping:
      return "stopping";
    case PipelineState::Stopped:
      return "stopped";
    case PipelineState::Failed:
      return "failed";
  }
  return "?";
}

PipelineStatus Report::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::vector<Progress> Report::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void Report::update(const std::function<void(PipelineStatus&)>& change) {
  const std::lock_guard lock(mutex_);
  change(status_);
}

void Report::add(Progress progress) {
  constexpr std::size_t kKept = 100;  // Spark's numRecentProgressUpdates
  const std::lock_guard lock(mutex_);
  if (progress_.size() == kKept) progress_.erase(progress_.begin());
  progress_.push_back(std::move(progress));
}

namespace {

std::string json_counts(const std::map<Reason, std::int64_t>& counts) {
  std::string out;
  for (const auto& [reason, count] : counts)
    out += fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", stream::name(reason), count);
  return "{" + out + "}";
}

std::string json_words(const std::map<Reason, std::string>& words) {
  std::string out;
  for (const auto& [reason, word] : words)
    out +=
        fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", stream::name(reason), json_text(word));
  return "{" + out + "}";
}

// {"topic":{"0":"why"}}
std::string json_left_out(
    const std::map<std::string, std::map<std::int32_t, std::string>>& topics) {
  std::string out;
  for (const auto& [topic, partitions] : topics) {
    std::string inner;
    for (const auto& [partition, why] : partitions)
      inner += fmt::format("{}\"{}\":{}", inner.empty() ? "" : ",", partition, json_text(why));
    out += fmt::format("{}{}:{{{}}}", out.empty() ? "" : ",", json_text(topic), inner);
  }
  return "{" + out + "}";
}

}  // namespace

std::string PipelineStatus::json() const {
  return fmt::format(
      "{{\"name\":{},\"state\":\"{}\",\"error\":{},\"leftOut\":{},\"started\":\"{}\","
      "\"batches\":{},\"rowsRead\":{},\"rowsWritten\":{},\"rowsFiltered\":{},\"rejected\":{},"
      "\"lastReject\":{},\"lettersCut\":{},\"breaker\":\"{}\",\"checkpoint\":{},\"highWatermark\":{"
      "},\"lag\":{}}}",
      json_text(name), stream::name(state), error.empty() ? "null" : json_text(error),
      json_left_out(left_out), json_time(started), batches, rows_read, rows_written, rows_filtered,
      json_counts(rejected), json_words(last_reject), json_counts(letters_cut), breaker,
      json_offsets(checkpoint), json_offsets(high_watermark), lag ? std::to_string(*lag) : "null");
}

}  // namespace penstock::stream
