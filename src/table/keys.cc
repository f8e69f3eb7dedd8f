// SPDX-License-Identifier: Apache-2.0
#include "table/keys.h"

#include <cstring>

#include "wire/cql/murmur3.h"
#include "wire/cql/order_key.h"

namespace penstock::table {
namespace {

constexpr std::uint64_t kSignBit = 1ULL << 63;
constexpr char kLastKind = static_cast<char>(RecordKind::Row);

// Takes `bytes` off the front; nothing when there are fewer.
std::optional<BytesView> take(BytesView& from, std::size_t bytes) {
  if (from.size() < bytes) return std::nullopt;
  const BytesView taken = from.substr(0, bytes);
  from.remove_prefix(bytes);
  return taken;
}

std::optional<BytesView> take_sized(BytesView& from) {
  const auto size = take(from, 4);
  if (!size) return std::nullopt;
  return take(from, load_be<std::uint32_t>(size->data()));
}

}  // namespace

PartitionKey::PartitionKey(BytesView key) : token(cql::token(key)), bytes(key) {}

void encode_partition_key(std::span<const BytesView> values, Bytes& to) {
  to.clear();
  cql::append_partition_key(values, to);
}

Result<std::vector<BytesView>> split_partition_key(const TableDef& table, BytesView key) {
  const std::size_t columns = table.partition_key().size();
  if (columns == 1) return std::vector<BytesView>{key};
  std::vector<BytesView> values;
  for (std::size_t i = 0; i < columns; ++i) {
    const auto size = take(key, 2);
    const auto value = size ? take(key, load_be<std::uint16_t>(size->data())) : std::nullopt;
    if (!value || !take(key, 1))
      return fail(Code::Corrupt, "a partition key of {}.{} is cut short", table.keyspace,
                  table.name);
    values.push_back(*value);
  }
  if (!key.empty())
    return fail(Code::Corrupt, "a partition key of {}.{} is too long", table.keyspace, table.name);
  return values;
}

Result<void> append_clustering(const TableDef& table, std::span<const BytesView> values,
                               Bytes& to) {
  const std::span<const ColumnDef> columns = table.clustering();
  if (values.size() > columns.size()) {
    return fail(Code::InvalidArgument, "{} clustering values for {} columns of {}.{}",
                values.size(), columns.size(), table.keyspace, table.name);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() > kKeyBytesMax) {
      return fail(Code::InvalidArgument, "Key length of {} is longer than maximum of {}",
                  values[i].size(), kKeyBytesMax);
    }
    TRY_WITH(cql::append_order_key(columns[i].type, values[i], columns[i].reversed, to),
             columns[i].name);
  }
  return {};
}

Result<std::vector<Bytes>> decode_clustering(const TableDef& table, BytesView clustering) {
  std::vector<Bytes> values;
  for (const ColumnDef& column : table.clustering()) {
    if (clustering.empty()) break;
    TRY_WITH(cql::take_order_key(column.type, column.reversed, clustering, values.emplace_back()),
             column.name);
  }
  if (!clustering.empty())
    return fail(Code::Corrupt, "a clustering key of {}.{} is too long", table.keyspace, table.name);
  return values;
}

ClusteringRange ClusteringRange::prefix(BytesView clustering) {
  return {.from = Bytes(clustering), .to = after(clustering)};
}

std::optional<Bytes> ClusteringRange::after(BytesView clustering) {
  while (!clustering.empty() && clustering.back() == '\xff') clustering.remove_suffix(1);
  if (clustering.empty()) return std::nullopt;
  Bytes next(clustering);
  next.back() = static_cast<char>(next.back() + 1);
  return next;
}

Result<RecordKey> RecordKey::parse(BytesView key) {
  RecordKey parsed;
  const BytesView whole = key;
  const auto head = take(key, kTokenPrefixBytes);
  const auto partition = head ? take_sized(key) : std::nullopt;
  const auto kind = partition ? take(key, 1) : std::nullopt;
  if (!kind || kind->front() < 0 || kind->front() > kLastKind) {
    return fail(Code::Corrupt, "a stored key is not in the key format: {}", hex(whole));
  }
  parsed.table = TableId(load_be<std::uint32_t>(head->data()));
  parsed.partition.token =
      static_cast<std::int64_t>(load_be<std::uint64_t>(head->data() + 4) ^ kSignBit);
  parsed.partition.bytes = *partition;
  parsed.kind = static_cast<RecordKind>(kind->front());
  parsed.rest = key;
  parsed.partition_prefix = whole.substr(0, whole.size() - key.size() - 1);
  return parsed;
}

void append_table(TableId table, Bytes& to) {
  append_be(to, table.value());
}

void append_token(TableId table, std::int64_t token, Bytes& to) {
  append_table(table, to);
  append_be(to, static_cast<std::uint64_t>(token) ^ kSignBit);
}

char* put_partition(TableId table, const PartitionKey& partition, char* to) {
  store_be(to, table.value());
  store_be(to + 4, static_cast<std::uint64_t>(partition.token) ^ kSignBit);
  store_be(to + kTokenPrefixBytes, static_cast<std::uint32_t>(partition.bytes.size()));
  to += kTokenPrefixBytes + 4;
  if (!partition.bytes.empty()) std::memcpy(to, partition.bytes.data(), partition.bytes.size());
  return to + partition.bytes.size();
}

void append_partition(TableId table, const PartitionKey& partition, Bytes& to) {
  append_token(table, partition.token, to);
  append_be(to, static_cast<std::uint32_t>(partition.bytes.size()));
  to.append(partition.bytes);
}

void append_kind(RecordKind kind, Bytes& to) {
  to.push_back(static_cast<char>(kind));
}

void append_range(const ClusteringRange& range, Bytes& to) {
  append_be(to, static_cast<std::uint32_t>(range.from.size()));
  to.append(range.from);
  to.push_back(range.to ? 1 : 0);
  if (range.to) to.append(*range.to);
}

Result<ClusteringRange> parse_range(BytesView rest) {
  const auto from = take_sized(rest);
  const auto bounded = from ? take(rest, 1) : std::nullopt;
  if (!bounded) return fail(Code::Corrupt, "a stored range deletion is cut short");
  ClusteringRange range{.from = Bytes(*from), .to = std::nullopt};
  if (bounded->front() != 0) range.to = Bytes(rest);
  return range;
}

}  // namespace penstock::table
