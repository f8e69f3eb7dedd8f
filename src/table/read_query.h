// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "table/keys.h"
#include "table/schema.h"

namespace penstock::table {

// Which rows to read. Rows come in key order: token, partition key, clustering (the other way round
// inside each partition when `reversed`).
struct ReadQuery {
  TablePtr table{};
  // These partitions only (in any order, doubles allowed: each is read once, in key order) ...
  std::optional<std::vector<Bytes>> partitions{};
  // ... or, without them, all whose token is in this range.
  TokenRange tokens{};
  // Rows of each partition in these ranges: ascending, not overlapping. Empty = all rows, and then
  // a partition that has static values but no rows gives one row with has_row = false.
  std::vector<ClusteringRange> clustering{};
  bool reversed = false;
  // The static and regular columns wanted, in the order in which RowView::cells gives them. A row
  // exists or not by all its columns, whichever are wanted.
  std::vector<ColumnId> columns{};
  // Go on behind the row that gave this RowView::position(); empty = from the start. The rest of
  // the query must be the same.
  Bytes resume{};
  std::optional<std::int64_t> now_seconds{};  // for TTLs; nothing = the store's clock
};

// One column's live value. A column that has none (never written, deleted, expired) is !present.
struct CellView {
  BytesView value{};
  std::int64_t timestamp_micros = 0;
  std::int32_t ttl_seconds = 0;      // 0 = none
  std::int64_t expires_seconds = 0;  // wall clock, when there is a TTL
  bool present = false;
};

// One live row; all views are valid during the visit only.
struct RowView {
  PartitionKey partition{};
  BytesView clustering{};  // decode_clustering() gives the values
  bool has_row =
      true;  // false: the partition's static values alone, clustering and regular columns are null
  std::span<const CellView> cells{};  // as in ReadQuery::columns

  // Where to go on behind this row: bytes for a paging state, valid across restarts.
  Bytes position() const;
  // Where to go on behind this row's partition.
  Bytes partition_position() const;
};

enum class Visit {
  Continue,
  NextPartition,  // no more rows of this one
  Stop,
};

struct ReadStats {
  std::uint64_t rows = 0;        // visited
  std::uint64_t tombstones = 0;  // deletions and dead rows passed
  bool stopped = false;          // by the visitor: there may be more
};

}  // namespace penstock::table
