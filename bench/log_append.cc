// SPDX-License-Identifier: Apache-2.0
// Durable appends to one partition's log on the disk of the working directory (PENSTOCK_BENCH_DIR
// chooses another).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "base/uuid.h"
#include "log/partition_log.h"
#include "net/fake_loop.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::log {
namespace {

struct Directory {
  Directory() {
    const char* chosen = std::getenv("PENSTOCK_BENCH_DIR");
    path = std::filesystem::path(chosen != nullptr ? chosen : ".") /
           ("log-bench-" + Uuid::random().text());
    std::filesystem::create_directories(path);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

Bytes batch_of(std::size_t bytes) {
  kafka::RecordBatchBuilder builder;
  const std::string value(std::min<std::size_t>(bytes, 360), 'v');
  while (builder.size() < bytes) builder.add(1'700'000'000'000, std::nullopt, value);
  return std::move(builder.build()).value();
}

std::shared_ptr<PartitionLog> open_log(const Directory& directory, const Clock& clock,
                                       GroupCommit& commit, const RunBlocking& run) {
  auto log = PartitionLog::open({posix_disk(), clock, commit, run}, directory.path / "users-0",
                                {kafka::TopicName("users"), kafka::PartitionId(0)},
                                {.max_message_bytes = 64 << 20}, {});
  return std::move(log).value();
}

// Batches of range(0) bytes, range(1) of them to each fdatasync.
void append_and_sync(benchmark::State& state) {
  const Directory directory;
  net::FakeLoop loop;
  Metrics metrics;
  const RunBlocking run = [](net::Work work) { work(); };
  GroupCommit commit(loop, run, metrics);
  const auto log = open_log(directory, system_clock(), commit, run);
  const Bytes batch = batch_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(1); ++i) {
      if (!log->append(batch).ok()) state.SkipWithError("append refused");
    }
    loop.run();
    if (log->high_watermark() != log->log_end_offset()) state.SkipWithError("not durable");
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(batch.size()));
}
BENCHMARK(append_and_sync)
    ->Args({400, 1})
    ->Args({400, 100})
    ->Args({16 << 10, 16})
    ->Args({256 << 10, 16})
    ->UseRealTime();

// What the broker does: range(0) producers on one loop, each sends its next batch of 400 bytes when
// the last one is durable; range(1) partitions.
void commits_in_flight(benchmark::State& state) {
  const Directory directory;
  net::Loops loops(1, "bench");
  net::BlockingPool pool(4, "bench");
  Metrics metrics;
  net::Loop& loop = loops.at(0);
  const Bytes batch = batch_of(400);
  std::unique_ptr<GroupCommit> commit;
  std::vector<std::shared_ptr<PartitionLog>> logs;
  std::int64_t left = 0;
  std::promise<void> opened;
  loop.post([&] {
    commit = std::make_unique<GroupCommit>(loop, on_pool(pool), metrics);
    for (std::int64_t i = 0; i < state.range(1); ++i) {
      auto log = PartitionLog::open(
          {posix_disk(), system_clock(), *commit, on_pool(pool)},
          directory.path / fmt::format("t-{}", i),
          {kafka::TopicName("t"), kafka::PartitionId(static_cast<std::int32_t>(i))}, {}, {});
      logs.push_back(std::move(log).value());
    }
    opened.set_value();
  });
  opened.get_future().wait();
  constexpr std::int64_t kRound = 2000;
  std::int64_t under_way = 0;
  std::promise<void>* done = nullptr;
  std::function<void(std::size_t)> produce = [&](std::size_t producer) {
    if (left == 0) {
      if (under_way == 0) done->set_value();
      return;
    }
    --left;
    ++under_way;
    PartitionLog& log = *logs[producer % logs.size()];
    const AppendResult result = log.append(batch);
    log.when_durable(result.last_offset + 1, [&produce, &under_way, producer](const Result<void>&) {
      --under_way;
      produce(producer);
    });
  };
  for (auto _ : state) {
    std::promise<void> finished;
    loop.post([&] {
      done = &finished;
      left = kRound;
      for (std::int64_t i = 0; i < state.range(0); ++i) produce(static_cast<std::size_t>(i));
    });
    finished.get_future().wait();
  }
  pool.stop();
  loops.stop();
  state.SetItemsProcessed(state.iterations() * kRound);
}
BENCHMARK(commits_in_flight)
    ->Args({1, 1})
    ->Args({64, 1})
    ->Args({256, 1})
    ->Args({256, 4})
    ->Args({256, 16})
    ->UseRealTime();

void read_1mib(benchmark::State& state) {
  const Directory directory;
  net::FakeLoop loop;
  Metrics metrics;
  const RunBlocking run = [](net::Work work) { work(); };
  GroupCommit commit(loop, run, metrics);
  const auto log = open_log(directory, system_clock(), commit, run);
  const Bytes batch = batch_of(16 << 10);
  for (int i = 0; i < 4096; ++i) {
    if (!log->append(batch).ok()) state.SkipWithError("append refused");
  }
  loop.run();
  kafka::Offset next{0};
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const Bytes got = log->read(next, 1 << 20).value().batches;
    bytes += static_cast<std::int64_t>(got.size());
    const kafka::Offset last = next;
    kafka::BatchReader reader(got);
    while (const auto view = reader.next().value()) next = view->next_offset();
    if (next == last || next >= log->high_watermark()) next = kafka::Offset(0);
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(read_1mib);

// A start after a kill: the segment's 256 MiB are read, checked and indexed again.
void recover(benchmark::State& state) {
  const Directory directory;
  net::FakeLoop loop;
  Metrics metrics;
  const RunBlocking run = [](net::Work work) { work(); };
  GroupCommit commit(loop, run, metrics);
  auto log = open_log(directory, system_clock(), commit, run);
  const Bytes batch = batch_of(16 << 10);
  while (log->bytes() < 256 << 20) {
    if (!log->append(batch).ok()) state.SkipWithError("append refused");
  }
  loop.run();
  for (auto _ : state) {
    log.reset();
    log = open_log(directory, system_clock(), commit, run);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log->bytes()));
}
BENCHMARK(recover)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock::log
