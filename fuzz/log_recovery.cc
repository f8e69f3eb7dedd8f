// SPDX-License-Identifier: Apache-2.0
// The files that a start after a crash reads: the input is one partition's segment, producer
// snapshot and checkpoints. However damaged, the log opens or says why not; what it then serves are
// whole batches.
#include <cstdint>
#include <cstdlib>

#include "base/check.h"
#include "log/checkpoint.h"
#include "log/leader_epochs.h"
#include "log/producer_table.h"
#include "log/test_support.h"
#include "log/topic_registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  using namespace penstock::log;
  const BytesView input(reinterpret_cast<const char*>(data), size);

  static_cast<void>(ProducerTable::decode(input));
  static_cast<void>(LeaderEpochs::decode(input));
  static_cast<void>(decode_offsets(input));
  if (const auto registry = TopicRegistry::decode(input)) {
    CHECK(TopicRegistry::decode(registry->encode())->topics.size() == registry->topics.size());
  }

  testing::LogBench bench({.index_interval_bytes = 64});
  testing::must(bench.disk.make_dirs(bench.dir));
  const auto put = [&](const char* name) {
    testing::must(
        testing::must(bench.disk.open(bench.file(name), OpenFile::Create))->write(0, input));
  };
  put("00000000000000000000.log");
  put("00000000000000000000.index");
  put("00000000000000000000.timeindex");
  put("00000000000000000000.snapshot");
  put("leader-epoch-checkpoint");
  put("durable-end");
  // First as after a clean stop, when the indexes are believed as far as they make sense; then as
  // after a crash.
  for (const bool clean : {true, false}) {
    const auto opened = bench.try_open({.clean_shutdown = clean});
    if (!opened) continue;
    for (kafka::Offset next = bench.log->log_start_offset(); next < bench.log->high_watermark();) {
      const auto read = bench.log->read(next, 100);
      if (!read || read->batches.empty()) break;
      kafka::BatchReader reader(read->batches);
      kafka::Offset after = next;
      for (auto view = reader.next(); view && *view; view = reader.next())
        after = (*view)->next_offset();
      if (after <= next) break;
      next = after;
    }
    static_cast<void>(bench.log->offset_for_time(0));
    static_cast<void>(bench.log->offset_of_max_timestamp());
    bench.append(testing::batch_of("after"));
    bench.flush();
  }
  return 0;
}
