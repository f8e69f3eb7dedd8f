// SPDX-License-Identifier: Apache-2.0
#include "log/log_recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>

#include "log/test_support.h"

namespace penstock::log {
namespace {

using kafka::Offset;
using testing::batch;
using testing::batch_of;
using testing::LogBench;
using testing::must;
using testing::records;
using Records = std::vector<std::pair<std::int64_t, std::string>>;

constexpr const char* kFirstLog = "00000000000000000000.log";

TEST(LogRecovery, TornTailIsCutAtLastValidBatch) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.append(batch_of("b"));
  bench.flush();
  const std::uint64_t durable = bench.log->bytes();
  bench.overwrite(kFirstLog, durable, batch_of("torn").substr(0, 65));
  bench.reopen_after_kill();
  EXPECT_EQ(bench.log->bytes(), durable);
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}, {1, "b"}}));
  EXPECT_EQ(bench.append(batch_of("c")).base_offset, Offset(2));
}

// Half a second passes between any two looks at it.
class HurryingClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(Millis(500 * looks_++)); }
  WallTime wall() const override { return WallTime(); }

 private:
  mutable std::atomic<int> looks_{0};
};

TEST(LogRecovery, LongScanSaysOnceASecondHowFarItIs) {
  LogBench bench;
  bench.open();
  for (int i = 0; i < 8; ++i) bench.append(batch_of(std::string(1 << 19, 'x')));
  bench.flush();
  const HurryingClock clock;
  ::testing::internal::CaptureStderr();
  const auto opened = PartitionLog::open({bench.disk, clock, *bench.commit, bench.run_blocking()},
                                         bench.dir, bench.id, bench.config, {});
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_TRUE(opened);
  EXPECT_THAT(said, ::testing::HasSubstr("recovering " + bench.id.text() + ": 25 % of 4 MiB"));
  EXPECT_THAT(said, ::testing::HasSubstr(": 100 % of 4 MiB"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 4);
}

TEST(LogRecovery, WrittenButUnacknowledgedSurvivesAKillAndIsSynced) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.loop.run();  // the flush is asked for and never runs
  bench.reopen_after_kill();
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}}));
  // Recovery made it durable: now the power may go.
  must(bench.disk.sync_dir("/"));
  must(bench.disk.sync_dir("/data"));
  std::mt19937 random(1);
  bench.disk.power_cut(ForgetfulDisk::Unsynced::Lost, random);
  bench.reopen_after_kill();
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}}));
}

TEST(LogRecovery, EveryTruncationKeepsWhatWasWholeAndNothingElse) {
  LogBench whole;
  whole.open();
  std::vector<std::uint64_t> ends{0};
  for (const char* value : {"a", "bb", "ccc", "dddd"}) {
    whole.append(batch_of(value));
    ends.push_back(whole.log->bytes());
  }
  const Bytes bytes = must(whole.disk.read_all(whole.file(kFirstLog)));
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    LogBench bench;
    must(bench.disk.make_dirs(bench.dir));
    must(must(bench.disk.open(bench.file(kFirstLog), OpenFile::Create))
             ->write(0, BytesView(bytes).substr(0, size)));
    bench.open();
    const auto batches = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1;
    EXPECT_EQ(bench.log->high_watermark(), Offset(batches)) << size;
    EXPECT_EQ(records(*bench.log).size(), batches) << size;
  }
}

TEST(LogRecovery, DamageBelowTheDurableEndStopsThePartitionAndNamesThePlace) {
  for (const std::size_t victim : {0, 1, 2}) {  // the last one too: it was acknowledged
    LogBench bench;
    bench.open();
    std::vector<std::uint64_t> starts;
    for (const char* value : {"a", "b", "c"}) {
      starts.push_back(bench.log->bytes());
      bench.append(batch_of(value));
    }
    bench.flush();
    bench.overwrite(kFirstLog, starts[victim] + 64, "!");
    const Result<void> opened = bench.try_open();
    ASSERT_FALSE(opened) << victim;
    EXPECT_EQ(opened.error().code, Code::Corrupt);
    EXPECT_NE(opened.error().message.find(kFirstLog), std::string::npos) << opened.error().message;
    EXPECT_NE(opened.error().message.find(fmt::format("byte {}", starts[victim])),
              std::string::npos);
  }
}

TEST(LogRecovery, DamageInASealedSegmentStopsThePartition) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  must(bench.log->roll());
  bench.append(batch_of("b"));
  bench.flush();
  bench.overwrite(kFirstLog, 64, "!");
  must(bench.disk.remove(bench.file("00000000000000000000.index")));  // else nobody would read it
  EXPECT_EQ(bench.try_open().error().code, Code::Corrupt);
}

TEST(LogRecovery, MissingEndOfDurableRecordsStopsThePartition) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.append(batch_of("b"));
  bench.flush();
  must(must(bench.disk.open(bench.file(kFirstLog), OpenFile::Write))->truncate(100));
  EXPECT_EQ(bench.try_open().error().code, Code::Corrupt);
}

TEST(LogRecovery, DamageAboveTheDurableEndIsATornTailEvenWhenMoreFollows) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.flush();
  const std::uint64_t torn = bench.log->bytes();
  bench.append(batch_of("b"));
  bench.append(batch_of("c"));
  must(bench.log->roll());
  bench.append(batch_of("d"));
  bench.overwrite(kFirstLog, torn + 64, "!");
  bench.reopen_after_kill();
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}}));
  EXPECT_EQ(bench.log->segments(), 1);
  EXPECT_EQ(bench.append(batch_of("again")).base_offset, Offset(1));
}

TEST(LogRecovery, LengthThatCannotBeIsNotBelieved) {
  LogBench bench;
  must(bench.disk.make_dirs(bench.dir));
  Bytes liar = batch_of("x");
  store_be<std::int32_t>(liar.data() + 8, INT32_MAX);
  must(must(bench.disk.open(bench.file(kFirstLog), OpenFile::Create))->write(0, liar));
  bench.open();
  EXPECT_EQ(bench.log->log_end_offset(), Offset(0));
}

TEST(LogRecovery, LostIndexesAreBuiltAgain) {
  LogBench bench({.index_interval_bytes = 100});
  bench.open();
  for (int i = 0; i < 50; ++i)
    bench.append(batch({.values = {std::to_string(i)}, .timestamp = 1000 + i}));
  must(bench.log->roll());
  bench.append(batch_of("last"));
  bench.flush();
  must(bench.disk.remove(bench.file("00000000000000000000.index")));
  bench.overwrite("00000000000000000000.timeindex", 0, "12345");
  bench.reopen_cleanly();
  EXPECT_EQ(bench.log->offset_for_time(1040).value()->offset, Offset(40));
  EXPECT_EQ(records(*bench.log).size(), 51);
  EXPECT_TRUE(bench.disk.exists(bench.file("00000000000000000000.index")));
}

TEST(LogRecovery, EpochRisesOnlyAfterAnUncleanStopAndRemembersItsStart) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.flush();
  bench.reopen_cleanly();
  EXPECT_EQ(bench.log->leader_epoch(), kafka::LeaderEpoch(0));
  bench.append(batch_of("b"));
  bench.flush();
  bench.reopen_after_kill();
  EXPECT_EQ(bench.log->leader_epoch(), kafka::LeaderEpoch(1));
  bench.append(batch_of("c"));
  bench.flush();
  bench.reopen_cleanly();
  EXPECT_EQ(bench.log->leader_epoch(), kafka::LeaderEpoch(1));
  EXPECT_EQ(bench.log->end_of_epoch(kafka::LeaderEpoch(0)).end_offset, Offset(2));
  EXPECT_EQ(bench.log->end_of_epoch(kafka::LeaderEpoch(1)).end_offset, Offset(3));
  EXPECT_EQ(bench.log->end_of_epoch(kafka::LeaderEpoch(2)).epoch, kafka::LeaderEpoch(-1));
  const Bytes bytes = bench.log->read(Offset(2), 100).value().batches;
  EXPECT_EQ(kafka::RecordBatchView::parse(bytes).value().leader_epoch(), kafka::LeaderEpoch(1));
}

TEST(LogRecovery, HalfRemovedSegmentsGoAtTheNextStart) {
  LogBench bench({.segment_bytes = 200});
  bench.open();
  for (int i = 0; i < 4; ++i) bench.append(batch_of(std::string(60, 'x')));
  bench.flush();
  must(bench.log->delete_records_before(Offset(3)));
  bench.pool.clear();  // the process dies before the removal
  bench.open({.log_start_offset = Offset(3)});
  for (const std::string& name : must(bench.disk.list(bench.dir)))
    EXPECT_FALSE(name.ends_with(".deleted"));
  EXPECT_EQ(bench.log->log_start_offset(), Offset(3));
}

TEST(LogRecovery, DamagedSnapshotFallsBackToTheRecords) {
  LogBench bench;
  bench.open();
  for (int i = 0; i < 3; ++i) bench.append(batch({.values = {"a"}, .producer = 7, .sequence = i}));
  must(bench.log->roll());
  bench.flush();
  bench.overwrite("00000000000000000003.snapshot", 12, "!!!!");
  bench.reopen_after_kill();
  EXPECT_TRUE(bench.append(batch({.values = {"a"}, .producer = 7, .sequence = 1})).duplicate);
}

// Random appends, flushes, rolls, kills and power cuts: what was acknowledged is readable at its
// offset with its bytes, and offsets have no gap.
class LogCrash : public ::testing::TestWithParam<unsigned> {};

TEST_P(LogCrash, AcknowledgedIsAlwaysReadable) {
  std::mt19937 random(GetParam());
  LogBench bench({.segment_bytes = 700, .index_interval_bytes = 150});
  must(bench.disk.make_dirs(bench.dir));
  must(bench.disk.sync_dir("/"));
  must(bench.disk.sync_dir("/data"));
  bench.open();
  std::map<std::int64_t, std::string> acknowledged;
  int serial = 0;
  for (int step = 0; step < 300; ++step) {
    switch (random() % 12) {
      default:
      case 0:
      case 1:
      case 2:
      case 3: {
        const std::string value = fmt::format("{}-{}", serial++, std::string(random() % 80, 'x'));
        const AppendResult result = bench.append(batch_of(value));
        ASSERT_TRUE(result.ok()) << result.message;
        bench.log->when_durable(result.last_offset + 1,
                                [&acknowledged, result, value](const Result<void>& durable) {
                                  if (durable) acknowledged[result.base_offset.value()] = value;
                                });
        break;
      }
      case 4:
      case 5:
        bench.flush();
        break;
      case 6:
        must(bench.log->roll());
        break;
      case 7:
        bench.pool.clear();
        bench.reopen_after_kill();
        break;
      case 8:
        bench.pool.clear();
        bench.disk.power_cut(static_cast<ForgetfulDisk::Unsynced>(random() % 3), random);
        bench.reopen_after_kill();
        break;
      case 9:
        bench.reopen_cleanly();
        break;
    }
    const Records all = records(*bench.log, 1 + random() % 500);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].first, i) << "step " << step;
    ASSERT_GE(all.size(), acknowledged.size()) << "step " << step;
    for (const auto& [offset, value] : acknowledged) {
      ASSERT_EQ(all[static_cast<std::size_t>(offset)].second, value) << "step " << step;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, LogCrash, ::testing::Range(0U, 60U));

}  // namespace
}  // namespace penstock::log
