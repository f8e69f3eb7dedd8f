// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/restrictions.h"
#include "cql/selection.h"
#include "table/read_query.h"
#include "table/schema.h"
#include "table/store.h"

namespace penstock::cql_server {

// What a page of rows begins with and how long it may be.
struct PageRequest {
  std::optional<std::int32_t> size;  // nothing: all rows
  std::optional<BytesView> state;    // what the page before ended with
  std::int64_t statement = 0;        // the text's hash: a state belongs to its query
};

// One page, ready for the wire.
struct Page {
  cql::RowsBuilder rows;
  std::optional<Bytes> state;  // there are more
};

// A row of a system table: its cells in the order of TableDef::columns; nothing = null.
using SystemRow = std::vector<std::optional<Bytes>>;

// SELECT against one definition of its table. Immutable; any thread.
class SelectPlan {
 public:
  static Result<SelectPlan> compile(const ast::Select& select, table::TablePtr table,
                                    MarkerSpecs& markers);

  const table::TableDef& table() const { return *table_; }
  const std::vector<cql::ColumnSpec>& columns() const { return selection_.columns(); }
  std::vector<std::uint16_t> partition_key_markers() const { return keys_.partition_key_markers(); }

  // A statement with its values, owning all of them: runs on another thread than the frame's.
  // Points into the plan.
  class Bound {
   public:
    // Reads from the store. Blocks.
    Result<Page> run(const table::Store& store) const;
    // The same over rows in memory, sorted as the table sorts.
    Result<Page> run(const std::vector<SystemRow>& rows) const;

   private:
    friend class SelectPlan;
    class Emitter;
    const SelectPlan* plan = nullptr;
    table::ReadQuery query;
    bool nothing = false;  // the conditions exclude each other
    std::vector<Restrictions::BoundFilter> filters;
    std::vector<Restrictions::BoundFilter> all_filters;
    std::vector<Bytes> values;  // of the bind markers, for functions in the selection
    std::vector<cql::CellValue> views;
    Context context;
    std::int64_t limit = 0;
    std::int64_t per_partition_limit = 0;
    std::optional<std::int64_t> page_size;
    std::int64_t fingerprint = 0;   // of the query, for the states of its pages
    std::int64_t in_partition = 0;  // rows of the partition to go on with that earlier pages had
    bool sort = false;              // several partitions and ORDER BY
    Bytes last_partition;           // that the page before ended in
  };
  Result<Bound> bind(const Context& context, const PageRequest& page) const;

 private:
  Result<void> compile_order(const ast::Select& select);
  Result<void> check_distinct() const;
  Result<std::int64_t> limit_of(const std::optional<ValueSource>& source,
                                const Context& context) const;
  Result<void> bind_keys(Bound& bound, const Context& context) const;
  std::int64_t fingerprint(std::int64_t statement, std::span<const cql::CellValue> values) const;
  Result<void> resume(Bound& bound, BytesView state) const;

  table::TablePtr table_;
  Selection selection_;
  Restrictions keys_;
  bool distinct_ = false;
  bool reversed_ = false;
  bool ordered_ = false;
  std::optional<ValueSource> limit_;
  std::optional<ValueSource> per_partition_limit_;
  std::vector<bool> needed_;                    // by position in TableDef::columns
  std::vector<table::ColumnId> value_columns_;  // static and regular ones of them ...
  std::vector<std::size_t> value_positions_;    // ... and where they stand
  bool clustering_needed_ = false;
};

}  // namespace penstock::cql_server
