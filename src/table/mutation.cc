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

void MutationBatch::sort() {
  std::ranges::sort(records_, [this](const Record& a, const Record& b) {
    if (a.table != b.table) return a.table < b.table;
    if (a.token != b.token) return a.token < b.token;
    const int order = key(a).compare(key(b));
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
