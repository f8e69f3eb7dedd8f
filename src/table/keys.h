// SPDX-License-Identifier: Apache-2.0
// Keys on disk; docs/formats/table-keys.md draws them. What RocksDB compares as bytes is the order
// in which CQL gives rows: token, partition, static row, clustering order.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "table/schema.h"

namespace penstock::table {

constexpr std::size_t kKeyBytesMax = 65'535;  // of a partition key, and of each clustering value

// A partition: its key as CQL carries it on the wire (the value itself, or the composite of
// several), and the token of it.
struct PartitionKey {
  std::int64_t token = 0;
  BytesView bytes{};

  PartitionKey() = default;
  explicit PartitionKey(BytesView key);  // computes the token
  PartitionKey(std::int64_t token_of_key, BytesView key) : token(token_of_key), bytes(key) {}

  friend bool operator==(const PartitionKey&, const PartitionKey&) = default;
};

// The partition key of wire values in key order. `to` is emptied first; with one column it is the
// value itself.
void encode_partition_key(std::span<const BytesView> values, Bytes& to);
// The values again; views into `key`. Corrupt if it does not hold as many values as the table has
// key columns.
Result<std::vector<BytesView>> split_partition_key(const TableDef& table, BytesView key);

// Appends the byte-comparable form of the first values.size() clustering columns (all of them for a
// row; fewer make a prefix for ranges). InvalidArgument, with the column, for a value that is not
// one of its type or longer than kKeyBytesMax.
Result<void> append_clustering(const TableDef& table, std::span<const BytesView> values, Bytes& to);
// The wire values again, as many as the bytes hold.
Result<std::vector<Bytes>> decode_clustering(const TableDef& table, BytesView clustering);

// Rows of one partition whose encoded clustering `c` has from <= c < to. An encoded value is never
// the prefix of another, so any CQL bound is such an interval: `a = 1 AND b > 2` runs from after(a,
// b) to after(a).
struct ClusteringRange {
  Bytes from{};
  std::optional<Bytes> to{};  // nothing = to the end of the partition

  static ClusteringRange all() { return {}; }
  static ClusteringRange prefix(BytesView clustering);  // rows that begin with these values
  // The smallest bytes that sort behind everything that begins with `clustering`; nothing if there
  // is no such thing.
  static std::optional<Bytes> after(BytesView clustering);

  bool contains(BytesView clustering) const {
    return clustering >= from && (!to || clustering < *to);
  }
  bool empty() const { return to && *to <= from; }
  friend bool operator==(const ClusteringRange&, const ClusteringRange&) = default;
};

// What a record of a partition holds. The deletions come first, so that a reader knows them when
// the rows come.
enum class RecordKind : char { PartitionDeletion = 0, RangeDeletion = 1, StaticRow = 2, Row = 3 };

// A key on disk, taken apart; views into it.
struct RecordKey {
  TableId table{};
  PartitionKey partition{};
  RecordKind kind = RecordKind::Row;
  BytesView rest{};              // clustering of a row, the two bounds of a range deletion
  BytesView partition_prefix{};  // of the key: all before `kind`

  static Result<RecordKey> parse(BytesView key);
};

constexpr std::size_t kTokenPrefixBytes =
    12;  // table and token: what the bloom filter and seeks use

void append_table(TableId table, Bytes& to);
void append_token(TableId table, std::int64_t token, Bytes& to);
void append_partition(TableId table, const PartitionKey& partition, Bytes& to);
void append_kind(RecordKind kind, Bytes& to);
// The part of a RangeDeletion's key behind its kind.
void append_range(const ClusteringRange& range, Bytes& to);
// The bounds of a RangeDeletion record, from its RecordKey::rest.
Result<ClusteringRange> parse_range(BytesView rest);

// How many bytes put_partition() writes, and its writing through a pointer; gives the end.
inline std::size_t partition_bytes(const PartitionKey& partition) {
  return kTokenPrefixBytes + 4 + partition.bytes.size();
}
char* put_partition(TableId table, const PartitionKey& partition, char* to);

// Token ranges as CQL's token() makes them; both ends belong to the range.
struct TokenRange {
  std::int64_t first = std::numeric_limits<std::int64_t>::min();
  std::int64_t last = std::numeric_limits<std::int64_t>::max();

  bool whole() const { return *this == TokenRange{}; }
  bool empty() const { return first > last; }
  friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

}  // namespace penstock::table
