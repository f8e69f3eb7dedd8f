// SPDX-License-Identifier: Apache-2.0
#include "main/stop_limit.h"

#include <gtest/gtest.h>

#include <future>

namespace penstock::main_room {
namespace {

TEST(StopLimitDeathTest, EndsWhatDoesNotEndByItself) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const StopLimit limit(Millis(1));
        std::promise<void>().get_future().wait();
      },
      testing::ExitedWithCode(0), "stopping takes too long");
}

TEST(StopLimit, LetsGoOfWhatEndsInTime) {
  const StopLimit limit(std::chrono::hours(1));
}

}  // namespace
}  // namespace penstock::main_room
