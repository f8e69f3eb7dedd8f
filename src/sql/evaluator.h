// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "sql/expression.h"

namespace penstock::sql {

// The values of one argument for the selected rows: a column of the batch seen through the
// selection, a column computed for exactly these rows, or one literal for all.
struct Operand {
  const Column* column = nullptr;
  const std::uint32_t* map = nullptr;  // selection, when `column` is of the batch
  bool constant = false;
  std::shared_ptr<const Column> owned;

  std::size_t index(std::size_t i) const { return constant ? 0 : map != nullptr ? map[i] : i; }
  bool has_value(std::size_t i) const { return column->has_value(index(i)); }
  std::int64_t integer(std::size_t i) const { return column->int_at(index(i)); }
  double number(std::size_t i) const { return column->double_at(index(i)); }
  BytesView bytes(std::size_t i) const { return column->bytes_at(index(i)); }
};

Operand owned(Column column);

// cast() of one operand; a value that does not convert is null, and an error of its row when
// `errors` is given.
Column cast_column(const Operand& from, Type to, const Selection& rows, RowErrors* errors);

Operand evaluate(const Node& node, const ColumnPointers& columns, const Selection& rows,
                 RowErrors& errors);

}  // namespace penstock::sql
