// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/kafka_config.h"
#include "transfer/record.h"

namespace penstock::transfer {

// The records of one partition with offsets in [from, to).
struct Stretch {
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool done = false;  // everything below `to` has been seen
};

// Reads a topic from its cluster: stretches[i] of partition i, those that are not done, together;
// each in the order of its offsets. `on_record` gets every record, `after_batch` is called now and
// then; what they fail with ends the reading. Records of transactions that were rolled back are
// left out. Blocking. Unavailable when nothing comes for a minute.
Result<void> read_topic(const client::KafkaConfig& kafka, const std::string& topic,
                        std::vector<Stretch>& stretches,
                        const std::function<Result<void>(std::size_t, const Record&)>& on_record,
                        const std::function<Result<void>()>& after_batch);

}  // namespace penstock::transfer
