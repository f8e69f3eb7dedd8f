// SPDX-License-Identifier: Apache-2.0
// The codec work of the hot paths: checking and reading batches of 370-byte records, decoding
// Produce, encoding Fetch.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "wire/kafka/frame.h"
#include "wire/kafka/messages/fetch.h"
#include "wire/kafka/messages/produce.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/record_batch_builder.h"

namespace penstock::kafka {
namespace {

constexpr int kRecords = 1000;

Bytes batch_of_users(Codec codec) {
  RecordBatchBuilder builder({.codec = codec});
  for (int i = 0; i < kRecords; ++i) {
    const Bytes value = fmt::format(
        R"({{"id":"user_{0}","first_name":"John{0}","last_name":"Doe","gender":"male","address":"{0} Main St, Springfield, )"
        R"(Illinois, United States","post_code":"{0}","email":"john.doe{0}@example.com","username":"johndoe{0}",)"
        R"("registered_date":"2023-10-01T12:00:00Z","phone":"+1-555-123-{0}","picture":"https://example.com/{0}.jpg"}})",
        i);
    builder.add(1'700'000'000'000 + i, fmt::format("user_{}", i), value);
  }
  return builder.build().value();
}

void counts(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void check_batch(benchmark::State& state) {
  const Bytes bytes = batch_of_users(Codec::None);
  for (auto _ : state) benchmark::DoNotOptimize(check_produced(bytes).batch.has_value());
  counts(state, bytes.size());
}
BENCHMARK(check_batch);

void read_records(benchmark::State& state) {
  const Bytes bytes = batch_of_users(static_cast<Codec>(state.range(0)));
  const auto batch = RecordBatchView::parse(bytes).value();
  Bytes scratch;
  for (auto _ : state) {
    std::size_t sum = 0;
    CHECK(for_each_record(batch, scratch, [&](const RecordView& record) {
            sum += record.value->size();
          }).has_value());
    benchmark::DoNotOptimize(sum);
  }
  counts(state, bytes.size());
  state.SetLabel(std::string(name(batch.codec())));
}
BENCHMARK(read_records)->DenseRange(0, 4);

void build_batch(benchmark::State& state) {
  const Bytes value(370, 'v');
  for (auto _ : state) {
    RecordBatchBuilder builder;
    for (int i = 0; i < kRecords; ++i) builder.add(i, "key", value);
    benchmark::DoNotOptimize(builder.build());
  }
  counts(state, kRecords * value.size());
}
BENCHMARK(build_batch);

void decode_produce(benchmark::State& state) {
  const Bytes batch = batch_of_users(Codec::None);
  ProduceRequest request;
  request.acks = -1;
  request.topics.push_back(
      {.name = TopicName("users_data"), .partitions = {{.id = PartitionId(0), .records = batch}}});
  const Bytes frame =
      encode_request(CorrelationId(1), static_cast<std::int16_t>(state.range(0)), "bench", request)
          .value();
  for (auto _ : state)
    benchmark::DoNotOptimize(decode_request<ProduceRequest>(open_request(frame).value()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_produce)->Arg(7)->Arg(9);

void encode_fetch(benchmark::State& state) {
  const Bytes batch = batch_of_users(Codec::None);
  for (auto _ : state) {
    state.PauseTiming();
    FetchResponse response;
    response.topics.push_back({.name = TopicName("users_data"),
                               .partitions = {{.id = PartitionId(0), .records = batch}}});
    state.ResumeTiming();
    benchmark::DoNotOptimize(encode_response_pieces(CorrelationId(1), 11, std::move(response)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_fetch);

}  // namespace
}  // namespace penstock::kafka
