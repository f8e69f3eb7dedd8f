// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/disk.h"
#include "base/result.h"
#include "transfer/digest.h"
#include "transfer/table_rows.h"

// `range-N.rows` of an export: blocks of rows in the order of their tokens.
namespace penstock::transfer {

// Writes one range's file from its start. One thread.
class RowWriter {
 public:
  static Result<RowWriter> open(Disk& disk, const std::string& path);

  Result<void> add(const Row& row);
  // On the disk when it returns.
  Result<FileSum> finish();

 private:
  explicit RowWriter(std::shared_ptr<File> file) : file_(std::move(file)) {}
  Result<void> end_block();

  std::shared_ptr<File> file_;
  FileSum sum_;
  Bytes body_;
};

// Reads it, one block in memory at a time. One thread. A file that is not what the writer made is
// Corrupt, naming path and byte.
class RowReader {
 public:
  static Result<RowReader> open(Disk& disk, const std::string& path, FileSum sum);

  // The rows of the next block; false at the end. Their views hold until the next call.
  Result<bool> next(Rows& rows);

 private:
  RowReader(std::shared_ptr<File> file, FileSum sum) : file_(std::move(file)), sum_(sum) {}

  std::shared_ptr<File> file_;
  FileSum sum_;
  FileSum read_;  // so far
  Bytes body_;
};

}  // namespace penstock::transfer
