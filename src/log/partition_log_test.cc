// SPDX-License-Identifier: Apache-2.0
#include "log/partition_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/test_support.h"

namespace penstock::log {
namespace {

using kafka::KafkaError;
using kafka::Offset;
using testing::batch;
using testing::batch_of;
using testing::LogBench;
using testing::must;
using testing::records;
using Records = std::vector<std::pair<std::int64_t, std::string>>;

TEST(PartitionLog, AppendedIsReadableOnlyOnceItIsDurable) {
  LogBench bench;
  bench.open();
  const AppendResult first = bench.append(batch({.values = {"a", "b"}}));
  ASSERT_TRUE(first.ok()) << first.message;
  EXPECT_EQ(first.base_offset, Offset(0));
  EXPECT_EQ(first.last_offset, Offset(1));
  EXPECT_EQ(bench.append(batch_of("c")).base_offset, Offset(2));
  EXPECT_EQ(bench.log->log_end_offset(), Offset(3));
  EXPECT_EQ(bench.log->high_watermark(), Offset(0));
  EXPECT_TRUE(bench.log->read(Offset(0), 1000)->batches.empty());
  bench.flush();
  EXPECT_EQ(bench.log->high_watermark(), Offset(3));
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}, {1, "b"}, {2, "c"}}));
}

TEST(PartitionLog, CallbacksComeInOrderOfOffsetsAfterTheFlush) {
  LogBench bench;
  bench.open();
  std::string order;
  const auto wait_for = [&](Offset end, char name) {
    bench.log->when_durable(
        end, [&order, name](const Result<void>& result) { order += result ? name : '!'; });
  };
  bench.append(batch_of("a"));
  bench.append(batch_of("b"));
  wait_for(Offset(2), '2');
  wait_for(Offset(1), '1');
  EXPECT_EQ(order, "");
  bench.flush();
  EXPECT_EQ(order, "12");
  wait_for(Offset(2), 'x');
  EXPECT_EQ(order, "12x");
}

TEST(PartitionLog, OneSyncCoversAllThatWaited) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("first"));
  bench.flush();
  const std::uint64_t before = bench.disk.syncs();
  for (int i = 0; i < 100; ++i) bench.append(batch_of("x"));
  bench.flush();
  EXPECT_EQ(bench.disk.syncs() - before, 1);
  EXPECT_EQ(bench.log->high_watermark(), Offset(101));
}

TEST(PartitionLog, ListenersHearOfTheHighWatermarkAndMayRemoveThemselves) {
  LogBench bench;
  bench.open();
  int once = 0;
  int always = 0;
  PartitionLog::ListenerId id{};
  id = bench.log->on_change([&] {
    ++once;
    bench.log->remove_listener(id);
  });
  bench.log->on_change([&] { ++always; });
  for (int i = 0; i < 2; ++i) {
    bench.append(batch_of("a"));
    bench.flush();
  }
  EXPECT_EQ(once, 1);
  EXPECT_EQ(always, 2);
}

TEST(PartitionLog, ReadBeginsWithTheBatchThatHoldsTheOffsetAndKeepsItWhole) {
  LogBench bench;
  bench.open();
  const Bytes three = batch({.values = {"a", "b", "c"}});
  bench.append(three);
  bench.append(three);
  bench.append(three);
  bench.flush();
  const auto first_offset = [&](Offset from, std::size_t bytes_max) {
    const Bytes bytes = bench.log->read(from, bytes_max).value().batches;
    return std::pair(kafka::RecordBatchView::parse(bytes).value().base_offset().value(),
                     bytes.size() / three.size());
  };
  EXPECT_EQ(first_offset(Offset(4), 1),
            std::pair(3L, 1UL));  // larger than the limit, but the first
  EXPECT_EQ(first_offset(Offset(0), three.size() * 2 + 10), std::pair(0L, 2UL));
  EXPECT_EQ(first_offset(Offset(8), 1 << 20), std::pair(6L, 1UL));
  EXPECT_TRUE(bench.log->read(Offset(0), 1, false)->batches.empty());
  EXPECT_TRUE(bench.log->read(Offset(9), 1000)->batches.empty());
  EXPECT_EQ(bench.log->read(Offset(10), 1000).error().code, Code::OutOfRange);
}

TEST(PartitionLog, RefusalsAnswerWithTheProtocolsErrors) {
  LogBench bench({.segment_bytes = 2000, .max_message_bytes = 1500});
  bench.open();
  EXPECT_EQ(bench.append(batch_of(std::string(1600, 'x'))).error, KafkaError::MessageTooLarge);
  Bytes damaged = batch_of("hello");
  damaged.back() ^= 1;
  EXPECT_EQ(bench.append(damaged).error, KafkaError::CorruptMessage);
  bench.config.max_message_bytes = 5000;
  bench.log->set_config(bench.config);
  EXPECT_EQ(bench.append(batch_of(std::string(2500, 'x'))).error, KafkaError::RecordListTooLarge);
  EXPECT_EQ(bench.log->log_end_offset(), Offset(0));
}

TEST(PartitionLog, LogAppendTimeIsWrittenIntoTheBatchAndAnswered) {
  LogBench bench({.timestamp_type = kafka::TimestampType::LogAppendTime});
  bench.open();
  const AppendResult result = bench.append(batch({.values = {"a"}, .timestamp = 5}));
  EXPECT_EQ(result.log_append_time, bench.loop.clock().wall_millis());
  bench.flush();
  const Bytes bytes = bench.log->read(Offset(0), 1000).value().batches;
  const auto view = kafka::RecordBatchView::parse(bytes).value();
  EXPECT_TRUE(view.crc_matches());
  EXPECT_EQ(view.max_timestamp(), result.log_append_time);
  EXPECT_EQ(view.timestamp_type(), kafka::TimestampType::LogAppendTime);
}

TEST(PartitionLog, RollsBySizeAndByAgeAndReadsAcrossSegments) {
  LogBench bench({.segment_bytes = 300, .segment_ms = Millis(1000)});
  bench.open();
  for (int i = 0; i < 9; ++i) bench.append(batch_of(std::string(30, static_cast<char>('a' + i))));
  bench.flush();
  EXPECT_EQ(bench.log->segments(), 3);  // three batches of some 98 bytes each
  bench.loop.advance(Millis(1000));
  bench.append(batch_of("old enough"));
  bench.flush();
  EXPECT_EQ(bench.log->segments(), 4);
  EXPECT_EQ(records(*bench.log, 1).size(), 10);
  EXPECT_TRUE(bench.disk.exists(bench.file("00000000000000000003.index")));
  bench.reopen_cleanly();
  EXPECT_EQ(records(*bench.log).size(), 10);
}

TEST(PartitionLog, IndexFindsEveryOffsetInALargeSegment) {
  LogBench bench({.index_interval_bytes = 200});
  bench.open();
  for (int i = 0; i < 500; ++i)
    bench.append(batch({.values = {"a", std::to_string(i)}, .timestamp = 1000 + 10 * i}));
  bench.flush();
  const auto check = [&] {
    for (int i = 0; i < 1000; i += 7) {
      const Bytes bytes = bench.log->read(Offset(i), 1).value().batches;
      EXPECT_EQ(kafka::RecordBatchView::parse(bytes).value().base_offset(), Offset(i / 2 * 2));
    }
    for (int i = 0; i < 500; i += 11) {
      EXPECT_EQ(bench.log->offset_for_time(1000 + 10 * i).value()->offset, Offset(2 * i));
      EXPECT_EQ(bench.log->offset_for_time(1001 + 10 * i).value()->offset, Offset(2 * i + 1));
    }
  };
  check();
  bench.reopen_cleanly();
  check();
  must(bench.log->roll());
  bench.flush();
  check();  // now from the index files
}

TEST(PartitionLog, TimeLookupGivesTheExactRecordAlsoWhenCompressedOrOutOfOrder) {
  LogBench bench;
  bench.open();
  bench.append(batch({.values = {"a", "b", "c"}, .timestamp = 1000, .codec = kafka::Codec::Lz4}));
  bench.append(batch({.values = {"late"}, .timestamp = 10}));
  bench.append(batch({.values = {"d", "e"}, .timestamp = 2000, .codec = kafka::Codec::Gzip}));
  const auto at = [&](std::int64_t timestamp) {
    const auto found = bench.log->offset_for_time(timestamp).value();
    return found ? found->offset.value() : -1;
  };
  EXPECT_EQ(at(0), -1);  // nothing is durable yet
  bench.flush();
  EXPECT_EQ(at(0), 0);
  EXPECT_EQ(at(1001), 1);
  EXPECT_EQ(at(1003), 4);
  EXPECT_EQ(at(2001), 5);
  EXPECT_EQ(at(2002), -1);
  EXPECT_EQ(bench.log->offset_of_max_timestamp().value()->offset, Offset(5));
  EXPECT_EQ(bench.log->offset_of_max_timestamp().value()->timestamp, 2001);
}

TEST(PartitionLog, TimeLookupDoesNotUnpackWhatIsHuge) {
  LogBench bench;
  bench.open();
  const std::string value(PartitionLog::kLookupBytesMax / 2, 'x');
  bench.append(batch_of("before"));
  ASSERT_TRUE(bench
                  .append(batch({.values = {value, value, value},
                                 .timestamp = 1'800'000'000'000,
                                 .codec = kafka::Codec::Zstd}))
                  .ok());
  bench.flush();
  const auto found = must(bench.log->offset_for_time(1'800'000'000'002));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, Offset(1));  // of the batch; the record itself is at 3
  EXPECT_EQ(found->timestamp, 1'800'000'000'000);
}

TEST(PartitionLog, MaxTimestampIgnoresWhatIsNotDurable) {
  LogBench bench;
  bench.open();
  EXPECT_EQ(bench.log->offset_of_max_timestamp().value(), std::nullopt);
  bench.append(batch({.values = {"a"}, .timestamp = 100}));
  bench.flush();
  bench.append(batch({.values = {"b"}, .timestamp = 200}));
  EXPECT_EQ(bench.log->offset_of_max_timestamp().value()->timestamp, 100);
}

TEST(PartitionLog, RetentionBySizeKeepsTheActiveSegment) {
  LogBench bench({.segment_bytes = 300, .retention_bytes = 500});
  bench.open();
  for (int i = 0; i < 20; ++i) bench.append(batch_of(std::string(40, 'x')));
  bench.flush();
  must(bench.log->enforce_retention());
  bench.flush();
  EXPECT_LE(bench.log->bytes(), 800);
  EXPECT_GE(bench.log->bytes(), 500);
  const Offset start = bench.log->log_start_offset();
  EXPECT_GT(start, Offset(0));
  EXPECT_EQ(bench.log->read(start - 1, 100).error().code, Code::OutOfRange);
  EXPECT_EQ(records(*bench.log).size(), static_cast<std::size_t>(Offset(20) - start));
  for (const std::string& name : must(bench.disk.list(bench.dir)))
    EXPECT_FALSE(name.ends_with(".deleted")) << name;
  bench.reopen_after_kill();
  EXPECT_EQ(bench.log->log_start_offset(), start);
}

TEST(PartitionLog, RetentionByTimeRollsAnExpiredActiveSegment) {
  LogBench bench({.retention_ms = std::chrono::hours(1)});
  bench.open();
  bench.append(batch({.values = {"a"}, .timestamp = bench.loop.clock().wall_millis()}));
  bench.flush();
  must(bench.log->enforce_retention());
  EXPECT_EQ(bench.log->log_start_offset(), Offset(0));
  bench.loop.advance(std::chrono::hours(2));
  must(bench.log->enforce_retention());
  bench.flush();
  EXPECT_EQ(bench.log->log_start_offset(), Offset(1));
  EXPECT_EQ(bench.append(batch_of("b")).base_offset, Offset(1));
}

TEST(PartitionLog, TimestampFromTheFutureDoesNotBlockRetention) {
  LogBench bench({.retention_ms = std::chrono::hours(1)});
  bench.open();
  bench.append(
      batch({.values = {"a"}, .timestamp = bench.loop.clock().wall_millis() + 1'000'000'000'000}));
  bench.flush();
  bench.loop.advance(std::chrono::hours(2));
  must(bench.log->enforce_retention());
  EXPECT_EQ(bench.log->log_start_offset(), Offset(1));
}

TEST(PartitionLog, DeletedRecordsAreOutOfRangeAndTheirSegmentsGo) {
  LogBench bench({.segment_bytes = 300});
  bench.open();
  for (int i = 0; i < 6; ++i) bench.append(batch_of(std::string(40, 'x')));
  bench.flush();
  EXPECT_EQ(bench.log->delete_records_before(Offset(7)).error().code, Code::OutOfRange);
  must(bench.log->delete_records_before(Offset(3)));
  EXPECT_EQ(bench.log->log_start_offset(), Offset(3));
  EXPECT_EQ(bench.log->read(Offset(2), 100).error().code, Code::OutOfRange);
  EXPECT_EQ(bench.log->segments(), 2);
  EXPECT_EQ(records(*bench.log).front().first, 3);
}

TEST(PartitionLog, FullDiskRefusesCleanlyAndGoesOnWhenThereIsRoom) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("kept"));
  bench.flush();
  const std::uint64_t full = bench.log->bytes() + 50;
  bench.disk.set_capacity(full);
  const AppendResult refused = bench.append(batch_of(std::string(500, 'x')));
  EXPECT_EQ(refused.error, KafkaError::KafkaStorageError);
  EXPECT_EQ(bench.disk.open(bench.file("00000000000000000000.log"), OpenFile::Read)
                .value()
                ->size()
                .value(),
            bench.log->bytes());
  EXPECT_EQ(bench.log->failure(), std::nullopt);
  bench.disk.set_capacity(1 << 20);
  EXPECT_EQ(bench.append(batch_of("later")).base_offset, Offset(1));
  bench.flush();
  bench.reopen_after_kill();
  EXPECT_EQ(records(*bench.log), (Records{{0, "kept"}, {1, "later"}}));
}

TEST(PartitionLog, FullDiskWhileRollingLeavesTheLogAsItWas) {
  LogBench bench({.segment_bytes = 300});
  bench.open();
  bench.append(batch_of(std::string(100, 'a')));
  bench.flush();
  bench.disk.set_capacity(bench.log->bytes() + 12 + 5);  // not even a snapshot fits
  EXPECT_EQ(bench.append(batch_of(std::string(200, 'b'))).error, KafkaError::KafkaStorageError);
  bench.disk.set_capacity(1 << 20);
  EXPECT_EQ(bench.append(batch_of(std::string(200, 'c'))).base_offset, Offset(1));
  bench.flush();
  EXPECT_EQ(bench.log->segments(), 2);
  bench.reopen_after_kill();
  EXPECT_EQ(records(*bench.log).size(), 2);
}

TEST(PartitionLog, FailedSyncIsNeverCalledDurable) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  bench.flush();
  bench.disk.fail_call(ForgetfulDisk::Call::Sync, 1);
  bench.append(batch_of("b"));
  std::optional<Result<void>> heard;
  bench.log->when_durable(Offset(2), [&](const Result<void>& result) { heard = result; });
  bench.flush();
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->error().code, Code::Io);
  EXPECT_EQ(bench.append(batch_of("c")).error, KafkaError::KafkaStorageError);
  bench.flush();
  EXPECT_EQ(bench.log->high_watermark(), Offset(1));
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}}));  // what was durable can be read still
}

TEST(PartitionLog, AbandonedLogTellsThoseWhoWait) {
  LogBench bench;
  bench.open();
  bench.append(batch_of("a"));
  std::optional<Result<void>> heard;
  bench.log->when_durable(Offset(1), [&](const Result<void>& result) { heard = result; });
  bench.log->abandon({Code::NotFound, "topic users was deleted"});
  bench.flush();
  EXPECT_EQ(heard->error().code, Code::NotFound);
  EXPECT_EQ(bench.log->high_watermark(), Offset(0));
}

TEST(PartitionLog, DuplicateAnswersTheFirstOffsetsAndAppendsNothing) {
  LogBench bench;
  bench.open();
  const auto send = [&](std::int32_t sequence) {
    return bench.append(batch({.values = {"a", "b"}, .producer = 7, .sequence = sequence}));
  };
  for (int i = 0; i < 7; ++i) EXPECT_EQ(send(2 * i).base_offset, Offset(2 * i));
  const AppendResult again = send(6);
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.base_offset, Offset(6));
  EXPECT_EQ(again.last_offset, Offset(7));
  EXPECT_EQ(bench.log->log_end_offset(), Offset(14));
  EXPECT_EQ(send(2).error, KafkaError::OutOfOrderSequenceNumber);  // older than the five remembered
  EXPECT_EQ(send(16).error, KafkaError::OutOfOrderSequenceNumber);  // a gap
}

TEST(PartitionLog, ProducerEpochsFenceAndBeginAtZero) {
  LogBench bench;
  bench.open();
  const auto send = [&](std::int16_t epoch, std::int32_t sequence) {
    return bench
        .append(batch({.values = {"a"}, .producer = 7, .epoch = epoch, .sequence = sequence}))
        .error;
  };
  EXPECT_EQ(send(1, 40), KafkaError::None);  // unknown producer: any sequence
  EXPECT_EQ(send(2, 1), KafkaError::OutOfOrderSequenceNumber);
  EXPECT_EQ(send(2, 0), KafkaError::None);
  EXPECT_EQ(send(1, 41), KafkaError::InvalidProducerEpoch);
}

TEST(PartitionLog, SequenceWrapsAfterItsLargestNumber) {
  LogBench bench;
  bench.open();
  const auto send = [&](std::int32_t sequence) {
    return bench.append(batch({.values = {"a", "b"}, .producer = 7, .sequence = sequence}));
  };
  EXPECT_TRUE(send(INT32_MAX - 2).ok());
  EXPECT_TRUE(send(INT32_MAX).ok());  // INT32_MAX and 0
  EXPECT_TRUE(send(INT32_MAX).duplicate);
  EXPECT_TRUE(send(1).ok());
}

TEST(PartitionLog, ProducersFiveBatchesSurviveEveryKindOfRestart) {
  for (const bool clean : {true, false}) {
    for (const bool rolled : {true, false}) {
      LogBench bench;
      bench.open();
      const auto send = [&](std::int32_t sequence) {
        return bench.append(batch({.values = {"a"}, .producer = 7, .sequence = sequence}));
      };
      for (int i = 0; i < 6; ++i) send(i);
      if (rolled) must(bench.log->roll());
      for (int i = 6; i < 8; ++i) send(i);
      bench.flush();
      clean ? bench.reopen_cleanly() : bench.reopen_after_kill();
      for (int i = 3; i < 8; ++i) {
        const AppendResult again = send(i);
        EXPECT_TRUE(again.duplicate) << clean << rolled << i << again.message;
        EXPECT_EQ(again.base_offset, Offset(i));
      }
      EXPECT_EQ(send(8).base_offset, Offset(8));
    }
  }
}

TEST(PartitionLog, IdleProducersAreForgotten) {
  LogBench bench({.retention_ms = Millis(-1), .producer_id_expiration = std::chrono::hours(1)});
  bench.open();
  bench.append(batch({.values = {"a"}, .producer = 7, .sequence = 0}));
  bench.flush();
  bench.loop.advance(std::chrono::hours(2));
  must(bench.log->enforce_retention());
  EXPECT_TRUE(bench.append(batch({.values = {"a"}, .producer = 7, .sequence = 5})).ok());
}

TEST(PartitionLog, OwnRecordsMayBeSeveralBatches) {
  LogBench bench({.max_message_bytes = 10});
  bench.open();
  const AppendResult result =
      bench.log->append(batch({.values = {"a", "b"}}) + batch_of("c"), {.from_client = false});
  EXPECT_EQ(result.base_offset, Offset(0));
  EXPECT_EQ(result.last_offset, Offset(2));
  bench.flush();
  EXPECT_EQ(records(*bench.log), (Records{{0, "a"}, {1, "b"}, {2, "c"}}));
}

}  // namespace
}  // namespace penstock::log
