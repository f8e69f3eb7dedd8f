// SPDX-License-Identifier: Apache-2.0
#include "stream/compaction.h"

#include <bit>
#include <functional>
#include <string_view>

namespace penstock::stream {
namespace {

std::size_t hash_of(const std::vector<sql::Column>& columns, const std::vector<std::size_t>& key,
                    std::uint32_t row) {
  std::size_t hash = 0;
  for (const std::size_t k : key) {
    const sql::Column& column = columns[k];
    std::size_t part = 0;
    switch (sql::storage(column.type())) {
      case sql::Storage::Bytes:
        part = std::hash<std::string_view>{}(column.bytes_at(row));
        break;
      case sql::Storage::Int64:
        part = static_cast<std::size_t>(column.int_at(row)) * 0x9e3779b97f4a7c15;
        break;
      case sql::Storage::Float64:
        part = std::hash<double>{}(column.double_at(row));
        break;
    }
    hash = (hash ^ part) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  return hash;
}

bool same_key(const std::vector<sql::Column>& columns, const std::vector<std::size_t>& key,
              std::uint32_t a, std::uint32_t b) {
  for (const std::size_t k : key) {
    const sql::Column& column = columns[k];
    switch (sql::storage(column.type())) {
      case sql::Storage::Bytes:
        if (column.bytes_at(a) != column.bytes_at(b)) return false;
        break;
      case sql::Storage::Int64:
        if (column.int_at(a) != column.int_at(b)) return false;
        break;
      case sql::Storage::Float64:  // by bits: -0.0 and 0.0 are two keys to the store
        if (std::bit_cast<std::uint64_t>(column.double_at(a)) !=
            std::bit_cast<std::uint64_t>(column.double_at(b)))
          return false;
        break;
    }
  }
  return true;
}

bool complete(const std::vector<sql::Column>& columns, std::uint32_t row) {
  for (const sql::Column& column : columns) {
    if (column.state(row) == sql::Cell::Unset) return false;
  }
  return true;
}

}  // namespace

sql::Selection newest_per_key(const std::vector<sql::Column>& columns,
                              const std::vector<std::size_t>& key, const sql::Selection& rows,
                              std::span<const std::int64_t> timestamp) {
  constexpr std::uint32_t kFree = 0xffffffff;
  const std::size_t slots = std::bit_ceil(rows.size() * 2 + 2);
  struct Slot {
    std::uint32_t at;    // position in `rows`
    std::uint32_t hash;  // saves most comparisons
  };
  std::vector<Slot> table(slots, Slot{kFree, 0});
  std::vector<bool> displaced(rows.size(), false);
  bool any = false;
  for (std::uint32_t at = 0; at < rows.size(); ++at) {
    const std::size_t hash = hash_of(columns, key, rows[at]);
    const auto short_hash = static_cast<std::uint32_t>(hash >> 32);
    std::size_t slot = hash & (slots - 1);
    while (table[slot].at != kFree && (table[slot].hash != short_hash ||
                                       !same_key(columns, key, rows[table[slot].at], rows[at]))) {
      slot = (slot + 1) & (slots - 1);
    }
    if (table[slot].at == kFree) {
      table[slot] = {at, short_hash};
      continue;
    }
    const std::uint32_t other = table[slot].at;
    const bool newer = timestamp[rows[at]] >= timestamp[rows[other]];
    const std::uint32_t winner = newer ? at : other;
    const std::uint32_t loser = newer ? other : at;
    if (complete(columns, rows[winner])) {
      displaced[loser] = true;
      any = true;
    }
    table[slot].at = winner;
  }
  if (!any) return rows;
  sql::Selection kept;
  kept.reserve(rows.size());
  for (std::size_t at = 0; at < rows.size(); ++at) {
    if (!displaced[at]) kept.push_back(rows[at]);
  }
  return kept;
}

}  // namespace penstock::stream
