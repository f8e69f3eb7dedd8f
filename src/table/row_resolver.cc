// SPDX-License-Identifier: Apache-2.0
#include "table/row_resolver.h"

#include <algorithm>

namespace penstock::table {

RowResolver::RowResolver(const ReadQuery& query, std::int64_t now_seconds)
    : now_seconds_(now_seconds),
      slots_(query.table->next_column, kUnknown),
      cells_(query.columns.size()),
      static_cells_(query.columns.size()) {
  for (const ColumnDef& column : query.table->values()) slots_[column.id.value()] = kUnwanted;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    const std::uint16_t column = query.columns[i].value();
    if (column < slots_.size()) slots_[column] = static_cast<std::int32_t>(i);
  }
}

void RowResolver::begin_partition() {
  if (static_live_) std::ranges::fill(static_cells_, CellView{});
  static_live_ = false;
}

void RowResolver::set_static(BytesView bytes, const Deletion& outer) {
  static_bytes_.assign(bytes);
  std::ranges::fill(static_cells_, CellView{});
  static_live_ = fill(static_bytes_, outer, static_cells_);
}

bool RowResolver::resolve(BytesView bytes, const Deletion& outer) {
  std::ranges::copy(static_cells_, cells_.begin());
  return fill(bytes, outer, cells_);
}

bool RowResolver::fill(BytesView bytes, const Deletion& outer, std::vector<CellView>& cells) {
  RowReader reader(bytes);
  const Deletion deletion = std::max(outer, reader.deletion());
  const std::optional<Marker>& marker = reader.marker();
  bool live = marker && !deletion.hides(marker->timestamp) && marker->live(now_seconds_);
  if (!reader.deletion().none()) ++tombstones_;
  for (Cell cell; reader.next(cell);) {
    if (deletion.hides(cell.timestamp) || !cell.live(now_seconds_)) {
      ++tombstones_;
      continue;
    }
    const std::int32_t slot = cell.column < slots_.size() ? slots_[cell.column] : kUnknown;
    if (slot == kUnknown) continue;
    live = true;
    if (slot == kUnwanted) continue;
    cells[static_cast<std::size_t>(slot)] = {.value = cell.value,
                                             .timestamp_micros = cell.timestamp,
                                             .ttl_seconds = cell.ttl_seconds,
                                             .expires_seconds = cell.ends_seconds,
                                             .present = true};
  }
  corrupt_ |= reader.corrupt();
  return live;
}

}  // namespace penstock::table
