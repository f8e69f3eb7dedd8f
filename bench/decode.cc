// SPDX-License-Identifier: Apache-2.0
// From bytes to columns, and what a batch costs besides: one core, records of 370 bytes.
#include <benchmark/benchmark.h>

#include <numeric>

#include "stream/compaction.h"
#include "stream/generate.h"
#include "stream/json_decoder.h"

namespace {

using namespace penstock;

sql::Fields people() {
  sql::Fields fields;
  for (const char* name : {"id", "first_name", "last_name", "gender", "address", "post_code",
                           "email", "username", "registered_date", "phone", "picture"}) {
    fields.push_back({name, sql::Type::Text, fields.empty()});
  }
  return fields;
}

std::vector<Bytes> records(std::size_t count) {
  stream::PeopleGenerator generator(7);
  std::vector<Bytes> out(count);
  for (Bytes& record : out) generator.next(record);
  return out;
}

void fill(stream::JsonDecoder& decoder, const std::vector<Bytes>& input,
          std::vector<sql::Column>& columns) {
  columns.clear();
  for (const sql::Field& field : people()) columns.emplace_back(field.type);
  stream::Reject reject;
  for (const Bytes& record : input) {
    if (!decoder.decode(record, columns, reject)) std::abort();
  }
}

void decode_people(benchmark::State& state) {
  const auto input = records(50'000);
  stream::JsonDecoder decoder(people(), {});
  std::vector<sql::Column> columns;
  for (auto _ : state) {
    fill(decoder, input, columns);
    benchmark::DoNotOptimize(columns[0].size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}
BENCHMARK(decode_people);

void generate_people(benchmark::State& state) {
  stream::PeopleGenerator generator(7);
  Bytes json;
  for (auto _ : state) {
    generator.next(json);
    benchmark::DoNotOptimize(json.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(generate_people);

void keep_newest(benchmark::State& state) {
  const auto input = records(50'000);
  stream::JsonDecoder decoder(people(), {});
  std::vector<sql::Column> columns;
  fill(decoder, input, columns);
  sql::Selection rows(input.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<std::int64_t> timestamps(input.size());
  std::iota(timestamps.begin(), timestamps.end(), 1);
  for (auto _ : state)
    benchmark::DoNotOptimize(stream::newest_per_key(columns, {0}, rows, timestamps).size());
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}
BENCHMARK(keep_newest);

}  // namespace
