// SPDX-License-Identifier: Apache-2.0
// From bytes to columns, and what a batch costs besides: one core, records of 370 bytes.
#include <benchmark/benchmark.h>

#include "stream/column_pool.h"
#include "stream/compaction.h"
#include "stream/generate.h"
#include "stream/micro_batch.h"
#include "stream/pipeline.h"

namespace penstock::stream {
namespace {

constexpr std::size_t kRecords = 50'000;

PipelineSpec people() {
  const auto parsed =
      parse_pipeline(R"(pipeline: people
source: {kafka: {topics: [people]}}
schema: |
  id text NOT NULL, first_name text, last_name text, gender text, address text, post_code text,
  email text, username text, registered_date text, phone text, picture text
sinks: [{console: {}}]
)",
                     "people.yaml", [](const std::string&) { return std::nullopt; });
  return parsed.spec.value();
}

// Generated records of one partition, in memory.
class Generated final : public Fetched {
 public:
  explicit Generated(std::size_t count) : values_(count) {
    PeopleGenerator generator(7);
    for (Bytes& value : values_) {
      generator.next(value);
      client::KafkaRecord record;
      record.topic = "people";
      record.offset = static_cast<std::int64_t>(records_.size());
      record.timestamp_millis = 1'700'000'000'000 + record.offset;
      record.has_value = true;
      record.value = value;
      records_.push_back(record);
    }
  }
  const std::vector<client::KafkaRecord>& records() const override { return records_; }
  std::vector<client::KafkaHeader> headers(std::size_t) const override { return {}; }
  const std::vector<client::TopicPartitionOffset>& ends() const override { return ends_; }

 private:
  std::vector<Bytes> values_;
  std::vector<client::KafkaRecord> records_;
  std::vector<client::TopicPartitionOffset> ends_;
};

// What the engine does with fetched records until a batch of them is full.
struct Decoding {
  MicroBatch batch() { return {spec, plan, columns, 0, {}, {}}; }
  void add(MicroBatch& to) {
    MicroBatch::Partitions partitions{{{"people", 0}, {}}};
    to.add({fetched}, 0, kRecords, partitions, decoder, 0);
    if (to.records() != kRecords || !to.rejected.empty()) std::abort();
  }

  PipelineSpec spec = people();
  Plan plan = Plan::compile(spec).value();
  JsonDecoder decoder{plan.input(), {}};
  std::shared_ptr<ColumnPool> columns = std::make_shared<ColumnPool>(plan.input(), 64 << 20);
  std::shared_ptr<const Fetched> fetched = std::make_shared<const Generated>(kRecords);
};

void decode_people(benchmark::State& state) {
  Decoding decoding;
  for (auto _ : state) {
    MicroBatch batch = decoding.batch();
    decoding.add(batch);
    benchmark::DoNotOptimize(batch.bytes());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRecords));
}
BENCHMARK(decode_people);

void generate_people(benchmark::State& state) {
  PeopleGenerator generator(7);
  Bytes json;
  for (auto _ : state) {
    generator.next(json);
    benchmark::DoNotOptimize(json.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(generate_people);

void keep_newest(benchmark::State& state) {
  Decoding decoding;
  MicroBatch batch = decoding.batch();
  decoding.add(batch);
  batch.seal({});
  for (auto _ : state)
    benchmark::DoNotOptimize(
        newest_per_key(batch.rows->columns, {0}, batch.rows->rows, batch.timestamps).size());
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRecords));
}
BENCHMARK(keep_newest);

}  // namespace
}  // namespace penstock::stream
