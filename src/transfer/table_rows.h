// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "transfer/digest.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/types.h"

namespace penstock::transfer {

// One value of a regular column with what CQL tells about it. Null: there is none.
struct Cell {
  cql::CellValue value;
  std::int64_t writetime_micros = 0;
  std::int64_t expires_seconds = 0;  // since 1970 UTC; 0: never

  bool expires() const { return expires_seconds != 0; }
  friend bool operator==(const Cell&, const Cell&) = default;
};

// Views; `keys` are partition key and clustering columns, `cells` the regular columns.
struct Row {
  std::span<const cql::CellValue> keys;
  std::span<const Cell> cells;
};

// Rows of one table, one after another. Views into a page or a block that its owner keeps.
class Rows {
 public:
  Rows(std::size_t keys, std::size_t cells) : keys_(keys), cells_(cells) {}

  void clear() {
    key_values_.clear();
    cell_values_.clear();
  }
  void add_key(const cql::CellValue& key) { key_values_.push_back(key); }
  void add_cell(const Cell& cell) { cell_values_.push_back(cell); }
  std::size_t size() const { return key_values_.size() / keys_; }
  Row operator[](std::size_t i) const {
    return {std::span(key_values_).subspan(i * keys_, keys_),
            std::span(cell_values_).subspan(i * cells_, cells_)};
  }
  std::size_t keys() const { return keys_; }  // of one row
  std::size_t cells() const { return cells_; }

 private:
  std::size_t keys_;
  std::size_t cells_;
  std::vector<cql::CellValue> key_values_;
  std::vector<Cell> cell_values_;
};

// The bytes that stand for a row in a Digest. Cells that expire are left out, since they come and
// go; so is a row that has no other cells. Clustering columns count by their order keys: stores
// keep one of several spellings of a decimal or varint there.
class RowBytes {
 public:
  // Types of the key columns; the first `partition_keys` of them are the partition key.
  RowBytes(std::vector<cql::TypeRef> keys, std::size_t partition_keys)
      : keys_(std::move(keys)), partition_keys_(partition_keys) {}

  // None: the row may be gone tomorrow. The view holds until the next call.
  Result<std::optional<BytesView>> of(const Row& row);

 private:
  std::vector<cql::TypeRef> keys_;
  std::size_t partition_keys_;
  Bytes bytes_;
};

// The cells of one row that one INSERT ... USING TTL ? AND TIMESTAMP ? can carry: those of one
// write time and one expiry.
struct Insert {
  std::int64_t writetime_micros = 0;
  std::int32_t ttl_seconds = 0;      // 0: none
  std::vector<std::size_t> columns;  // among Row::cells
};

// The INSERTs that make the row, oldest first; a row without cells is one INSERT of its key, whose
// write time nobody tells: 1, so that any deletion wins over it. A row whose cells have all expired
// needs none. Counts expired cells.
std::vector<Insert> inserts_of(const Row& row, std::int64_t now_seconds, std::uint64_t& expired);

// ---- `range-N.rows`: blocks of u32 length, u32 CRC-32C, rows (docs/formats/export.md)

// Appends the row to a block's body.
void append_row(const Row& row, Bytes& body);
// The block that a body makes.
Bytes to_block(BytesView body);
inline constexpr std::size_t kBlockHeadBytes = 8;
inline constexpr std::size_t kBlockBodyBytesMax = std::size_t{256} << 20;

struct BlockHead {
  std::uint32_t body_bytes = 0;
  std::uint32_t crc = 0;
};
// Corrupt: no block is so long.
Result<BlockHead> parse_block_head(BytesView head);
// The rows of a body, as views into it. Corrupt: it is not what append_row() made.
Result<void> parse_block(const BlockHead& head, BytesView body, Rows& rows);

}  // namespace penstock::transfer
