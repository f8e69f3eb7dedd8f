// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "stream/reject.h"

namespace penstock::stream {

// topic -> partition -> offset (next to read).
using OffsetMap = std::map<std::string, std::map<std::int32_t, std::int64_t>>;

// What one batch did, in the shape of Spark's StreamingQueryProgress; `rejected` and `lag` are
// ours.
struct Progress {
  Uuid id;      // of the pipeline: derived from its name, survives restarts
  Uuid run_id;  // of this start
  std::string name;
  WallTime started{};  // of the trigger
  std::int64_t batch_id = 0;
  std::int64_t input_rows = 0;
  std::optional<double> input_rows_per_second;  // absent for the first batch
  std::optional<double> processed_rows_per_second;
  std::map<std::string, std::int64_t> duration_ms;  // by Spark's names; what was measured
  std::string source_description;
  OffsetMap start_offset;  // of every assigned partition, as the two below
  OffsetMap end_offset;
  OffsetMap latest_offset;  // high watermarks as last seen
  std::string sink_description;
  std::int64_t output_rows = 0;
  std::int64_t filtered_rows = 0;
  std::map<Reason, std::int64_t> rejected;

  std::vector<std::int64_t> behind() const;  // records, by partition
  std::int64_t lag() const;                  // of all partitions

  std::string json() const;  // one line; key order as Spark's
};

}  // namespace penstock::stream
