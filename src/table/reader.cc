// SPDX-License-Identifier: Apache-2.0
#include "table/reader.h"

#include <rocksdb/db.h>

#include <algorithm>

#include "table/position.h"
#include "table/range_deletions.h"
#include "table/row_resolver.h"

namespace penstock::table {
namespace {

// One read. Stands on a partition at a time: prefix_ is its key up to the record's kind, and what
// deletes its rows is read before them, because it sorts before them.
class RowScan {
 public:
  RowScan(rocksdb::DB& db, const ReadQuery& query, std::int64_t now_seconds,
          const std::function<Visit(const RowView&)>& visit)
      : db_(db), query_(query), visit_(visit), resolver_(query, now_seconds) {}

  Result<ReadStats> run() {
    if (!query_.resume.empty()) {
      resume_ = TRY(Position::parse(query_.resume));
      append_partition(query_.table->number, resume_->partition, resume_prefix_);
    }
    if (!query_.partitions) {
      TRY(scan_tokens());
    } else if (query_.table->clustering().empty()) {
      TRY(get_partitions());
    } else {
      TRY(seek_partitions());
    }
    stats_.tombstones += resolver_.tombstones();
    return stats_;
  }

 private:
  Result<void> scan_tokens();
  Result<void> get_partitions();
  Result<void> seek_partitions();
  std::vector<Bytes> partition_prefixes() const;

  Result<void> enter(BytesView prefix);
  Result<void> read_partition();
  Result<void> read_head();
  void read_forward(const ClusteringRange& range);
  void read_backward(const ClusteringRange& range);
  bool row(BytesView clustering, BytesView value);
  bool show(const RowView& row);
  Result<void> status() const;

  bool here() const { return it_->Valid() && view(it_->key()).starts_with(prefix_); }
  RecordKind kind() const { return static_cast<RecordKind>(it_->key()[prefix_.size()]); }
  BytesView rest() const { return view(it_->key()).substr(prefix_.size() + 1); }
  void seek(BytesView clustering) {
    target_.assign(prefix_);
    append_kind(RecordKind::Row, target_);
    target_.append(clustering);
    it_->Seek(target_);
  }
  void seek_behind_partition() {
    target_.assign(prefix_).push_back(static_cast<char>(RecordKind::Row) + 1);
    it_->Seek(target_);
  }
  bool row_wanted_by_ranges() const {
    return query_.clustering.empty() ||
           std::ranges::any_of(query_.clustering,
                               [](const ClusteringRange& range) { return range.contains({}); });
  }

  rocksdb::DB& db_;
  const ReadQuery& query_;
  const std::function<Visit(const RowView&)>& visit_;
  RowResolver resolver_;
  ReadStats stats_;

  std::optional<Position> resume_;
  Bytes resume_prefix_;

  Bytes upper_bound_;
  rocksdb::Slice upper_bound_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
  Bytes target_;  // of the last seek

  Bytes prefix_;
  PartitionKey partition_;
  Deletion deletion_;
  RangeDeletions ranges_;
  bool resumed_here_ = false;
  bool leave_partition_ = false;
  std::uint64_t partition_rows_ = 0;
};

Result<void> RowScan::scan_tokens() {
  const TokenRange& tokens = query_.tokens;
  if (tokens.empty()) return {};
  const TableId table = query_.table->number;
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  if (tokens.last == std::numeric_limits<std::int64_t>::max()) {
    append_table(table + 1, upper_bound_);
  } else {
    append_token(table, tokens.last + 1, upper_bound_);
  }
  upper_bound_slice_ = slice(upper_bound_);
  options.iterate_upper_bound = &upper_bound_slice_;
  it_.reset(db_.NewIterator(options));

  Bytes start;
  append_token(table, tokens.first, start);
  it_->Seek(std::max(start, resume_prefix_));
  while (it_->Valid() && !stats_.stopped) {
    const RecordKey key = TRY(RecordKey::parse(view(it_->key())));
    TRY(enter(key.partition_prefix));
    if (resumed_here_ && resume_->whole_partition) {
      seek_behind_partition();
      continue;
    }
    TRY(read_partition());
    if (!stats_.stopped && (query_.reversed || here())) seek_behind_partition();
  }
  return status();
}

// A table without clustering columns has one key a partition: a point lookup, which the bloom
// filters serve best.
Result<void> RowScan::get_partitions() {
  if (!row_wanted_by_ranges()) return {};
  rocksdb::PinnableSlice value;
  for (const Bytes& prefix : partition_prefixes()) {
    TRY(enter(prefix));
    if (resumed_here_ || stats_.stopped) continue;
    target_.assign(prefix_);
    append_kind(RecordKind::Row, target_);
    value.Reset();
    const rocksdb::Status status = db_.Get({}, db_.DefaultColumnFamily(), target_, &value);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return fail(rocks_error(status, "reading a row failed"));
    row({}, view(value));
    if (resolver_.corrupt())
      return fail(Code::Corrupt, "the row at key {} is not in the row format", hex(target_));
  }
  return {};
}

Result<void> RowScan::seek_partitions() {
  rocksdb::ReadOptions options;
  options.total_order_seek = query_.reversed;  // RocksDB steps back only in this mode; else the
                                               // bloom filter by partition helps
  it_.reset(db_.NewIterator(options));
  for (const Bytes& prefix : partition_prefixes()) {
    TRY(enter(prefix));
    if (resumed_here_ && resume_->whole_partition) continue;
    it_->Seek(prefix_);
    if (here()) TRY(read_partition());
    TRY(status());
    if (stats_.stopped) break;
  }
  return {};
}

// In key order, each once, without those that were read before.
std::vector<Bytes> RowScan::partition_prefixes() const {
  std::vector<Bytes> prefixes;
  for (const Bytes& key : *query_.partitions) {
    const PartitionKey partition(key);
    if (partition.token < query_.tokens.first || partition.token > query_.tokens.last) continue;
    append_partition(query_.table->number, partition, prefixes.emplace_back());
    if (prefixes.back() < resume_prefix_) prefixes.pop_back();
  }
  std::ranges::sort(prefixes);
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

Result<void> RowScan::enter(BytesView prefix) {
  prefix_.assign(prefix);
  Bytes& key = target_;
  key.assign(prefix_);
  append_kind(RecordKind::Row, key);
  partition_ = TRY(RecordKey::parse(key)).partition;
  partition_.bytes = BytesView(prefix_).substr(prefix_.size() - partition_.bytes.size());
  deletion_ = {};
  ranges_.clear();
  resolver_.begin_partition();
  resumed_here_ = resume_ && prefix_ == resume_prefix_;
  leave_partition_ = false;
  partition_rows_ = 0;
  return {};
}

// The iterator stands on the partition's first record.
Result<void> RowScan::read_partition() {
  TRY(read_head());
  if (query_.clustering.empty()) {
    const ClusteringRange all;
    query_.reversed ? read_backward(all) : read_forward(all);
  } else if (query_.reversed) {
    for (auto range = query_.clustering.rbegin();
         range != query_.clustering.rend() && !leave_partition_; ++range) {
      read_backward(*range);
    }
  } else {
    for (auto range = query_.clustering.begin();
         range != query_.clustering.end() && !leave_partition_; ++range) {
      read_forward(*range);
    }
  }
  if (resolver_.corrupt())
    return fail(Code::Corrupt, "a row of the partition at key {} is not in the row format",
                hex(prefix_));
  if (partition_rows_ == 0 && query_.clustering.empty() && !resumed_here_ &&
      resolver_.static_live()) {
    resolver_.resolve_static_only();
    show({.partition = partition_, .clustering = {}, .has_row = false, .cells = resolver_.cells()});
  }
  return {};
}

Result<void> RowScan::read_head() {
  for (; here() && kind() != RecordKind::Row; it_->Next()) {
    if (kind() == RecordKind::StaticRow) {
      resolver_.set_static(view(it_->value()), deletion_);
      continue;
    }
    ++stats_.tombstones;
    const Deletion deletion = RowReader(view(it_->value())).deletion();
    if (kind() == RecordKind::PartitionDeletion) {
      deletion_ = deletion;
    } else {
      ranges_.add(TRY(parse_range(rest())), deletion);
    }
  }
  return {};
}

void RowScan::read_forward(const ClusteringRange& range) {
  Bytes from = range.from;
  if (resumed_here_ && resume_->clustering >= from)
    from = Bytes(resume_->clustering) + '\0';  // just behind that row
  if (range.to && from >= *range.to) return;
  if (!here() || kind() != RecordKind::Row || rest() < from) seek(from);
  for (; here() && !leave_partition_; it_->Next()) {
    const BytesView clustering = rest();
    if (range.to && clustering >= *range.to) break;
    row(clustering, view(it_->value()));
  }
}

void RowScan::read_backward(const ClusteringRange& range) {
  std::optional<Bytes> to = range.to;
  if (resumed_here_ && (!to || resume_->clustering < *to)) to = Bytes(resume_->clustering);
  if (to) {
    seek(*to);
  } else {
    seek_behind_partition();
  }
  if (it_->Valid()) {
    it_->Prev();
  } else {
    it_->SeekToLast();  // nothing behind: of the bounded range
  }
  for (; here() && kind() == RecordKind::Row && !leave_partition_; it_->Prev()) {
    const BytesView clustering = rest();
    if (clustering < range.from) break;
    row(clustering, view(it_->value()));
  }
}

bool RowScan::row(BytesView clustering, BytesView value) {
  const Deletion outer = ranges_.empty() ? deletion_ : std::max(deletion_, ranges_.at(clustering));
  if (!resolver_.resolve(value, outer)) {
    ++stats_.tombstones;
    return true;
  }
  ++partition_rows_;
  return show({.partition = partition_,
               .clustering = clustering,
               .has_row = true,
               .cells = resolver_.cells()});
}

bool RowScan::show(const RowView& row) {
  ++stats_.rows;
  const Visit next = visit_(row);
  leave_partition_ = next != Visit::Continue;
  stats_.stopped = next == Visit::Stop;
  return !leave_partition_;
}

Result<void> RowScan::status() const {
  const rocksdb::Status status = it_->status();
  if (!status.ok()) return fail(rocks_error(status, "reading rows failed"));
  return {};
}

}  // namespace

Result<ReadStats> read_rows(rocksdb::DB& db, const ReadQuery& query, std::int64_t now_seconds,
                            const std::function<Visit(const RowView&)>& visit) {
  return RowScan(db, query, now_seconds, visit).run();
}

}  // namespace penstock::table
