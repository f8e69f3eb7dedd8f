// SPDX-License-Identifier: Apache-2.0
#include "table/mutation.h"

#include <gtest/gtest.h>

#include <random>

#include "table/test_store.h"

namespace penstock::table {
namespace {

// A batch of so many writes to at most `keys` rows, in no order.
MutationBatch batch_of(std::size_t writes, std::size_t keys, std::mt19937& random) {
  const TableDef users = users_def();
  MutationBatch batch(0);
  for (std::size_t i = 0; i < writes; ++i) {
    const std::string id = fmt::format("user-{}", random() % keys);
    batch.write(users, PartitionKey(id), {},
                {.timestamp_micros = static_cast<std::int64_t>(i), .marker = true, .cells = {}});
  }
  return batch;
}

class Cut : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

// What makes it right to write each part into a file of its own and to take the files in together.
TEST_P(Cut, PartsFollowEachOtherAndNoKeyIsInTwo) {
  std::mt19937 random(11);
  const auto [writes, keys] = GetParam();
  for (std::size_t parts = 1; parts <= 5; ++parts) {
    MutationBatch batch = batch_of(writes, keys, random);
    const auto ranges = batch.cut(parts);
    ASSERT_EQ(ranges.size(), parts);
    std::size_t records = 0;
    const MutationBatch::Record* last = nullptr;
    for (const auto& range : ranges) {
      const std::string_view before = last == nullptr ? std::string_view{} : batch.key(*last);
      batch.sort(range);
      for (const auto& record : range) {
        if (last != nullptr) {
          ASSERT_LE(batch.key(*last), batch.key(record));
          if (batch.key(*last) == batch.key(record)) {
            ASSERT_LT(last->offset, record.offset) << "as written";
          }
        }
        ASSERT_TRUE(before.empty() || batch.key(record) > before) << "the key is in two parts";
        last = &record;
        ++records;
      }
    }
    EXPECT_EQ(records, writes);
    if (keys >= writes && writes > 100) {
      for (const auto& range : ranges) {
        EXPECT_GT(range.size(), writes / parts - writes / 20);
        EXPECT_LT(range.size(), writes / parts + writes / 20);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Batches, Cut,
                         testing::Values(std::pair{0, 1}, std::pair{1, 1}, std::pair{3, 100},
                                         std::pair{5000, 1}, std::pair{5000, 2},
                                         std::pair{5000, 300}, std::pair{5000, 1'000'000'000}));

}  // namespace
}  // namespace penstock::table
