// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/named.h"
#include "base/uuid.h"
#include "wire/cql/types.h"

namespace penstock::table {

// The number that a table's keys begin with. Never used twice: a truncated table goes on under a
// new one, so what still carries the old number is garbage that compaction removes.
using TableId = Named<std::uint32_t, struct TableIdTag>;
// The number that a column's cells carry. Never used twice in a table: a column that is dropped and
// added again has a new one, so its old cells stay hidden.
using ColumnId = Named<std::uint16_t, struct ColumnIdTag>;

enum class ColumnKind : std::uint8_t { PartitionKey, Clustering, Static, Regular };

struct ColumnDef {
  ColumnId id{0xffff};  // TableDef::kNewColumn until the catalog has given one
  std::string name{};
  cql::TypeRef type{};
  ColumnKind kind = ColumnKind::Regular;
  std::uint16_t position = 0;  // among the key columns of its kind; 0 for the others
  bool reversed = false;       // clustering column declared DESC

  bool is_key() const { return kind == ColumnKind::PartitionKey || kind == ColumnKind::Clustering; }
};

struct DroppedColumn {
  std::string name{};
  cql::TypeRef type{};
  ColumnKind kind = ColumnKind::Regular;
  std::int64_t dropped_micros = 0;
};

struct TableOptions {
  std::int32_t default_time_to_live = 0;  // seconds; 0 = none
  std::int32_t gc_grace_seconds = 864'000;
  std::string comment{};
  // Options that are kept for DESCRIBE and drivers and change nothing here (compaction, caching,
  // ...): name to CQL text.
  std::map<std::string, std::string> others{};

  friend bool operator==(const TableOptions&, const TableOptions&) = default;
};

// One table as it was at one moment; immutable behind a shared_ptr once it is in a Catalog.
struct TableDef {
  Uuid id{};         // as clients see it; stays through ALTER and TRUNCATE
  TableId number{};  // as keys see it
  std::string keyspace{};
  std::string name{};
  // In the order of SELECT *: partition key, clustering columns, static by name, regular by name.
  std::vector<ColumnDef> columns{};
  std::vector<DroppedColumn> dropped{};
  TableOptions options{};
  std::uint16_t next_column = 0;  // the id that the next added column gets

  std::span<const ColumnDef> partition_key() const;
  std::span<const ColumnDef> clustering() const;
  std::span<const ColumnDef> values() const;  // static and regular columns
  bool has_static() const;
  const ColumnDef* column(std::string_view column_name) const;  // nullptr = no such column
  const ColumnDef* column(ColumnId column_id) const;

  // Sorts `columns` into their order and gives ids to new ones (those whose id is kNewColumn).
  static constexpr ColumnId kNewColumn{0xffff};
  void arrange();
};
using TablePtr = std::shared_ptr<const TableDef>;

struct KeyspaceDef {
  std::string name{};
  std::map<std::string, std::string> replication{};  // with "class"
  bool durable_writes = true;
  std::map<std::string, TablePtr, std::less<>> tables{};
};
using KeyspacePtr = std::shared_ptr<const KeyspaceDef>;

}  // namespace penstock::table
