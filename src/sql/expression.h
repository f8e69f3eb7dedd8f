// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/ast.h"
#include "sql/column.h"
#include "sql/field.h"

namespace penstock::sql {

// Rows whose computation failed, with the first reason each. Such a row's result is null and means
// nothing.
class RowErrors {
 public:
  void add(std::uint32_t row, std::string message) {
    errors_.emplace_back(row, std::move(message));
  }
  bool empty() const { return errors_.empty(); }
  const std::vector<std::pair<std::uint32_t, std::string>>& all() const { return errors_; }

 private:
  std::vector<std::pair<std::uint32_t, std::string>> errors_;
};

using ColumnPointers = std::vector<const Column*>;

// A scalar SQL expression, parsed, bound to columns and typed. Immutable; may be evaluated on any
// thread.
//
// Semantics: three-valued logic; the right side of and/or, the branches of case and the later
// arguments of coalesce are computed only for the rows that need them; overflow, division by zero
// and a cast that fails are errors of that row (ANSI); try_cast gives null instead. Strings are
// UTF-8 and compared by bytes.
class Expression {
 public:
  static SqlResult<Expression> parse(std::string_view text, const Fields& fields);
  // Takes a node that the binder made.
  explicit Expression(Node node) : node_(std::make_shared<const Node>(std::move(node))) {}

  Type type() const { return node_->type; }
  // The number of the column that this is, when it is nothing but a column.
  std::optional<std::size_t> bare_column() const;
  // One value per selected row, in order. `columns` are those of the Fields it was bound to.
  Column evaluate(const ColumnPointers& columns, const Selection& rows, RowErrors& errors) const;
  // The selected rows for which a boolean expression is true (not false, not null, not in error).
  Selection filter(const ColumnPointers& columns, const Selection& rows, RowErrors& errors) const;

 private:
  std::shared_ptr<const Node> node_;
};

struct SelectItem {
  std::string name;
  Expression expression;
};

// Reads "*, lower(email) AS email". The star stands for every column in order; an item with the
// name of an earlier one replaces it in its place.
SqlResult<std::vector<SelectItem>> parse_select(std::string_view text, const Fields& fields);

}  // namespace penstock::sql
