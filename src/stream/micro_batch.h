// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "stream/column_pool.h"
#include "stream/json_decoder.h"
#include "stream/ports.h"
#include "stream/write_clock.h"

namespace penstock::stream {

// Where each partition begins and ends in a batch.
struct Range {
  std::int64_t first = 0;  // offset of the first record
  Position end;
  std::uint64_t epoch = 0;  // of the assignment under which it was read
  std::int64_t oldest_millis = 0;
  std::size_t records = 0;
  std::size_t bytes = 0;  // of their keys and values
};

// One micro-batch: first it takes in records and decodes them at once (add), then it is sealed into
// rows for the sinks and letters for the dead-letter topic. Pure: no I/O, no thread of its own.
class MicroBatch {
 public:
  // `pool` lends the columns, of plan.input(), and gets them back with the last owner of `rows`.
  MicroBatch(const PipelineSpec& spec, const Plan& plan, std::shared_ptr<ColumnPool> pool,
             std::int64_t id, TimePoint opened, WallTime started);
  ~MicroBatch();
  MicroBatch(const MicroBatch&) = delete;
  MicroBatch& operator=(const MicroBatch&) = delete;

  // What one poll brought, and the newest assignment there was then.
  struct Poll {
    std::shared_ptr<const Fetched> fetched;
    std::uint64_t epoch = 0;
  };
  struct PartitionState {
    WriteClock clock;
    std::uint64_t epoch = 0;        // of the assignment under which it is read
    std::int64_t next = 0;          // offset after the last record taken
    std::int64_t stop = INT64_MAX;  // available_now ends here
  };
  using Partitions = std::map<client::TopicPartition, PartitionState>;
  // Decodes records [from, size) of `poll` that belong to `partitions`, up to `rows_max` rows in
  // all, and returns the number of the first record not taken. Passed over are records of
  // partitions that are not there (any more), those that were fetched before their partition came
  // (back), and those at or beyond its `stop`.
  std::size_t add(const Poll& poll, std::size_t from, std::size_t rows_max, Partitions& partitions,
                  JsonDecoder& decoder, std::int64_t wall_millis);

  // Runs the plan, checks the key columns `key` and keeps the newest row of each key. Call once.
  void seal(const std::vector<std::size_t>& key);

  // Files a record whose row the store refused.
  void reject_row(std::uint32_t row, Reject reject);

  bool empty() const { return records_ == 0; }
  std::size_t records() const { return records_; }
  // Memory held: fetched bytes and columns.
  std::size_t bytes() const;
  std::size_t fetched_bytes() const { return fetched_bytes_; }
  // About how many bytes the rows will take in a request.
  std::size_t request_bytes() const;

  std::int64_t id = 0;
  TimePoint opened;
  WallTime started;
  Duration decoding{0};
  Duration transforming{0};
  Duration writing{0};
  std::map<client::TopicPartition, Range> ranges;

  // After seal():
  std::shared_ptr<Rows> rows;  // all that passed, newest per key or not: what the console shows
  sql::Selection to_write;     // of rows: those for the store
  std::vector<std::int64_t> timestamps;  // by row number
  std::vector<DeadLetter> letters;       // to divert
  std::size_t filtered = 0;
  std::map<Reason, std::int64_t> rejected;
  std::map<Reason, std::string> last_reject;
  // Set when a reject's action is Fail: the pipeline must stop before this batch.
  std::string fatal;

 private:
  struct Origin {
    std::uint32_t fetched;
    std::uint32_t record;
  };
  void reject(const Origin& origin, Reject why);

  const PipelineSpec& spec_;
  const Plan& plan_;
  std::shared_ptr<ColumnPool> pool_;
  std::vector<std::shared_ptr<const Fetched>> fetched_;
  std::size_t fetched_bytes_ = 0;
  std::size_t records_ = 0;
  std::vector<sql::Column> columns_;
  std::vector<Origin> origins_;           // by decoded row
  std::vector<std::int64_t> timestamps_;  // by decoded row
};

}  // namespace penstock::stream
