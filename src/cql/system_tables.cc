// SPDX-License-Identifier: Apache-2.0
#include "cql/system_tables.h"

#include "base/check.h"
#include "cql/parser.h"
#include "cql/system_rows.h"
#include "cql/table_builder.h"

namespace penstock::cql_server {
namespace {

// As Cassandra 4.1 has them; what drivers need of it is in the native protocol's and the drivers'
// own documents.
constexpr std::string_view kDefinitions[] = {
    "CREATE TABLE system.local (key text PRIMARY KEY, bootstrapped text, broadcast_address inet, "
    "broadcast_port int, cluster_name text, "
    "cql_version text, data_center text, gossip_generation int, host_id uuid, listen_address inet, "
    "listen_port int, "
    "native_protocol_version text, partitioner text, rack text, release_version text, rpc_address "
    "inet, rpc_port int, schema_version uuid, "
    "tokens set<text>, truncated_at map<uuid, blob>)",
    "CREATE TABLE system.peers (peer inet PRIMARY KEY, data_center text, host_id uuid, "
    "preferred_ip inet, rack text, release_version text, "
    "rpc_address inet, schema_version uuid, tokens set<text>)",
    "CREATE TABLE system.peers_v2 (peer inet, peer_port int, data_center text, host_id uuid, "
    "native_address inet, native_port int, "
    "preferred_ip inet, preferred_port int, rack text, release_version text, schema_version uuid, "
    "tokens set<text>, "
    "PRIMARY KEY (peer, peer_port))",
    "CREATE TABLE system.size_estimates (keyspace_name text, table_name text, range_start text, "
    "range_end text, mean_partition_size bigint, "
    "partitions_count bigint, PRIMARY KEY (keyspace_name, table_name, range_start, range_end))",
    "CREATE TABLE system.table_estimates (keyspace_name text, table_name text, range_type text, "
    "range_start text, range_end text, "
    "mean_partition_size bigint, partitions_count bigint, PRIMARY KEY (keyspace_name, table_name, "
    "range_type, range_start, range_end))",
    "CREATE TABLE system.built_views (keyspace_name text, view_name text, status_replicated "
    "boolean, PRIMARY KEY (keyspace_name, view_name))",
    "CREATE TABLE system.view_builds_in_progress (keyspace_name text, view_name text, start_token "
    "text, end_token text, keys_built bigint, "
    "last_token text, PRIMARY KEY (keyspace_name, view_name, start_token, end_token))",
    "CREATE TABLE system.prepared_statements (prepared_id blob PRIMARY KEY, logged_keyspace text, "
    "query_string text)",
    "CREATE TABLE system.\"IndexInfo\" (table_name text, index_name text, value blob, PRIMARY KEY "
    "(table_name, index_name))",
    "CREATE TABLE system.batches (id timeuuid PRIMARY KEY, mutations list<blob>, version int)",
    "CREATE TABLE system.paxos (row_key blob, cf_id uuid, in_progress_ballot timeuuid, "
    "most_recent_commit blob, most_recent_commit_at timeuuid, "
    "most_recent_commit_version int, proposal blob, proposal_ballot timeuuid, proposal_version "
    "int, PRIMARY KEY (row_key, cf_id))",
    "CREATE TABLE system_schema.keyspaces (keyspace_name text PRIMARY KEY, durable_writes boolean, "
    "replication frozen<map<text, text>>)",
    "CREATE TABLE system_schema.tables (keyspace_name text, table_name text, "
    "additional_write_policy text, bloom_filter_fp_chance double, "
    "caching frozen<map<text, text>>, cdc boolean, comment text, compaction frozen<map<text, "
    "text>>, compression frozen<map<text, text>>, "
    "crc_check_chance double, dclocal_read_repair_chance double, default_time_to_live int, "
    "extensions frozen<map<text, blob>>, "
    "flags frozen<set<text>>, gc_grace_seconds int, id uuid, max_index_interval int, memtable "
    "text, memtable_flush_period_in_ms int, "
    "min_index_interval int, read_repair text, read_repair_chance double, speculative_retry text, "
    "PRIMARY KEY (keyspace_name, table_name))",
    "CREATE TABLE system_schema.columns (keyspace_name text, table_name text, column_name text, "
    "clustering_order text, column_name_bytes blob, "
    "kind text, position int, type text, PRIMARY KEY (keyspace_name, table_name, column_name))",
    "CREATE TABLE system_schema.dropped_columns (keyspace_name text, table_name text, column_name "
    "text, dropped_time timestamp, kind text, "
    "type text, PRIMARY KEY (keyspace_name, table_name, column_name))",
    "CREATE TABLE system_schema.indexes (keyspace_name text, table_name text, index_name text, "
    "kind text, options frozen<map<text, text>>, "
    "PRIMARY KEY (keyspace_name, table_name, index_name))",
    "CREATE TABLE system_schema.types (keyspace_name text, type_name text, field_names "
    "frozen<list<text>>, field_types frozen<list<text>>, "
    "PRIMARY KEY (keyspace_name, type_name))",
    "CREATE TABLE system_schema.views (keyspace_name text, view_name text, additional_write_policy "
    "text, base_table_id uuid, base_table_name text, "
    "bloom_filter_fp_chance double, caching frozen<map<text, text>>, cdc boolean, comment text, "
    "compaction frozen<map<text, text>>, "
    "compression frozen<map<text, text>>, crc_check_chance double, dclocal_read_repair_chance "
    "double, default_time_to_live int, "
    "extensions frozen<map<text, blob>>, gc_grace_seconds int, id uuid, include_all_columns "
    "boolean, max_index_interval int, memtable text, "
    "memtable_flush_period_in_ms int, min_index_interval int, read_repair text, read_repair_chance "
    "double, speculative_retry text, "
    "where_clause text, PRIMARY KEY (keyspace_name, view_name))",
    "CREATE TABLE system_schema.triggers (keyspace_name text, table_name text, trigger_name text, "
    "options frozen<map<text, text>>, "
    "PRIMARY KEY (keyspace_name, table_name, trigger_name))",
    "CREATE TABLE system_schema.functions (keyspace_name text, function_name text, argument_types "
    "frozen<list<text>>, "
    "argument_names frozen<list<text>>, body text, called_on_null_input boolean, language text, "
    "return_type text, "
    "PRIMARY KEY (keyspace_name, function_name, argument_types))",
    "CREATE TABLE system_schema.aggregates (keyspace_name text, aggregate_name text, "
    "argument_types frozen<list<text>>, final_func text, "
    "initcond text, return_type text, state_func text, state_type text, PRIMARY KEY "
    "(keyspace_name, aggregate_name, argument_types))",
    "CREATE TABLE system_traces.sessions (session_id uuid PRIMARY KEY, client inet, command text, "
    "coordinator inet, coordinator_port int, "
    "duration int, parameters map<text, text>, request text, started_at timestamp)",
    "CREATE TABLE system_traces.events (session_id uuid, event_id timeuuid, activity text, source "
    "inet, source_elapsed int, source_port int, "
    "thread text, PRIMARY KEY (session_id, event_id))",
    "CREATE TABLE system_virtual_schema.keyspaces (keyspace_name text PRIMARY KEY)",
    "CREATE TABLE system_virtual_schema.tables (keyspace_name text, table_name text, comment text, "
    "PRIMARY KEY (keyspace_name, table_name))",
    "CREATE TABLE system_virtual_schema.columns (keyspace_name text, table_name text, column_name "
    "text, clustering_order text, "
    "column_name_bytes blob, kind text, position int, type text, PRIMARY KEY (keyspace_name, "
    "table_name, column_name))",
};

Uuid stable_id(std::string_view name) {
  // FNV-1a twice: these ids have only to differ from each other and stay the same.
  Uuid id;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (int half = 0; half < 2; ++half) {
    for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3;
    store_be(reinterpret_cast<char*>(id.bytes.data()) + 8 * half, hash);
  }
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x30);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace

SystemTables::SystemTables(const CqlConfig& config) : config_(config) {
  if (config_.host_id.is_zero()) config_.host_id = stable_id("host of " + config_.cluster_name);
  if (config_.tokens < 1) config_.tokens = 1;
  std::uint32_t number = 1;  // below the first of the catalog: never in a key
  for (const std::string_view text : kDefinitions) {
    auto statement = parse_statement(text);
    CHECK(statement.has_value(), text);
    const auto& create = std::get<ast::CreateTable>(statement->body);
    auto table = build_table(create, create.table.keyspace, true);
    CHECK(table.has_value(), text);
    table->id = stable_id(table->keyspace + "." + table->name);
    table->number = table::TableId(number++);
    table->options.gc_grace_seconds = 0;
    table->arrange();
    auto& place = keyspaces_[table->keyspace][table->name];
    place = std::make_shared<const table::TableDef>(std::move(*table));
  }
}

table::TablePtr SystemTables::table(std::string_view keyspace, std::string_view name) const {
  const auto found = keyspaces_.find(keyspace);
  if (found == keyspaces_.end()) return nullptr;
  const auto table = found->second.find(name);
  return table == found->second.end() ? nullptr : table->second;
}

std::vector<std::int64_t> SystemTables::tokens() const {
  std::vector<std::int64_t> tokens;
  const auto count = static_cast<std::uint64_t>(config_.tokens);
  const std::uint64_t step = ~std::uint64_t{0} / count;
  for (std::uint64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int64_t>((i * step + step / 2) ^ (std::uint64_t{1} << 63)));
  return tokens;
}

Result<std::vector<SystemRow>> SystemTables::rows(const table::TableDef& table,
                                                  const SystemState& state) const {
  return system_rows(*this, table, state);
}

}  // namespace penstock::cql_server
