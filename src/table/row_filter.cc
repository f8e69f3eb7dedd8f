// SPDX-License-Identifier: Apache-2.0
#include "table/row_filter.h"

#include <rocksdb/compaction_filter.h>

#include "table/keys.h"
#include "table/range_deletions.h"
#include "table/row_writer.h"

namespace penstock::table {
namespace {

class RowFilter final : public rocksdb::CompactionFilter {
 public:
  RowFilter(CatalogPtr catalog, std::int64_t now_seconds, std::int64_t purge_before)
      : catalog_(std::move(catalog)), now_seconds_(now_seconds), purge_before_(purge_before) {}

  const char* Name() const override { return "penstock.row"; }

  Decision FilterV2(int, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& existing,
                    std::string* changed, std::string*) const override {
    if (key.size() < kTokenPrefixBytes) return Decision::kKeep;
    const auto number = load_be<std::uint32_t>(key.data());
    if (number != number_) look_up(TableId(number));
    if (garbage_) return Decision::kRemove;
    if (table_ == nullptr) return Decision::kKeep;

    FilterRules rules{.now_seconds = now_seconds_, .table = table_.get(), .outer = {}};
    if (clustered_) {
      const Result<RecordKey> parsed = RecordKey::parse(view(key));
      if (!parsed) return Decision::kKeep;
      if (const auto deletion = note_deletion(*parsed, view(existing)))
        return purgeable(type, *deletion) ? Decision::kRemove : Decision::kKeep;
      rules.outer = parsed->kind == RecordKind::Row ? std::max(deletion_, ranges_.at(parsed->rest))
                                                    : deletion_;
    }
    if (purge_before_ != RowFilters::kNoPurge && type == ValueType::kValue) {
      rules.purge_before = purge_before_ - table_->options.gc_grace_seconds;
    }
    changed->clear();
    switch (filter_row(view(existing), rules, *changed)) {
      case Filtered::Keep:
        return Decision::kKeep;
      case Filtered::Change:
        return Decision::kChangeValue;
      case Filtered::Remove:
        return Decision::kRemove;
    }
    return Decision::kKeep;
  }

 private:
  // A deletion that goes now has still hidden all that came behind it in this pass.
  bool purgeable(ValueType type, const Deletion& deletion) const {
    return purge_before_ != RowFilters::kNoPurge && type == ValueType::kValue &&
           deletion.at_seconds < purge_before_ - table_->options.gc_grace_seconds;
  }

  // Keys come in order: a partition's deletions before its rows. The deletion, if the record is
  // one.
  std::optional<Deletion> note_deletion(const RecordKey& key, BytesView value) const {
    if (key.partition_prefix != partition_) {
      partition_.assign(key.partition_prefix);
      deletion_ = {};
      ranges_.clear();
    }
    const Deletion deletion = RowReader(value).deletion();
    if (key.kind == RecordKind::PartitionDeletion) {
      deletion_ = std::max(deletion_, deletion);
      return deletion;
    }
    if (key.kind != RecordKind::RangeDeletion) return std::nullopt;
    if (Result<ClusteringRange> range = parse_range(key.rest))
      ranges_.add(*std::move(range), deletion);
    return deletion;
  }

  // A table is looked up once.
  void look_up(TableId number) const {
    number_ = number.value();
    table_ = catalog_->table(number);
    clustered_ = table_ && !table_->clustering().empty();
    garbage_ = !table_ && number >= Catalog::first_table() && number < catalog_->next_table();
  }

  CatalogPtr catalog_;
  std::int64_t now_seconds_;
  std::int64_t purge_before_;
  // A filter belongs to one compaction thread.
  mutable std::uint32_t number_ = 0;
  mutable TablePtr table_;
  mutable bool garbage_ = false;
  mutable bool clustered_ = false;
  mutable Bytes partition_;
  mutable Deletion deletion_;
  mutable RangeDeletions ranges_;
};

}  // namespace

class RowFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit RowFilterFactory(const RowFilters& filters) : filters_(filters) {}

  const char* Name() const override { return "penstock.row"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override {
    const bool purge = context.is_manual_compaction && context.is_full_compaction;
    return std::make_unique<RowFilter>(
        filters_.catalog_.get(), filters_.clock_.wall_micros() / 1'000'000,
        purge ? filters_.purge_before_.load() : RowFilters::kNoPurge);
  }

 private:
  const RowFilters& filters_;
};

std::shared_ptr<rocksdb::CompactionFilterFactory> RowFilters::factory() {
  return std::make_shared<RowFilterFactory>(*this);
}

Filtered filter_row(BytesView row, const FilterRules& rules, Bytes& changed) {
  const bool columns_gone = !rules.table->dropped.empty();
  if (!mortal_row(row) && !columns_gone && rules.outer.none()) return Filtered::Keep;

  RowReader reader(row);
  Deletion deletion = reader.deletion();
  if (deletion <= rules.outer || deletion.at_seconds < rules.purge_before) deletion = {};
  std::optional<Marker> marker = reader.marker();
  if (marker &&
      (rules.outer.hides(marker->timestamp) ||
       (!marker->live(rules.now_seconds) && marker->expires_seconds < rules.purge_before))) {
    marker.reset();
  }
  bool different = marker != reader.marker() || deletion != reader.deletion();

  bool begun = false;
  RowWriter writer(changed);
  const auto begin = [&](std::int64_t base) {
    if (!begun) writer.begin(marker ? marker->timestamp : base, marker, deletion);
    begun = true;
  };
  for (Cell cell; reader.next(cell);) {
    const bool dead = !cell.live(rules.now_seconds);
    const bool gone = rules.outer.hides(cell.timestamp) ||
                      (columns_gone && rules.table->column(ColumnId(cell.column)) == nullptr) ||
                      (dead && cell.ends_seconds < rules.purge_before);
    if (!gone && dead && !cell.value.empty()) {
      cell.value = {};
      different = true;
    }
    different |= gone;
    if (gone) continue;
    begin(cell.timestamp);
    writer.add(cell);
  }
  if (reader.corrupt() || !different)
    return Filtered::Keep;  // a corrupt row is for the reader to report
  if (!begun && !marker && deletion.none()) return Filtered::Remove;
  begin(deletion.timestamp);
  return Filtered::Change;
}

}  // namespace penstock::table
