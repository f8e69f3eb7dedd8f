// SPDX-License-Identifier: Apache-2.0
#include "stream/plan.h"

#include <algorithm>
#include <numeric>

namespace penstock::stream {
namespace {

using sql::Type;

Failure refuse(const PipelineSpec& spec, const TransformStep& step, const sql::SqlError& error) {
  return fail(Code::InvalidArgument, "{}: transform step at line {}: {}", spec.file, step.line,
              error.text());
}

// Whether a column may become the sink's type without a cast in the pipeline: nothing is lost, or
// what does not fit is rejected row by row (a text that has to parse).
bool convertible(Type from, Type to) {
  if (from == to || sql::is_text(from) || to == Type::Text) return true;
  if (sql::is_integer(from) && sql::is_integer(to)) return from < to;
  if (sql::is_integer(from) && sql::is_floating(to))
    return to == Type::Double && from != Type::Bigint;
  if (from == Type::Float && to == Type::Double) return true;
  return sql::is_uuid(from) && sql::is_uuid(to);
}

sql::Node column_node(std::size_t column, Type type) {
  sql::Node node;
  node.op = sql::Op::Column;
  node.column = column;
  node.type = type;
  return node;
}

}  // namespace

Result<Plan> Plan::compile(const PipelineSpec& spec) {
  Plan plan;
  plan.input_ = spec.schema;
  plan.output_ = spec.schema;
  for (const TransformStep& step : spec.transform) {
    Step compiled;
    if (step.kind == TransformStep::Kind::Where) {
      auto condition = sql::Expression::parse(step.sql, plan.output_);
      if (!condition) return refuse(spec, step, condition.error());
      if (condition->type() != Type::Boolean) {
        return refuse(
            spec, step,
            {1, 1,
             fmt::format("where must be a condition; this is {}", sql::name(condition->type())),
             ""});
      }
      compiled.where.push_back(*std::move(condition));
    } else {
      auto items = sql::parse_select(step.sql, plan.output_);
      if (!items) return refuse(spec, step, items.error());
      sql::Fields next;
      for (const sql::SelectItem& item : *items)
        next.push_back({item.name, item.expression.type(), false});
      compiled.select = *std::move(items);
      plan.output_ = std::move(next);
    }
    plan.steps_.push_back(std::move(compiled));
  }
  return plan;
}

Result<void> Plan::convert_output(const std::vector<Type>& types) {
  CHECK(types.size() == output_.size(), "one type a column");
  Step step;
  bool needed = false;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Type from = output_[i].type;
    sql::Node node = column_node(i, from);
    if (from != types[i]) {
      if (!convertible(from, types[i])) {
        return fail(
            Code::InvalidArgument,
            "column {} is {} in the pipeline and {} in the table; cast({} as {}) in a select step",
            output_[i].name, sql::name(from), sql::name(types[i]), output_[i].name,
            sql::name(types[i]));
      }
      const bool same_bytes = (sql::is_text(from) && types[i] == Type::Text) ||
                              (from == Type::Timeuuid && types[i] == Type::Uuid);
      if (!same_bytes) {
        sql::Node cast;
        cast.op = sql::Op::Cast;
        cast.type = types[i];
        cast.args.push_back(std::move(node));
        node = std::move(cast);
        needed = true;
      }
    }
    step.select.push_back({output_[i].name, sql::Expression(std::move(node))});
  }
  if (!needed) return {};
  for (std::size_t i = 0; i < types.size(); ++i) output_[i].type = types[i];
  steps_.push_back(std::move(step));
  return {};
}

Plan::Outcome Plan::run(std::vector<sql::Column> columns, std::size_t count,
                        bool null_on_convert) const {
  Outcome out;
  out.rows.columns = std::move(columns);
  out.rows.rows.resize(count);
  std::iota(out.rows.rows.begin(), out.rows.rows.end(), 0U);
  for (const Step& step : steps_) {
    sql::ColumnPointers pointers;
    for (const sql::Column& column : out.rows.columns) pointers.push_back(&column);
    sql::RowErrors errors;
    const std::size_t before = out.rows.rows.size();
    sql::Selection kept;
    std::vector<sql::Column> next;
    if (!step.where.empty()) {
      kept = step.where[0].filter(pointers, out.rows.rows, errors);
    } else {
      for (const sql::SelectItem& item : step.select)
        next.push_back(item.expression.evaluate(pointers, out.rows.rows, errors));
      kept = out.rows.rows;
    }
    // Where a condition cannot be computed there is no null to fall back on: such a row fails in
    // any case.
    sql::Selection failed;
    if (!errors.empty() && (!step.where.empty() || !null_on_convert)) {
      auto all = errors.all();
      std::stable_sort(all.begin(), all.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [row, message] : all) {
        if (!failed.empty() && failed.back() == row) continue;
        failed.push_back(row);
        out.failed.push_back({out.rows.decoded(row), {Reason::Convert, "", message}});
      }
    }
    if (!step.where.empty()) {
      out.filtered += before - kept.size() - failed.size();
      out.rows.rows = std::move(kept);
      continue;
    }
    // The new columns have a row for each selected one: number them anew, and leave the failed ones
    // out.
    std::vector<std::uint32_t> origin(before);
    sql::Selection rows;
    for (std::uint32_t i = 0; i < before; ++i) {
      origin[i] = out.rows.decoded(kept[i]);
      if (!std::binary_search(failed.begin(), failed.end(), kept[i])) rows.push_back(i);
    }
    if (out.decoded.empty()) out.decoded = std::move(out.rows.columns);
    out.rows = {std::move(next), std::move(rows), std::move(origin)};
  }
  return out;
}

}  // namespace penstock::stream
