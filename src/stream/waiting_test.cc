// SPDX-License-Identifier: Apache-2.0
// What is waited for and how: the breaker, and what became of a table.
#include <gtest/gtest.h>

#include "stream/bisection.h"
#include "stream/breaker.h"
#include "stream/table_change.h"

namespace penstock::stream {
namespace {

using std::chrono::seconds;

TEST(Breaker, OpensAfterSomeFailuresInARowAndWaitsLongerAndLonger) {
  Breaker breaker;
  TimePoint now{};
  for (int i = 1; i < Breaker::kFailuresToOpen; ++i) {
    EXPECT_EQ(breaker.failed(now, Millis(70), 0), now + Millis(70));
    EXPECT_EQ(breaker.state(), Breaker::State::Closed);
  }
  Duration longest{0};
  for (const int pause : {1, 2, 4, 8, 15, 15, 15}) {
    const TimePoint until = breaker.failed(now, Millis(70), 0.999999);
    EXPECT_EQ(breaker.state(), Breaker::State::Open);
    EXPECT_GT(until, now + seconds(pause) - Millis(1));
    EXPECT_LE(until, now + seconds(pause));
    longest = std::max<Duration>(longest, until - now);
    breaker.trying(until - Millis(1));
    EXPECT_EQ(breaker.state(), Breaker::State::Open) << "not yet";
    breaker.trying(until);
    EXPECT_EQ(breaker.state(), Breaker::State::HalfOpen);
    now = until;
  }
  EXPECT_LE(longest, seconds(15));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(), Breaker::State::Closed);
  EXPECT_EQ(breaker.failed(now, Millis(70), 0), now + Millis(70)) << "it counts anew";
}

TEST(Breaker, ASuccessBetweenFailuresKeepsItClosed) {
  Breaker breaker;
  for (int i = 0; i < 20; ++i) {
    breaker.failed({}, Millis(1), 0);
    breaker.succeeded();
    EXPECT_EQ(breaker.state(), Breaker::State::Closed);
  }
}

TEST(Breaker, ChanceSpreadsTheProbesOverTheUpperHalf) {
  Breaker one;
  Breaker other;
  for (int i = 1; i < Breaker::kFailuresToOpen; ++i) {
    one.failed({}, {}, 0);
    other.failed({}, {}, 0);
  }
  EXPECT_EQ(one.failed({}, {}, 0) - TimePoint{}, Millis(500));
  EXPECT_EQ(other.failed({}, {}, 0.5) - TimePoint{}, Millis(750));
}

TEST(Bisection, AShortenedPieceComesFirstAndTheOthersAfterIt) {
  Bisection bisection(250);
  bisection.shorten(100);
  EXPECT_EQ(bisection.next(), (Bisection::Segment{0, 100}));
  bisection.shorten(100);
  bisection.accepted();
  EXPECT_EQ(bisection.next(), (Bisection::Segment{100, 250}));
  bisection.accepted();
  EXPECT_FALSE(bisection.next());
  EXPECT_EQ(bisection.accepted_rows(), 250U);
  Bisection(0).shorten(1);
}

const std::vector<TableColumn> kOpened{{"id", "partition_key", "text"},
                                       {"name", "regular", "text"}};

TEST(TableChange, MoreColumnsDoNotMatter) {
  auto now = kOpened;
  now.insert(now.begin(), {"more", "regular", "int"});
  EXPECT_FALSE(table_change("ks.t", kOpened, now));
}

TEST(TableChange, WhatIsGoneMayComeBack) {
  const auto table = table_change("ks.t", kOpened, {});
  ASSERT_TRUE(table);
  EXPECT_EQ(table->code, Code::NotFound);
  EXPECT_NE(table->message.find("table ks.t is gone"), std::string::npos);
  const auto column = table_change("ks.t", kOpened, {kOpened[0]});
  ASSERT_TRUE(column);
  EXPECT_EQ(column->code, Code::NotFound);
  EXPECT_NE(column->message.find("no column name any more"), std::string::npos);
}

TEST(TableChange, AnotherTypeOrPlaceInTheKeyNeedsANewStart) {
  for (const TableColumn& other :
       {TableColumn{"name", "regular", "int"}, TableColumn{"name", "clustering", "text"}}) {
    const auto changed = table_change("ks.t", kOpened, {kOpened[0], other});
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->code, Code::Unsupported);
  }
  const TableColumn more{"at", "clustering", "timestamp"};
  const auto changed = table_change("ks.t", kOpened, {kOpened[0], kOpened[1], more});
  ASSERT_TRUE(changed) << "no row of ours has a value for it";
  EXPECT_EQ(changed->code, Code::Unsupported);
}

}  // namespace
}  // namespace penstock::stream
