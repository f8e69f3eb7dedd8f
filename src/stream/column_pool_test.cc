// SPDX-License-Identifier: Apache-2.0
#include "stream/column_pool.h"

#include <gtest/gtest.h>

namespace penstock::stream {
namespace {

constexpr std::size_t kMiB = 1 << 20;
const sql::Fields kFields{{"id", sql::Type::Text, true}, {"n", sql::Type::Int, false}};

std::vector<sql::Column> filled(std::vector<sql::Column> columns, std::size_t rows) {
  for (std::size_t i = 0; i < rows; ++i) {
    columns[0].append_bytes("0123456789abcdef");
    columns[1].append_int(7);
  }
  return columns;
}

TEST(ColumnPool, LendsTheMemoryOfAnEarlierBatchAndNoneOfItsRows) {
  ColumnPool pool(kFields, 64 * kMiB);
  std::vector<sql::Column> first = filled(pool.take(), 1000);
  const char* memory = first[0].bytes_at(0).data();
  pool.give(std::move(first));
  EXPECT_GT(pool.bytes(), 1000 * 16U);

  std::vector<sql::Column> second = pool.take();
  EXPECT_EQ(pool.bytes(), 0U);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].size(), 0U);
  EXPECT_EQ(second[1].size(), 0U);
  second = filled(std::move(second), 1);
  EXPECT_EQ(second[0].bytes_at(0).data(), memory);
  EXPECT_EQ(second[0].bytes_at(0), "0123456789abcdef");
}

TEST(ColumnPool, KeepsNoMoreThanItsBound) {
  ColumnPool pool(kFields, kMiB / 2);
  std::vector<std::vector<sql::Column>> lent;
  for (int i = 0; i < 8; ++i) lent.push_back(filled(pool.take(), 4000));
  for (auto& columns : lent) pool.give(std::move(columns));
  EXPECT_GT(pool.bytes(), 0U);
  EXPECT_LE(pool.bytes(), kMiB / 2);
}

TEST(ColumnPool, GivesMemoryBackWhenBatchesBecomeSmall) {
  ColumnPool pool(kFields, 64 * kMiB);
  pool.give(filled(pool.take(), 200'000));
  EXPECT_GT(pool.bytes(), 4 * kMiB);
  pool.give(filled(pool.take(), 10));
  EXPECT_EQ(pool.bytes(), 0U);
}

TEST(ColumnPool, RefusesColumnsOfOtherTypes) {
  ColumnPool pool(kFields, 64 * kMiB);
  std::vector<sql::Column> others;
  others.emplace_back(sql::Type::Int);
  others.emplace_back(sql::Type::Text);
  pool.give(std::move(others));
  pool.give({});
  EXPECT_EQ(pool.bytes(), 0U);
  EXPECT_EQ(pool.take()[0].type(), sql::Type::Text);
}

}  // namespace
}  // namespace penstock::stream
