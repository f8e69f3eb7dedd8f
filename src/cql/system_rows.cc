// SPDX-License-Identifier: Apache-2.0
#include "cql/system_rows.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/check.h"
#include "cql/table_options.h"
#include "wire/cql/order_key.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql_server {
namespace {

using cql::Kind;

constexpr std::string_view kPartitioner = "org.apache.cassandra.dht.Murmur3Partitioner";
constexpr std::string_view kVirtualKeyspace = "system_virtual_schema";

// Fills one row by column names.
class RowMaker {
 public:
  explicit RowMaker(const table::TableDef& table) : table_(table), row_(table.columns.size()) {}

  RowMaker& raw(std::string_view column, Bytes value) {
    const auto* found = table_.column(column);
    CHECK(found != nullptr, column);
    row_[static_cast<std::size_t>(found - table_.columns.data())] = std::move(value);
    return *this;
  }
  RowMaker& text(std::string_view column, std::string_view value) {
    return raw(column, Bytes(value));
  }
  RowMaker& number(std::string_view column, std::int32_t value) {
    return raw(column, cql::encode<Kind::Int>(value));
  }
  RowMaker& big(std::string_view column, std::int64_t value) {
    return raw(column, cql::encode<Kind::Bigint>(value));
  }
  RowMaker& real(std::string_view column, double value) {
    return raw(column, cql::encode<Kind::Double>(value));
  }
  RowMaker& boolean(std::string_view column, bool value) {
    return raw(column, Bytes(1, value ? '\1' : '\0'));
  }
  RowMaker& uuid(std::string_view column, const Uuid& value) {
    return raw(column, Bytes(value.view()));
  }
  RowMaker& map(std::string_view column, const std::map<std::string, std::string>& value) {
    cql::CollectionBuilder builder;
    for (const auto& [key, item] : value) builder.add(key).add(item);
    return raw(column, builder.take_map());
  }
  RowMaker& set(std::string_view column, const std::set<std::string>& value) {
    cql::CollectionBuilder builder;
    for (const auto& item : value) builder.add(item);
    return raw(column, builder.take_list());
  }
  // A host name that is no address, or "any address", says loopback: clients need one they can
  // dial.
  RowMaker& inet(std::string_view column, std::string_view host) {
    Bytes address;
    if (!cql::parse_text(Kind::Inet, host, address) || host == "0.0.0.0" || host == "::")
      address = Bytes("\x7f\0\0\1", 4);
    return raw(column, std::move(address));
  }
  SystemRow take() { return std::move(row_); }

 private:
  const table::TableDef& table_;
  SystemRow row_;
};

using Rows = std::vector<SystemRow>;

Rows local_rows(const SystemTables& system, const table::TableDef& table,
                const SystemState& state) {
  const CqlConfig& config = system.config();
  std::set<std::string> tokens;
  for (const std::int64_t token : system.tokens()) tokens.insert(std::to_string(token));
  RowMaker row(table);
  row.text("key", "local")
      .text("bootstrapped", "COMPLETED")
      .text("cluster_name", config.cluster_name)
      .text("cql_version", "3.4.6");
  row.text("data_center", config.data_center)
      .text("rack", config.rack)
      .text("release_version", config.release_version);
  row.text("native_protocol_version", "4")
      .text("partitioner", kPartitioner)
      .uuid("host_id", config.host_id);
  row.uuid("schema_version", state.catalog->version())
      .set("tokens", tokens)
      .number("gossip_generation", 1);
  for (const std::string_view column : {"broadcast_address", "listen_address", "rpc_address"})
    row.inet(column, state.local_host);
  row.number("rpc_port", state.local_port)
      .number("broadcast_port", 7000)
      .number("listen_port", 7000);
  return {row.take()};
}

// Every keyspace with its tables: the user's and ours. `visit(name, replication, durable, tables)`.
template <class Visit>
void each_keyspace(const SystemTables& system, const SystemState& state, Visit visit) {
  for (const auto& [name, keyspace] : state.catalog->keyspaces())
    visit(name, keyspace->replication, keyspace->durable_writes, keyspace->tables);
  for (const auto& [name, tables] : system.keyspaces()) {
    if (name == kVirtualKeyspace) continue;
    const bool traces = name == "system_traces";
    std::map<std::string, std::string> replication{
        {"class", traces ? "org.apache.cassandra.locator.SimpleStrategy"
                         : "org.apache.cassandra.locator.LocalStrategy"}};
    if (traces) replication["replication_factor"] = "2";
    visit(name, replication, true, tables);
  }
}

Rows keyspace_rows(const SystemTables& system, const table::TableDef& table,
                   const SystemState& state) {
  Rows rows;
  each_keyspace(system, state,
                [&](const auto& name, const auto& replication, bool durable, const auto&) {
                  rows.push_back(RowMaker(table)
                                     .text("keyspace_name", name)
                                     .boolean("durable_writes", durable)
                                     .map("replication", replication)
                                     .take());
                });
  return rows;
}

double real_of(const std::string& text) {
  return std::strtod(text.c_str(), nullptr);
}

std::string unquoted(std::string text) {
  if (text.size() >= 2 && text.front() == '\'') text = text.substr(1, text.size() - 2);
  return text;
}

SystemRow table_row(const table::TableDef& of, const table::TableDef& table) {
  RowMaker row(table);
  row.text("keyspace_name", of.keyspace)
      .text("table_name", of.name)
      .uuid("id", of.id)
      .text("comment", of.options.comment);
  // Without "compound" drivers take the table for COMPACT STORAGE.
  row.set("flags", {"compound"}).number("default_time_to_live", of.options.default_time_to_live);
  row.number("gc_grace_seconds", of.options.gc_grace_seconds)
      .real("dclocal_read_repair_chance", 0)
      .real("read_repair_chance", 0);
  for (const TableOption& option : table_options()) {
    const std::string value = unquoted(option_text(of.options, option));
    if (option.name == "extensions") {
      row.map(option.name, {});
      continue;
    }
    switch (option.form) {
      case TableOption::Form::Text:
        row.text(option.name, value);
        break;
      case TableOption::Form::Boolean:
        row.boolean(option.name, value == "true");
        break;
      case TableOption::Form::Map:
        row.map(option.name, option_map(value));
        break;
      case TableOption::Form::Number:
        if (table.column(option.name)->type.kind() == Kind::Double) {
          row.real(option.name, real_of(value));
        } else {
          row.number(option.name, static_cast<std::int32_t>(real_of(value)));
        }
    }
  }
  return row.take();
}

std::string_view kind_name(table::ColumnKind kind) {
  switch (kind) {
    case table::ColumnKind::PartitionKey:
      return "partition_key";
    case table::ColumnKind::Clustering:
      return "clustering";
    case table::ColumnKind::Static:
      return "static";
    case table::ColumnKind::Regular:
      break;
  }
  return "regular";
}

void column_rows_of(const table::TableDef& of, const table::TableDef& table, Rows& rows) {
  std::map<std::string_view, const table::ColumnDef*> by_name;
  for (const auto& column : of.columns) by_name[column.name] = &column;
  for (const auto& [name, column] : by_name) {
    RowMaker row(table);
    row.text("keyspace_name", of.keyspace)
        .text("table_name", of.name)
        .text("column_name", name)
        .raw("column_name_bytes", Bytes(name));
    row.text("clustering_order", column->kind != table::ColumnKind::Clustering ? "none"
                                 : column->reversed                            ? "desc"
                                                                               : "asc");
    row.text("kind", kind_name(column->kind))
        .number("position", column->is_key() ? column->position : -1)
        .text("type", column->type.text());
    rows.push_back(row.take());
  }
}

Rows dropped_rows(const table::TableDef& table, const SystemState& state) {
  Rows rows;
  for (const auto& [keyspace_name, keyspace] : state.catalog->keyspaces()) {
    for (const auto& [table_name, of] : keyspace->tables) {
      for (const auto& dropped : of->dropped) {
        RowMaker row(table);
        row.text("keyspace_name", keyspace_name)
            .text("table_name", table_name)
            .text("column_name", dropped.name)
            .text("type", dropped.type.text());
        row.text("kind", kind_name(dropped.kind))
            .big("dropped_time", dropped.dropped_micros / 1000);
        rows.push_back(row.take());
      }
    }
  }
  return rows;
}

// One row a table and stretch of the ring, so that Spark can cut its splits.
Result<Rows> estimate_rows(const SystemTables& system, const table::TableDef& table,
                           const SystemState& state) {
  Rows rows;
  const auto tokens = system.tokens();
  const bool typed = table.column("range_type") != nullptr;
  for (const auto& [keyspace_name, keyspace] : state.catalog->keyspaces()) {
    for (const auto& [table_name, of] : keyspace->tables) {
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::int64_t begin = tokens[i];
        const bool last = i + 1 == tokens.size();
        const std::int64_t end = last ? tokens.front() : tokens[i + 1];
        table::Store::SizeEstimate size;
        const auto add = [&](const table::TokenRange& range) -> Result<void> {
          const auto part = TRY(state.store->estimate(*of, range));
          size.bytes += part.bytes;
          size.partitions += part.partitions;
          return {};
        };
        table::TokenRange range;
        range.first = begin + 1;
        if (!last) range.last = end;
        TRY(add(range));
        if (last) {  // around the ring
          range = {};
          range.last = end;
          TRY(add(range));
        }
        RowMaker row(table);
        row.text("keyspace_name", keyspace_name)
            .text("table_name", table_name)
            .text("range_start", std::to_string(begin));
        row.text("range_end", std::to_string(end))
            .big("partitions_count", static_cast<std::int64_t>(size.partitions));
        row.big("mean_partition_size",
                static_cast<std::int64_t>(size.partitions == 0 ? 0 : size.bytes / size.partitions));
        if (typed) row.text("range_type", "primary");
        rows.push_back(row.take());
      }
    }
  }
  return rows;
}

Rows trace_rows(const table::TableDef& table, const SystemState& state) {
  Rows rows;
  for (const TracedRequest& trace : state.traces) {
    RowMaker row(table);
    row.uuid("session_id", trace.id)
        .inet("client", trace.client)
        .text("command", trace.command)
        .inet("coordinator", state.local_host);
    row.number("coordinator_port", state.local_port)
        .number("duration", trace.duration_micros)
        .map("parameters", {{"query", trace.query}});
    row.text("request", "Execute CQL3 query").big("started_at", trace.started_millis);
    rows.push_back(row.take());
  }
  return rows;
}

Rows virtual_rows(const SystemTables& system, const table::TableDef& table) {
  Rows rows;
  if (table.name == "keyspaces")
    return {RowMaker(table).text("keyspace_name", kVirtualKeyspace).take()};
  for (const auto& [name, of] : system.keyspaces().find(kVirtualKeyspace)->second) {
    if (table.name == "tables")
      rows.push_back(RowMaker(table)
                         .text("keyspace_name", kVirtualKeyspace)
                         .text("table_name", name)
                         .text("comment", "virtual schema")
                         .take());
    if (table.name == "columns") column_rows_of(*of, table, rows);
  }
  return rows;
}

Result<Rows> schema_rows(const SystemTables& system, const table::TableDef& table,
                         const SystemState& state) {
  if (table.name == "keyspaces") return keyspace_rows(system, table, state);
  if (table.name == "dropped_columns") return dropped_rows(table, state);
  Rows rows;
  each_keyspace(system, state, [&](const auto&, const auto&, bool, const auto& tables) {
    for (const auto& [name, of] : tables) {
      if (table.name == "tables") rows.push_back(table_row(*of, table));
      if (table.name == "columns") column_rows_of(*of, table, rows);
    }
  });
  return rows;  // none of indexes, types, views, triggers, functions and aggregates
}

// By token of the partition key, then by clustering key; what a table on disk does by itself.
void sort_rows(const table::TableDef& table, Rows& rows) {
  std::vector<std::pair<Bytes, std::size_t>> order;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<BytesView> partition;
    std::vector<BytesView> clustering;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const auto& column = table.columns[c];
      if (column.kind == table::ColumnKind::PartitionKey) partition.push_back(*rows[i][c]);
      if (column.kind == table::ColumnKind::Clustering) clustering.push_back(*rows[i][c]);
    }
    Bytes key;
    table::encode_partition_key(partition, key);
    Bytes sort_key;
    table::append_partition(table.number, table::PartitionKey(key), sort_key);
    if (!clustering.empty()) table::append_clustering(table, clustering, sort_key);
    order.emplace_back(std::move(sort_key), i);
  }
  std::sort(order.begin(), order.end());
  Rows sorted;
  sorted.reserve(rows.size());
  for (const auto& [key, i] : order) sorted.push_back(std::move(rows[i]));
  rows = std::move(sorted);
}

Result<Rows> unsorted_rows(const SystemTables& system, const table::TableDef& table,
                           const SystemState& state) {
  if (table.keyspace == "system_schema") return schema_rows(system, table, state);
  if (table.keyspace == kVirtualKeyspace) return virtual_rows(system, table);
  if (table.keyspace == "system_traces")
    return table.name == "sessions" ? trace_rows(table, state) : Rows{};
  if (table.name == "local") return local_rows(system, table, state);
  if (table.name == "size_estimates" || table.name == "table_estimates")
    return estimate_rows(system, table, state);
  Rows rows;
  if (table.name == "prepared_statements") {
    for (const auto& prepared : state.prepared)
      rows.push_back(RowMaker(table)
                         .raw("prepared_id", prepared.id)
                         .text("logged_keyspace", prepared.keyspace)
                         .text("query_string", prepared.query)
                         .take());
  }
  return rows;
}

}  // namespace

Result<Rows> system_rows(const SystemTables& system, const table::TableDef& table,
                         const SystemState& state) {
  Rows rows = TRY(unsorted_rows(system, table, state));
  sort_rows(table, rows);
  return rows;
}

}  // namespace penstock::cql_server
