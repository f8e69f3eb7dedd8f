// SPDX-License-Identifier: Apache-2.0
#include "log/log_config.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace penstock::log {
namespace {

Result<std::int64_t> whole_number(const std::string& key, const std::string& text,
                                  std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(Code::InvalidArgument, "{} must be a whole number from {} to {}, not \"{}\"", key,
                least, most, text);
  }
  return value;
}

}  // namespace

Result<LogConfig> LogConfig::with(const TopicConfigs& configs) const {
  constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kMillisMax =
      std::numeric_limits<std::int64_t>::max() / 1'000'000;  // fits in nanoseconds
  LogConfig merged = *this;
  for (const auto& [key, value] : configs) {
    if (key == "segment.bytes") merged.segment_bytes = TRY(whole_number(key, value, 14, kInt32Max));
    // Java's Long.MAX_VALUE is how users write "never".
    const auto millis = [&, &k = key, &v = value](std::int64_t least) -> Result<Millis> {
      return Millis(std::min(
          TRY(whole_number(k, v, least, std::numeric_limits<std::int64_t>::max())), kMillisMax));
    };
    if (key == "segment.ms") merged.segment_ms = TRY(millis(1));
    if (key == "retention.ms") merged.retention_ms = TRY(millis(-1));
    if (key == "retention.bytes") {
      merged.retention_bytes =
          TRY(whole_number(key, value, -1, std::numeric_limits<std::int64_t>::max()));
    }
    if (key == "max.message.bytes")
      merged.max_message_bytes = TRY(whole_number(key, value, 0, kInt32Max));
    if (key == "index.interval.bytes")
      merged.index_interval_bytes = TRY(whole_number(key, value, 0, kInt32Max));
    if (key == "segment.index.bytes")
      merged.segment_index_bytes = TRY(whole_number(key, value, 12, kInt32Max));
    if (key == "message.timestamp.type") {
      if (value != "CreateTime" && value != "LogAppendTime") {
        return fail(Code::InvalidArgument, "{} must be CreateTime or LogAppendTime, not \"{}\"",
                    key, value);
      }
      merged.timestamp_type = value == "CreateTime" ? kafka::TimestampType::CreateTime
                                                    : kafka::TimestampType::LogAppendTime;
    }
  }
  // What is only compacted is never deleted for its age or size.
  const auto policy = configs.find("cleanup.policy");
  if (policy != configs.end() && policy->second.find("delete") == std::string::npos) {
    merged.retention_ms = Millis(-1);
    merged.retention_bytes = -1;
  }
  return merged;
}

}  // namespace penstock::log
