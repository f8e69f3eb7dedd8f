// SPDX-License-Identifier: Apache-2.0
#include "table/row_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "table/row_writer.h"

namespace penstock::table {
namespace {

// What a row means, with owned values: the naive model that merges are compared with.
struct Model {
  struct Value {
    std::int64_t timestamp = 0;
    bool deleted = false;
    std::int32_t ttl = 0;
    std::int64_t ends = 0;
    Bytes bytes{};
    friend bool operator==(const Value&, const Value&) = default;
  };
  std::optional<Marker> marker;
  Deletion deletion;
  std::map<std::uint16_t, Value> cells;
  friend bool operator==(const Model&, const Model&) = default;
};

Model decode(BytesView bytes) {
  Model model;
  RowReader reader(bytes);
  model.marker = reader.marker();
  model.deletion = reader.deletion();
  for (Cell cell; reader.next(cell);) {
    model.cells[cell.column] = {cell.timestamp, cell.deleted, cell.ttl_seconds, cell.ends_seconds,
                                Bytes(cell.value)};
  }
  EXPECT_FALSE(reader.corrupt());
  return model;
}

Bytes encode(const Model& model) {
  Bytes bytes{};
  RowWriter writer(bytes);
  std::int64_t base = model.deletion.none() ? 0 : model.deletion.timestamp;
  if (!model.cells.empty()) base = model.cells.begin()->second.timestamp;
  if (model.marker) base = model.marker->timestamp;
  writer.begin(base, model.marker, model.deletion);
  for (const auto& [column, value] : model.cells) {
    writer.add({.column = column,
                .deleted = value.deleted,
                .ttl_seconds = value.ttl,
                .timestamp = value.timestamp,
                .ends_seconds = value.ends,
                .value = value.bytes});
  }
  return bytes;
}

// Cassandra's rules one by one, over everything that was ever written; slow and obvious.
bool wins(const Model::Value& a, const Model::Value& b) {
  if (a.timestamp != b.timestamp) return a.timestamp > b.timestamp;
  const bool a_dies = a.deleted || a.ttl != 0;
  const bool b_dies = b.deleted || b.ttl != 0;
  if (a_dies != b_dies) return a_dies;
  if (a.deleted != b.deleted) return a.deleted;
  if (a.ends != b.ends) return a.ends > b.ends;
  if (a.bytes != b.bytes) return a.bytes > b.bytes;
  return a.ttl < b.ttl;
}

Model naive_merge(const std::vector<Model>& writes) {
  Model result;
  for (const Model& write : writes) result.deletion = std::max(result.deletion, write.deletion);
  for (const Model& write : writes) {
    if (write.marker && !result.deletion.hides(write.marker->timestamp)) {
      if (!result.marker || supersedes(*write.marker, *result.marker)) result.marker = write.marker;
    }
    for (const auto& [column, value] : write.cells) {
      if (result.deletion.hides(value.timestamp)) continue;
      const auto [place, fresh] = result.cells.emplace(column, value);
      if (!fresh && wins(value, place->second)) place->second = value;
    }
  }
  return result;
}

// Small ranges, so that ties happen all the time.
Model random_write(std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Model model;
  if (pick(4) == 0) model.deletion = {.timestamp = pick(5), .at_seconds = pick(3)};
  if (pick(2) == 0) {
    const std::int64_t timestamp = pick(5);
    if (!model.deletion.hides(timestamp)) {
      model.marker = Marker{.timestamp = timestamp};
      if (pick(3) == 0) model.marker = Marker{timestamp, 1 + pick(2), 10 + pick(3)};
    }
  }
  for (int cells = pick(4); cells > 0; --cells) {
    Model::Value value{
        .timestamp = pick(5),
        .bytes = std::string(static_cast<std::size_t>(pick(3)), static_cast<char>('a' + pick(2)))};
    if (model.deletion.hides(value.timestamp)) continue;
    if (const int kind = pick(4); kind == 0) {
      value = {.timestamp = value.timestamp, .deleted = true, .ends = pick(3), .bytes = {}};
    } else if (kind == 1) {
      value.ttl = 1 + pick(2);
      value.ends = 10 + pick(3);
    }
    model.cells[static_cast<std::uint16_t>(pick(2) == 0 ? pick(4) : pick(2000))] = value;
  }
  return model;
}

Bytes merged(const std::vector<Bytes>& rows) {
  const std::vector<BytesView> views(rows.begin(), rows.end());
  Bytes result;
  EXPECT_TRUE(merge_rows(views, result));
  return result;
}

TEST(RowFormat, RoundTripsExtremeTimestampsAndColumns) {
  Model model;
  model.marker = Marker{std::numeric_limits<std::int64_t>::max(), 630'720'000, 5'000'000'000};
  model.cells[0] = {std::numeric_limits<std::int64_t>::min() + 1, true, 0, -7, ""};
  model.cells[65535] = {0, false, 630'720'000, 5'000'000'000, Bytes(70'000, 'x')};
  model.deletion = {std::numeric_limits<std::int64_t>::min() + 1, 1'700'000'000};
  EXPECT_EQ(decode(encode(model)), model);
}

TEST(RowFormat, PlainInsertCostsTwoBytesACellAndOneTimestamp) {
  Model model;
  model.marker = Marker{.timestamp = 1'700'000'000'000'000};
  for (std::uint16_t column = 1; column <= 10; ++column) {
    model.cells[column] = {model.marker->timestamp, false, 0, 0, "twelve bytes"};
  }
  EXPECT_EQ(encode(model).size(), 9 + 10 * (2 + 12));
}

TEST(MergeRows, EqualsTheNaiveModelInEveryOrderGroupingAndRepetition) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Model> writes(1 + random() % 5);
    std::vector<Bytes> rows;
    for (Model& write : writes) rows.push_back(encode(write = random_write(random)));
    const Bytes all = merged(rows);
    ASSERT_EQ(decode(all), naive_merge(writes)) << "round " << round;

    rows.push_back(rows[random() % rows.size()]);                                // idempotent
    std::ranges::shuffle(rows, random);                                          // commutative
    const auto cut = static_cast<std::ptrdiff_t>(random() % (rows.size() + 1));  // associative
    const Bytes left = merged({rows.begin(), rows.begin() + cut});
    const Bytes right = merged({rows.begin() + cut, rows.end()});
    ASSERT_EQ(merged({left, right}), all) << "round " << round;
  }
}

TEST(MergeRows, EqualTimestampsDeletionBeatsExpiringBeatsLaterEndBeatsLargerValue) {
  const Cell plain{.timestamp = 5, .value = "a"};
  const Cell larger{.timestamp = 5, .value = "b"};
  const Cell expiring{.ttl_seconds = 9, .timestamp = 5, .ends_seconds = 100, .value = "a"};
  const Cell later{.ttl_seconds = 9, .timestamp = 5, .ends_seconds = 101, .value = "a"};
  const Cell deleted{.deleted = true, .timestamp = 5, .ends_seconds = 1};
  const Cell newer{.timestamp = 6};
  const std::vector<Cell> ascending{plain, larger, expiring, later, deleted, newer};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
    EXPECT_TRUE(supersedes(ascending[i + 1], ascending[i])) << i;
    EXPECT_FALSE(supersedes(ascending[i], ascending[i + 1])) << i;
  }
}

TEST(MergeRows, DeletionHidesItsOwnTimestampAndSparesTheNext) {
  Model insert;
  insert.marker = Marker{.timestamp = 10};
  insert.cells[1] = {10, false, 0, 0, "old"};
  insert.cells[2] = {11, false, 0, 0, "new"};
  Model deletion;
  deletion.deletion = {.timestamp = 10, .at_seconds = 3};
  const Model result = decode(merged({encode(insert), encode(deletion)}));
  EXPECT_FALSE(result.marker);
  EXPECT_EQ(result.cells.size(), 1);
  EXPECT_EQ(result.cells.at(2).bytes, "new");
}

TEST(MergeRows, BrokenBytesAreAnErrorAtEveryCut) {
  Model model;
  model.marker = Marker{9, 5, 14};
  model.cells[3] = {9, false, 5, 14, "value"};
  model.cells[300] = {8, true, 0, 77, ""};
  const Bytes whole = encode(model);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const BytesView cut = BytesView(whole).substr(0, size);
    Bytes result;
    const std::vector<BytesView> rows{cut, whole};
    EXPECT_EQ(merge_rows(rows, result).has_value(), valid_row(cut));
    refused += valid_row(cut) ? 0 : 1;
  }
  EXPECT_GE(refused, whole.size() - 3);  // a cut between cells is a row with fewer cells
}

}  // namespace
}  // namespace penstock::table
