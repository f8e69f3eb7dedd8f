// SPDX-License-Identifier: Apache-2.0
#include "cql/select_plan.h"

#include <algorithm>
#include <limits>

namespace penstock::cql_server {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

}  // namespace

Result<SelectPlan> SelectPlan::compile(const ast::Select& select, table::TablePtr table,
                                       MarkerSpecs& markers) {
  SelectPlan plan;
  plan.table_ = std::move(table);
  const table::TableDef& of = *plan.table_;
  plan.selection_ = TRY(Selection::compile(select, of, markers));
  plan.keys_ = TRY(Restrictions::compile(select.where, of, Restrictions::Purpose::Select,
                                         select.allow_filtering, markers));
  plan.distinct_ = select.distinct;
  if (plan.distinct_) TRY(plan.check_distinct());
  TRY(plan.compile_order(select));
  if (select.limit)
    plan.limit_ = TRY(ValueSource::compile(
        *select.limit, {of.keyspace, of.name, "[limit]", cql::Kind::Int}, of, markers));
  if (select.per_partition_limit)
    plan.per_partition_limit_ = TRY(ValueSource::compile(
        *select.per_partition_limit,
        {of.keyspace, of.name, "[per_partition_limit]", cql::Kind::Int}, of, markers));

  plan.needed_.resize(of.columns.size());
  plan.selection_.mark_needed(plan.needed_);
  plan.keys_.mark_needed(plan.needed_);
  for (std::size_t i = 0; i < of.columns.size(); ++i) {
    if (!plan.needed_[i]) continue;
    if (of.columns[i].kind == table::ColumnKind::Clustering) plan.clustering_needed_ = true;
    if (of.columns[i].is_key()) continue;
    plan.value_columns_.push_back(of.columns[i].id);
    plan.value_positions_.push_back(i);
  }
  return plan;
}

// A partition as a whole: what is selected, also as a function's argument, is its key and its
// static columns.
Result<void> SelectPlan::check_distinct() const {
  std::vector<bool> selected(table_->columns.size());
  selection_.mark_needed(selected);
  std::string missing;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const table::ColumnDef& column = table_->columns[i];
    const bool key = column.kind == table::ColumnKind::PartitionKey;
    if (selected[i] && !key && column.kind != table::ColumnKind::Static)
      return fail(Code::InvalidArgument,
                  "SELECT DISTINCT queries must only request partition key columns and/or static "
                  "columns (not {})",
                  column.name);
    if (key && !selected[i] && missing.empty()) missing = column.name;
  }
  if (!missing.empty())
    return fail(Code::InvalidArgument,
                "SELECT DISTINCT queries must request all the partition key columns (missing {})",
                missing);
  return {};
}

Result<void> SelectPlan::compile_order(const ast::Select& select) {
  if (select.order_by.empty()) return {};
  if (!keys_.whole_partition_key())
    return fail(
        Code::InvalidArgument,
        "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.");
  ordered_ = true;
  const auto clustering = table_->clustering();
  std::optional<bool> reversed;
  for (std::size_t i = 0; i < select.order_by.size(); ++i) {
    const auto& order = select.order_by[i];
    const auto* column = table_->column(order.column);
    if (column == nullptr)
      return fail(Code::InvalidArgument, "Undefined column name {} in table {}.{}", order.column,
                  table_->keyspace, table_->name);
    if (column->kind != table::ColumnKind::Clustering)
      return fail(Code::InvalidArgument,
                  "Order by is currently only supported on the clustered columns of the PRIMARY "
                  "KEY, got {}",
                  order.column);
    if (i >= clustering.size() || clustering[i].name != order.column)
      return fail(Code::InvalidArgument,
                  "Order by currently only supports the ordering of columns following their "
                  "declared order in the PRIMARY KEY");
    const bool other_way = order.descending != column->reversed;
    if (reversed && *reversed != other_way)
      return fail(Code::InvalidArgument, "Unsupported order by relation");
    reversed = other_way;
  }
  reversed_ = reversed.value_or(false);
  return {};
}

Result<std::int64_t> SelectPlan::limit_of(const std::optional<ValueSource>& source,
                                          const Context& context) const {
  if (!source) return kNoLimit;
  Arena arena;
  const cql::CellValue value = TRY(source->value(context, arena));
  if (value.is_unset()) return kNoLimit;
  if (value.is_null()) return fail(Code::InvalidArgument, "Invalid null value of limit");
  if (value.size() != 4) return fail(Code::InvalidArgument, "Invalid limit value");
  const auto rows = load_be<std::int32_t>(value.view().data());
  if (rows <= 0) return fail(Code::InvalidArgument, "LIMIT must be strictly positive");
  return rows;
}

Result<void> SelectPlan::bind_keys(Bound& bound, const Context& context) const {
  if (keys_.whole_partition_key()) {
    bound.query.partitions = TRY(keys_.partitions(*table_, context));
    bound.nothing = bound.query.partitions->empty();
  } else {
    bound.query.tokens = TRY(keys_.tokens(context));
    bound.nothing = bound.query.tokens.empty();
  }
  auto ranges = TRY(keys_.ranges(*table_, context));
  if (ranges) {
    bound.nothing = bound.nothing || ranges->empty();
    bound.query.clustering = std::move(*ranges);
  }
  bound.filters = TRY(keys_.filters(context, false));
  bound.all_filters = TRY(keys_.filters(context, true));
  return {};
}

Result<SelectPlan::Bound> SelectPlan::bind(const Context& context, const PageRequest& page) const {
  Bound bound;
  bound.plan = this;
  bound.context = context;
  // The selection's functions may read bound values while the query runs, after the frame is gone.
  bound.values.reserve(context.values.size());
  for (const auto& value : context.values) {
    bound.values.emplace_back(value.view());
    bound.views.push_back(value.absent() ? value : cql::CellValue(bound.values.back()));
  }
  bound.query.table = table_;
  bound.query.columns = value_columns_;
  bound.query.reversed = reversed_;
  bound.query.now_seconds = context.now_micros / 1'000'000;
  TRY(bind_keys(bound, context));
  bound.limit = TRY(limit_of(limit_, context));
  bound.per_partition_limit = TRY(limit_of(per_partition_limit_, context));
  if (selection_.aggregates()) return bound;
  bound.page_size = page.size;
  bound.sort = ordered_ && bound.query.partitions && bound.query.partitions->size() > 1;
  if (bound.sort && page.size)
    return fail(Code::InvalidArgument,
                "Cannot page queries with both ORDER BY and a IN restriction on the partition key; "
                "you must either remove the ORDER BY or the IN "
                "and sort client side, or disable paging for this query");
  bound.fingerprint = fingerprint(page.statement, context.values);
  if (page.state && !page.state->empty()) TRY(resume(bound, *page.state));
  return bound;
}

}  // namespace penstock::cql_server
