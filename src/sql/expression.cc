// SPDX-License-Identifier: Apache-2.0
#include "sql/expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "sql/binder.h"
#include "sql/evaluator.h"
#include "sql/parser.h"

namespace penstock::sql {

SqlResult<Expression> Expression::parse(std::string_view text, const Fields& fields) {
  auto parsed = parse_expression(text);
  if (!parsed) return tl::unexpected(parsed.error());
  auto bound = bind(*std::move(parsed), text, fields);
  if (!bound) return tl::unexpected(bound.error());
  return Expression(*std::move(bound));
}

std::optional<std::size_t> Expression::bare_column() const {
  if (node_->op != Op::Column) return std::nullopt;
  return node_->column;
}

Column Expression::evaluate(const ColumnPointers& columns, const Selection& rows,
                            RowErrors& errors) const {
  const Operand result = sql::evaluate(*node_, columns, rows, errors);
  // Computed for exactly these rows and held by nobody else: the values move out.
  if (result.owned != nullptr && !result.constant && result.owned.use_count() == 1) {
    return std::move(const_cast<Column&>(*result.owned));
  }
  Column out(node_->type);
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out.append_from(*result.column, result.index(i));
  return out;
}

Selection Expression::filter(const ColumnPointers& columns, const Selection& rows,
                             RowErrors& errors) const {
  const Operand result = sql::evaluate(*node_, columns, rows, errors);
  Selection kept;
  kept.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (result.has_value(i) && result.integer(i) != 0) kept.push_back(rows[i]);
  }
  if (errors.empty()) return kept;
  Selection failed;
  for (const auto& [row, message] : errors.all()) failed.push_back(row);
  std::sort(failed.begin(), failed.end());
  std::erase_if(kept, [&](std::uint32_t row) {
    return std::binary_search(failed.begin(), failed.end(), row);
  });
  return kept;
}

SqlResult<std::vector<SelectItem>> parse_select(std::string_view text, const Fields& fields) {
  auto parsed = parse_select_items(text);
  if (!parsed) return tl::unexpected(parsed.error());
  std::vector<SelectItem> items;
  const auto put = [&](SelectItem item) {
    const auto same = std::find_if(items.begin(), items.end(), [&](const SelectItem& other) {
      return other.name == item.name;
    });
    if (same == items.end()) {
      items.push_back(std::move(item));
    } else {
      *same = std::move(item);
    }
  };
  for (ParsedItem& item : *parsed) {
    if (item.star) {
      for (std::size_t i = 0; i < fields.size(); ++i) {
        Node node;
        node.op = Op::Column;
        node.column = i;
        node.type = fields[i].type;
        put({fields[i].name, Expression(std::move(node))});
      }
      continue;
    }
    auto bound = bind(std::move(item.node), text, fields);
    if (!bound) return tl::unexpected(bound.error());
    put({std::move(item.name), Expression(*std::move(bound))});
  }
  return items;
}

}  // namespace penstock::sql
