// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/kafka/ids.h"

namespace penstock::log {

// For OffsetForLeaderEpoch: the epoch asked for, or the one before it that has records, and where
// it ended.
struct EpochEnd {
  kafka::LeaderEpoch epoch{-1};
  kafka::Offset end_offset{-1};
};

// Which offset each leader epoch began at. We lead always; the epoch rises when a restart may have
// cut the log, so that a consumer which had read further can see it (KIP-101, KIP-320).
class LeaderEpochs {
 public:
  kafka::LeaderEpoch latest() const;
  // Records from `start` on are of `epoch`. Ignored unless it is newer than the latest.
  void assign(kafka::LeaderEpoch epoch, kafka::Offset start);
  EpochEnd end_of(kafka::LeaderEpoch epoch, kafka::Offset log_end) const;
  void cut(kafka::Offset log_end);  // the log ends here now

  // Kafka's leader-epoch-checkpoint.
  Bytes encode() const;
  static Result<LeaderEpochs> decode(BytesView text);

 private:
  struct Entry {
    kafka::LeaderEpoch epoch;
    kafka::Offset start;
  };
  std::vector<Entry> entries_;  // both ascending
};

}  // namespace penstock::log
