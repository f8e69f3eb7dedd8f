// SPDX-License-Identifier: Apache-2.0
// Durable writes and reads of the table room with the 11-text-column row of the sample flow.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "table/store.h"

namespace penstock::table {
namespace {

constexpr std::array<const char*, 10> kColumns{
    "address", "email",   "first_name", "gender",          "last_name",
    "phone",   "picture", "post_code",  "registered_date", "username"};

struct Bench {
  Bench() {
    std::filesystem::remove_all(folder);
    store = Store::open(folder, {}, metrics, system_clock()).value();
    const auto made = store->change_schema([](CatalogEdit& edit) -> Result<void> {
      TRY(edit.create_keyspace({.name = "ks"}));
      TableDef def{.keyspace = "ks", .name = "users"};
      def.columns.push_back(
          {.name = "id", .type = cql::Kind::Text, .kind = ColumnKind::PartitionKey});
      for (const char* name : kColumns)
        def.columns.push_back({.name = name, .type = cql::Kind::Text});
      return edit.create_table(def);
    });
    users = (*made)->table("ks", "users");
    for (std::size_t i = 0; i < kColumns.size(); ++i)
      cells[i] = {.column = users->column(kColumns[i])->id, .value = values[i]};
  }
  ~Bench() {
    store.reset();
    std::filesystem::remove_all(folder);
  }

  // The number scrambled, as a UUID's text: 36 bytes, in no order.
  static std::string id(std::uint64_t number) {
    std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 31;
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", mixed & 0xffffffff,
                       (mixed >> 32) & 0xffff, (mixed >> 48) & 0xfff, number & 0xfff,
                       mixed & 0xffffffffffff);
  }

  MutationBatch batch(std::size_t rows) {
    MutationBatch made(system_clock().wall_micros() / 1'000'000);
    made.reserve(rows, rows * 700);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::string key = id(next++);
      made.write(*users, PartitionKey(key), {},
                 {.timestamp_micros = static_cast<std::int64_t>(1'700'000'000'000'000 + next),
                  .marker = true,
                  .cells = cells});
    }
    return made;
  }

  // Writes `rows` rows in batches, at most `in_flight` at a time, and waits for all.
  void write(std::size_t rows, std::size_t batch_rows, std::size_t in_flight) {
    for (std::size_t written = 0; written < rows; written += batch_rows) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return flying < in_flight; });
        ++flying;
      }
      store->apply(batch(batch_rows), [this](Result<void> result) {
        if (!result) std::abort();
        const std::lock_guard lock(mutex);
        --flying;
        changed.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return flying == 0; });
  }

  std::filesystem::path folder = std::filesystem::temp_directory_path() / "penstock-bench-table";
  Metrics metrics;
  std::unique_ptr<Store> store;
  TablePtr users;
  std::array<CellWrite, 10> cells;
  std::array<std::string, 10> values{"4821 Homestead Rd, Springfield, Queensland, Australia",
                                     "jessica.armstrong@example.com",
                                     "Jessica",
                                     "female",
                                     "Armstrong",
                                     "04-7613-2290",
                                     "https://randomuser.me/api/portraits/med/women/57.jpg",
                                     "48213",
                                     "2014-08-23T14:17:08.332Z",
                                     "silverpeacock341"};
  std::uint64_t next = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t flying = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// range(0) = rows a batch, range(1) = batches in flight, range(2) = rows in all.
void durable_write(benchmark::State& state) {
  const auto batch_rows = static_cast<std::size_t>(state.range(0));
  const auto rows = static_cast<std::size_t>(state.range(2));
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>();
    const double before = cpu_seconds();
    state.ResumeTiming();
    bench->write(rows, batch_rows, static_cast<std::size_t>(state.range(1)));
    state.PauseTiming();
    state.counters["cpu_us_row"] = (cpu_seconds() - before) * 1e6 / static_cast<double>(rows);
    bench.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows) *
                          static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(durable_write)
    ->Args({1, 1, 1'000})
    ->Args({1, 256, 50'000})
    ->Args({100, 8, 100'000})
    ->Args({1'000, 4, 200'000})
    ->Args({3'999, 3, 400'000})
    ->Args({4'000, 3, 400'000})
    ->Args({10'000, 3, 1'000'000})
    ->Args({50'000, 3, 1'000'000})
    ->Args({200'000, 2, 1'000'000})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void build_batch(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) benchmark::DoNotOptimize(bench.batch(10'000));
  state.SetItemsProcessed(10'000 * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(build_batch);

void point_read(benchmark::State& state) {
  Bench bench;
  bench.write(500'000, 50'000, 2);
  ReadQuery query{.table = bench.users};
  for (const CellWrite& cell : bench.cells) query.columns.push_back(cell.column);
  std::uint64_t i = 0;
  for (auto _ : state) {
    query.partitions = std::vector<Bytes>{Bench::id((i++ * 7919) % 500'000)};
    const auto stats = bench.store->read(query, [](const RowView&) { return Visit::Continue; });
    if (stats->rows != 1) std::abort();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(point_read);

void scan(benchmark::State& state) {
  Bench bench;
  bench.write(500'000, 50'000, 2);
  ReadQuery query{.table = bench.users};
  for (const CellWrite& cell : bench.cells) query.columns.push_back(cell.column);
  for (auto _ : state) {
    const auto stats = bench.store->read(query, [](const RowView&) { return Visit::Continue; });
    if (stats->rows != 500'000) std::abort();
  }
  state.SetItemsProcessed(500'000 * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(scan)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock::table
