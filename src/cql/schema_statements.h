// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cql/ast.h"
#include "cql/reply.h"
#include "cql/system_tables.h"
#include "table/store.h"

namespace penstock::cql_server {

// Runs CREATE, ALTER, DROP or TRUNCATE: when it returns, the change is durable and visible. Blocks.
// The reply is cql::SchemaChange when drivers have to hear of it, Void when nothing changed.
Reply run_schema_statement(const ast::Body& body, const std::string& keyspace,
                           const SystemTables& system, table::Store& store,
                           std::int64_t now_micros);

}  // namespace penstock::cql_server
