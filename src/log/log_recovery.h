// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "log/partition_log.h"
#include "log/scan_progress.h"
#include "log/segment.h"

namespace penstock::log {

// What a scan of a segment's bytes found: whole, right batches up to `valid_bytes`, then the end or
// a fault.
struct ScanEnd {
  std::uint64_t valid_bytes = 0;
  kafka::Offset next_offset;
  std::string fault;  // empty: the file ends there
};

// Reads the file from its start, checking every batch: length, magic, CRC, ascending offsets from
// `base` on.
Result<ScanEnd> scan_segment(
    const File& file, kafka::Offset base,
    const std::function<void(const kafka::RecordBatchView&, std::uint64_t position)>& visit);

// Opens a partition's directory and makes a PartitionLog of it. Blocks; runs before the loop
// serves.
//
// After an unclean stop everything above the last known durable offset is scanned. A fault at or
// above that offset is a torn tail: nothing there was acknowledged, so the log ends before it. A
// fault below is damage, and the partition does not open.
class LogRecovery {
 public:
  LogRecovery(const PartitionLog::Environment& environment, const std::string& dir,
              const TopicPartition& id, const LogConfig& config,
              const PartitionLog::Knowledge& knowledge);
  Result<std::shared_ptr<PartitionLog>> run();

 private:
  Result<std::vector<kafka::Offset>> tidy();  // the segments' base offsets; removes leftovers
  void read_durable_end();
  void read_epochs();
  Result<void> open_segments(std::vector<kafka::Offset> bases);
  Result<std::shared_ptr<Segment>> open_trusted(kafka::Offset base, bool last);
  Result<std::shared_ptr<Segment>> scan(kafka::Offset base);
  Result<void> drop_segments_from(const std::vector<kafka::Offset>& bases, std::size_t first);
  Result<void> load_producers();
  Result<void> begin_epoch();
  std::string path(std::string_view name) const { return log_->dir_ + "/" + std::string(name); }

  std::shared_ptr<PartitionLog> log_;
  Disk& disk_;
  PartitionLog::Knowledge knowledge_;
  std::int64_t now_;
  kafka::Offset durable_;  // everything below was acknowledged
  kafka::Offset end_;      // of the segment opened last
  bool cut_ = false;
  ScanProgress progress_;
};

}  // namespace penstock::log
