// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/system_tables.h"
#include "wire/cql/responses.h"

namespace penstock::cql_server {

// DESCRIBE's answer: lists have keyspace_name, type, name; elements also create_statement
// (CASSANDRA-14825). `keyspace` is the connection's.
struct Description {
  std::vector<cql::ColumnSpec> columns;
  cql::RowsBuilder rows;
};
Result<Description> describe(const ast::Describe& statement, const std::string& keyspace,
                             const SystemTables& system, const table::Catalog& catalog);

// The statement that makes such a table.
std::string create_statement(const table::TableDef& table, bool internals = false);
std::string create_statement(const table::KeyspaceDef& keyspace);

}  // namespace penstock::cql_server
