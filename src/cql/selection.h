// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "cql/ast.h"
#include "cql/functions.h"
#include "cql/value_source.h"
#include "table/read_query.h"
#include "table/schema.h"
#include "wire/cql/responses.h"

namespace penstock::cql_server {

// One row of a table while SELECT looks at it: a cell for each of TableDef::columns, key columns
// included. Cells of columns that nobody asked for are not filled.
using RowCells = std::span<const table::CellView>;

// What a SELECT gives for each row: columns, functions of them, or aggregates over all rows.
class Selection {
 public:
  static Result<Selection> compile(const ast::Select& select, const table::TableDef& table,
                                   MarkerSpecs& markers);

  const std::vector<cql::ColumnSpec>& columns() const { return columns_; }
  bool aggregates() const { return aggregates_; }
  // Sets `needed[i]` for each column of the table whose cell it reads.
  void mark_needed(std::vector<bool>& needed) const;

  // Appends one row's cells. Without aggregates.
  Result<void> append(RowCells row, const Context& context, cql::RowsBuilder& to) const;

  // With aggregates: the state over the rows of one execution.
  class Totals {
   public:
    explicit Totals(const Selection& of);
    Result<void> add(RowCells row, const Context& context);
    void finish(cql::RowsBuilder& to) const;  // the one row

   private:
    struct Total {
      std::int64_t count = 0;
      std::int64_t whole = 0;
      double fraction = 0;
      bool any = false;
      Bytes value;  // min, max, and the first row's value of what is no aggregate
    };
    const Selection& of_;
    std::vector<Total> totals_;
  };

 private:
  enum class Kind {
    Column,
    CountRows,
    Count,
    Min,
    Max,
    Sum,
    Avg,
    WriteTime,
    Ttl,
    Function,
    Constant
  };
  struct Item {
    Kind kind = Kind::Column;
    std::size_t column = 0;  // position in TableDef::columns
    cql::TypeRef type;       // of the result
    std::string name;
    std::shared_ptr<const ScalarFunction> function;
    std::vector<Item> arguments;
    std::optional<ValueSource> constant;

    bool aggregate() const { return kind >= Kind::CountRows && kind <= Kind::Avg; }
  };

  static Result<Item> item(const ast::Selector& selector, const table::TableDef& table,
                           MarkerSpecs& markers, bool top);
  static Result<Item> call(const ast::Selector& selector, const table::TableDef& table,
                           MarkerSpecs& markers, bool top);
  static Result<Item> aggregate(const ast::Selector& selector, Kind kind,
                                const table::TableDef& table, MarkerSpecs& markers);
  static void mark(const Item& item, std::vector<bool>& needed);
  static Result<cql::CellValue> value(const Item& item, RowCells row, const Context& context,
                                      Arena& arena);
  static Result<cql::CellValue> call_value(const Item& item, RowCells row, const Context& context,
                                           Arena& arena);

  std::vector<Item> items_;
  std::vector<cql::ColumnSpec> columns_;
  bool aggregates_ = false;
};

}  // namespace penstock::cql_server
