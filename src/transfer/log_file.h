// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "transfer/digest.h"
#include "transfer/record.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/record_batch_builder.h"

// `partition-N.log` of an export: record batches of magic 2 with the source's offsets, one after
// another, as segment files have them (docs/formats/export.md).
namespace penstock::transfer {

// Opens a file to go on after `before`: cuts off what stands behind it. Corrupt when it is shorter.
Result<std::shared_ptr<File>> open_to_append(Disk& disk, const std::string& path,
                                             const FileSum& before);

// Writes one partition's file. One thread. What add() took is on the disk after sync().
class LogWriter {
 public:
  // Goes on after `before`, what the file holds by the manifest; what stands behind it is cut off.
  // The file is made when it is missing.
  static Result<LogWriter> open(Disk& disk, const std::string& path, FileSum before);

  // Offsets ascend.
  Result<void> add(const Record& record);
  Result<void> sync();
  const FileSum& sum() const { return sum_; }  // of whole batches: of everything after sync()

 private:
  LogWriter(std::shared_ptr<File> file, FileSum sum) : file_(std::move(file)), sum_(sum) {}
  Result<void> end_batch();

  std::shared_ptr<File> file_;
  FileSum sum_;
  std::int64_t base_offset_ = 0;  // of the open batch
  std::optional<kafka::RecordBatchBuilder> batch_;
};

// Reads it, one batch in memory at a time. One thread. A file that is not what the writer made is
// Corrupt, naming path and byte: a batch by its CRC, what that does not cover (base offset) at the
// end by the sum of the file.
class LogReader {
 public:
  // `sum`: what the manifest says of the file.
  static Result<LogReader> open(Disk& disk, const std::string& path, FileSum sum);

  // False at the end. The record's views hold until the next call.
  Result<bool> next(Record& record);

 private:
  LogReader(std::shared_ptr<File> file, FileSum sum) : file_(std::move(file)), sum_(sum) {}
  Result<void> next_batch();
  Failure damaged(std::string_view why) const;

  std::shared_ptr<File> file_;
  FileSum sum_;
  FileSum read_;  // so far
  std::int64_t last_offset_ = -1;
  Bytes batch_;
  Bytes scratch_;
  std::unique_ptr<kafka::RecordReader> records_;
  std::vector<kafka::RecordHeader> headers_;
};

}  // namespace penstock::transfer
