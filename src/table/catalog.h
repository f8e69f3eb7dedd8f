// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "table/schema.h"

namespace penstock::table {

// All keyspaces and tables at one moment. Immutable; whoever holds the pointer keeps a consistent
// view. The system keyspaces are not in it: they belong to the CQL server.
class Catalog {
 public:
  const Uuid& version() const {
    return version_;
  }  // another one after each change of the schema (not after TRUNCATE)
  const std::map<std::string, KeyspacePtr, std::less<>>& keyspaces() const { return keyspaces_; }

  KeyspacePtr keyspace(std::string_view name) const;  // nullptr = no such keyspace
  TablePtr table(std::string_view keyspace_name, std::string_view name) const;
  TablePtr table(TableId number) const;
  // Numbers of tables are in [first_table(), next_table()); those below are the store's own.
  static constexpr TableId first_table() { return TableId(kFirstTable); }
  TableId next_table() const { return TableId(next_table_); }

 private:
  friend class CatalogEdit;
  friend struct CatalogCodec;
  Uuid version_;
  std::uint32_t next_table_ = kFirstTable;
  std::map<std::string, KeyspacePtr, std::less<>> keyspaces_;
  std::unordered_map<TableId, TablePtr> numbers_;

  static constexpr std::uint32_t kFirstTable = 16;
};
using CatalogPtr = std::shared_ptr<const Catalog>;

// A change to the catalog in the making: what Store::change_schema() hands to its caller. Every
// member checks names only (AlreadyExists, NotFound, the limit of names); what CQL allows is the
// CQL server's business.
class CatalogEdit {
 public:
  explicit CatalogEdit(const Catalog& from) : catalog_(from) {}

  const Catalog& catalog() const { return catalog_; }  // with the changes made so far

  Result<void> create_keyspace(KeyspaceDef keyspace);  // its tables are ignored
  // Replaces replication and durable_writes.
  Result<void> alter_keyspace(const KeyspaceDef& keyspace);
  Result<void> drop_keyspace(std::string_view name);

  // Gives the table its number, its columns their ids and order, and a random uuid when it has
  // none.
  Result<void> create_table(TableDef table);
  // Replaces columns, dropped columns and options of the table with the same names; new columns
  // have id kNewColumn.
  Result<void> alter_table(TableDef table);
  Result<void> drop_table(std::string_view keyspace, std::string_view name);
  Result<void> truncate_table(std::string_view keyspace, std::string_view name);

  bool changed() const { return anything_changed_; }
  // The catalog with the changes, under a new version if the schema has changed.
  CatalogPtr finish() &&;

 private:
  Result<KeyspaceDef> copy_keyspace(std::string_view name) const;
  void put_keyspace(KeyspaceDef keyspace);
  void put_table(TableDef table);

  Catalog catalog_;
  bool schema_changed_ = false;  // the version has to change
  bool anything_changed_ = false;
};

using ChangeSchema = std::function<Result<void>(CatalogEdit&)>;

}  // namespace penstock::table
