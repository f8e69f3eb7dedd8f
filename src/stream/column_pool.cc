// SPDX-License-Identifier: Apache-2.0
#include "stream/column_pool.h"

#include <algorithm>

namespace penstock::stream {
namespace {

// Columns that are larger and whose batch used less than this part of them are not kept.
constexpr std::size_t kSmallBytes = 1 << 20;
constexpr std::size_t kUsedPartMin = 16;

std::size_t bytes_of(const std::vector<sql::Column>& columns) {
  std::size_t bytes = 0;
  for (const sql::Column& column : columns) bytes += column.byte_capacity();
  return bytes;
}

}  // namespace

std::vector<sql::Column> ColumnPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::vector<sql::Column> columns = std::move(free_.back());
      free_.pop_back();
      bytes_ -= bytes_of(columns);
      return columns;
    }
  }
  std::vector<sql::Column> columns;
  columns.reserve(fields_.size());
  for (const sql::Field& field : fields_) columns.emplace_back(field.type);
  return columns;
}

void ColumnPool::give(std::vector<sql::Column> columns) {
  const bool ours = std::equal(columns.begin(), columns.end(), fields_.begin(), fields_.end(),
                               [](const sql::Column& column, const sql::Field& field) {
                                 return column.type() == field.type;
                               });
  if (!ours) return;
  std::size_t used = 0;
  for (sql::Column& column : columns) {
    used += column.byte_size();
    column.truncate(0);
  }
  const std::size_t bytes = bytes_of(columns);
  if (bytes > kSmallBytes && used < bytes / kUsedPartMin) return clear();
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes > bytes_max_) return;
  bytes_ += bytes;
  free_.push_back(std::move(columns));
}

void ColumnPool::clear() {
  std::vector<std::vector<sql::Column>> freed;  // outside the lock
  const std::lock_guard lock(mutex_);
  freed.swap(free_);
  bytes_ = 0;
}

std::size_t ColumnPool::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace penstock::stream
