// SPDX-License-Identifier: Apache-2.0
// For this room's tests: batches, and a log on a disk and loop that move only when told.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/forgetful_disk.h"
#include "log/group_commit.h"
#include "log/partition_log.h"
#include "net/fake_loop.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::log::testing {

// The value of what cannot fail in this test.
template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error().message);
  return take(std::move(result));
}

struct BatchSpec {
  std::vector<std::string> values;
  std::int64_t timestamp = 1'700'000'000'000;  // of the first record; the next ones follow by 1 ms
  std::int64_t producer = -1;
  std::int16_t epoch = 0;
  std::int32_t sequence = 0;
  kafka::Codec codec = kafka::Codec::None;
};

inline Bytes batch(const BatchSpec& spec) {
  kafka::RecordBatchBuilder::Options options;
  options.codec = spec.codec;
  if (spec.producer >= 0) {
    options.producer_id = kafka::ProducerId(spec.producer);
    options.producer_epoch = kafka::ProducerEpoch(spec.epoch);
    options.base_sequence = kafka::Sequence(spec.sequence);
  }
  kafka::RecordBatchBuilder builder(options);
  std::int64_t timestamp = spec.timestamp;
  for (const std::string& value : spec.values) builder.add(timestamp++, std::nullopt, value);
  return std::move(builder.build()).value();
}
inline Bytes batch_of(const std::string& value) {
  return batch({.values = {value}});
}

// Every record of the log by offset, read as a consumer reads.
inline std::vector<std::pair<std::int64_t, std::string>> records(const PartitionLog& log,
                                                                 std::size_t bytes_max = 1 << 20) {
  std::vector<std::pair<std::int64_t, std::string>> all;
  Bytes scratch;
  for (kafka::Offset next = log.log_start_offset(); next < log.high_watermark();) {
    const Bytes bytes = log.read(next, bytes_max).value().batches;
    if (bytes.empty()) break;
    kafka::BatchReader reader(bytes);
    while (const auto view = reader.next().value()) {
      must(kafka::for_each_record(*view, scratch, [&](const kafka::RecordView& record) {
        if (record.offset >= next)
          all.emplace_back(record.offset.value(), std::string(*record.value));
      }));
      next = view->next_offset();
    }
  }
  return all;
}

// One partition's log. flush() runs the loop and the blocking work until nothing is left.
struct LogBench {
  explicit LogBench(const LogConfig& with = {}) : config(with) {}

  Result<void> try_open(PartitionLog::Knowledge knowledge = {}) {
    log.reset();
    commit = std::make_unique<GroupCommit>(loop, run_blocking(), metrics);
    auto opened = PartitionLog::open({disk, loop.clock(), *commit, run_blocking()}, dir, id, config,
                                     knowledge);
    if (!opened) return Failure(opened.error());
    log = *std::move(opened);
    return {};
  }
  void open(PartitionLog::Knowledge knowledge = {}) { must(try_open(knowledge)); }
  // A process that is killed and starts again: what was written stays, nothing was closed.
  void reopen_after_kill() { open({}); }
  void reopen_cleanly() {
    flush();
    must(log->close());
    const PartitionLog::Knowledge knowledge{.clean_shutdown = true,
                                            .recovery_point = log->recovery_point(),
                                            .log_start_offset = log->log_start_offset()};
    open(knowledge);
  }
  void flush() {
    do {
      loop.run();
      for (auto& work : std::exchange(pool, {})) work();
      loop.run();
    } while (!pool.empty());
  }
  AppendResult append(const Bytes& bytes) { return log->append(bytes); }
  std::string file(const std::string& name) const { return dir + "/" + name; }
  void overwrite(const std::string& name, std::uint64_t at, BytesView bytes) {
    const auto opened = disk.open(file(name), OpenFile::Write).value();
    must(opened->write(at, bytes));
    must(opened->sync());
  }

  RunBlocking run_blocking() {
    return [this](net::Work work) { pool.push_back(std::move(work)); };
  }

  ForgetfulDisk disk;
  net::FakeLoop loop;
  Metrics metrics;
  std::deque<net::Work> pool;
  LogConfig config;
  std::string dir = "/data/users-0";
  TopicPartition id{kafka::TopicName("users"), kafka::PartitionId(0)};
  std::unique_ptr<GroupCommit> commit;
  std::shared_ptr<PartitionLog> log;
};

}  // namespace penstock::log::testing
