// SPDX-License-Identifier: Apache-2.0
#include "table/mutation.h"

#include <algorithm>
#include <cstring>

#include "table/row_bytes.h"

namespace penstock::table {
namespace {

char* put_bytes(char* to, BytesView bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

void MutationBatch::reserve(std::size_t rows, std::size_t bytes) {
  records_.reserve(rows);
  static_cast<void>(memory_.room(bytes));
}

void MutationBatch::write(const TableDef& table, const PartitionKey& partition,
                          BytesView clustering, const RowWrite& row) {
  add_row(table, partition, RecordKind::Row, clustering, row);
}

void MutationBatch::write_static(const TableDef& table, const PartitionKey& partition,
                                 const RowWrite& row) {
  add_row(table, partition, RecordKind::StaticRow, {}, row);
}

void MutationBatch::delete_row(const TableDef& table, const PartitionKey& partition,
                               BytesView clustering, std::int64_t timestamp_micros) {
  char* at = begin(table.number, partition, RecordKind::Row, clustering.size());
  add_deletion(timestamp_micros, put_bytes(at, clustering));
}

void MutationBatch::delete_range(const TableDef& table, const PartitionKey& partition,
                                 const ClusteringRange& range, std::int64_t timestamp_micros) {
  if (range.empty()) return;
  Bytes bounds;
  append_range(range, bounds);
  char* at = begin(table.number, partition, RecordKind::RangeDeletion, bounds.size());
  add_deletion(timestamp_micros, put_bytes(at, bounds));
}

void MutationBatch::delete_partition(const TableDef& table, const PartitionKey& partition,
                                     std::int64_t timestamp_micros) {
  // Without clustering columns the partition is one row, and one key is all that a reader looks at.
  if (table.clustering().empty()) return delete_row(table, partition, {}, timestamp_micros);
  add_deletion(timestamp_micros, begin(table.number, partition, RecordKind::PartitionDeletion, 0));
}

std::strong_ordering MutationBatch::compare_keys(const Record& a, const Record& b) const {
  if (a.table != b.table) return a.table <=> b.table;
  if (a.token != b.token) return a.token <=> b.token;
  return key(a).compare(key(b)) <=> 0;
}

std::vector<std::span<MutationBatch::Record>> MutationBatch::cut(std::size_t parts) {
  std::vector<std::span<Record>> ranges;
  std::span<Record> rest = records_;
  for (; parts > 1 && !rest.empty(); --parts) {
    const auto middle = rest.begin() + static_cast<std::ptrdiff_t>(rest.size() / parts);
    std::ranges::nth_element(
        rest, middle, [this](const Record& a, const Record& b) { return compare_keys(a, b) < 0; });
    // Others with the middle's key may stand on either side of it: all of them go to its right.
    const Record pivot = *middle;
    const auto right = std::partition(rest.begin(), middle, [&](const Record& record) {
      return compare_keys(record, pivot) < 0;
    });
    const auto size = static_cast<std::size_t>(right - rest.begin());
    ranges.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  ranges.push_back(rest);
  ranges.resize(ranges.size() + parts - 1);
  return ranges;
}

void MutationBatch::sort(std::span<Record> range) const {
  std::ranges::sort(range, [this](const Record& a, const Record& b) {
    const std::strong_ordering order = compare_keys(a, b);
    return order != 0 ? order < 0 : a.offset < b.offset;
  });
}

char* MutationBatch::begin(TableId table, const PartitionKey& partition, RecordKind kind,
                           std::size_t room) {
  if (tables_.empty() || (tables_.back() != table && !std::ranges::count(tables_, table)))
    tables_.push_back(table);
  char* at = memory_.room(partition_bytes(partition) + 1 + room);
  records_.push_back({.token = static_cast<std::uint64_t>(partition.token) ^ (1ULL << 63),
                      .table = table.value(),
                      .key_bytes = 0,
                      .offset = memory_.size(),
                      .value_bytes = 0});
  at = put_partition(table, partition, at);
  *at++ = static_cast<char>(kind);
  return at;
}

void MutationBatch::key_done(const char* end) {
  Record& record = records_.back();
  record.key_bytes =
      static_cast<std::uint32_t>(end - memory_.data() - static_cast<std::ptrdiff_t>(record.offset));
  memory_.used(end);
}

void MutationBatch::end(const char* end) {
  Record& record = records_.back();
  record.value_bytes = static_cast<std::uint32_t>(
      end - memory_.data() - static_cast<std::ptrdiff_t>(record.offset + record.key_bytes));
  memory_.used(end);
}

void MutationBatch::add_row(const TableDef& table, const PartitionKey& partition, RecordKind kind,
                            BytesView clustering, const RowWrite& row) {
  if (row.cells.empty() && !row.marker) return;  // an UPDATE of nothing
  key_done(put_bytes(begin(table.number, partition, kind, clustering.size()), clustering));

  const std::int32_t ttl = row.ttl_seconds.value_or(table.options.default_time_to_live);
  const std::int64_t expires = ttl == 0 ? 0 : now_seconds_ + ttl;
  std::optional<Marker> marker;
  if (row.marker) marker = Marker{row.timestamp_micros, ttl, expires};

  std::size_t room = row_bytes::kHeadBytesMax;
  for (const CellWrite& cell : row.cells) room += row_bytes::kCellHeadBytesMax + cell.value.size();
  char* const head = memory_.room(room);
  row_bytes::Encoder encoder(row.timestamp_micros, marker);
  char* at = encoder.head(head, Deletion{});
  bool mortal = ttl != 0 && !row.cells.empty();
  for (const CellWrite& cell : ascending(row.cells)) {
    const bool expiring = ttl != 0 && !cell.deleted;
    at = encoder.cell_head(at, {.column = cell.column.value(),
                                .deleted = cell.deleted,
                                .ttl_seconds = expiring ? ttl : 0,
                                .timestamp = row.timestamp_micros,
                                .ends_seconds = cell.deleted ? now_seconds_ : expires,
                                .value = cell.value});
    if (!cell.deleted) at = put_bytes(at, cell.value);
    mortal |= cell.deleted;
  }
  if (mortal) *head = static_cast<char>(*head | row_bytes::kMortal);
  end(at);
}

void MutationBatch::add_deletion(std::int64_t timestamp_micros, char* at) {
  key_done(at);
  at = memory_.room(row_bytes::kHeadBytesMax);
  end(row_bytes::Encoder(timestamp_micros, std::nullopt)
          .head(at, {timestamp_micros, now_seconds_}));
}

// The cells ascending by column, each column once: the last one given wins, as in one statement.
std::span<const CellWrite> MutationBatch::ascending(std::span<const CellWrite> cells) {
  const auto before = [](const CellWrite& a, const CellWrite& b) { return a.column < b.column; };
  const auto not_before = [](const CellWrite& a, const CellWrite& b) {
    return a.column >= b.column;
  };
  if (std::ranges::adjacent_find(cells, not_before) == cells.end()) return cells;
  sorted_.assign(cells.begin(), cells.end());
  std::ranges::stable_sort(sorted_, before);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < sorted_.size(); ++i) {
    if (i + 1 == sorted_.size() || sorted_[i].column != sorted_[i + 1].column)
      sorted_[kept++] = sorted_[i];
  }
  sorted_.resize(kept);
  return sorted_;
}

}  // namespace penstock::table
