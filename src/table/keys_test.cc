// SPDX-License-Identifier: Apache-2.0
#include "table/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "table/position.h"
#include "table/range_deletions.h"
#include "table/test_store.h"

namespace penstock::table {
namespace {

Bytes random_bytes(std::mt19937& random, std::size_t most) {
  Bytes bytes(random() % (most + 1), '\0');
  for (char& byte : bytes) byte = "\0\x01\x7f\x80\xff"[random() % 5];
  return bytes;
}

TEST(Keys, SortByTableTokenThenDeletionsStaticRowAndRows) {
  const std::vector<std::pair<TableId, std::int64_t>> tokens{
      {TableId(16), std::numeric_limits<std::int64_t>::min()},
      {TableId(16), -1},
      {TableId(16), 0},
      {TableId(16), std::numeric_limits<std::int64_t>::max()},
      {TableId(17), -5}};
  std::vector<Bytes> keys;
  for (const auto& [table, token] : tokens) {
    for (const RecordKind kind : {RecordKind::PartitionDeletion, RecordKind::RangeDeletion,
                                  RecordKind::StaticRow, RecordKind::Row}) {
      append_partition(table, {token, "key"}, keys.emplace_back());
      append_kind(kind, keys.back());
    }
  }
  EXPECT_TRUE(std::ranges::is_sorted(keys));
}

TEST(Keys, ParseGivesBackWhatWasBuilt) {
  std::mt19937 random(1);
  for (int i = 0; i < 2'000; ++i) {
    const Bytes partition = random_bytes(random, 20);
    const Bytes rest = random_bytes(random, 20);
    Bytes key;
    append_partition(TableId(77), PartitionKey(partition), key);
    Bytes through_pointer(partition_bytes(PartitionKey(partition)), '?');
    put_partition(TableId(77), PartitionKey(partition), through_pointer.data());
    EXPECT_EQ(key, through_pointer);
    append_kind(RecordKind::Row, key);
    key += rest;
    const auto parsed = RecordKey::parse(key);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->table, TableId(77));
    EXPECT_EQ(parsed->partition, PartitionKey(partition));
    EXPECT_EQ(parsed->rest, rest);
    for (std::size_t cut = 0; cut < key.size() - rest.size(); ++cut)
      EXPECT_FALSE(RecordKey::parse(BytesView(key).substr(0, cut)));
  }
}

TEST(Keys, CompositePartitionKeySplitsIntoItsValues) {
  TableDef table = users_def();
  table.columns.insert(table.columns.begin() + 1,
                       column("id2", cql::Kind::Blob, ColumnKind::PartitionKey, 1));
  table.arrange();
  const std::vector<BytesView> values{"left", ""};
  Bytes key;
  encode_partition_key(values, key);
  EXPECT_EQ(split_partition_key(table, key).value(), values);
  for (std::size_t cut = 0; cut < key.size(); ++cut)
    EXPECT_FALSE(split_partition_key(table, BytesView(key).substr(0, cut)));
  EXPECT_FALSE(split_partition_key(table, key + "x"));
}

TEST(ClusteringRange, PrefixHoldsExactlyWhatBeginsSo) {
  std::mt19937 random(2);
  for (int i = 0; i < 20'000; ++i) {
    const Bytes prefix = random_bytes(random, 3);
    const Bytes clustering = random_bytes(random, 5);
    EXPECT_EQ(ClusteringRange::prefix(prefix).contains(clustering), clustering.starts_with(prefix));
  }
}

TEST(RangeDeletions, LatestCoveringOneIsFoundAmongMany) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    RangeDeletions deletions;
    std::vector<std::pair<ClusteringRange, Deletion>> naive;
    for (auto left = random() % 8; left > 0; --left) {
      ClusteringRange range{.from = random_bytes(random, 2), .to = random_bytes(random, 3)};
      if (random() % 4 == 0) range.to.reset();
      if (range.empty()) continue;
      const Deletion deletion{.timestamp = static_cast<std::int64_t>(random() % 5),
                              .at_seconds = 0};
      naive.emplace_back(range, deletion);
      deletions.add(range, deletion);
    }
    for (int probe = 0; probe < 50; ++probe) {
      const Bytes at = random_bytes(random, 3);
      Deletion expected;
      for (const auto& [range, deletion] : naive) {
        if (range.contains(at)) expected = std::max(expected, deletion);
      }
      EXPECT_EQ(deletions.at(at), expected);
    }
  }
}

TEST(RangeDeletions, BoundsSurviveTheirKey) {
  for (const ClusteringRange& range : {ClusteringRange{}, ClusteringRange{"a", "b"},
                                       ClusteringRange{"", ""}, ClusteringRange{"x", {}}}) {
    Bytes rest;
    append_range(range, rest);
    EXPECT_EQ(parse_range(rest).value(), range);
  }
  EXPECT_FALSE(parse_range("\0\0\0\5abc"));
}

}  // namespace
}  // namespace penstock::table
