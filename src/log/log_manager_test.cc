// SPDX-License-Identifier: Apache-2.0
#include "log/log_manager.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <future>
#include <random>

#include "log/checkpoint.h"
#include "log/test_support.h"

namespace penstock::log {
namespace {

using kafka::Offset;
using kafka::PartitionId;
using kafka::TopicName;
using testing::batch_of;
using testing::must;
using testing::records;

const TopicName kUsers("users");

struct ManagerBench {
  ManagerBench() {
    must(disk.make_dirs("/data"));
    must(disk.sync_dir("/"));
    open();
  }
  void open() {
    manager.reset();
    manager = must(
        LogManager::open({.dir = "/data", .defaults = {}}, disk, loop, run_blocking(), metrics));
    flush();
  }
  void close_and_open() {
    std::optional<Result<void>> closed;
    manager->close([&](const Result<void>& result) { closed = result; });
    flush();
    must(closed.value());
    open();
  }
  void kill_and_open() {
    pool.clear();
    open();
  }
  void flush() {
    do {
      loop.run();
      for (auto& work : std::exchange(pool, {})) work();
      loop.run();
    } while (!pool.empty());
  }
  std::shared_ptr<PartitionLog> log(std::int32_t partition = 0, const TopicName& topic = kUsers) {
    return must(manager->partition(topic, PartitionId(partition)));
  }
  RunBlocking run_blocking() {
    return [this](net::Work work) { pool.push_back(std::move(work)); };
  }

  ForgetfulDisk disk;
  net::FakeLoop loop;
  Metrics metrics;
  std::deque<net::Work> pool;
  std::unique_ptr<LogManager> manager;
};

TEST(LogManager, TopicsKeepTheirIdsSettingsAndRecordsAcrossEveryRestart) {
  ManagerBench bench;
  const TopicConfigs configs{
      {"retention.ms", "1000"}, {"odd key", "50% of a\nline"}, {"empty", ""}};
  const Topic made = must(bench.manager->create_topic(kUsers, 2, configs));
  bench.log(1)->append(batch_of("a"));
  bench.flush();
  const std::string cluster = bench.manager->cluster_id();
  EXPECT_EQ(cluster.size(), 22);
  for (const bool clean : {true, false, true}) {
    clean ? bench.close_and_open() : bench.kill_and_open();
    const Topic* found = bench.manager->find(kUsers);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, made.id);
    EXPECT_EQ(bench.manager->find(made.id), found);
    EXPECT_EQ(found->configs, configs);
    EXPECT_EQ(records(*bench.log(1)).size(), 1);
    EXPECT_EQ(bench.log(1)->config().retention_ms, Millis(1000));
    EXPECT_EQ(bench.manager->cluster_id(), cluster);
  }
}

TEST(LogManager, CreatedTopicAndItsAcknowledgedRecordsSurviveAPowerCutAtOnce) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 3));
  bench.log(2)->append(batch_of("a"));
  bench.flush();
  std::mt19937 random(1);
  bench.disk.power_cut(ForgetfulDisk::Unsynced::Lost, random);
  bench.kill_and_open();
  ASSERT_NE(bench.manager->find(kUsers), nullptr);
  EXPECT_EQ(records(*bench.log(2)).size(), 1);
  EXPECT_EQ(bench.log(0)->log_end_offset(), Offset(0));
}

TEST(LogManager, ImpossibleTopicsAreRefused) {
  ManagerBench bench;
  EXPECT_EQ(bench.manager->create_topic(TopicName("a/b"), 1).error().code, Code::InvalidArgument);
  EXPECT_EQ(bench.manager->create_topic(TopicName(".."), 1).error().code, Code::InvalidArgument);
  EXPECT_EQ(bench.manager->create_topic(kUsers, 0).error().code, Code::InvalidArgument);
  EXPECT_EQ(bench.manager->create_topic(kUsers, 1, {{"segment.bytes", "x"}}).error().code,
            Code::InvalidArgument);
  must(bench.manager->create_topic(kUsers, 1));
  EXPECT_EQ(bench.manager->create_topic(kUsers, 1).error().code, Code::AlreadyExists);
  EXPECT_EQ(bench.manager->partition(kUsers, PartitionId(1)).error().code, Code::NotFound);
}

TEST(LogManager, DeletedTopicIsGoneForThoseWhoWaitAndAfterRestart) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 2));
  const auto log = bench.log();
  const AppendResult result = log->append(batch_of("a"));
  std::optional<Result<void>> heard;
  log->when_durable(result.last_offset + 1, [&](const Result<void>& durable) { heard = durable; });
  must(bench.manager->delete_topic(kUsers));
  EXPECT_EQ(heard->error().code, Code::NotFound);
  EXPECT_EQ(bench.manager->delete_topic(kUsers).error().code, Code::NotFound);
  bench.flush();
  for (const std::string& name : must(bench.disk.list("/data")))
    EXPECT_EQ(name.find("users"), std::string::npos) << name;
  bench.kill_and_open();
  EXPECT_EQ(bench.manager->find(kUsers), nullptr);
  must(bench.manager->create_topic(kUsers, 1));
  EXPECT_EQ(bench.log()->log_end_offset(), Offset(0));
}

TEST(LogManager, DeletionInterruptedAnywhereIsFinishedAtTheNextStart) {
  for (int call = 1; call <= 4; ++call) {
    ManagerBench bench;
    must(bench.manager->create_topic(kUsers, 2));
    bench.log()->append(batch_of("a"));
    bench.flush();
    bench.disk.fail_call(ForgetfulDisk::Call::SyncDir, call);
    const bool said_done = bench.manager->delete_topic(kUsers).has_value();
    std::mt19937 random(static_cast<unsigned>(call));
    bench.disk.power_cut(ForgetfulDisk::Unsynced::AnySubset, random);
    bench.kill_and_open();
    const Topic* found = bench.manager->find(kUsers);
    if (said_done || found == nullptr) {
      EXPECT_EQ(found, nullptr) << call;
      EXPECT_FALSE(bench.disk.exists("/data/users-0")) << call;
    } else {
      EXPECT_EQ(records(*bench.log()).size(), 1) << call;  // not half of it
    }
  }
}

TEST(LogManager, OneDamagedPartitionLeavesTheOthersServing) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 2));
  for (int i = 0; i < 2; ++i) bench.log(i)->append(batch_of("a"));
  bench.flush();
  must(must(bench.disk.open("/data/users-0/00000000000000000000.log", OpenFile::Write))
           ->write(64, "!"));
  bench.kill_and_open();
  const auto damaged = bench.manager->partition(kUsers, PartitionId(0));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::Corrupt);
  EXPECT_EQ(records(*bench.log(1)).size(), 1);
  bench.close_and_open();  // a clean stop of the others does not make it whole
  EXPECT_FALSE(bench.manager->partition(kUsers, PartitionId(0)));
  EXPECT_EQ(records(*bench.log(1)).size(), 1);
}

TEST(LogManager, CleanStopNeedsNoScanAndRaisesNoEpoch) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 1));
  bench.log()->append(batch_of("a"));
  bench.flush();
  bench.close_and_open();
  EXPECT_FALSE(bench.disk.exists("/data/.kafka_cleanshutdown"));
  EXPECT_EQ(bench.log()->leader_epoch(), kafka::LeaderEpoch(0));
  bench.kill_and_open();
  EXPECT_EQ(bench.log()->leader_epoch(), kafka::LeaderEpoch(1));
}

TEST(LogManager, CleanStopReadsAlmostNothingOfTheSegments) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 1, {{"segment.bytes", "1000000"}}));
  for (int i = 0; i < 350; ++i) bench.log()->append(batch_of(std::string(10'000, 'x')));
  bench.flush();
  ASSERT_GT(bench.log()->segments(), 3);
  const auto bytes_read = [&] {
    std::uint64_t sum = 0;
    for (const std::string& name : must(bench.disk.list("/data/users-0")))
      if (name.ends_with(".log")) sum += bench.disk.bytes_read("/data/users-0/" + name);
    return sum;
  };
  std::uint64_t before = bytes_read();
  bench.close_and_open();
  EXPECT_LT(bytes_read() - before, 30'000U) << "of 3.5 million";
  EXPECT_EQ(bench.log()->log_end_offset(), Offset(350));
  before = bytes_read();
  bench.kill_and_open();
  EXPECT_GT(bytes_read() - before, 100'000U) << "what was open is scanned after a kill";
}

TEST(LogManager, LogStartSurvivesARestartWithinASegment) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 1));
  for (int i = 0; i < 4; ++i) bench.log()->append(batch_of("a"));
  bench.flush();
  must(bench.log()->delete_records_before(Offset(2)));
  bench.manager->maintain();
  bench.kill_and_open();
  EXPECT_EQ(bench.log()->log_start_offset(), Offset(2));
}

TEST(LogManager, TimerAppliesRetention) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 1, {{"retention.ms", "1000"}}));
  bench.log()->append(batch_of("a"));
  bench.flush();
  bench.loop.advance(std::chrono::seconds(61));
  bench.flush();
  EXPECT_EQ(bench.log()->log_start_offset(), Offset(1));
}

TEST(LogManager, DirectoryWithoutRegistryIsTakenInWithItsTopicId) {
  ManagerBench bench;
  const Topic made = must(bench.manager->create_topic(kUsers, 3));
  bench.log(2)->append(batch_of("a"));
  bench.flush();
  must(bench.disk.remove("/data/penstock-topics"));
  bench.kill_and_open();
  const Topic* found = bench.manager->find(kUsers);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->partitions, 3);
  EXPECT_EQ(records(*bench.log(2)).size(), 1);
}

TEST(LogManager, PartitionsOnlyGrow) {
  ManagerBench bench;
  must(bench.manager->create_topic(kUsers, 2));
  EXPECT_EQ(bench.manager->add_partitions(kUsers, 2).error().code, Code::InvalidArgument);
  must(bench.manager->add_partitions(kUsers, 4));
  bench.log(3)->append(batch_of("a"));
  bench.flush();
  bench.kill_and_open();
  EXPECT_EQ(records(*bench.log(3)).size(), 1);
}

TEST(LogManager, AppendsFromManyTurnsOfARealLoopBecomeDurableInOrder) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("penstock-log-" + Uuid::random().text());
  Metrics metrics;
  constexpr int kPartitions = 3;
  constexpr std::int64_t kAppends = 300;
  for (const bool first : {true, false}) {
    net::BlockingPool pool(3, "test");
    net::Loops loops(1, "test");
    net::Loop& loop = loops.at(0);
    const auto manager = must(LogManager::open({.dir = dir, .defaults = {.segment_bytes = 10'000}},
                                               posix_disk(), loop, on_pool(pool), metrics));
    std::promise<void> closed;
    std::int64_t durable = 0;
    const auto close = [&] {
      manager->close([&](const Result<void>& result) {
        EXPECT_TRUE(result);
        closed.set_value();
      });
    };
    std::function<void(std::int64_t)> append = [&](std::int64_t i) {
      const auto log =
          must(manager->partition(kUsers, PartitionId(static_cast<std::int32_t>(i % kPartitions))));
      const AppendResult result = log->append(batch_of(std::to_string(i)));
      log->when_durable(result.last_offset + 1,
                        [&, log, end = result.last_offset + 1](const Result<void>& outcome) {
                          EXPECT_TRUE(outcome);
                          EXPECT_GE(log->high_watermark(), end);
                          if (++durable == kAppends) close();
                        });
      if (i + 1 < kAppends) loop.post([&append, i] { append(i + 1); });
    };
    loop.post([&] {
      if (first) {
        must(manager->create_topic(kUsers, kPartitions));
        append(0);
        return;
      }
      for (int i = 0; i < kPartitions; ++i) {
        const auto log = must(manager->partition(kUsers, PartitionId(i)));
        EXPECT_EQ(records(*log).size(), kAppends / kPartitions);
        EXPECT_EQ(log->leader_epoch(), kafka::LeaderEpoch(0));
      }
      close();
    });
    closed.get_future().wait();
    pool.stop();
    loops.stop();
  }
  std::filesystem::remove_all(dir);
}

TEST(Checkpoint, OffsetsRoundTripAndDamageIsRefused) {
  const OffsetCheckpoint offsets{{{kUsers, PartitionId(0)}, Offset(5)},
                                 {{TopicName("a.b-c"), PartitionId(12)}, Offset(1L << 40)}};
  const Bytes text = encode_offsets(offsets);
  EXPECT_EQ(text, "0\n2\na.b-c 12 1099511627776\nusers 0 5\n");
  EXPECT_EQ(decode_offsets(text).value(), offsets);
  EXPECT_FALSE(decode_offsets("0\n2\nusers 0 5\n"));
  EXPECT_FALSE(decode_offsets("1\n0\n"));
  EXPECT_FALSE(decode_offsets("0\n1\nusers zero 5\n"));
}

TEST(Checkpoint, UuidAsKafkaWritesIt) {
  const Uuid id = *Uuid::parse("fbf0fa0b-8d3c-4d9e-a1b2-0123456789ab");
  EXPECT_EQ(uuid_base64(id), "-_D6C408TZ6hsgEjRWeJqw");
  EXPECT_EQ(uuid_from_base64("-_D6C408TZ6hsgEjRWeJqw"), id);
  EXPECT_FALSE(uuid_from_base64("short"));
}

TEST(TopicPartition, DirectoryNamesAreReadFromTheRight) {
  EXPECT_EQ(TopicPartition::parse("a-b-3")->topic, TopicName("a-b"));
  EXPECT_FALSE(TopicPartition::parse("users"));
  EXPECT_FALSE(TopicPartition::parse("users-"));
  EXPECT_FALSE(TopicPartition::parse("users-0.abc-delete"));
}

}  // namespace
}  // namespace penstock::log
