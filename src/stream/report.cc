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

std::string PipelineStatus::json() const {
  std::string rejects;
  std::string lasts;
  for (const auto& [reason, count] : rejected) {
    rejects += fmt::format("{}\"{}\":{}", rejects.empty() ? "" : ",", stream::name(reason), count);
  }
  for (const auto& [reason, message] : last_reject) {
    lasts += fmt::format("{}\"{}\":{}", lasts.empty() ? "" : ",", stream::name(reason),
                         json_text(message));
  }
  return fmt::format(
      "{{\"name\":{},\"state\":\"{}\",\"error\":{},\"started\":\"{}\",\"batches\":{},\"rowsRead\":{"
      "},\"rowsWritten\":{},"
      "\"rowsFiltered\":{},\"rejected\":{{{}}},\"lastReject\":{{{}}},\"checkpoint\":{},"
      "\"highWatermark\":{},\"lag\":{}}}",
      json_text(name), stream::name(state), error.empty() ? "null" : json_text(error),
      json_time(started), batches, rows_read, rows_written, rows_filtered, rejects, lasts,
      json_offsets(checkpoint), json_offsets(high_watermark), lag);
}

}  // namespace penstock::stream
