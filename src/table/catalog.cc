// SPDX-License-Identifier: Apache-2.0
#include "table/catalog.h"

#include <algorithm>

namespace penstock::table {
namespace {

constexpr std::size_t kNameBytesMax =
    48;  // Cassandra's limit; clients count on it for file and topic names
constexpr std::size_t kColumnsMax = 0xfff0;

Result<void> check_name(std::string_view what, std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return fail(Code::InvalidArgument,
                "{} names shouldn't be empty or more than {} characters long (got \"{}\")", what,
                kNameBytesMax, name);
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!std::ranges::all_of(name, allowed)) {
    return fail(Code::InvalidArgument,
                "{} name \"{}\" may hold letters, digits and underscores only", what, name);
  }
  return {};
}

Failure no_keyspace(std::string_view name) {
  return fail(Code::NotFound, "keyspace {} does not exist", name);
}

}  // namespace

KeyspacePtr Catalog::keyspace(std::string_view name) const {
  const auto found = keyspaces_.find(name);
  return found == keyspaces_.end() ? nullptr : found->second;
}

TablePtr Catalog::table(std::string_view keyspace_name, std::string_view name) const {
  const auto found = keyspaces_.find(keyspace_name);
  if (found == keyspaces_.end()) return nullptr;
  const auto table = found->second->tables.find(name);
  return table == found->second->tables.end() ? nullptr : table->second;
}

TablePtr Catalog::table(TableId number) const {
  const auto found = numbers_.find(number);
  return found == numbers_.end() ? nullptr : found->second;
}

Result<void> CatalogEdit::create_keyspace(KeyspaceDef keyspace) {
  TRY(check_name("Keyspace", keyspace.name));
  if (catalog_.keyspace(keyspace.name)) {
    return fail(Code::AlreadyExists, "Cannot add existing keyspace \"{}\"", keyspace.name);
  }
  keyspace.tables.clear();
  put_keyspace(std::move(keyspace));
  return {};
}

Result<void> CatalogEdit::alter_keyspace(const KeyspaceDef& keyspace) {
  KeyspaceDef altered = TRY(copy_keyspace(keyspace.name));
  altered.replication = keyspace.replication;
  altered.durable_writes = keyspace.durable_writes;
  put_keyspace(std::move(altered));
  return {};
}

Result<void> CatalogEdit::drop_keyspace(std::string_view name) {
  const auto found = catalog_.keyspaces_.find(name);
  if (found == catalog_.keyspaces_.end()) return no_keyspace(name);
  for (const auto& entry : found->second->tables) catalog_.numbers_.erase(entry.second->number);
  catalog_.keyspaces_.erase(found);
  anything_changed_ = schema_changed_ = true;
  return {};
}

Result<void> CatalogEdit::create_table(TableDef table) {
  TRY(check_name("Table", table.name));
  if (catalog_.table(table.keyspace, table.name)) {
    return fail(Code::AlreadyExists, "Cannot add already existing table \"{}\" to keyspace \"{}\"",
                table.name, table.keyspace);
  }
  if (!catalog_.keyspace(table.keyspace)) return no_keyspace(table.keyspace);
  if (table.columns.size() > kColumnsMax)
    return fail(Code::TooLarge, "a table has at most {} columns", kColumnsMax);
  if (table.id.is_zero()) table.id = Uuid::random();
  table.number = TableId(catalog_.next_table_++);
  table.next_column = 0;
  for (ColumnDef& column : table.columns) column.id = TableDef::kNewColumn;
  table.arrange();
  schema_changed_ = true;
  put_table(std::move(table));
  return {};
}

Result<void> CatalogEdit::alter_table(TableDef table) {
  const TablePtr before = catalog_.table(table.keyspace, table.name);
  if (!before)
    return fail(Code::NotFound, "table {}.{} does not exist", table.keyspace, table.name);
  if (before->next_column + table.columns.size() > kColumnsMax) {
    return fail(Code::TooLarge,
                "table {}.{} has had {} columns; it takes no more: create a new table",
                table.keyspace, table.name, before->next_column);
  }
  table.id = before->id;
  table.number = before->number;
  table.next_column = before->next_column;
  table.arrange();
  schema_changed_ = true;
  put_table(std::move(table));
  return {};
}

Result<void> CatalogEdit::drop_table(std::string_view keyspace, std::string_view name) {
  const TablePtr table = catalog_.table(keyspace, name);
  if (!table) return fail(Code::NotFound, "table {}.{} does not exist", keyspace, name);
  KeyspaceDef altered = TRY(copy_keyspace(keyspace));
  altered.tables.erase(table->name);
  catalog_.numbers_.erase(table->number);
  put_keyspace(std::move(altered));
  return {};
}

Result<void> CatalogEdit::truncate_table(std::string_view keyspace, std::string_view name) {
  const TablePtr table = catalog_.table(keyspace, name);
  if (!table) return fail(Code::NotFound, "table {}.{} does not exist", keyspace, name);
  TableDef emptied = *table;
  emptied.number = TableId(catalog_.next_table_++);
  catalog_.numbers_.erase(table->number);
  put_table(std::move(emptied));
  return {};
}

CatalogPtr CatalogEdit::finish() && {
  if (schema_changed_) catalog_.version_ = Uuid::random();
  return std::make_shared<const Catalog>(std::move(catalog_));
}

Result<KeyspaceDef> CatalogEdit::copy_keyspace(std::string_view name) const {
  const KeyspacePtr keyspace = catalog_.keyspace(name);
  if (!keyspace) return no_keyspace(name);
  return *keyspace;
}

void CatalogEdit::put_keyspace(KeyspaceDef keyspace) {
  anything_changed_ = schema_changed_ = true;
  auto shared = std::make_shared<const KeyspaceDef>(std::move(keyspace));
  catalog_.keyspaces_.insert_or_assign(shared->name, shared);
}

void CatalogEdit::put_table(TableDef table) {
  const bool schema_changed = schema_changed_;  // TRUNCATE alone is no change of the schema
  KeyspaceDef altered = *catalog_.keyspace(table.keyspace);
  auto shared = std::make_shared<const TableDef>(std::move(table));
  altered.tables.insert_or_assign(shared->name, shared);
  catalog_.numbers_.insert_or_assign(shared->number, shared);
  put_keyspace(std::move(altered));
  schema_changed_ = schema_changed;
}

}  // namespace penstock::table
