// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/kafka_config.h"

namespace penstock::main_room {

// Where an operator wants a group's offsets, in the words of kafka-consumer-groups.
struct OffsetReset {
  enum class Kind { ToEarliest, ToLatest, ToOffset, ToCurrent, ShiftBy, ToDatetime };
  Kind kind = Kind::ToEarliest;
  std::int64_t number = 0;  // ToOffset, ShiftBy; milliseconds since 1970 for ToDatetime
};

// One partition as it stands.
struct OffsetFacts {
  std::int64_t committed = client::kOffsetNone;  // negative: the group has none
  client::Watermarks marks;
  std::int64_t at_datetime = 0;  // first offset at or after the time, for ToDatetime
};

// The new offset, inside what the partition holds; `moved` says that it was not where it was asked
// for. ShiftBy and ToCurrent of a partition without an offset are an error.
struct NewOffset {
  std::int64_t offset = 0;
  bool moved = false;
};
Result<NewOffset> reset_offset(const OffsetReset& reset, const OffsetFacts& facts);

// "2026-01-31", "2026-01-31T12:30:00", with ".123" and "Z" or "+01:00"; without a zone it is UTC.
// Milliseconds since 1970.
Result<std::int64_t> parse_datetime(std::string_view text);

// "users" or "users:0,3": a topic, and which of its partitions; none named: all.
struct TopicChoice {
  std::string topic;
  std::vector<std::int32_t> partitions;
};
Result<TopicChoice> parse_topic_choice(std::string_view text);

}  // namespace penstock::main_room
