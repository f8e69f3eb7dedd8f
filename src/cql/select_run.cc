// SPDX-License-Identifier: Apache-2.0
// Running a bound SELECT: rows in, a page out.
#include <algorithm>
#include <limits>

#include "cql/select_plan.h"
#include "wire/cql/murmur3.h"

namespace penstock::cql_server {
namespace {

// Paging state: version, fingerprint of the query, rows left of LIMIT, rows that the last partition
// has given, its key, and the store's position (or a row number of a system table). Plain values,
// so it survives restarts.
constexpr char kStateVersion = 2;
constexpr std::size_t kStateHeader = 1 + 8 + 8 + 8 + 2;
// A page ends early above this, so that wide rows do not make a reply that nobody can take.
constexpr std::size_t kPageBytes = 16 << 20;
constexpr std::size_t kUnpagedBytesMax = 200 << 20;

}  // namespace

// What must be the same from page to page: the text, the keyspace that its names may lean on, and
// the bound values.
std::int64_t SelectPlan::fingerprint(std::int64_t statement,
                                     std::span<const cql::CellValue> values) const {
  Bytes facts;
  append_be(facts, statement);
  facts.append(table_->keyspace);
  for (const cql::CellValue& value : values) {
    append_be(facts, value.absent() ? std::int64_t{-1} : static_cast<std::int64_t>(value.size()));
    facts.append(value.view());
  }
  return cql::murmur3(facts);
}

Result<void> SelectPlan::resume(Bound& bound, BytesView state) const {
  const Failure invalid = fail(Code::InvalidArgument, "Invalid value for the paging state");
  if (state.size() < kStateHeader || state[0] != kStateVersion) return invalid;
  if (load_be<std::int64_t>(state.data() + 1) != bound.fingerprint)
    return fail(Code::InvalidArgument,
                "Invalid value for the paging state: it comes from another query, or from this one "
                "with other bound values");
  bound.limit = load_be<std::int64_t>(state.data() + 9);
  bound.in_partition = load_be<std::int64_t>(state.data() + 17);
  const std::size_t key_bytes = load_be<std::uint16_t>(state.data() + 25);
  if (bound.limit <= 0 || bound.in_partition < 0 || state.size() < kStateHeader + key_bytes)
    return invalid;
  bound.last_partition = state.substr(kStateHeader, key_bytes);
  bound.query.resume = state.substr(kStateHeader + key_bytes);
  if (bound.query.resume.empty()) return invalid;
  return {};
}

// Takes the rows one by one, keeps count of the limits and builds the page.
class SelectPlan::Bound::Emitter {
 public:
  explicit Emitter(const Bound& bound)
      : bound_(bound),
        plan_(*bound.plan),
        context_(bound.context),
        limit_(bound.limit),
        partition_(bound.last_partition),
        in_partition_(bound.in_partition) {
    context_.values = bound.views;
    if (plan_.selection_.aggregates()) totals_.emplace(plan_.selection_);
  }

  // `position(whole_partition)` says where to go on behind this row.
  template <class Position>
  Result<table::Visit> take(BytesView partition, RowCells cells,
                            const std::vector<Restrictions::BoundFilter>& row_filters,
                            Position position) {
    const bool matches = std::all_of(row_filters.begin(), row_filters.end(),
                                     [&](const auto& filter) { return filter.matches(cells); });
    if (!matches) return table::Visit::Continue;
    if (full_) {  // and here is one more
      page_.state = std::move(next_);
      return table::Visit::Stop;
    }
    if (partition != partition_) {
      partition_ = partition;
      in_partition_ = 0;
    }
    if (in_partition_ >= bound_.per_partition_limit) return table::Visit::NextPartition;
    if (totals_) {
      TRY(totals_->add(cells, context_));
    } else {
      TRY(plan_.selection_.append(cells, context_, page_.rows));
    }
    ++in_partition_;
    if (!totals_ && --limit_ == 0) return table::Visit::Stop;
    const bool partition_done = plan_.distinct_ || in_partition_ >= bound_.per_partition_limit;
    if (bound_.page_size) {
      full_ = page_.rows.rows() >= *bound_.page_size || page_.rows.bytes() >= kPageBytes;
      if (full_) next_ = state(position(partition_done));
    } else if (page_.rows.bytes() > kUnpagedBytesMax) {
      return fail(Code::TooLarge, "the result is over {} MiB: ask for it in pages",
                  kUnpagedBytesMax >> 20);
    }
    return partition_done ? table::Visit::NextPartition : table::Visit::Continue;
  }

  Page finish() {
    if (totals_) totals_->finish(page_.rows);
    return std::move(page_);
  }
  const Context& context() const { return context_; }

 private:
  Bytes state(BytesView position) const {
    Bytes bytes(1, kStateVersion);
    append_be(bytes, bound_.fingerprint);
    append_be(bytes, limit_);
    append_be(bytes, in_partition_);
    append_be(bytes, static_cast<std::uint16_t>(partition_.size()));
    return bytes.append(partition_).append(position);
  }

  const Bound& bound_;
  const SelectPlan& plan_;
  Context context_;
  std::int64_t limit_;
  Bytes partition_;
  std::int64_t in_partition_;
  bool full_ = false;
  Bytes next_;
  Page page_;
  std::optional<Selection::Totals> totals_;
};

namespace {

// Fills the cells of key columns; the partition's are decoded once a partition.
class KeyCells {
 public:
  KeyCells(const table::TableDef& table, bool clustering_needed)
      : table_(table), clustering_needed_(clustering_needed) {}

  Result<void> fill(const table::RowView& row, std::vector<table::CellView>& cells) {
    if (!seen_ || row.partition.bytes != partition_) {
      seen_ = true;
      partition_ = row.partition.bytes;
      const auto values = TRY(table::split_partition_key(table_, partition_));
      for (std::size_t i = 0; i < values.size(); ++i) set(cells[i], values[i]);
    }
    if (!clustering_needed_) return {};
    const std::size_t first = table_.partition_key().size();
    const std::size_t count = table_.clustering().size();
    if (row.has_row) clustering_ = TRY(table::decode_clustering(table_, row.clustering));
    for (std::size_t i = 0; i < count; ++i) {
      cells[first + i].present = row.has_row;
      if (row.has_row) set(cells[first + i], clustering_[i]);
    }
    return {};
  }

 private:
  static void set(table::CellView& cell, BytesView value) {
    cell.value = value;
    cell.present = true;
  }

  const table::TableDef& table_;
  bool clustering_needed_;
  bool seen_ = false;
  Bytes partition_;
  std::vector<Bytes> clustering_;
};

// A row kept until all are there, to be sorted by its encoded clustering key.
struct KeptRow {
  Bytes clustering;
  Bytes partition;
  std::vector<Bytes> values;
  std::vector<table::CellView> cells;

  KeptRow(const table::RowView& row, RowCells from)
      : clustering(row.clustering),
        partition(row.partition.bytes),
        cells(from.begin(), from.end()) {
    values.reserve(cells.size());
    for (auto& cell : cells) cell.value = values.emplace_back(cell.value);
  }
};

}  // namespace

Result<Page> SelectPlan::Bound::run(const table::Store& store) const {
  Emitter emitter(*this);
  if (nothing) return emitter.finish();
  std::vector<table::CellView> cells(plan->table_->columns.size());
  KeyCells keys(*plan->table_, plan->clustering_needed_ || sort);
  std::optional<Error> error;
  std::vector<KeptRow> kept;
  const auto visit = [&](const table::RowView& row) -> table::Visit {
    auto filled = keys.fill(row, cells);
    if (!filled) {
      error = std::move(filled.error());
      return table::Visit::Stop;
    }
    for (std::size_t i = 0; i < plan->value_positions_.size(); ++i)
      cells[plan->value_positions_[i]] = row.cells[i];
    if (sort) {
      kept.emplace_back(row, cells);
      return table::Visit::Continue;
    }
    auto taken = emitter.take(row.partition.bytes, cells, filters, [&row](bool partition_done) {
      return partition_done ? row.partition_position() : row.position();
    });
    if (taken) return *taken;
    error = std::move(taken.error());
    return table::Visit::Stop;
  };
  TRY(store.read(query, visit));
  if (error) return fail(std::move(*error));
  if (sort) {
    std::stable_sort(kept.begin(), kept.end(), [&](const KeptRow& a, const KeptRow& b) {
      return query.reversed ? b.clustering < a.clustering : a.clustering < b.clustering;
    });
    for (const KeptRow& row : kept) {
      const auto taken =
          TRY(emitter.take(row.partition, row.cells, filters, [](bool) { return Bytes(); }));
      if (taken == table::Visit::Stop) break;
    }
  }
  return emitter.finish();
}

Result<Page> SelectPlan::Bound::run(const std::vector<SystemRow>& rows) const {
  Emitter emitter(*this);
  if (nothing) return emitter.finish();
  const table::TableDef& of = *plan->table_;
  const std::size_t keys = of.partition_key().size();
  std::uint64_t first = 0;
  if (!query.resume.empty()) {
    if (query.resume.size() != 8)
      return fail(Code::InvalidArgument, "Invalid value for the paging state");
    first = load_be<std::uint64_t>(query.resume.data());
  }
  std::vector<table::CellView> cells(of.columns.size());
  std::vector<BytesView> key_values(keys);
  Bytes partition;
  for (std::uint64_t i = first; i < rows.size(); ++i) {
    const SystemRow& row = rows[query.reversed ? rows.size() - 1 - i : i];
    for (std::size_t c = 0; c < cells.size(); ++c) {
      cells[c].present = row[c].has_value();
      cells[c].value = row[c] ? BytesView(*row[c]) : BytesView();
    }
    for (std::size_t c = 0; c < keys; ++c) key_values[c] = cells[c].value;
    table::encode_partition_key(key_values, partition);
    if (!query.tokens.whole()) {
      const std::int64_t token = table::PartitionKey(partition).token;
      if (token < query.tokens.first || token > query.tokens.last) continue;
    }
    const auto taken = TRY(emitter.take(partition, cells, all_filters, [i](bool) {
      Bytes position;
      append_be(position, i + 1);
      return position;
    }));
    if (taken == table::Visit::Stop) break;
  }
  return emitter.finish();
}

}  // namespace penstock::cql_server
