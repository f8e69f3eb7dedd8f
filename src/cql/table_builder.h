// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "cql/ast.h"
#include "table/schema.h"

namespace penstock::cql_server {

// Definitions from statements: plain checks and conversions, no store. Errors are InvalidArgument
// or Unsupported with Cassandra's words.

// `system`: a table of ours, which may have collections.
Result<table::TableDef> build_table(const ast::CreateTable& statement, const std::string& keyspace,
                                    bool system = false);
// The table after ALTER; the same if there was nothing to do (IF NOT EXISTS, IF EXISTS).
Result<table::TableDef> altered_table(const ast::AlterTable& statement, table::TableDef table,
                                      std::int64_t now_micros);

// Replication and durable_writes of CREATE and ALTER KEYSPACE. Cassandra answers a failure with a
// ConfigurationException.
Result<void> apply_replication(const std::vector<ast::Property>& properties,
                               const std::string& data_center, table::KeyspaceDef& keyspace);

// Letters, digits and underscores, at most 48.
Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace penstock::cql_server
