// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "table/buffer.h"
#include "table/keys.h"
#include "table/schema.h"

namespace penstock::table {

// One column of a write: a value, or its deletion. A column that is left out stays as it is. The
// view has to live until the call that takes it returns.
struct CellWrite {
  ColumnId column{};
  BytesView value{};
  bool deleted = false;  // null was written
};

// A write to one row; INSERT has a marker, UPDATE has none.
struct RowWrite {
  std::int64_t timestamp_micros = 0;
  std::optional<std::int32_t> ttl_seconds{};  // nothing = the table's default; 0 = none
  bool marker = false;  // the row is to exist even when all its cells are null
  std::span<const CellWrite>
      cells;  // ascending by column id is fastest; other orders are sorted here
};

// Writes to any number of rows of any number of tables, applied together or not at all by
// Store::apply().
//
// Each call encodes its row at once into the batch's own memory (no allocation per row or cell once
// that has grown), so a batch costs about what copying its values costs. Not thread-safe. The same
// row may come several times: the result is as if the writes had been applied one after another, in
// any order.
class MutationBatch {
 public:
  // `now_seconds` (wall clock) is when TTLs and the grace of deletions begin to count.
  explicit MutationBatch(std::int64_t now_seconds) : now_seconds_(now_seconds) {}

  // Room for what is coming, when that is known.
  void reserve(std::size_t rows, std::size_t bytes);

  // `clustering` is what append_clustering() made of all clustering columns.
  void write(const TableDef& table, const PartitionKey& partition, BytesView clustering,
             const RowWrite& row);
  void write_static(const TableDef& table, const PartitionKey& partition, const RowWrite& row);

  void delete_row(const TableDef& table, const PartitionKey& partition, BytesView clustering,
                  std::int64_t timestamp_micros);
  void delete_range(const TableDef& table, const PartitionKey& partition,
                    const ClusteringRange& range, std::int64_t timestamp_micros);
  void delete_partition(const TableDef& table, const PartitionKey& partition,
                        std::int64_t timestamp_micros);

  std::size_t size() const { return records_.size(); }  // records; a row written twice counts twice
  std::size_t bytes() const { return memory_.size(); }
  bool empty() const { return records_.empty(); }
  std::int64_t now_seconds() const { return now_seconds_; }

  // For the store: a record is a key and a merge operand (table/row_format.h), in memory() one
  // behind the other.
  struct Record {
    std::uint64_t token;  // sign flipped: sorts as the key does
    std::uint32_t table;
    std::uint32_t key_bytes;
    std::uint64_t offset;
    std::uint32_t value_bytes;
  };
  BytesView key(const Record& record) const {
    return {memory_.data() + record.offset, record.key_bytes};
  }
  BytesView value(const Record& record) const {
    return {memory_.data() + record.offset + record.key_bytes, record.value_bytes};
  }
  std::span<const Record> records() const { return records_; }
  std::span<const TableId> tables() const { return tables_; }  // each once
  // Reorders the records so that `parts` ranges of about the same size follow each other in the
  // order of keys. Equal keys are in one range; a range may be empty.
  std::vector<std::span<Record>> cut(std::size_t parts);
  // Sorts one such range by key; equal keys stay in the order in which they were written.
  void sort(std::span<Record> range) const;

 private:
  std::strong_ordering compare_keys(const Record& a, const Record& b) const;
  // Starts a record of that partition; its key is done up to the record's kind.
  char* begin(TableId table, const PartitionKey& partition, RecordKind kind, std::size_t room);
  void key_done(const char* end);
  void end(const char* end);
  void add_row(const TableDef& table, const PartitionKey& partition, RecordKind kind,
               BytesView clustering, const RowWrite& row);
  void add_deletion(std::int64_t timestamp_micros, char* at);
  std::span<const CellWrite> ascending(std::span<const CellWrite> cells);

  std::int64_t now_seconds_;
  Buffer memory_;
  std::vector<Record> records_;
  std::vector<TableId> tables_;
  std::vector<CellWrite> sorted_;  // scratch, for cells that came in another order
};

}  // namespace penstock::table
