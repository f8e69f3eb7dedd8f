// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cql/cql_server.h"
#include "cql/select_plan.h"
#include "table/catalog.h"
#include "table/schema.h"
#include "table/store.h"

namespace penstock::cql_server {

// A request that was traced: a row of system_traces.sessions.
struct TracedRequest {
  Uuid id;
  std::string client;
  std::string command;
  std::string query;
  std::int64_t started_millis = 0;
  std::int32_t duration_micros = 0;
};

// What rows of system tables are made of, at one moment.
struct SystemState {
  table::CatalogPtr catalog;
  std::string local_host;  // the address that the asking client has reached
  std::uint16_t local_port = 0;
  struct Prepared {
    Bytes id;
    std::string keyspace;
    std::string query;
  };
  std::vector<Prepared> prepared;
  std::vector<TracedRequest> traces;
  const table::Store* store = nullptr;
};

// The keyspaces that drivers read: system, system_schema, system_traces and system_virtual_schema.
// Their definitions are fixed; their rows are made when asked for. Immutable; any thread.
class SystemTables {
 public:
  explicit SystemTables(const CqlConfig& config);

  bool is_system(std::string_view keyspace) const { return keyspaces_.contains(keyspace); }
  table::TablePtr table(std::string_view keyspace, std::string_view name) const;
  using Tables = std::map<std::string, table::TablePtr, std::less<>>;
  const std::map<std::string, Tables, std::less<>>& keyspaces() const { return keyspaces_; }

  // Rows in the order of the table's keys. Blocks (size estimates ask the store).
  Result<std::vector<SystemRow>> rows(const table::TableDef& table, const SystemState& state) const;

  const CqlConfig& config() const { return config_; }
  std::vector<std::int64_t> tokens() const;  // this node's, ascending

 private:
  CqlConfig config_;
  std::map<std::string, Tables, std::less<>> keyspaces_;
};

}  // namespace penstock::cql_server
