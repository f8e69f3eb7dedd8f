// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/select_plan.h"
#include "cql/system_tables.h"
#include "cql/write_plan.h"
#include "table/catalog.h"

namespace penstock::cql_server {

// BEGIN BATCH ... APPLY BATCH as text.
struct BatchPlan {
  std::optional<ValueSource> timestamp;
  std::vector<WritePlan> writes;
};

// A statement with its names looked up in one catalog; good as long as that is the current one.
// Immutable; any thread.
struct Plan {
  table::CatalogPtr catalog;
  std::string keyspace;        // of names without one
  std::int64_t text_hash = 0;  // ast::Statement's
  std::variant<SelectPlan, WritePlan, BatchPlan, ast::Body>
      body;  // ast::Body: schema, USE, DESCRIBE
  std::vector<cql::ColumnSpec> markers;
  std::vector<std::uint16_t> partition_key_markers;
  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns;  // of the rows; empty unless SELECT
};
using PlanPtr = std::shared_ptr<const Plan>;

Result<PlanPtr> make_plan(const ast::Statement& statement, const std::string& keyspace,
                          table::CatalogPtr catalog, const SystemTables& system);

// Whether a table of the statement has no keyspace of its own, so that the connection's matters.
bool uses_current_keyspace(const ast::Statement& statement);

}  // namespace penstock::cql_server
