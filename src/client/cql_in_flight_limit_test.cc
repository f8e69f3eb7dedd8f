// SPDX-License-Identifier: Apache-2.0
#include "client/cql_in_flight_limit.h"

#include <gtest/gtest.h>

namespace penstock::client {
namespace {

class CqlInFlightLimitTest : public testing::Test {
 protected:
  // One round trip with as many requests as allowed (or as there are), all answered alike.
  void round(Duration took, CqlLoadSign sign = CqlLoadSign::Fine, std::size_t wanted = 10'000) {
    const std::size_t requests = std::min(wanted, limit.limit);
    for (std::size_t i = 1; i <= requests; ++i) count_sent(limit, i);
    const TimePoint sent = now;
    now += took;
    for (std::size_t i = 0; i < requests; ++i) adapt(limit, sent, now, sign);
    now += Millis(1);
  }
  std::size_t rounds(int count, Duration took) {
    for (int i = 0; i < count; ++i) round(took);
    return limit.limit;
  }

  CqlInFlightLimit limit{64, 2000, 512};
  TimePoint now{std::chrono::hours(1)};
};

TEST_F(CqlInFlightLimitTest, RisesALittleEachRoundTripWhileLatencyHolds) {
  round(Millis(5));
  EXPECT_EQ(limit.limit, 512 + 15);
  EXPECT_EQ(rounds(1, Millis(5)), 512 + 30);
  EXPECT_EQ(rounds(200, Millis(5)), 2000) << "and never beyond the most";
}

TEST_F(CqlInFlightLimitTest, StaysWhenFewerAreWantedThanAllowed) {
  for (int i = 0; i < 100; ++i) round(Millis(5), CqlLoadSign::Fine, 100);
  for (int i = 0; i < 100; ++i) round(Millis(500), CqlLoadSign::Fine, 1);  // large batches
  EXPECT_EQ(limit.limit, 512);
}

TEST_F(CqlInFlightLimitTest, HalvesOnOverloadOnceARoundTripAndRecovers) {
  rounds(10, Millis(5));
  const std::size_t before = limit.limit;
  round(Millis(5), CqlLoadSign::TooMuch);  // hundreds of them
  EXPECT_EQ(limit.limit, before / 2);
  round(Millis(5), CqlLoadSign::TooMuch);
  EXPECT_EQ(limit.limit, before / 4);
  EXPECT_GE(rounds(40, Millis(5)), before);
}

TEST_F(CqlInFlightLimitTest, NeverFallsBelowTheLeast) {
  for (int i = 0; i < 20; ++i) round(Millis(5), CqlLoadSign::TooMuch);
  EXPECT_EQ(limit.limit, 64);
  for (int i = 0; i < 100; ++i) round(Millis(100) * (1 + i % 2 * 9));
  EXPECT_GE(limit.limit, 64);
}

TEST_F(CqlInFlightLimitTest, DoesNotRiseIntoQueues) {
  // A node of 10000 answers a second: what is more than it can do waits.
  round(Millis(1), CqlLoadSign::Fine, 1);
  for (int i = 0; i < 1000; ++i) round(Millis(1) * static_cast<int>(1 + limit.limit / 10));
  EXPECT_LE(limit.limit, 600);
  EXPECT_GE(limit.limit, 450) << "and has work for all the time";
}

TEST_F(CqlInFlightLimitTest, RisesAlsoWhereTheNodeIsFarAway) {
  EXPECT_EQ(rounds(200, Millis(150)), 2000);
}

TEST_F(CqlInFlightLimitTest, GivesWayWhenAnswersSlowDownSuddenly) {
  rounds(40, Millis(5));
  const std::size_t before = limit.limit;
  round(Millis(200));
  EXPECT_LT(rounds(1, Millis(5)), before);
  EXPECT_GE(rounds(10, Millis(5)), before) << "it was a pause";
}

// A node that is merely slow works best with much to do; only its own word takes that away, and not
// for good.
TEST_F(CqlInFlightLimitTest, SlowAnswersAloneDoNotBringItBelowWhereItBegan) {
  rounds(40, Millis(5));
  for (int i = 0; i < 200; ++i) round(Millis(100) * (1 + i % 2 * 9));
  EXPECT_GE(limit.limit, 512);
  for (int i = 0; i < 3; ++i) round(Millis(300), CqlLoadSign::TooMuch);
  EXPECT_LT(limit.limit, 200);
  EXPECT_GE(rounds(40, Millis(300)), 512);
}

TEST_F(CqlInFlightLimitTest, BelievesARouteThatHasBecomeLonger) {
  rounds(20, Millis(5));
  EXPECT_LT(rounds(100, Millis(120)), 1000);
  EXPECT_EQ(rounds(3000, Millis(120)), 2000);
}

TEST_F(CqlInFlightLimitTest, OtherErrorsSayNothing) {
  round(Millis(5), CqlLoadSign::None);
  EXPECT_EQ(limit.limit, 512);
}

TEST(CqlInFlightLimit, BoundsMayBeTight) {
  EXPECT_EQ(CqlInFlightLimit(64, 8, 512).limit, 8);
  EXPECT_EQ(CqlInFlightLimit(64, 8, 512).least, 8);
  EXPECT_EQ(CqlInFlightLimit(64, 2000, 10).limit, 64);
}

}  // namespace
}  // namespace penstock::client
