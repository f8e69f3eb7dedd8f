// SPDX-License-Identifier: Apache-2.0
#include "cql/plan.h"

#include <algorithm>

namespace penstock::cql_server {
namespace {

struct Names {
  const std::string& keyspace;
  const table::Catalog& catalog;
  const SystemTables& system;

  Result<table::TablePtr> table(const ast::TableName& name) const {
    const std::string& of = name.keyspace.empty() ? keyspace : name.keyspace;
    if (of.empty())
      return fail(Code::InvalidArgument,
                  "No keyspace has been specified. USE a keyspace, or explicitly specify "
                  "keyspace.tablename");
    if (system.is_system(of)) {
      if (auto found = system.table(of, name.table)) return found;
    } else if (!catalog.keyspace(of)) {
      return fail(Code::InvalidArgument, "keyspace {} does not exist", of);
    } else if (auto found = catalog.table(of, name.table)) {
      return found;
    }
    return fail(Code::InvalidArgument, "table {} does not exist", name.table);
  }
  Result<table::TablePtr> writable(const ast::TableName& name) const {
    auto found = TRY(table(name));
    if (system.is_system(found->keyspace))
      return fail(Code::Unauthorized, "{} keyspace is not user-modifiable.", found->keyspace);
    return found;
  }
};

Result<WritePlan> write_plan(const ast::Modification& modification, const Names& names,
                             MarkerSpecs& markers) {
  return std::visit(
      [&](const auto& statement) -> Result<WritePlan> {
        return WritePlan::compile(statement, TRY(names.writable(statement.table)), markers);
      },
      modification);
}

Result<BatchPlan> batch_plan(const ast::Batch& batch, const Names& names, MarkerSpecs& markers) {
  BatchPlan plan;
  if (batch.with.ttl)
    return fail(Code::InvalidArgument, "Global TTL on the BATCH statement is not supported.");
  for (const auto& statement : batch.statements) {
    plan.writes.push_back(TRY(write_plan(statement, names, markers)));
    if (batch.with.timestamp && plan.writes.back().has_timestamp())
      return fail(Code::InvalidArgument,
                  "Timestamp must be set either on BATCH or individual statements");
  }
  if (batch.with.timestamp) {
    const cql::ColumnSpec receiver{"system", "batch", "[timestamp]", cql::Kind::Bigint};
    plan.timestamp =
        TRY(ValueSource::compile(*batch.with.timestamp, receiver, table::TableDef{}, markers));
  }
  return plan;
}

}  // namespace

Result<PlanPtr> make_plan(const ast::Statement& statement, const std::string& keyspace,
                          table::CatalogPtr catalog, const SystemTables& system) {
  auto plan = std::make_shared<Plan>();
  plan->keyspace = keyspace;
  plan->text_hash = statement.text_hash;
  MarkerSpecs markers(statement.markers);
  const Names names{plan->keyspace, *catalog, system};
  if (const auto* select = std::get_if<ast::Select>(&statement.body)) {
    auto made = TRY(SelectPlan::compile(*select, TRY(names.table(select->table)), markers));
    plan->columns = std::make_shared<const std::vector<cql::ColumnSpec>>(made.columns());
    plan->partition_key_markers = made.partition_key_markers();
    plan->body = std::move(made);
  } else if (const auto* batch = std::get_if<ast::Batch>(&statement.body)) {
    plan->body = TRY(batch_plan(*batch, names, markers));
  } else {
    std::optional<ast::Modification> modification;
    if (const auto* insert = std::get_if<ast::Insert>(&statement.body)) modification = *insert;
    if (const auto* update = std::get_if<ast::Update>(&statement.body)) modification = *update;
    if (const auto* remove = std::get_if<ast::Delete>(&statement.body)) modification = *remove;
    if (modification) {
      auto made = TRY(write_plan(*modification, names, markers));
      plan->partition_key_markers = made.partition_key_markers();
      plan->body = std::move(made);
    } else {
      plan->body = statement.body;
    }
  }
  if (!plan->columns) plan->columns = std::make_shared<const std::vector<cql::ColumnSpec>>();
  plan->markers = TRY(markers.take());
  plan->catalog = std::move(catalog);
  return plan;
}

bool uses_current_keyspace(const ast::Statement& statement) {
  return std::visit(
      [](const auto& body) {
        if constexpr (requires { body.table.keyspace; }) {
          return body.table.keyspace.empty();
        } else if constexpr (std::is_same_v<std::decay_t<decltype(body)>, ast::Batch>) {
          return std::any_of(body.statements.begin(), body.statements.end(),
                             [](const ast::Modification& modification) {
                               return std::visit(
                                   [](const auto& inner) { return inner.table.keyspace.empty(); },
                                   modification);
                             });
        } else {
          return true;
        }
      },
      statement.body);
}

}  // namespace penstock::cql_server
