// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "base/uuid.h"
#include "sql/evaluator.h"
#include "sql/text_values.h"

namespace penstock::sql {
namespace {

constexpr std::int64_t kDayMillis = 86'400'000;

bool cast_from_double(double value, Type to, Column& out) {
  if (is_floating(to)) {
    const double kept = to == Type::Float ? static_cast<double>(static_cast<float>(value)) : value;
    out.append_double(kept);
    return true;
  }
  if (to == Type::Boolean) {
    out.append_int(value != 0 ? 1 : 0);
    return true;
  }
  // 2^63 is exact as a double; everything below it and above -2^63 - 1 truncates into range.
  const double whole = std::trunc(value);
  if (!(whole >= -0x1p63 && whole < 0x1p63) || !fits(to, static_cast<std::int64_t>(whole)))
    return false;
  out.append_int(static_cast<std::int64_t>(whole));
  return true;
}

bool cast_from_int(Type from, std::int64_t value, Type to, Column& out) {
  if (is_floating(to)) {
    out.append_double(static_cast<double>(value));
    return true;
  }
  if (to == Type::Boolean) {
    value = value != 0 ? 1 : 0;
  } else if (from == Type::Timestamp && to == Type::Date) {
    value = value / kDayMillis - (value % kDayMillis < 0 ? 1 : 0);
  } else if (from == Type::Date && to == Type::Timestamp) {
    value *= kDayMillis;  // a date is 32 bits of days
  }
  if (!fits(to, value)) return false;
  out.append_int(value);
  return true;
}

bool cast_cell(const Column& from, std::size_t row, Type to, Column& out) {
  if (is_text(from.type())) return append_parsed(out, from.bytes_at(row));
  if (is_text(to)) return append_parsed(out, cell_text(from, row));
  switch (storage(from.type())) {
    case Storage::Float64:
      return cast_from_double(from.double_at(row), to, out);
    case Storage::Int64:
      return cast_from_int(from.type(), from.int_at(row), to, out);
    case Storage::Bytes:  // uuid and timeuuid
      if (to == Type::Timeuuid && (from.bytes_at(row)[6] & 0xf0) != 0x10) return false;
      out.append_bytes(from.bytes_at(row));
      return true;
  }
  return false;
}

// At most 40 bytes, so that a message does not carry a payload.
std::string snippet(const Column& from, std::size_t row) {
  std::string text = cell_text(from, row);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

}  // namespace

Column cast_column(const Operand& from, Type to, const Selection& rows, RowErrors* errors) {
  Column out(to);
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = from.index(i);
    if (!from.column->has_value(row)) {
      out.append_null();
    } else if (!cast_cell(*from.column, row, to, out)) {
      out.append_null();
      if (errors != nullptr) {
        errors->add(rows[i],
                    fmt::format("'{}' cannot be cast to {}", snippet(*from.column, row), name(to)));
      }
    }
  }
  return out;
}

}  // namespace penstock::sql
