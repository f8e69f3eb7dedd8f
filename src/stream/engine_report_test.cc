// SPDX-License-Identifier: Apache-2.0
// What the engine tells about itself, and what becomes of partitions that the broker cannot read.
#include "stream/engine_fixture.h"

namespace penstock::stream {
namespace {

using namespace engine_test;

// ---- Lag

double lag_metric(Life& life, int partition) {
  return life.metrics
      .gauge("ingest_lag_records", "",
             {{"pipeline", "users"}, {"topic", "users"}, {"partition", std::to_string(partition)}})
      .value();
}

TEST(Engine, LagCountsPartitionsThatAreInNoBatchYet) {
  World world = world_of(40);
  Life life(world, users());
  life.source.chunk = 4;
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return !life.store.held.empty(); }));
  EXPECT_EQ(life.report.status().lag, 40) << "nothing is acknowledged";
  EXPECT_EQ(lag_metric(life, 0) + lag_metric(life, 1), 40);
  life.store.release();  // a batch of partition 0 alone
  life.run_until([&] { return life.report.status().batches == 1; });
  EXPECT_EQ(life.report.status().lag, 40 - life.report.status().rows_read);
  const Progress progress = life.report.progress().at(0);
  EXPECT_EQ(progress.lag(), life.report.status().lag);
  EXPECT_EQ(progress.latest_offset.at("users").size(), 2U);
  EXPECT_EQ(progress.end_offset.at("users").at(1), 0) << "read nothing of it, and says so";
  life.store.hold = false;
  life.store.release();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().lag, 0);
}

TEST(Engine, LagIsKnownAtOnceAfterARestart) {
  World world = world_of(40);
  {
    Life life(world, users());
    EXPECT_EQ(life.report.status().lag, std::nullopt) << "before the first assignment";
    ASSERT_TRUE(life.run_until([&] { return life.checkpoint() >= 8; }));
  }
  const std::int64_t done =
      world.checkpoints[{"users", 0}].offset + world.checkpoints[{"users", 1}].offset;
  Life life(world, users());
  life.source.chunk = 0;  // no record comes
  life.engine.step();
  EXPECT_EQ(life.report.status().lag, 40 - done);
  EXPECT_EQ(life.report.status().batches, 0);
}

TEST(Engine, LagGrowsWhileTheStoreStalls) {
  World world = world_of(4000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  life.run_until([&] { return life.source.pauses > 0; });
  ASSERT_EQ(life.report.status().lag, 4000);
  for (int i = 0; i < 500; ++i)
    world.topic[{"users", 0}].push_back({R"({"id":"new","name":"x"})", 1'699'999'999'000});
  const TimePoint before = life.clock.now();
  ASSERT_TRUE(life.run_until([&] { return life.report.status().lag == 4500; }));
  EXPECT_LE(life.clock.now() - before, std::chrono::seconds(3)) << "renewed each second";
  EXPECT_EQ(lag_metric(life, 0), 4500);
  EXPECT_GT(life.metrics
                .gauge("ingest_lag_seconds", "",
                       {{"pipeline", "users"}, {"topic", "users"}, {"partition", "0"}})
                .value(),
            1e8)
      << "the first record is of the year 2020, the clock of 2023";
  EXPECT_GT(
      life.metrics.gauge("ingest_checkpoint_age_seconds", "", {{"pipeline", "users"}}).value(), 30);
}

// ---- Partitions that the broker cannot read

TEST(Engine, ADamagedPartitionIsLeftOutAloneAndComesBack) {
  World world = world_of(60);
  Life life(world, users());
  life.source.damaged = {{"users", 1}};
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 30; })) << life.engine.error();
  PipelineStatus status = life.report.status();
  EXPECT_EQ(status.state, PipelineState::Running);
  EXPECT_EQ(status.left_out.at("users").at(1), "Disk error when trying to access log");
  EXPECT_NE(
      status.json().find(R"("leftOut":{"users":{"1":"Disk error when trying to access log"}})"),
      std::string::npos);
  EXPECT_FALSE(world.checkpoints.contains({"users", 1}));

  life.run_until([] { return false; }, 300);
  EXPECT_EQ(life.report.status().left_out.size(), 1U);
  life.source.damaged.clear();
  ASSERT_TRUE(life.run_to_the_end());
  status = life.report.status();
  EXPECT_TRUE(status.left_out.empty());
  EXPECT_EQ(status.lag, 0);
  World straight = world_of(60);
  Life well(straight, users());
  ASSERT_TRUE(well.run_until([&] { return well.all_read(); }));
  EXPECT_EQ(world.cells(), straight.cells());
}

TEST(Engine, APartitionDamagedWhileItIsReadIsNoticedAndGoesOnWhereItWas) {
  World world = world_of(60);
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return world.checkpoints[{"users", 1}].offset >= 8; }));
  life.source.damaged = {{"users", 1}};  // the consumer says nothing of it
  ASSERT_TRUE(life.run_until([&] { return !life.report.status().left_out.empty(); }));
  EXPECT_TRUE(life.source.held.contains({"users", 1}));
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 30; })) << "the other goes on";
  const std::int64_t lag = *life.report.status().lag;
  EXPECT_EQ(lag, 30 - (world.checkpoints[{"users", 1}].offset));
  life.source.damaged.clear();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_TRUE(life.report.status().left_out.empty());
  EXPECT_EQ(life.report.status().rows_read, 60) << "nothing twice";
}

TEST(Engine, AvailableNowFinishesTheOthersAndFailsForWhatItLeftOut) {
  World world = world_of(60);
  Life life(world, users("available_now"));
  life.source.damaged = {{"users", 1}};
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.checkpoint(), 30);
  EXPECT_EQ(life.report.status().state, PipelineState::Failed);
  EXPECT_NE(life.engine.error().find("users[1] is left out"), std::string::npos);
}

TEST(Engine, AvailableNowReadsOnAfterItsSourceWasOpenedAgain) {
  World world = world_of(60);
  Life life(world, users("available_now"));
  ASSERT_TRUE(life.engine.step());
  life.source.next_failure = Error{Code::Unavailable, "all brokers are down"};
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.report.status().state, PipelineState::Stopped);
  EXPECT_TRUE(life.all_read());
}

// ---- Progress

TEST(Engine, ProgressHasSparksDurationsThatWereMeasured) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"a","name":"1"})", 5}};
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 1; }));
  world.topic[{"users", 0}].push_back({"junk", 5});
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 2; }));
  const auto keys = [&](std::size_t batch) {
    Lines out;
    const auto progress = life.report.progress();
    for (const auto& [key, millis] : progress.at(batch).duration_ms) out.push_back(key);
    return out;
  };
  EXPECT_EQ(keys(0), (Lines{"addBatch", "getBatch", "triggerExecution"}));
  EXPECT_EQ(keys(1), (Lines{"addBatch", "commitOffsets", "getBatch", "triggerExecution"}))
      << "no row took the positions with it";
}

}  // namespace
}  // namespace penstock::stream
