// SPDX-License-Identifier: Apache-2.0
#include "main/offset_reset.h"

#include <gtest/gtest.h>

namespace penstock::main_room {
namespace {

using Kind = OffsetReset::Kind;

std::int64_t offset_of(Kind kind, std::int64_t number, bool moved, std::int64_t committed = 50) {
  const auto found = reset_offset({kind, number}, {committed, {10, 100}, 42});
  EXPECT_TRUE(found);
  EXPECT_EQ(found->moved, moved);
  return found->offset;
}

TEST(OffsetReset, EachKindGoesWhereItSays) {
  EXPECT_EQ(offset_of(Kind::ToEarliest, 0, false), 10);
  EXPECT_EQ(offset_of(Kind::ToLatest, 0, false), 100);
  EXPECT_EQ(offset_of(Kind::ToOffset, 70, false), 70);
  EXPECT_EQ(offset_of(Kind::ToCurrent, 0, false), 50);
  EXPECT_EQ(offset_of(Kind::ShiftBy, -5, false), 45);
  EXPECT_EQ(offset_of(Kind::ToDatetime, 0, false), 42);
}

TEST(OffsetReset, StaysInsideThePartitionAndSaysSo) {
  EXPECT_EQ(offset_of(Kind::ToOffset, 5, true), 10);
  EXPECT_EQ(offset_of(Kind::ToOffset, 500, true), 100);
  EXPECT_EQ(offset_of(Kind::ShiftBy, -100, true), 10);
  EXPECT_EQ(offset_of(Kind::ToCurrent, 0, true, 3), 10);
}

TEST(OffsetReset, WithoutAnOffsetThereIsNothingToShift) {
  EXPECT_FALSE(reset_offset({Kind::ShiftBy, 1}, {client::kOffsetNone, {0, 9}, 0}));
  EXPECT_FALSE(reset_offset({Kind::ToCurrent, 0}, {client::kOffsetNone, {0, 9}, 0}));
  EXPECT_TRUE(reset_offset({Kind::ToLatest, 0}, {client::kOffsetNone, {0, 9}, 0}));
}

TEST(OffsetReset, TimesAreReadWithAndWithoutAZone) {
  EXPECT_EQ(*parse_datetime("1970-01-02"), 86'400'000);
  EXPECT_EQ(*parse_datetime("1970-01-01T00:01"), 60'000);
  EXPECT_EQ(*parse_datetime("2026-01-31T12:30:00.250Z"), 1'769'862'600'250);
  EXPECT_EQ(*parse_datetime("2026-01-31T13:30:00+01:00"), 1'769'862'600'000);
  EXPECT_EQ(*parse_datetime("2026-01-31T09:00:00-0330"), 1'769'862'600'000);
  for (const char* bad :
       {"", "yesterday", "2026-02-30", "2026-01-31T25:00:00", "2026-01-31T12:30:00X", "2026-1-1",
        "2026-01-31 12:30:00", "2026-01-31T12:30:00.2"})
    EXPECT_FALSE(parse_datetime(bad)) << bad;
}

TEST(OffsetReset, TopicsMayNamePartitions) {
  EXPECT_EQ(parse_topic_choice("users")->topic, "users");
  EXPECT_TRUE(parse_topic_choice("users")->partitions.empty());
  EXPECT_EQ(parse_topic_choice("users:0,12")->partitions, (std::vector<std::int32_t>{0, 12}));
  for (const char* bad : {"", ":1", "users:", "users:x", "users:1,", "users:-1"})
    EXPECT_FALSE(parse_topic_choice(bad)) << bad;
}

}  // namespace
}  // namespace penstock::main_room
