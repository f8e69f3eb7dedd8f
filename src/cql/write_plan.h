// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/restrictions.h"
#include "cql/value_source.h"
#include "table/mutation.h"
#include "table/schema.h"

namespace penstock::cql_server {

// The microseconds of USING TIMESTAMP, which `given` is; without it, or bound unset, the request's.
Result<std::int64_t> write_timestamp(const std::optional<ValueSource>& given,
                                     const Context& context, Arena& arena);

// INSERT, UPDATE or DELETE against one definition of its table. Immutable; any thread.
class WritePlan {
 public:
  static Result<WritePlan> compile(const ast::Insert& insert, table::TablePtr table,
                                   MarkerSpecs& markers);
  static Result<WritePlan> compile(const ast::Update& update, table::TablePtr table,
                                   MarkerSpecs& markers);
  static Result<WritePlan> compile(const ast::Delete& statement, table::TablePtr table,
                                   MarkerSpecs& markers);

  const table::TableDef& table() const { return *table_; }
  bool has_timestamp() const { return timestamp_.has_value(); }
  std::vector<std::uint16_t> partition_key_markers() const { return keys_.partition_key_markers(); }

  // Memory that many calls of append() share, so that a batch costs no allocation a row.
  struct Scratch {
    Restrictions::KeyScratch key;
    std::vector<table::CellWrite> cells;
    std::vector<table::CellWrite> static_cells;
    Arena arena;
  };
  // Adds the statement's writes, with the context's values. On an error the batch is not to be
  // used.
  Result<void> append(const Context& context, table::MutationBatch& batch, Scratch& scratch) const;

 private:
  enum class Kind { Insert, Update, DeleteCells, DeleteRows };
  struct Assignment {
    table::ColumnId column;
    bool is_static = false;
    ValueSource value;
  };

  WritePlan(Kind kind, table::TablePtr table) : kind_(kind), table_(std::move(table)) {}
  Result<void> compile_using(const ast::Using& with, MarkerSpecs& markers);
  Result<void> assign(const std::string& column, const ast::Term& value, MarkerSpecs& markers);
  Result<void> finish();
  bool only_static() const;

  Result<void> append_cells(const Context& context, table::RowWrite row,
                            table::MutationBatch& batch, Scratch& scratch) const;
  Result<void> append_deletion(const Context& context, std::int64_t timestamp,
                               table::MutationBatch& batch, Scratch& scratch) const;
  Result<std::optional<std::int32_t>> ttl(const Context& context, Arena& arena) const;

  Kind kind_;
  table::TablePtr table_;
  Restrictions keys_;
  bool one_row_ = false;
  bool whole_row_ = false;  // the statement names a row, not only a partition's static columns
  std::vector<Assignment> assignments_;  // by column id
  std::optional<ValueSource> timestamp_;
  std::optional<ValueSource> ttl_;
};

}  // namespace penstock::cql_server
