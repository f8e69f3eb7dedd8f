// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "table/read_query.h"
#include "table/row_format.h"

namespace penstock::table {

// Turns stored rows into the cells that a query wants: what is deleted, expired or of a dropped
// column is not there. Keeps the partition's static values beside each row.
class RowResolver {
 public:
  RowResolver(const ReadQuery& query, std::int64_t now_seconds);

  // Forgets the last partition. `bytes` of a static row are kept until the next begin_partition().
  void begin_partition();
  void set_static(BytesView bytes, const Deletion& outer);
  bool static_live() const { return static_live_; }

  // Whether the row is live; then cells() are its own and the static ones. Views into `bytes`.
  // `outer` is the latest deletion of the partition and of ranges over the row.
  bool resolve(BytesView bytes, const Deletion& outer);
  // cells() = the static ones alone.
  void resolve_static_only() { cells_ = static_cells_; }

  std::span<const CellView> cells() const { return cells_; }
  std::uint64_t tombstones() const { return tombstones_; }
  bool corrupt() const { return corrupt_; }

 private:
  static constexpr std::int32_t kUnknown = -2;  // dropped
  static constexpr std::int32_t kUnwanted = -1;
  bool fill(BytesView bytes, const Deletion& outer, std::vector<CellView>& cells);

  std::int64_t now_seconds_;
  std::vector<std::int32_t> slots_;  // by column id: place in cells_, or why none
  std::vector<CellView> cells_;
  std::vector<CellView> static_cells_;
  Bytes static_bytes_;
  bool static_live_ = false;
  bool corrupt_ = false;
  std::uint64_t tombstones_ = 0;
};

}  // namespace penstock::table
