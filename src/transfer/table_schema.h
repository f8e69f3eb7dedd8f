// SPDX-License-Identifier: Apache-2.0
// A table's columns as system_schema tells them, and the statements that a transfer needs. Plain
// functions; the questions are asked in table_reader.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "transfer/manifest.h"
#include "wire/cql/types.h"

namespace penstock::transfer {

struct TableName {
  std::string keyspace;
  std::string table;
  std::string text() const;    // ks.t, for people
  std::string quoted() const;  // "ks"."t", for statements
};
// KEYSPACE.TABLE; a name without quotes is folded to lower case, as CQL has it.
Result<TableName> parse_table_name(std::string_view text);

std::string quoted(std::string_view identifier);
std::string text_literal(std::string_view text);

// One row of system_schema.columns.
struct SchemaColumn {
  std::string name;
  std::string type;
  std::string kind;  // "partition_key", "clustering", "regular", "static"
  std::int32_t position = -1;
  std::string clustering_order;  // "asc", "desc", "none"
};
// In the order of the key, then by name. Unsupported: a column that WRITETIME and INSERT cannot
// carry over, with what it is.
Result<std::vector<Column>> to_columns(const TableName& table, std::vector<SchemaColumn> rows);

// Which column differs first, for people; none: they are the same.
std::optional<std::string> difference(const std::vector<Column>& exported,
                                      const std::vector<Column>& target);

std::size_t partition_keys(const std::vector<Column>& columns);
std::size_t keys(const std::vector<Column>& columns);  // with the clustering columns
// Of the key columns.
Result<std::vector<cql::TypeRef>> key_types(const std::vector<Column>& columns);

struct TableOptions {
  std::int32_t default_time_to_live = 0;
  std::int32_t gc_grace_seconds = 864'000;
  std::string comment;
};
// What stands behind CREATE TABLE name.
std::string definition(const std::vector<Column>& columns, const TableOptions& options);
// What stands behind CREATE KEYSPACE name WITH.
std::string keyspace_options(const std::map<std::string, std::string>& replication,
                             bool durable_writes);

// Key columns, then value, write time and time to live of each regular one, of the tokens in
// (?, ?].
std::string select_range(const TableName& table, const std::vector<Column>& columns);
// All columns in their order, then TTL and TIMESTAMP.
std::string insert_row(const TableName& table, const std::vector<Column>& columns);

// The tokens of the i-th of `count` equal stretches of the ring: above the first, up to the second.
// `count` is a power of two.
std::pair<std::int64_t, std::int64_t> range_tokens(std::size_t i, std::size_t count);

}  // namespace penstock::transfer
