// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "log/log_config.h"
#include "wire/kafka/ids.h"

namespace penstock::log {

struct Topic {
  kafka::TopicName name;
  Uuid id;
  std::int32_t partitions = 0;
  TopicConfigs configs;
};

// Which topics there are: the file `penstock-topics` (docs/formats/log-segment.md), replaced as a
// whole. What it says is so; directories follow. A topic being deleted stays in it until its
// directories are out of the way.
struct TopicRegistry {
  std::map<kafka::TopicName, Topic> topics;
  std::map<kafka::TopicName, Topic> deleting;

  Bytes encode() const;
  static Result<TopicRegistry> decode(BytesView text);
};

}  // namespace penstock::log
