// SPDX-License-Identifier: Apache-2.0
#include "table/schema.h"

#include <algorithm>
#include <tuple>

namespace penstock::table {
namespace {

std::span<const ColumnDef> of_kind(const std::vector<ColumnDef>& columns, ColumnKind first,
                                   ColumnKind last) {
  const auto begin =
      std::ranges::find_if(columns, [&](const ColumnDef& c) { return c.kind >= first; });
  const auto end =
      std::find_if(begin, columns.end(), [&](const ColumnDef& c) { return c.kind > last; });
  return {begin, end};
}

}  // namespace

std::span<const ColumnDef> TableDef::partition_key() const {
  return of_kind(columns, ColumnKind::PartitionKey, ColumnKind::PartitionKey);
}

std::span<const ColumnDef> TableDef::clustering() const {
  return of_kind(columns, ColumnKind::Clustering, ColumnKind::Clustering);
}

std::span<const ColumnDef> TableDef::values() const {
  return of_kind(columns, ColumnKind::Static, ColumnKind::Regular);
}

bool TableDef::has_static() const {
  return std::ranges::any_of(columns,
                             [](const ColumnDef& c) { return c.kind == ColumnKind::Static; });
}

const ColumnDef* TableDef::column(std::string_view column_name) const {
  const auto found = std::ranges::find(columns, column_name, &ColumnDef::name);
  return found == columns.end() ? nullptr : &*found;
}

const ColumnDef* TableDef::column(ColumnId column_id) const {
  const auto found = std::ranges::find(columns, column_id, &ColumnDef::id);
  return found == columns.end() ? nullptr : &*found;
}

void TableDef::arrange() {
  std::ranges::sort(columns, [](const ColumnDef& a, const ColumnDef& b) {
    return std::tie(a.kind, a.position, a.name) < std::tie(b.kind, b.position, b.name);
  });
  for (ColumnDef& column : columns) {
    if (column.id == kNewColumn) column.id = ColumnId(next_column++);
  }
}

}  // namespace penstock::table
