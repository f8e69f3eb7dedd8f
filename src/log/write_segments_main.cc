// SPDX-License-Identifier: Apache-2.0
// For tests/compat/dump_log_test.py: writes a topic `users` into the data directory given, with
// what a broker's log holds: several segments, all codecs, an idempotent producer, and a clean
// stop.
#include <cstdio>
#include <vector>

#include "log/log_manager.h"
#include "log/test_support.h"

int main(int argc, char** argv) {
  using namespace penstock;
  using namespace penstock::log;
  using testing::must;
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  net::FakeLoop loop;
  Metrics metrics;
  const RunBlocking at_once = [](net::Work work) { work(); };
  const LogManager::Options options{
      .dir = argv[1], .defaults = {.segment_bytes = 8 << 10, .index_interval_bytes = 512}};
  const auto manager = must(LogManager::open(options, posix_disk(), loop, at_once, metrics));
  must(manager->create_topic(kafka::TopicName("users"), 1));
  const auto log = must(manager->partition(kafka::TopicName("users"), kafka::PartitionId(0)));
  for (int i = 0; i < 300; ++i) {
    testing::BatchSpec spec{.values = {fmt::format("first {}", i), std::string(100, 'v')},
                            .timestamp = 1'700'000'000'000 + 10 * i,
                            .codec = static_cast<kafka::Codec>(i % 5)};
    if (i % 2 == 0) {
      spec.producer = 7;
      spec.sequence = i;
    }
    const AppendResult result = log->append(testing::batch(spec));
    CHECK(result.ok(), result.message);
    loop.run();
  }
  manager->close(
      [](const Result<void>& closed) { CHECK(closed.has_value(), closed.error().message); });
  loop.run();
  std::printf("%lld\n", static_cast<long long>(log->log_end_offset().value()));
  return 0;
}
