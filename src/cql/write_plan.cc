// SPDX-License-Identifier: Apache-2.0
#include "cql/write_plan.h"

#include <algorithm>
#include <limits>

namespace penstock::cql_server {
namespace {

constexpr std::int32_t kTtlMax = 630'720'000;  // 20 years, Cassandra's limit

std::string missing_clustering(const table::TableDef& table,
                               const std::vector<std::string>& given) {
  std::string missing;
  for (const auto& column : table.clustering()) {
    if (std::find(given.begin(), given.end(), column.name) == given.end())
      missing += (missing.empty() ? "" : ", ") + column.name;
  }
  return missing;
}

}  // namespace

Result<WritePlan> WritePlan::compile(const ast::Insert& insert, table::TablePtr table,
                                     MarkerSpecs& markers) {
  WritePlan plan(Kind::Insert, std::move(table));
  const table::TableDef& of = *plan.table_;
  if (insert.columns.size() != insert.values.size())
    return fail(Code::InvalidArgument, "Unmatched column names/values");
  std::vector<std::pair<std::size_t, ast::Term>> keys;
  std::vector<std::string> clustering_given;
  for (std::size_t i = 0; i < insert.columns.size(); ++i) {
    const std::string& name = insert.columns[i];
    if (std::count(insert.columns.begin(), insert.columns.end(), name) > 1)
      return fail(Code::InvalidArgument, "The column names contains duplicates: {}", name);
    const auto* column = of.column(name);
    if (column == nullptr)
      return fail(Code::InvalidArgument, "Undefined column name {} in table {}.{}", name,
                  of.keyspace, of.name);
    if (!column->is_key()) {
      TRY(plan.assign(name, insert.values[i], markers));
      continue;
    }
    if (column->kind == table::ColumnKind::Clustering) clustering_given.push_back(name);
    keys.emplace_back(static_cast<std::size_t>(column - of.columns.data()), insert.values[i]);
  }
  plan.keys_ = TRY(Restrictions::of_insert(keys, of, markers));
  // With statics alone the row itself is not touched, and its clustering key may be left out.
  const bool static_only =
      plan.only_static() && clustering_given.empty() && !of.clustering().empty();
  if (!static_only && clustering_given.size() < of.clustering().size())
    return fail(Code::InvalidArgument, "Some clustering keys are missing: {}",
                missing_clustering(of, clustering_given));
  plan.whole_row_ = !static_only;
  TRY(plan.compile_using(insert.with, markers));
  TRY(plan.finish());
  return plan;
}

Result<WritePlan> WritePlan::compile(const ast::Update& update, table::TablePtr table,
                                     MarkerSpecs& markers) {
  WritePlan plan(Kind::Update, std::move(table));
  TRY(plan.compile_using(update.with, markers));
  for (const auto& [column, value] : update.assignments) {
    const auto* found = plan.table_->column(column);
    if (found != nullptr && found->is_key())
      return fail(Code::InvalidArgument, "PRIMARY KEY part {} found in SET part", column);
    if (std::count_if(update.assignments.begin(), update.assignments.end(),
                      [&](const auto& other) { return other.first == column; }) > 1)
      return fail(Code::InvalidArgument, "Multiple incompatible setting of column {}", column);
    TRY(plan.assign(column, value, markers));
  }
  plan.keys_ = TRY(Restrictions::compile(update.where, *plan.table_, Restrictions::Purpose::Update,
                                         false, markers));
  if (plan.keys_.has_filters() || (plan.keys_.any_clustering() && !plan.keys_.whole_clustering()) ||
      (!plan.keys_.whole_clustering() && !plan.only_static())) {
    std::vector<std::string> given;
    for (const auto& relation : update.where) {
      if (relation.op != ast::Op::Eq && relation.op != ast::Op::In)
        return fail(
            Code::InvalidArgument,
            "Slice restrictions are not supported on the clustering columns in UPDATE statements");
      given.insert(given.end(), relation.columns.begin(), relation.columns.end());
    }
    return fail(Code::InvalidArgument, "Some clustering keys are missing: {}",
                missing_clustering(*plan.table_, given));
  }
  plan.whole_row_ = plan.keys_.whole_clustering();
  if (plan.whole_row_ && plan.only_static() && !plan.table_->clustering().empty())
    return fail(Code::InvalidArgument,
                "Invalid restrictions on clustering columns since the UPDATE statement modifies "
                "only static columns");
  TRY(plan.finish());
  return plan;
}

Result<WritePlan> WritePlan::compile(const ast::Delete& statement, table::TablePtr table,
                                     MarkerSpecs& markers) {
  WritePlan plan(statement.columns.empty() ? Kind::DeleteRows : Kind::DeleteCells,
                 std::move(table));
  if (statement.with.ttl) return fail(Code::InvalidArgument, "TTL cannot be used with DELETE");
  TRY(plan.compile_using(statement.with, markers));
  for (const std::string& column : statement.columns) {
    const auto* found = plan.table_->column(column);
    if (found != nullptr && found->is_key())
      return fail(Code::InvalidArgument,
                  "Invalid identifier {} for deletion (should not be a PRIMARY KEY part)", column);
    TRY(plan.assign(column, ast::Term{}, markers));
  }
  plan.keys_ = TRY(Restrictions::compile(statement.where, *plan.table_,
                                         Restrictions::Purpose::Delete, false, markers));
  if (plan.keys_.has_filters())
    return fail(Code::Unsupported,
                "DELETE over a range of clustering columns with mixed order is not supported: "
                "delete by one column's range");
  plan.whole_row_ = plan.keys_.whole_clustering();
  if (plan.kind_ == Kind::DeleteCells && !plan.whole_row_ &&
      !(plan.only_static() && !plan.keys_.any_clustering()))
    return fail(Code::InvalidArgument, "Range deletions are not supported for specific columns");
  TRY(plan.finish());
  return plan;
}

Result<void> WritePlan::compile_using(const ast::Using& with, MarkerSpecs& markers) {
  const table::TableDef& of = *table_;
  if (with.timestamp)
    timestamp_ = TRY(ValueSource::compile(
        *with.timestamp, {of.keyspace, of.name, "[timestamp]", cql::Kind::Bigint}, of, markers));
  if (with.ttl)
    ttl_ = TRY(ValueSource::compile(*with.ttl, {of.keyspace, of.name, "[ttl]", cql::Kind::Int}, of,
                                    markers));
  return {};
}

Result<void> WritePlan::assign(const std::string& name, const ast::Term& value,
                               MarkerSpecs& markers) {
  const auto* column = table_->column(name);
  if (column == nullptr)
    return fail(Code::InvalidArgument, "Undefined column name {} in table {}.{}", name,
                table_->keyspace, table_->name);
  assignments_.push_back(
      {column->id, column->kind == table::ColumnKind::Static,
       TRY(ValueSource::compile(value, spec_of(*table_, *column), *table_, markers))});
  return {};
}

Result<void> WritePlan::finish() {
  std::sort(assignments_.begin(), assignments_.end(),
            [](const auto& a, const auto& b) { return a.column < b.column; });
  one_row_ = keys_.one_row();
  return {};
}

bool WritePlan::only_static() const {
  return !assignments_.empty() && std::all_of(assignments_.begin(), assignments_.end(),
                                              [](const auto& a) { return a.is_static; });
}

Result<std::int64_t> write_timestamp(const std::optional<ValueSource>& given,
                                     const Context& context, Arena& arena) {
  if (!given) return context.timestamp_micros;
  const cql::CellValue value = TRY(given->value(context, arena));
  if (value.is_unset()) return context.timestamp_micros;
  if (value.is_null()) return fail(Code::InvalidArgument, "Invalid null value of timestamp");
  if (value.size() != 8) return fail(Code::InvalidArgument, "Invalid timestamp value");
  const auto micros = load_be<std::int64_t>(value.view().data());
  if (micros == std::numeric_limits<std::int64_t>::min())
    return fail(Code::InvalidArgument, "Out of bound timestamp, must be in [{}, {}]", micros + 1,
                std::numeric_limits<std::int64_t>::max());
  return micros;
}

Result<std::optional<std::int32_t>> WritePlan::ttl(const Context& context, Arena& arena) const {
  if (!ttl_) return std::nullopt;
  const cql::CellValue value = TRY(ttl_->value(context, arena));
  if (value.is_unset()) return std::nullopt;
  if (value.is_null()) return 0;
  if (value.size() != 4) return fail(Code::InvalidArgument, "Invalid TTL value");
  const auto seconds = load_be<std::int32_t>(value.view().data());
  if (seconds < 0)
    return fail(Code::InvalidArgument, "A TTL must be greater or equal to 0, but was {}", seconds);
  if (seconds > kTtlMax)
    return fail(Code::InvalidArgument, "ttl is too large. requested ({}) maximum ({})", seconds,
                kTtlMax);
  return seconds;
}

Result<void> WritePlan::append(const Context& context, table::MutationBatch& batch,
                               Scratch& scratch) const {
  scratch.arena.clear();
  const std::int64_t micros = TRY(write_timestamp(timestamp_, context, scratch.arena));
  if (kind_ == Kind::DeleteRows) return append_deletion(context, micros, batch, scratch);
  table::RowWrite row;
  row.timestamp_micros = micros;
  row.ttl_seconds = TRY(ttl(context, scratch.arena));
  row.marker = kind_ == Kind::Insert && whole_row_;
  return append_cells(context, row, batch, scratch);
}

Result<void> WritePlan::append_cells(const Context& context, table::RowWrite row,
                                     table::MutationBatch& batch, Scratch& scratch) const {
  scratch.cells.clear();
  scratch.static_cells.clear();
  for (const Assignment& assignment : assignments_) {
    const cql::CellValue value = TRY(assignment.value.value(context, scratch.arena));
    if (value.is_unset()) continue;
    auto& cells = assignment.is_static ? scratch.static_cells : scratch.cells;
    cells.push_back({assignment.column, value.view(), value.is_null()});
  }
  const auto write = [&](const table::PartitionKey& partition, BytesView clustering, bool statics) {
    if (whole_row_ && (row.marker || !scratch.cells.empty())) {
      row.cells = scratch.cells;
      batch.write(*table_, partition, clustering, row);
    }
    if (statics && !scratch.static_cells.empty()) {
      table::RowWrite static_row = row;
      static_row.marker = false;
      static_row.cells = scratch.static_cells;
      batch.write_static(*table_, partition, static_row);
    }
  };
  if (one_row_ || (!whole_row_ && keys_.one_partition())) [[likely]] {
    const auto key = TRY(keys_.row_key(*table_, context, scratch.key));
    write(key.partition, key.clustering, true);
    return {};
  }
  const auto clusterings =
      whole_row_ ? TRY(keys_.clusterings(*table_, context)) : std::vector<Bytes>{{}};
  for (const Bytes& partition : TRY(keys_.partitions(*table_, context))) {
    bool statics = true;
    for (const Bytes& clustering : clusterings)
      write(table::PartitionKey(partition), clustering, std::exchange(statics, false));
  }
  return {};
}

Result<void> WritePlan::append_deletion(const Context& context, std::int64_t micros,
                                        table::MutationBatch& batch, Scratch& scratch) const {
  if (one_row_ && !table_->clustering().empty()) {
    const auto key = TRY(keys_.row_key(*table_, context, scratch.key));
    batch.delete_row(*table_, key.partition, key.clustering, micros);
    return {};
  }
  const auto ranges = TRY(keys_.ranges(*table_, context));
  for (const Bytes& bytes : TRY(keys_.partitions(*table_, context))) {
    const table::PartitionKey partition(bytes);
    if (!ranges) {
      batch.delete_partition(*table_, partition, micros);
      continue;
    }
    for (const auto& range : *ranges) batch.delete_range(*table_, partition, range, micros);
  }
  return {};
}

}  // namespace penstock::cql_server
