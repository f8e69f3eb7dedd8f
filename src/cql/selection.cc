// SPDX-License-Identifier: Apache-2.0
#include "cql/selection.h"

#include <algorithm>

#include "cql/unsupported.h"
#include "wire/cql/order_key.h"
#include "wire/cql/scalar_types.h"

namespace penstock::cql_server {
namespace {

using cql::CellValue;
using cql::TypeRef;

bool integer(cql::Kind kind) {
  using cql::Kind;
  return kind == Kind::Tinyint || kind == Kind::Smallint || kind == Kind::Int ||
         kind == Kind::Bigint;
}
bool floating(cql::Kind kind) {
  return kind == cql::Kind::Float || kind == cql::Kind::Double;
}

std::int64_t load_integer(BytesView value) {
  switch (value.size()) {
    case 1:
      return static_cast<std::int8_t>(value[0]);
    case 2:
      return load_be<std::int16_t>(value.data());
    case 4:
      return load_be<std::int32_t>(value.data());
    default:
      return load_be<std::int64_t>(value.data());
  }
}
double load_float(BytesView value) {
  if (value.size() == 4) return std::bit_cast<float>(load_be<std::uint32_t>(value.data()));
  return std::bit_cast<double>(load_be<std::uint64_t>(value.data()));
}
// Sums wrap in their column's own type, as Cassandra's do.
Bytes store_total(cql::Kind kind, std::int64_t whole, double fraction) {
  using cql::Kind;
  switch (kind) {
    case Kind::Tinyint:
      return cql::encode<Kind::Tinyint>(static_cast<std::int8_t>(whole));
    case Kind::Smallint:
      return cql::encode<Kind::Smallint>(static_cast<std::int16_t>(whole));
    case Kind::Int:
      return cql::encode<Kind::Int>(static_cast<std::int32_t>(whole));
    case Kind::Float:
      return cql::encode<Kind::Float>(static_cast<float>(fraction));
    case Kind::Double:
      return cql::encode<Kind::Double>(fraction);
    default:
      return cql::encode<Kind::Bigint>(whole);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Result<Selection> Selection::compile(const ast::Select& select, const table::TableDef& table,
                                     MarkerSpecs& markers) {
  Selection made;
  if (select.selectors.empty()) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      Item item;
      item.column = i;
      item.type = table.columns[i].type;
      item.name = table.columns[i].name;
      made.items_.push_back(std::move(item));
    }
  }
  for (const ast::Selector& selector : select.selectors) {
    made.items_.push_back(TRY(item(selector, table, markers, true)));
    if (!selector.alias.empty()) made.items_.back().name = selector.alias;
  }
  for (const Item& item : made.items_) {
    made.columns_.push_back({table.keyspace, table.name, item.name, item.type});
    made.aggregates_ = made.aggregates_ || item.aggregate();
  }
  return made;
}

Result<Selection::Item> Selection::item(const ast::Selector& selector, const table::TableDef& table,
                                        MarkerSpecs& markers, bool top) {
  Item made;
  using SelectorKind = ast::Selector::Kind;
  switch (selector.kind) {
    case SelectorKind::Column: {
      const auto* column = table.column(selector.name);
      if (column == nullptr)
        return fail(Code::InvalidArgument, "Undefined column name {} in table {}.{}", selector.name,
                    table.keyspace, table.name);
      made.column = static_cast<std::size_t>(column - table.columns.data());
      made.type = column->type;
      made.name = column->name;
      return made;
    }
    case SelectorKind::CountRows:
      if (!top)
        return fail(Code::InvalidArgument,
                    "aggregate functions cannot be used as arguments of functions");
      made.kind = Kind::CountRows;
      made.type = cql::Kind::Bigint;
      made.name = "count";
      return made;
    case SelectorKind::WriteTime:
    case SelectorKind::Ttl: {
      made.kind = selector.kind == SelectorKind::Ttl ? Kind::Ttl : Kind::WriteTime;
      const std::string_view function = made.kind == Kind::Ttl ? "ttl" : "writetime";
      if (selector.args.size() != 1 || selector.args[0].kind != SelectorKind::Column)
        return fail(Code::InvalidArgument, "{} takes the name of one column", function);
      const Item of = TRY(item(selector.args[0], table, markers, false));
      if (table.columns[of.column].is_key())
        return fail(Code::InvalidArgument,
                    "Cannot use selection function {} on PRIMARY KEY part {}",
                    made.kind == Kind::Ttl ? "ttl" : "writeTime", of.name);
      made.column = of.column;
      made.type = made.kind == Kind::Ttl ? cql::Kind::Int : cql::Kind::Bigint;
      made.name = fmt::format("{}({})", function, of.name);
      return made;
    }
    case SelectorKind::Cast: {
      made.kind = Kind::Function;
      made.arguments.push_back(TRY(item(selector.args[0], table, markers, false)));
      made.type = TRY(TypeRef::parse(selector.type));
      auto cast = cast_function(made.arguments[0].type, made.type);
      if (!cast) return fail(Code::InvalidArgument, "{}", cast.error().message);
      made.function = std::make_shared<const ScalarFunction>(std::move(*cast));
      made.name = fmt::format("cast({} as {})", made.arguments[0].name, made.type.text());
      return made;
    }
    case SelectorKind::Call:
      return call(selector, table, markers, top);
    case SelectorKind::Value:
      return fail(Code::InvalidArgument,
                  "a constant cannot be selected: give it as the argument of a function");
  }
  return fail(Code::Internal, "unknown selector");
}

Result<Selection::Item> Selection::aggregate(const ast::Selector& selector, Kind kind,
                                             const table::TableDef& table, MarkerSpecs& markers) {
  Item made;
  made.kind = kind;
  made.arguments.push_back(TRY(item(selector.args[0], table, markers, false)));
  const TypeRef& of = made.arguments[0].type;
  if (kind == Kind::Sum || kind == Kind::Avg) {
    if (of.kind() == cql::Kind::Decimal || of.kind() == cql::Kind::Varint)
      return refuse(Refused::LongNumbers);
    if (!integer(of.kind()) && !floating(of.kind()))
      return fail(Code::InvalidArgument,
                  "Invalid call to function {}: it is not supported for type {}", selector.name,
                  of.text());
  } else if (kind != Kind::Count && !cql::orderable(of)) {
    return fail(Code::InvalidArgument,
                "Invalid call to function {}: values of type {} have no order", selector.name,
                of.text());
  }
  made.type = kind == Kind::Count ? TypeRef(cql::Kind::Bigint) : of;
  made.name = fmt::format("system.{}({})", selector.name, made.arguments[0].name);
  return made;
}

Result<Selection::Item> Selection::call(const ast::Selector& selector, const table::TableDef& table,
                                        MarkerSpecs& markers, bool top) {
  constexpr std::pair<std::string_view, Kind> kAggregates[] = {{"count", Kind::Count},
                                                               {"min", Kind::Min},
                                                               {"max", Kind::Max},
                                                               {"sum", Kind::Sum},
                                                               {"avg", Kind::Avg}};
  for (const auto& [name, kind] : kAggregates) {
    if (selector.name != name || selector.args.size() != 1) continue;
    if (!top)
      return fail(Code::InvalidArgument,
                  "aggregate functions cannot be used as arguments of functions");
    return aggregate(selector, kind, table, markers);
  }
  if (selector.name == "tojson" || selector.name == "to_json") return refuse(Refused::Json);
  const auto overloads = scalar_functions(selector.name, table);
  if (overloads.empty()) return unknown_function(selector.name);
  for (const ScalarFunction& function : overloads) {
    if (function.arguments.size() != selector.args.size()) continue;
    Item made;
    made.kind = Kind::Function;
    made.type = function.returns;
    made.function = std::make_shared<const ScalarFunction>(function);
    bool fits = true;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < selector.args.size() && fits; ++i) {
      if (selector.args[i].kind == ast::Selector::Kind::Value) {
        const cql::ColumnSpec receiver{table.keyspace, table.name,
                                       fmt::format("arg{}(system.{})", i, function.name),
                                       function.arguments[i]};
        auto constant = ValueSource::compile(selector.args[i].value, receiver, table, markers);
        fits = constant.has_value();
        if (!fits) break;
        Item argument;
        argument.kind = Kind::Constant;
        argument.type = function.arguments[i];
        argument.constant = std::move(*constant);
        argument.name = selector.args[i].value.text;
        made.arguments.push_back(std::move(argument));
      } else {
        made.arguments.push_back(TRY(item(selector.args[i], table, markers, false)));
        fits = made.arguments.back().type == function.arguments[i];
      }
      names.push_back(made.arguments.back().name);
    }
    if (!fits) continue;
    made.name = fmt::format("system.{}({})", function.name, joined(names));
    return made;
  }
  return fail(
      Code::InvalidArgument,
      "Invalid call to function {}, none of its type signatures match (known: {} argument{})",
      selector.name, overloads[0].arguments.size(), overloads[0].arguments.size() == 1 ? "" : "s");
}

void Selection::mark_needed(std::vector<bool>& needed) const {
  for (const Item& item : items_) mark(item, needed);
}

void Selection::mark(const Item& item, std::vector<bool>& needed) {
  if (item.kind == Kind::Column || item.kind == Kind::WriteTime || item.kind == Kind::Ttl)
    needed[item.column] = true;
  for (const Item& argument : item.arguments) mark(argument, needed);
}

Result<CellValue> Selection::value(const Item& item, RowCells row, const Context& context,
                                   Arena& arena) {
  switch (item.kind) {
    case Kind::Column: {
      const table::CellView& cell = row[item.column];
      return cell.present ? CellValue(cell.value) : CellValue::null();
    }
    case Kind::WriteTime: {
      const table::CellView& cell = row[item.column];
      if (!cell.present) return CellValue::null();
      return CellValue(arena.emplace_back(cql::encode<cql::Kind::Bigint>(cell.timestamp_micros)));
    }
    case Kind::Ttl: {
      const table::CellView& cell = row[item.column];
      if (!cell.present || cell.ttl_seconds == 0) return CellValue::null();
      const std::int64_t left = cell.expires_seconds - context.now_micros / 1'000'000;
      return CellValue(arena.emplace_back(
          cql::encode<cql::Kind::Int>(static_cast<std::int32_t>(std::max<std::int64_t>(left, 0)))));
    }
    case Kind::Constant:
      return item.constant->value(context, arena);
    default:
      return call_value(item, row, context, arena);
  }
}

Result<CellValue> Selection::call_value(const Item& item, RowCells row, const Context& context,
                                        Arena& arena) {
  std::vector<BytesView> arguments;
  for (const Item& argument : item.arguments) {
    const CellValue bound = TRY(value(argument, row, context, arena));
    if (bound.absent()) return CellValue::null();
    if (bound.size() == 0 && argument.type.kind() != cql::Kind::Blob &&
        cql::fixed_bytes(argument.type.kind()))
      return CellValue::null();
    arguments.push_back(bound.view());
  }
  auto result = TRY(item.function->call(arguments, context));
  if (!result) return CellValue::null();
  return CellValue(arena.emplace_back(std::move(*result)));
}

Result<void> Selection::append(RowCells row, const Context& context, cql::RowsBuilder& to) const {
  for (const Item& item : items_) {
    if (item.kind == Kind::Column) [[likely]] {
      const table::CellView& cell = row[item.column];
      to.cell(cell.present ? CellValue(cell.value) : CellValue::null());
    } else {
      Arena arena;
      to.cell(TRY(value(item, row, context, arena)));
    }
  }
  to.end_row();
  return {};
}

Selection::Totals::Totals(const Selection& of) : of_(of), totals_(of.items_.size()) {}

Result<void> Selection::Totals::add(RowCells row, const Context& context) {
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const Item& item = of_.items_[i];
    Total& total = totals_[i];
    if (item.kind == Kind::CountRows) {
      ++total.count;
      continue;
    }
    if (!item.aggregate() && total.any) continue;
    Arena arena;
    const CellValue cell =
        TRY(Selection::value(item.aggregate() ? item.arguments[0] : item, row, context, arena));
    const bool first = !std::exchange(total.any, total.any || !item.aggregate() || !cell.absent());
    if (cell.absent()) continue;
    ++total.count;
    const bool number = cell.size() > 0;
    if (!item.aggregate()) {
      total.value = cell.view();
    } else if (item.kind == Kind::Min || item.kind == Kind::Max) {
      const auto order = cql::compare_values(item.type, cell.view(), total.value);
      if (first || (item.kind == Kind::Min ? order < 0 : order > 0)) total.value = cell.view();
    } else if (number && integer(item.type.kind()) && item.kind != Kind::Count) {
      total.whole =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(total.whole) +
                                    static_cast<std::uint64_t>(load_integer(cell.view())));
    } else if (number && floating(item.type.kind())) {
      total.fraction += load_float(cell.view());
    }
  }
  return {};
}

void Selection::Totals::finish(cql::RowsBuilder& to) const {
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const Item& item = of_.items_[i];
    const Total& total = totals_[i];
    if (item.kind == Kind::CountRows || item.kind == Kind::Count) {
      to.cell(cql::encode<cql::Kind::Bigint>(total.count));
    } else if (item.kind == Kind::Sum) {
      to.cell(store_total(item.type.kind(), total.whole, total.fraction));
    } else if (item.kind == Kind::Avg) {
      const std::int64_t count = std::max<std::int64_t>(total.count, 1);
      to.cell(store_total(item.type.kind(), total.whole / count,
                          total.fraction / static_cast<double>(count)));
    } else if (total.count == 0) {
      to.cell(CellValue::null());
    } else {
      to.cell(total.value);
    }
  }
  to.end_row();
}

}  // namespace penstock::cql_server
