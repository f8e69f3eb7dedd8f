// SPDX-License-Identifier: Apache-2.0
// The pipeline's BATCH on its way: encoding from cell views, decoding on the server. Rows of 11
// text columns, about 330 bytes.
#include <benchmark/benchmark.h>

#include "client/cql_write_batch.h"
#include "wire/cql/frame.h"
#include "wire/cql/murmur3.h"
#include "wire/cql/order_key.h"
#include "wire/cql/requests.h"

namespace penstock {
namespace {

constexpr std::size_t kColumns = 11;

client::WriteBatch user_rows(std::size_t rows) {
  auto statement = std::make_shared<client::Prepared>();
  statement->id = Bytes(16, 'i');
  client::WriteBatch batch;
  batch.statement = statement;
  batch.columns = kColumns;
  const auto text = std::make_shared<Bytes>(rows * 30 * kColumns, 'x');
  for (std::size_t i = 0; i < rows * kColumns; ++i)
    batch.cells.emplace_back(BytesView(*text).substr(i * 30, 15 + i % 30));
  batch.timestamps.assign(rows, 1);
  batch.keep_alive = text;
  return batch;
}

void encode_batch_row(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const client::WriteBatch batch = user_rows(rows);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        client::encode_batch(batch, 0, rows, false, cql::Consistency::One, 1, 4, true));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_batch_row)->Arg(1000)->Arg(50'000);

void decode_batch_row(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const Bytes frame =
      client::encode_batch(user_rows(rows), 0, rows, false, cql::Consistency::One, 1, 4, true);
  cql::BatchRequest request;
  for (auto _ : state) {
    if (!cql::decode_batch(BytesView(frame).substr(cql::kHeaderBytes), 4, request))
      state.SkipWithError("malformed");
    benchmark::DoNotOptimize(request.values.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_batch_row)->Arg(1000)->Arg(50'000);

void token_of_id(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(cql::token("5132b130-ae79-11e4-ab27-0800200c9a66"));
}
BENCHMARK(token_of_id);

void order_key_of_text(benchmark::State& state) {
  Bytes key;
  for (auto _ : state) {
    key.clear();
    benchmark::DoNotOptimize(
        cql::append_order_key(cql::Kind::Text, "5132b130-ae79-11e4-ab27-0800200c9a66", false, key));
  }
}
BENCHMARK(order_key_of_text);

}  // namespace
}  // namespace penstock
