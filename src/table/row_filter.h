// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "table/current_catalog.h"
#include "table/rocks.h"
#include "table/row_format.h"

namespace penstock::table {

// What compaction leaves out, in two degrees.
//
// Always: rows of tables that are gone, cells of columns that are gone, what a deletion of its
// partition or range hides, and the values of expired cells (the cell itself stays, so that it goes
// on hiding what is older).
//
// While a purge is on (Store::compact()): deletions of cells, rows, ranges and partitions, and
// expired cells, older than their table's gc_grace_seconds. This is safe only when nothing older
// than them can be left elsewhere: for a record already merged into one value, in a compaction of
// all files, after a flush. Such a compaction meets the rows of a partition behind its deletions
// and drops what they hide in the same pass. What arrives later with an older timestamp is what
// gc_grace_seconds is there to name.
class RowFilters {
 public:
  RowFilters(const CurrentCatalog& catalog, const Clock& clock)
      : catalog_(catalog), clock_(clock) {}

  std::shared_ptr<rocksdb::CompactionFilterFactory> factory();
  // Deletions made before then are purged; kNoPurge = none.
  void purge_before(std::int64_t wall_seconds) { purge_before_ = wall_seconds; }
  static constexpr std::int64_t kNoPurge = std::numeric_limits<std::int64_t>::min();

 private:
  friend class RowFilterFactory;
  const CurrentCatalog& catalog_;
  const Clock& clock_;
  std::atomic<std::int64_t> purge_before_{kNoPurge};
};

// The row without what may go; pure, for the filter and its tests.
struct FilterRules {
  std::int64_t now_seconds = 0;
  std::int64_t purge_before = RowFilters::kNoPurge;  // grace already subtracted
  const TableDef* table = nullptr;
  Deletion outer{};  // the latest deletion of the partition and of ranges over the row
};
enum class Filtered { Keep, Change, Remove };
Filtered filter_row(BytesView row, const FilterRules& rules, Bytes& changed);

}  // namespace penstock::table
