// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <vector>

#include "sql/column.h"
#include "sql/field.h"

namespace penstock::stream {

// The columns of batches that are done, for the batches to come. Columns of 50,000 rows take some
// 20 MB; to return them to the kernel and to fault them in and grow them again costs as much as
// half of the decoding.
//
// Keeps at most so many bytes, and none of them once a batch has come back that needed only a small
// part of its columns' memory: the rush is over. Thread-safe: columns come back on the thread that
// lets go of a batch's rows last.
class ColumnPool {
 public:
  // For columns of these fields.
  ColumnPool(sql::Fields fields, std::size_t bytes_max)
      : fields_(std::move(fields)), bytes_max_(bytes_max) {}

  // One empty column a field, with the memory of an earlier batch if there is one.
  std::vector<sql::Column> take();
  // Takes columns back. Columns of other types, and what goes beyond the bound, are freed.
  void give(std::vector<sql::Column> columns);
  // Frees all that is kept.
  void clear();

  std::size_t bytes() const;

 private:
  const sql::Fields fields_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::vector<std::vector<sql::Column>> free_;
  std::size_t bytes_ = 0;
};

}  // namespace penstock::stream
