// SPDX-License-Identifier: Apache-2.0
#include "cql/table_builder.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "cql/table_options.h"
#include "cql/unsupported.h"
#include "wire/cql/order_key.h"

namespace penstock::cql_server {
namespace {

using table::ColumnDef;
using table::ColumnKind;
using table::TableDef;

constexpr std::size_t kNameMax = 48;
constexpr std::string_view kLocator = "org.apache.cassandra.locator.";

Result<cql::TypeRef> column_type(const ast::ColumnSpec& spec, const std::string& keyspace,
                                 bool system) {
  auto type = cql::TypeRef::parse(spec.type);
  if (!type) {
    if (type.error().code == Code::NotFound)
      return fail(Code::InvalidArgument, "Unknown type {}.{}", keyspace, spec.type);
    if (spec.type.find('<') != std::string::npos) return refuse(Refused::Collections, spec.name);
    return fail(Code::InvalidArgument, "column {}: {}", spec.name, type.error().message);
  }
  if (system) return *type;
  if (type->kind() == cql::Kind::Counter) return refuse(Refused::Counters, spec.name);
  if (!type->scalar()) return refuse(Refused::Collections, spec.name);
  return *type;
}

ColumnDef* find(TableDef& table, std::string_view name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const auto& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

Result<void> mark_key(TableDef& table, const std::string& name, ColumnKind kind,
                      std::size_t position) {
  ColumnDef* column = find(table, name);
  if (column == nullptr)
    return fail(Code::InvalidArgument,
                "Unknown column '{}' referenced in PRIMARY KEY for table '{}.{}'", name,
                table.keyspace, table.name);
  if (column->kind == ColumnKind::Static)
    return fail(Code::InvalidArgument, "Static column '{}' cannot be part of the PRIMARY KEY",
                name);
  if (column->is_key())
    return fail(Code::InvalidArgument,
                "Duplicate column '{}' in PRIMARY KEY clause for table '{}.{}'", name,
                table.keyspace, table.name);
  if (column->type.kind() == cql::Kind::Duration)
    return fail(Code::InvalidArgument, "duration type is not supported for PRIMARY KEY column '{}'",
                name);
  column->kind = kind;
  column->position = static_cast<std::uint16_t>(position);
  return {};
}

Result<void> apply_order(const ast::CreateTable& statement, TableDef& table) {
  for (std::size_t i = 0; i < statement.clustering_order.size(); ++i) {
    const auto& order = statement.clustering_order[i];
    ColumnDef* column = find(table, order.column);
    if (column == nullptr || column->kind != ColumnKind::Clustering)
      return fail(Code::InvalidArgument,
                  "Only clustering key columns can be defined in CLUSTERING ORDER directive: [{}]",
                  order.column);
    if (statement.clustering[i] != order.column)
      return fail(Code::InvalidArgument,
                  "The order of columns in the CLUSTERING ORDER directive must be that of the "
                  "clustering columns ({} must appear before {})",
                  statement.clustering[i], order.column);
    column->reversed = order.descending;
  }
  const std::size_t given = statement.clustering_order.size();
  if (given > 0 && given < statement.clustering.size())
    return fail(Code::InvalidArgument, "Missing CLUSTERING ORDER for column {}",
                statement.clustering[given]);
  return {};
}

Result<void> add_columns(const ast::AlterTable& statement, TableDef& table) {
  for (const auto& spec : statement.add) {
    if (find(table, spec.name) != nullptr) {
      if (statement.if_column) continue;
      return fail(Code::InvalidArgument, "Column with name '{}' already exists", spec.name);
    }
    ColumnDef column;
    column.id = TableDef::kNewColumn;
    column.name = spec.name;
    column.type = TRY(column_type(spec, table.keyspace, false));
    column.kind = spec.is_static ? ColumnKind::Static : ColumnKind::Regular;
    if (spec.is_static && table.clustering().empty())
      return fail(Code::InvalidArgument,
                  "Static columns are only useful (and thus allowed) if the table has at least one "
                  "clustering column");
    for (const auto& dropped : table.dropped) {
      if (dropped.name == spec.name && !(dropped.type == column.type))
        return fail(Code::InvalidArgument,
                    "Cannot re-add previously dropped column '{}' of type {}, incompatible with "
                    "previous type {}",
                    spec.name, column.type.text(), dropped.type.text());
    }
    table.columns.push_back(std::move(column));
  }
  return {};
}

Result<void> drop_columns(const ast::AlterTable& statement, TableDef& table,
                          std::int64_t now_micros) {
  for (const auto& name : statement.drop) {
    const ColumnDef* column = find(table, name);
    if (column == nullptr) {
      if (statement.if_column) continue;
      return fail(Code::InvalidArgument, "Column {} was not found in table '{}.{}'", name,
                  table.keyspace, table.name);
    }
    if (column->is_key())
      return fail(Code::InvalidArgument, "Cannot drop PRIMARY KEY column {}", name);
    std::erase_if(table.dropped, [&](const auto& dropped) { return dropped.name == name; });
    table.dropped.push_back({column->name, column->type, column->kind, now_micros});
    std::erase_if(table.columns, [&](const auto& other) { return other.name == name; });
  }
  return {};
}

Result<void> rename_columns(const ast::AlterTable& statement, TableDef& table) {
  for (const auto& [from, to] : statement.rename) {
    ColumnDef* column = find(table, from);
    if (column == nullptr) {
      if (statement.if_column) continue;
      return fail(Code::InvalidArgument, "Column {} was not found in table '{}.{}'", from,
                  table.keyspace, table.name);
    }
    if (!column->is_key())
      return fail(Code::InvalidArgument, "Cannot rename non PRIMARY KEY column {}", from);
    if (find(table, to) != nullptr)
      return fail(Code::InvalidArgument,
                  "Cannot rename column {} to {} in table '{}.{}'; another column with that name "
                  "already exists",
                  from, to, table.keyspace, table.name);
    column->name = to;
  }
  return {};
}

Result<std::int32_t> replication_factor(std::string_view text) {
  std::int32_t factor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::InvalidArgument, "Replication factor must be numeric; found {}", text);
  if (factor < 0)
    return fail(Code::InvalidArgument, "Replication factor must be non-negative; found {}", factor);
  return factor;
}

Result<std::map<std::string, std::string>> checked_replication(
    const std::vector<std::pair<std::string, std::string>>& given, const std::string& data_center,
    const std::string& keyspace) {
  std::map<std::string, std::string> replication(given.begin(), given.end());
  const auto found = replication.find("class");
  if (found == replication.end())
    return fail(Code::InvalidArgument, "Missing replication strategy class");
  std::string strategy = found->second;
  if (strategy.starts_with(kLocator)) strategy.erase(0, kLocator.size());
  const bool simple = strategy == "SimpleStrategy";
  if (!simple && strategy != "NetworkTopologyStrategy")
    return fail(Code::InvalidArgument, "Unable to find replication strategy class '{}{}'", kLocator,
                strategy);
  found->second = std::string(kLocator) + strategy;
  const auto factor = replication.find("replication_factor");
  if (simple && factor == replication.end())
    return fail(Code::InvalidArgument,
                "SimpleStrategy requires a replication_factor strategy option.");
  for (const auto& [key, value] : replication) {
    if (key == "class") continue;
    if (key != "replication_factor" && (simple || key != data_center))
      return fail(Code::InvalidArgument,
                  "Unrecognized strategy option {{{}}} passed to {} for keyspace {}{}", key,
                  strategy, keyspace,
                  simple ? "" : fmt::format(": the data center is {}", data_center));
    TRY(replication_factor(value));
  }
  if (!simple && factor != replication.end()) {
    replication.try_emplace(data_center, factor->second);
    replication.erase("replication_factor");
  }
  return replication;
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  const bool word = std::all_of(name.begin(), name.end(),
                                [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (name.empty() || name.size() > kNameMax || !word)
    return fail(Code::InvalidArgument,
                "{} name must not be empty, more than {} characters long, or contain "
                "non-alphanumeric-underscore characters (got \"{}\")",
                what, kNameMax, name);
  return {};
}

Result<TableDef> build_table(const ast::CreateTable& statement, const std::string& keyspace,
                             bool system) {
  TableDef table;
  table.keyspace = keyspace;
  table.name = statement.table.table;
  TRY(check_name("Table", table.name));
  std::set<std::string_view> names;
  for (const auto& spec : statement.columns) {
    if (!names.insert(spec.name).second)
      return fail(Code::InvalidArgument, "Duplicate column '{}' declaration for table '{}.{}'",
                  spec.name, keyspace, table.name);
    ColumnDef column;
    column.id = TableDef::kNewColumn;
    column.name = spec.name;
    column.type = TRY(column_type(spec, keyspace, system));
    column.kind = spec.is_static ? ColumnKind::Static : ColumnKind::Regular;
    table.columns.push_back(std::move(column));
  }
  if (statement.partition_key.empty())
    return fail(Code::InvalidArgument,
                "No PRIMARY KEY specified for table '{}.{}' (exactly one required)", keyspace,
                table.name);
  for (std::size_t i = 0; i < statement.partition_key.size(); ++i)
    TRY(mark_key(table, statement.partition_key[i], ColumnKind::PartitionKey, i));
  for (std::size_t i = 0; i < statement.clustering.size(); ++i)
    TRY(mark_key(table, statement.clustering[i], ColumnKind::Clustering, i));
  const bool statics =
      std::any_of(table.columns.begin(), table.columns.end(),
                  [](const auto& column) { return column.kind == ColumnKind::Static; });
  if (statics && statement.clustering.empty())
    return fail(Code::InvalidArgument,
                "Static columns are only useful (and thus allowed) if the table has at least one "
                "clustering column");
  TRY(apply_order(statement, table));
  TRY(apply_options(statement.properties, table.options));
  for (const auto& property : statement.properties) {
    if (property.name != "id") continue;
    const auto id = Uuid::parse(property.text);
    if (!id) return fail(Code::InvalidArgument, "Invalid table id {}", property.text);
    table.id = *id;
  }
  return table;
}

Result<TableDef> altered_table(const ast::AlterTable& statement, TableDef table,
                               std::int64_t now_micros) {
  using Kind = ast::AlterTable::Kind;
  switch (statement.kind) {
    case Kind::Add:
      TRY(add_columns(statement, table));
      break;
    case Kind::Drop:
      TRY(drop_columns(statement, table, now_micros));
      break;
    case Kind::Rename:
      TRY(rename_columns(statement, table));
      break;
    case Kind::With:
      TRY(apply_options(statement.properties, table.options));
      break;
  }
  return table;
}

Result<void> apply_replication(const std::vector<ast::Property>& properties,
                               const std::string& data_center, table::KeyspaceDef& keyspace) {
  for (const auto& property : properties) {
    if (property.name == "replication") {
      if (!property.is_map)
        return fail(
            Code::InvalidArgument,
            "replication takes a map: {{'class': 'SimpleStrategy', 'replication_factor': 1}}");
      keyspace.replication = TRY(checked_replication(property.map, data_center, keyspace.name));
    } else if (property.name == "durable_writes") {
      if (property.text != "true" && property.text != "false")
        return fail(Code::InvalidArgument, "durable_writes is true or false, not {}",
                    property.text);
      keyspace.durable_writes = property.text == "true";
    } else {
      return fail(Code::InvalidArgument, "Unknown property '{}'", property.name);
    }
  }
  if (keyspace.replication.empty())
    return fail(Code::InvalidArgument, "Missing mandatory option 'replication'");
  return {};
}

}  // namespace penstock::cql_server
