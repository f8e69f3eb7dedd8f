// SPDX-License-Identifier: Apache-2.0
// Stages, stops and crashes. Restart tests run the same input straight through, then with a crash
// at every point, and want one and the same table.
#include "stream/checkpoint.h"
#include "stream/engine_fixture.h"

namespace penstock::stream {
namespace {

using namespace engine_test;

TEST(Engine, RowsLettersCheckpointGroupAndConsoleAgree) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"a","name":"1"})", 5},
                               {"junk", 5},
                               {R"({"name":"x"})", 5},
                               {R"({"id":"b","name":"skip"})", 5},
                               {R"({"id":"a","name":"2"})", 5}};
  Life life(world, users());
  life.source.chunk = 100;
  ASSERT_TRUE(life.run_until([&] { return life.all_read() && !world.group.empty(); }));
  EXPECT_EQ(world.cells(), (std::map<std::string, std::string>{{"a", "a,2,"}}));
  EXPECT_EQ(world.letters,
            (std::vector<std::string>{"decode 1 junk", R"(missing_required 2 {"name":"x"})"}));
  EXPECT_EQ(world.group.begin()->second.offset, 5);
  EXPECT_TRUE(is_our_commit(world.group.begin()->second.metadata));
  ASSERT_EQ(life.console.printed.size(), 1U);
  EXPECT_NE(life.console.printed[0].find("Batch: 0\n"), std::string::npos);
  const PipelineStatus status = life.report.status();
  EXPECT_EQ(status.state, PipelineState::Running);
  EXPECT_EQ(status.rows_read, 5);
  EXPECT_EQ(status.rows_written, 1);
  EXPECT_EQ(status.rows_filtered, 1);
  EXPECT_EQ(status.rejected.at(Reason::Decode), 1);
  EXPECT_EQ(status.lag, 0);
  const auto progress = life.report.progress();
  ASSERT_EQ(progress.size(), 1U);
  EXPECT_EQ(progress[0].end_offset.at("users").at(0), 5);
}

TEST(Engine, NewestOfSameMillisecondWinsAcrossBatches) {
  World world;
  for (int i = 0; i < 10; ++i)
    world.topic[{"users", 0}].push_back({fmt::format(R"({{"id":"a","name":"{}"}})", i), 5});
  Life life(world, users());
  life.source.chunk = 3;
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.cells().at("a"), "a,9,");
  EXPECT_GT(world.writes, 1U);
}

TEST(Engine, ACrashAtAnyPointLeavesTheSameTableAsAStraightRun) {
  World straight = world_of(120);
  {
    Life life(straight, users());
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  }
  std::set<std::string> straight_letters(straight.letters.begin(), straight.letters.end());
  for (int crash = 1; crash < 60; ++crash) {
    World world = world_of(120);
    {
      Life life(world, users());
      life.store.hold =
          crash % 3 == 0;  // some crashes find a write in flight: sent, and never answered
      for (int i = 0; i < crash && life.engine.step(); ++i) {
        if (life.store.hold && i % 4 == 3) life.store.release();
      }
      if (crash % 6 == 0) {
        for (auto& [batch, done] : life.store.held) life.store.apply(batch);  // ... but it happened
      }
    }
    Life life(world, users());
    life.source.chunk = 7;  // other batch boundaries than before
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); })) << crash;
    EXPECT_EQ(world.table, straight.table) << "after a crash at step " << crash;
    EXPECT_EQ(std::set<std::string>(world.letters.begin(), world.letters.end()), straight_letters)
        << crash;
  }
}

TEST(Engine, NothingPassesALetterThatIsNotAcknowledged) {
  World world = world_of(40, 1);
  Life life(world, users());
  life.letters.stuck = true;
  life.run_until([] { return false; }, 200);
  EXPECT_LT(life.checkpoint(), 4) << "message 3 is broken and its letter is stuck";
}

TEST(Engine, DeadLettersAreSentAgainUntilTheyArrive) {
  World world = world_of(40, 1);
  Life life(world, users());
  life.letters.failures = 3;
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_TRUE(life.engine.error().empty());
}

TEST(Engine, ALetterThatIsTooLargeGoesWithoutItsValueAndNothingStops) {
  World world;
  world.topic[{"users", 0}] = {
      {"small", 5}, {std::string(2000, 'x'), 5}, {R"({"id":"a","name":"1"})", 5}, {"tiny", 5}};
  Life life(world, users());
  life.source.chunk = 100;
  life.letters.bytes_max = 500;
  ASSERT_TRUE(life.run_to_the_end()) << life.engine.error();
  EXPECT_EQ(std::set<std::string>(world.letters.begin(), world.letters.end()),
            (std::set<std::string>{"decode 0 small", "decode 1 (value)", "decode 3 tiny"}));
  EXPECT_EQ(world.cells().size(), 1U) << "the neighbour passes";
  const PipelineStatus status = life.report.status();
  EXPECT_EQ(status.rejected.at(Reason::Decode), 3);
  EXPECT_EQ(status.letters_cut, (std::map<Reason, std::int64_t>{{Reason::Decode, 1}}));
  EXPECT_NE(
      life.metrics.text().find(
          R"(ingest_dlq_records_cut_total{dlq="users.dlq",pipeline="users",reason="decode"} 1)"),
      std::string::npos);
}

TEST(Engine, ATopicThatTakesNoLetterAtAllIsWaitedFor) {
  World world = world_of(20, 1);
  Life life(world, users());
  life.letters.bytes_max = 0;
  life.run_until([] { return false; }, 200);
  EXPECT_TRUE(life.engine.error().empty());
  EXPECT_NE(life.report.status().error.find("size too large"), std::string::npos);
  EXPECT_LT(life.checkpoint(), 4);
  life.letters.bytes_max = 1000;  // somebody has raised the limit
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(life.report.status().error, "");
}

TEST(Engine, LettersOfTwoBatchesUnderWayAtOnceAreToldApart) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"bad","name":"1"})", 5},
                               {R"({"id":"a","name":"1"})", 5},
                               {"junk", 5},
                               {R"({"id":"b","name":"1"})", 5}};
  PipelineSpec spec = users();
  spec.trigger.max_rows = 2;
  Life life(world, spec);
  life.source.chunk = 2;
  life.store.poison = "bad";
  life.letters.stuck = true;  // the culprit's of the batch in writing, then junk's of the next one
  ASSERT_TRUE(life.run_until([&] { return life.letters.held.size() == 2; }));
  {
    auto [letters, done] = std::move(life.letters.held.front());
    life.letters.held.erase(life.letters.held.begin());
    ASSERT_EQ(letters.at(0).reject.reason, Reason::Decode) << "of the batch that is ready";
    life.letters.deliver(letters, done);
  }
  life.run_until([] { return false; }, 20);
  EXPECT_EQ(world.letters, Lines{"decode 2 junk"});
  EXPECT_EQ(life.checkpoint(), 0) << "the culprit's letter is not acknowledged";
  life.letters.stuck = false;
  life.letters.release();
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.letters.size(), 2U);
}

TEST(Engine, TransientFailuresOfTheStoreAreRetriedWithTheSameTimestamps) {
  World straight = world_of(30);
  Life first(straight, users());
  ASSERT_TRUE(first.run_until([&] { return first.all_read(); }));
  World world = world_of(30);
  Life life(world, users());
  life.store.failures = {{Code::Timeout, "no answer"}, {Code::Unavailable, "overloaded"}};
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table, straight.table);
  EXPECT_EQ(life.report.status().error, "");
}

TEST(Engine, ARowThatTheStoreRefusesIsDivertedAlone) {
  World world = world_of(60);
  Life life(world, users());
  life.store.poison = "k4";
  life.source.chunk = 50;
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table.count("k4"), 0U);
  EXPECT_GT(world.table.size(), 8U);
  EXPECT_GT(life.report.status().rejected.at(Reason::SinkPermanent), 0);
  EXPECT_EQ(std::count_if(
                world.letters.begin(), world.letters.end(),
                [](const std::string& letter) { return letter.substr(0, 14) == "sink_permanent"; }),
            life.report.status().rejected.at(Reason::SinkPermanent));
}

TEST(Engine, AGlobalRefusalStopsWithTheReasonAndKeepsTheOffsets) {
  World world = world_of(20);
  Life life(world, users());
  life.store.failures = {{Code::Unsupported, "column id was text and is int now"}};
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_FALSE(life.engine.step());
  EXPECT_NE(life.engine.error().find("is int now"), std::string::npos);
  EXPECT_EQ(life.report.status().state, PipelineState::Failed);
  EXPECT_TRUE(world.checkpoints.empty());
  EXPECT_TRUE(world.group.empty());
  EXPECT_TRUE(life.source.closed);
}

TEST(Engine, WhatAPersonCanCureIsWaitedForAndTheStatusSaysSo) {
  for (const Code code : {Code::Unauthorized, Code::NotFound}) {
    World world = world_of(20);
    Life life(world, users());
    life.store.failures = std::vector<Error>(10, {code, "the password has expired"});
    ASSERT_TRUE(life.run_until([&] { return life.store.failures.size() == 2; }));
    EXPECT_EQ(life.report.status().state, PipelineState::Running);
    EXPECT_NE(life.report.status().error.find("the password has expired"), std::string::npos);
    EXPECT_TRUE(world.checkpoints.empty());
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); })) << life.engine.error();
    EXPECT_EQ(life.report.status().error, "");
  }
}

TEST(Engine, AvailableNowDoesNotWaitForAPerson) {
  World world = world_of(20);
  Life life(world, users("available_now"));
  life.store.failures = {{Code::NotFound, "table ks.t is gone"}};
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_NE(life.engine.error().find("ks.t is gone"), std::string::npos);
}

TEST(Engine, AStoreThatKeepsFailingIsLeftAloneAndThenAskedWithASmallPiece) {
  constexpr int kRows = 700;
  World world;
  for (int i = 0; i < kRows; ++i)
    world.topic[{"users", 0}].push_back({fmt::format(R"({{"id":"k{}","name":"x"}})", i), 5});
  Life life(world, users("{interval: 1ms}"));
  life.source.chunk = kRows;
  life.store.failures = std::vector<Error>(6, {Code::Timeout, "no answer"});
  ASSERT_TRUE(life.run_until([&] { return life.report.status().breaker == "open"; }));
  EXPECT_EQ(world.writes, static_cast<std::size_t>(Breaker::kFailuresToOpen));
  const TimePoint opened = life.clock.now();
  life.store.largest = 0;
  ASSERT_TRUE(life.run_until([&] { return life.store.failures.empty(); }));
  EXPECT_GE(life.clock.now() - opened, std::chrono::milliseconds(500));
  EXPECT_EQ(life.store.largest, Breaker::kProbeRows);
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table.size(), std::size_t{kRows});
  EXPECT_EQ(life.store.largest, kRows - Breaker::kProbeRows) << "whole pieces again";
  EXPECT_EQ(life.report.status().breaker, "closed");
}

TEST(Engine, PartitionsWhoseStartTheStoreCannotTellWaitForIt) {
  World world = world_of(40, 4);
  Life life(world, users());
  life.store.away = true;
  life.run_until([] { return false; }, 60);
  EXPECT_EQ(life.engine.error(), "");
  EXPECT_EQ(life.report.status().left_out.at("users").size(), 4U);
  EXPECT_TRUE(world.table.empty());
  life.store.away = false;
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_TRUE(life.report.status().left_out.empty());
  EXPECT_TRUE(life.source.held.empty());
}

TEST(Engine, ACommitThatFailedIsMadeAgain) {
  World world = world_of(20, 1);
  Life life(world, users());
  life.source.commit_failures = 3;
  ASSERT_TRUE(life.run_until([&] { return life.all_read() && !world.group.empty(); }));
  EXPECT_EQ(world.group.at({"users", 0}).offset, 20);
}

TEST(Engine, ATopicThatWasDeletedIsWaitedForAndReadAnewOnlyIfThatIsWanted) {
  for (const bool fail_on_data_loss : {true, false}) {
    World world = world_of(30, 1);
    PipelineSpec spec = users();
    spec.source.fail_on_data_loss = fail_on_data_loss;
    Life life(world, spec);
    ASSERT_TRUE(life.run_until([&] { return life.all_read() && !world.group.empty(); }));
    // The new one is longer than the checkpoint: its numbers alone say nothing.
    world.topic = world_of(50, 1).topic;
    world.table.clear();
    world.group.clear();
    world.checkpoints_may_go_back = true;
    life.source.next_failure = Error{Code::NotFound, "Unknown topic"};
    life.source.next_open_failure = Error{Code::NotFound, "topic users has been deleted"};
    const bool read = life.run_until([&] { return life.all_read(); });
    EXPECT_EQ(read, !fail_on_data_loss);
    if (fail_on_data_loss) {
      EXPECT_NE(life.engine.error().find("deleted and created anew"), std::string::npos)
          << life.engine.error();
    } else {
      EXPECT_EQ(world.cells().size(), 7U) << "from its first record";
    }
  }
}

// Of two partitions the new topic has the one shorter and the other longer than they were, and no
// worker saw it go.
World recreated(World world) {
  world.topic = {{{"users", 0}, world_of(100, 1).topic.at({"users", 0})},
                 {{"users", 1}, world_of(5, 1).topic.at({"users", 0})}};
  world.table.clear();
  world.group.clear();
  world.checkpoints_may_go_back = true;
  return world;
}

PipelineSpec losing_data() {
  PipelineSpec spec = users();
  spec.source.fail_on_data_loss = false;
  return spec;
}

TEST(Engine, APartitionThatIsShorterThanWasReadTellsOfItsWholeTopic) {
  World old = world_of(40, 2);
  Life(old, users()).run_to_the_end();
  {
    World world = recreated(old);
    Life life(world, users());
    life.run_until([] { return false; });
    EXPECT_NE(life.engine.error().find("deleted and created anew"), std::string::npos)
        << life.engine.error();
    EXPECT_TRUE(world.group.empty()) << "which would hide it from the next to look";
  }
  World world = recreated(old);
  Life life(world, losing_data());
  EXPECT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().rows_read, 105) << "each from its first record";
}

TEST(Engine, APartitionOfAnotherWorkerTellsOfItsWholeTopicToo) {
  World old = world_of(40, 2);
  Life(old, users()).run_to_the_end();
  for (const bool known : {false, true}) {
    World world = recreated(old);
    if (known) world.group[{"users", 1}] = {20, commit_metadata(1)};
    Life life(world, users());
    life.source.elsewhere = {{"users", 1}};
    life.run_until([] { return false; });
    EXPECT_EQ(life.engine.error().find("users[0]: the topic was deleted and created anew") == 0,
              !known)
        << life.engine.error();
  }
}

TEST(Engine, ANewTopicMayHaveFewerPartitions) {
  World world = world_of(40, 2);
  Life(world, users()).run_to_the_end();
  world = recreated(world);
  world.topic.erase({"users", 0});
  Life life(world, losing_data());
  ASSERT_TRUE(life.run_until([&] { return life.report.status().rows_read == 5; }));
  EXPECT_FALSE(world.group.contains({"users", 0}));
}

// The store cannot tell the checkpoints when the partitions are assigned.
TEST(Engine, ANewTopicIsKnownFromPartitionsThatAreTakenBackOneByOne) {
  World old = world_of(40, 2);
  Life(old, users()).run_to_the_end();
  World world = recreated(old);
  Life life(world, losing_data());
  life.store.away = true;
  ASSERT_TRUE(life.run_until([&] { return life.source.held.size() == 2; }));
  life.store.away = false;
  EXPECT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().rows_read, 105);
}

// The next life sees only one partition's checkpoint of the new topic, and that the other has
// grown.
TEST(Engine, WhereANewTopicBeginsIsRecordedForAllItsPartitionsAtOnce) {
  World old = world_of(40, 2);
  Life(old, users()).run_to_the_end();
  World world = recreated(old);
  const auto later = std::exchange(world.topic.at({"users", 0}), {});
  {
    Life life(world, losing_data());
    ASSERT_TRUE(life.run_until([&] { return world.checkpoints.at({"users", 1}).offset == 5; }));
  }
  world.topic.at({"users", 0}) = later;
  Life life(world, losing_data());
  ASSERT_TRUE(life.run_until([&] { return world.checkpoints.at({"users", 0}).offset == 100; }));
  EXPECT_TRUE(life.run_until([&] { return life.report.status().rows_read == 100; }));
}

// Somebody died between the checkpoint and the commit, and no record has come since.
TEST(Engine, TheGroupCatchesUpWithACheckpointThatItWasNotTold) {
  World world = world_of(20, 1);
  Life(world, users()).run_to_the_end();
  for (const auto& [offset, metadata] :
       {std::pair<std::int64_t, std::string>{13, commit_metadata(1)}, {client::kOffsetNone, ""}}) {
    world.group[{"users", 0}] = {offset, metadata};
    Life life(world, users());
    ASSERT_TRUE(life.run_until([&] { return world.group.at({"users", 0}).offset == 20; }));
  }
  world.group[{"users", 0}] = {5, ""};  // an operator's word is left alone
  Life life(world, users());
  life.store.hold = true;
  life.run_until([] { return false; }, 100);
  EXPECT_EQ(world.group.at({"users", 0}).offset, 5);
}

TEST(MicroBatch, WhatWasFetchedBeforeItsPartitionCameBackIsPassedOver) {
  const PipelineSpec spec = users();
  const Plan plan = *Plan::compile(spec);
  MicroBatch batch(spec, plan, std::make_shared<ColumnPool>(plan.input(), 1 << 20), 0, {}, {});
  JsonDecoder decoder(plan.input(), {});
  auto fetched = std::make_shared<TestFetched>();
  fetched->list.push_back({"users", 0, 7, 1, false, true, {}, R"({"id":"a"})"});
  MicroBatch::Partitions partitions{{{"users", 0}, {WriteClock(0), 2, 5, INT64_MAX}}};
  EXPECT_EQ(batch.add({fetched, 1}, 0, 100, partitions, decoder, 0), 1U);
  EXPECT_TRUE(batch.empty()) << "offsets 5 and 6 would be left out";
  EXPECT_EQ(batch.add({fetched, 2}, 0, 100, partitions, decoder, 0), 1U);
  EXPECT_EQ(batch.records(), 1U);
}

TEST(Engine, AnOffsetThatIsGoneIsDecidedUponAsAtTheStart) {
  World world = world_of(30, 1);
  Life life(world, users());
  ASSERT_TRUE(life.run_to_the_end());
  world.topic[{"users", 0}].resize(10);
  life.source.next_failure = Error{Code::OutOfRange, "Broker: Offset out of range"};
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_NE(life.engine.error().find("the topic ends at 10, before the checkpoint at 30"),
            std::string::npos);
}

TEST(Engine, WhatTheConsumerStrugglesWithIsShownUntilItIsOver) {
  World world = world_of(10, 1);
  Life life(world, users());
  ASSERT_TRUE(life.run_to_the_end());
  life.source.in_trouble = Error{Code::Unauthorized, "SASL authentication error"};
  ASSERT_TRUE(life.run_until([&] { return !life.report.status().error.empty(); }));
  EXPECT_NE(life.report.status().error.find("SASL authentication error"), std::string::npos);
  life.source.in_trouble.reset();
  EXPECT_TRUE(life.run_until([&] { return life.report.status().error.empty(); }));
}

TEST(Engine, ADeadLetterTopicThatWeMayNotWriteHoldsReadingBackAndStopsNothing) {
  World world = world_of(40, 1);
  Life life(world, users());
  life.letters.failures = 8;
  life.letters.failure = {Code::Unauthorized, "Topic authorization failed"};
  ASSERT_TRUE(life.run_until([&] { return life.letters.failures == 1; }));
  EXPECT_EQ(life.report.status().state, PipelineState::Running);
  EXPECT_NE(life.report.status().error.find("waits for the dead-letter topic users.dlq"),
            std::string::npos);
  EXPECT_LT(life.checkpoint(), 4);
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
}

TEST(Engine, FailPolicyStopsBeforeTheBatch) {
  World world = world_of(20, 1);
  PipelineSpec spec = users();
  spec.on_error[Reason::Decode] = Action::Fail;
  Life life(world, spec);
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_NE(life.engine.error().find("users[0] offset 3"), std::string::npos)
      << life.engine.error();
  EXPECT_LE(life.checkpoint(), 3);
}

TEST(Engine, AvailableNowEndsAtTheEndItSawAtTheStart) {
  World world = world_of(50);
  Life life(world, users("available_now"));
  ASSERT_TRUE(life.engine.step());
  world.topic[{"users", 0}].push_back({R"({"id":"late","name":"late"})", 9});
  ASSERT_TRUE(life.run_until([&] { return life.report.status().state == PipelineState::Stopped; }));
  EXPECT_EQ(life.checkpoint(), 25);
  EXPECT_EQ(world.table.count("late"), 0U);
  EXPECT_EQ(world.group.at({"users", 0}).offset, 25) << "committed on the way out";
}

TEST(Engine, StopFinishesWhatIsInFlightAndCommits) {
  World world = world_of(50);
  Life life(world, users("{interval: 1s}"));
  life.run_until([] { return false; }, 3);  // records are decoded, the interval is not over
  EXPECT_TRUE(world.checkpoints.empty());
  life.engine.request_stop(std::chrono::seconds(2));
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.report.status().state, PipelineState::Stopped);
  EXPECT_GT(life.checkpoint(), 0);
  EXPECT_EQ(world.group.at({"users", 0}).offset, life.checkpoint());
}

TEST(Engine, StopGivesUpWhenItsBudgetIsOver) {
  World world = world_of(50);
  Life life(world, users());
  life.store.hold = true;
  life.run_until([&] { return !life.store.held.empty(); });
  life.engine.request_stop(std::chrono::seconds(2));
  int steps = 0;
  while (life.engine.step()) ++steps;
  EXPECT_LT(steps, 100);
  EXPECT_TRUE(world.checkpoints.empty());
  life.store.release();  // the answer comes after the end: nobody listens
}

TEST(Engine, IntervalsSealOnTheirMultiplesAndAtMaxRows) {
  World world = world_of(10, 1);
  Life life(world, users("{interval: 10s, max_rows: 6}"));
  life.source.chunk = 100;
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 6; }));
  EXPECT_LT(life.clock.now().time_since_epoch(), std::chrono::seconds(10));
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 10; }));
  EXPECT_GE(life.clock.now().time_since_epoch(), std::chrono::seconds(10));
}

TEST(Engine, AStalledStoreStopsTheReadingButNotThePolling) {
  World world = world_of(4000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  life.run_until([] { return false; }, 1000);
  EXPECT_GT(life.clock.now().time_since_epoch(), std::chrono::seconds(60));
  EXPECT_GE(life.source.pauses, 1);
  ASSERT_EQ(life.store.held.size(), 1U) << "one write at a time";
  life.store.hold = false;
  life.store.release();
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
}

TEST(Engine, RevokedPartitionsAreFinishedAndCommittedFirst) {
  World world = world_of(50);
  Life life(world, users("{interval: 10s}"));
  life.run_until([] { return false; }, 3);
  EXPECT_TRUE(world.checkpoints.empty());
  life.source.revoke();
  EXPECT_GT(life.checkpoint(), 0);
  EXPECT_EQ(world.group.at({"users", 0}).offset, life.checkpoint());
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); })) << "and they come back";
}

TEST(Engine, RevokedPartitionsAreNotWaitedForBeyondTheBudget) {
  World world = world_of(50);
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 1; }));
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return !life.store.held.empty(); }));
  life.clock.advance(
      std::chrono::seconds(5));  // a tick and a commit are due, and nobody makes them
  const std::int64_t done = life.checkpoint();
  const TimePoint before = life.clock.now();
  life.source.revoke();
  EXPECT_GE(life.clock.now() - before, std::chrono::seconds(10));
  EXPECT_LT(life.clock.now() - before, std::chrono::seconds(11));
  EXPECT_EQ(life.checkpoint(), done);
  EXPECT_EQ(world.group.at({"users", 0}).offset, done);
}

TEST(Engine, AnOperatorsResetIsReplayedWithTheSameTimestamps) {
  World world = world_of(50);
  {
    Life life(world, users());
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  }
  const auto table = world.table;
  world.table.clear();
  for (auto& [partition, messages] : world.topic) world.group[partition] = {0, ""};
  Life life(world, users());
  life.engine.step();
  world.checkpoints.clear();  // a reset is the one time when they go back, which the store here
                              // takes for a mistake
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table, table);
}

TEST(Engine, ABrokenSourceIsOpenedAgain) {
  World world = world_of(50);
  Life life(world, users());
  life.run_until([] { return false; }, 3);
  life.source.next_failure = Error{Code::Unavailable, "all brokers are down"};
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_TRUE(life.engine.error().empty());
}

// ---- Back-pressure

TEST(Engine, APartitionThatIsAssignedWhileReadingIsHeldBackWaitsToo) {
  World world = world_of(1000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 70;  // a poll is more than fits: some of it waits for the next batch
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return life.source.pauses > 0; }));
  for (int i = 0; i < 200; ++i)
    world.topic[{"users", 1}].push_back({fmt::format(R"({{"id":"late{}"}})", i), 5});
  life.source.assign();
  ASSERT_TRUE(life.run_until([&] { return life.source.is_paused({"users", 1}); }));
  life.store.hold = false;
  life.store.release();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().rows_read, 1200);
}

TEST(Engine, MemoryStaysWithinItsBudgetAndReadingResumesAtHalf) {
  World world = world_of(10'000, 1);
  PipelineSpec spec = users();
  spec.memory_bytes = 64 << 10;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  const auto held = [&] {
    return life.metrics
        .gauge("ingest_memory_bytes", "", {{"pipeline", "users"}, {"pool", "batches"}})
        .value();
  };
  constexpr double kOnePoll = 50 * 400;  // 80 bytes a record, its value, its columns twice
  double most = 0;
  life.run_until([&] {
    most = std::max(most, held());
    return life.source.pauses > 0;
  });
  EXPECT_GE(life.source.pauses, 1) << "the store is stalled: reading stops, polling does not";
  EXPECT_GT(most, 0.8 * 65536);
  EXPECT_LT(most, 65536 + kOnePoll);
  const double when_paused = held();
  life.run_until([] { return false; }, 200);
  EXPECT_EQ(held(), when_paused);

  std::vector<double> at_resume;
  life.source.on_resume = [&] { at_resume.push_back(held()); };
  ASSERT_EQ(life.store.held.size(), 1U);
  while (!life.all_read()) {
    life.store.release();
    ASSERT_TRUE(life.run_until(
        [&] {
          most = std::max(most, held());
          return !life.store.held.empty() || life.all_read();
        },
        2000));
  }
  EXPECT_LT(most, 65536 + kOnePoll);
  ASSERT_FALSE(at_resume.empty());
  EXPECT_LE(*std::max_element(at_resume.begin(), at_resume.end()), 32768);
}

}  // namespace
}  // namespace penstock::stream
