// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "wire/kafka/ids.h"

namespace penstock::log {

struct TopicPartition {
  kafka::TopicName topic;
  kafka::PartitionId partition;

  std::string text() const;  // "users-0", which is also the directory's name
  static std::optional<TopicPartition> parse(std::string_view text);
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

}  // namespace penstock::log
