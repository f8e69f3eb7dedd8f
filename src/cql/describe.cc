// SPDX-License-Identifier: Apache-2.0
#include "cql/describe.h"

#include <algorithm>

#include "cql/lexer.h"
#include "cql/table_options.h"

namespace penstock::cql_server {
namespace {

using What = ast::Describe::What;
using Tables = SystemTables::Tables;

cql::ColumnSpec column(std::string_view name) {
  return {"system", "describe", std::string(name), cql::Kind::Text};
}

std::string key_text(const table::TableDef& table) {
  const auto names = [](std::span<const table::ColumnDef> columns) {
    std::string text;
    for (const auto& of : columns) text += (text.empty() ? "" : ", ") + quoted_name(of.name);
    return text;
  };
  std::string key = names(table.partition_key());
  if (table.partition_key().size() > 1) key = "(" + key + ")";
  if (!table.clustering().empty()) key += ", " + names(table.clustering());
  return key;
}

std::string order_text(const table::TableDef& table) {
  std::string text;
  for (const auto& of : table.clustering())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", quoted_name(of.name),
                        of.reversed ? "DESC" : "ASC");
  return text;
}

// Everything there is to describe: the user's keyspaces, and ours without definition of their own
// in the catalog.
class Describer {
 public:
  Describer(const SystemTables& system, const table::Catalog& catalog, bool internals)
      : system_(system), catalog_(catalog), internals_(internals) {
    made_.columns = {column("keyspace_name"), column("type"), column("name")};
  }

  void with_statements() { made_.columns.push_back(column("create_statement")); }
  Description take() { return std::move(made_); }

  void list(std::string_view keyspace, std::string_view type, std::string_view name) {
    const std::string quoted_keyspace = quoted_name(keyspace);
    const std::string quoted = quoted_name(name);
    for (const std::string_view text :
         {std::string_view(quoted_keyspace), type, std::string_view(quoted)})
      made_.rows.cell(text);
    if (made_.columns.size() == 3) made_.rows.end_row();
  }
  void element(std::string_view keyspace, std::string_view type, std::string_view name,
               const std::string& statement) {
    list(keyspace, type, name);
    made_.rows.cell(statement);
    made_.rows.end_row();
  }

  void table(const table::TableDef& of) {
    element(of.keyspace, "table", of.name, create_statement(of, internals_));
  }

  bool keyspace(std::string_view name, bool only_keyspace = false) {
    if (const auto found = catalog_.keyspace(name)) {
      element(name, "keyspace", name, create_statement(*found));
      if (!only_keyspace)
        for (const auto& [table_name, of] : found->tables) table(*of);
      return true;
    }
    const auto ours = system_.keyspaces().find(name);
    if (ours == system_.keyspaces().end()) return false;
    table::KeyspaceDef keyspace;
    keyspace.name = name;
    keyspace.replication["class"] = "org.apache.cassandra.locator.LocalStrategy";
    element(name, "keyspace", name, create_statement(keyspace));
    for (const auto& [table_name, of] : ours->second) table(*of);
    return true;
  }

  std::vector<std::string> keyspace_names() const {
    std::vector<std::string> names;
    for (const auto& [name, of] : catalog_.keyspaces()) names.push_back(name);
    for (const auto& [name, of] : system_.keyspaces()) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }
  void list_tables(const std::string& keyspace) {
    if (const auto found = catalog_.keyspace(keyspace)) {
      for (const auto& [name, of] : found->tables) list(keyspace, "table", name);
    } else if (const auto ours = system_.keyspaces().find(keyspace);
               ours != system_.keyspaces().end()) {
      for (const auto& [name, of] : ours->second) list(keyspace, "table", name);
    }
  }
  table::TablePtr find_table(const std::string& keyspace, const std::string& name) const {
    auto found = catalog_.table(keyspace, name);
    return found ? found : system_.table(keyspace, name);
  }

 private:
  const SystemTables& system_;
  const table::Catalog& catalog_;
  bool internals_;
  Description made_;
};

Description cluster(const SystemTables& system) {
  Description made;
  made.columns = {column("cluster"), column("partitioner"), column("snitch")};
  made.rows.cell(system.config().cluster_name);
  made.rows.cell("Murmur3Partitioner");
  made.rows.cell("SimpleSnitch");
  made.rows.end_row();
  return made;
}

Result<void> describe_table(Describer& to, const ast::Describe& statement,
                            const std::string& keyspace) {
  const std::string& of = statement.keyspace.empty() ? keyspace : statement.keyspace;
  if (of.empty())
    return fail(Code::InvalidArgument, "No keyspace specified and no current keyspace");
  const auto table = to.find_table(of, statement.name);
  if (!table)
    return fail(Code::InvalidArgument, "Table '{}' not found in keyspace '{}'", statement.name, of);
  to.table(*table);
  return {};
}

Result<void> elements(Describer& to, const ast::Describe& statement, const std::string& keyspace,
                      const SystemTables& system) {
  to.with_statements();
  switch (statement.what) {
    case What::Keyspace: {
      const std::string& name = statement.name.empty() ? keyspace : statement.name;
      if (name.empty())
        return fail(Code::InvalidArgument, "No keyspace specified and no current keyspace");
      if (!to.keyspace(name))
        return fail(Code::InvalidArgument, "'{}' not found in keyspaces", name);
      return {};
    }
    case What::Table:
      return describe_table(to, statement, keyspace);
    case What::Any:
      if (statement.keyspace.empty() && to.keyspace(statement.name)) return {};
      if (describe_table(to, statement, keyspace)) return {};
      return fail(Code::InvalidArgument, "'{}' not found in keyspace '{}'", statement.name,
                  statement.keyspace.empty() ? keyspace : statement.keyspace);
    default:
      for (const std::string& name : to.keyspace_names())
        if (statement.what == What::FullSchema || !system.is_system(name)) to.keyspace(name);
      return {};
  }
}

}  // namespace

std::string create_statement(const table::KeyspaceDef& keyspace) {
  // 'class' first, as people write it, and without its package.
  std::string replication = "{";
  const auto strategy = keyspace.replication.find("class");
  if (strategy != keyspace.replication.end())
    replication +=
        "'class': " + quoted_text(strategy->second.substr(strategy->second.rfind('.') + 1));
  for (const auto& [key, value] : keyspace.replication)
    if (key != "class")
      replication += fmt::format(", {}: {}", quoted_text(key), quoted_text(value));
  return fmt::format("CREATE KEYSPACE {} WITH replication = {}}}  AND durable_writes = {};",
                     quoted_name(keyspace.name), replication, keyspace.durable_writes);
}

std::string create_statement(const table::TableDef& table, bool internals) {
  std::string text =
      fmt::format("CREATE TABLE {}.{} (\n", quoted_name(table.keyspace), quoted_name(table.name));
  const bool simple_key = table.partition_key().size() == 1 && table.clustering().empty();
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& of = table.columns[i];
    text += fmt::format("    {} {}", quoted_name(of.name), of.type.text());
    if (of.kind == table::ColumnKind::Static) text += " static";
    if (simple_key && i == 0) text += " PRIMARY KEY";
    if (i + 1 < table.columns.size() || !simple_key) text += ",";
    text += "\n";
  }
  if (!simple_key) text += fmt::format("    PRIMARY KEY ({})\n", key_text(table));
  text += ") WITH ";
  if (internals) text += fmt::format("ID = {}\n    AND ", table.id.text());
  if (!table.clustering().empty())
    text += fmt::format("CLUSTERING ORDER BY ({})\n    AND ", order_text(table));
  std::vector<std::string> options;
  for (const TableOption& option : table_options())
    options.push_back(fmt::format("{} = {}", option.name, option_text(table.options, option)));
  options.push_back("comment = " + quoted_text(table.options.comment));
  options.push_back(fmt::format("default_time_to_live = {}", table.options.default_time_to_live));
  options.push_back(fmt::format("gc_grace_seconds = {}", table.options.gc_grace_seconds));
  std::sort(options.begin(), options.end());
  for (std::size_t i = 0; i < options.size(); ++i) text += (i > 0 ? "\n    AND " : "") + options[i];
  return text + ";";
}

Result<Description> describe(const ast::Describe& statement, const std::string& keyspace,
                             const SystemTables& system, const table::Catalog& catalog) {
  if (statement.what == What::Cluster) return cluster(system);
  Describer describer(system, catalog, statement.internals);
  if (statement.what == What::Keyspaces) {
    for (const std::string& name : describer.keyspace_names())
      describer.list(name, "keyspace", name);
  } else if (statement.what == What::Tables) {
    for (const std::string& name :
         keyspace.empty() ? describer.keyspace_names() : std::vector<std::string>{keyspace})
      describer.list_tables(name);
  } else if (statement.what != What::Nothing) {
    TRY(elements(describer, statement, keyspace, system));
  }
  return describer.take();
}

}  // namespace penstock::cql_server
