// SPDX-License-Identifier: Apache-2.0
// Any text: parsed as an expression, a select list and a column list; what parses is computed over
// two rows.
#include "sql/expression.h"

using namespace penstock;

namespace {

const sql::Fields kFields{{"id", sql::Type::Text, true},
                          {"n", sql::Type::Bigint, false},
                          {"x", sql::Type::Double, false},
                          {"ok", sql::Type::Boolean, false},
                          {"at", sql::Type::Timestamp, false}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(sql::parse_fields(text));
  static_cast<void>(sql::parse_select(text, kFields));
  const auto expression = sql::Expression::parse(text, kFields);
  if (!expression) return 0;
  std::vector<sql::Column> columns;
  for (const sql::Field& field : kFields) columns.emplace_back(field.type);
  columns[0].append_bytes("Zo\xc3\xa9 \xff");
  columns[1].append_int(INT64_MIN);
  columns[2].append_double(-1e308);
  columns[3].append_int(1);
  columns[4].append_int(INT64_MAX);
  for (sql::Column& column : columns) column.append_null();
  sql::ColumnPointers pointers;
  for (const sql::Column& column : columns) pointers.push_back(&column);
  sql::RowErrors errors;
  if (expression->evaluate(pointers, {0, 1}, errors).size() != 2) __builtin_trap();
  return 0;
}
