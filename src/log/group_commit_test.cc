// SPDX-License-Identifier: Apache-2.0
#include "log/group_commit.h"

#include <gtest/gtest.h>

#include <vector>

#include "log/log_config.h"
#include "net/fake_loop.h"

namespace penstock::log {
namespace {

struct Counted final : GroupCommit::Member {
  Function<Result<void>()> begin_flush() override {
    ++begun;
    return [this] { return outcome; };
  }
  void end_flush(const Result<void>& result) override { results.push_back(result.has_value()); }

  int begun = 0;
  Result<void> outcome;
  std::vector<bool> results;
};

struct Bench {
  void run_pool() {
    for (auto& work : std::exchange(pool, {})) work();
  }

  net::FakeLoop loop;
  Metrics metrics;
  std::vector<net::Work> pool;
  GroupCommit commit{loop, [this](net::Work work) { pool.push_back(std::move(work)); }, metrics};
};

TEST(GroupCommit, WritesOfOneTurnShareAFlushAndLaterOnesTheNext) {
  Bench bench;
  const auto member = std::make_shared<Counted>();
  bench.commit.mark(member);
  bench.commit.mark(member);
  bench.loop.run();
  EXPECT_EQ(member->begun, 1);
  bench.commit.mark(member);  // while the flush is under way
  bench.commit.mark(member);
  bench.loop.run();
  EXPECT_EQ(member->begun, 1);
  bench.run_pool();
  bench.loop.run();
  EXPECT_EQ(member->begun, 2);
  bench.run_pool();
  bench.loop.run();
  EXPECT_EQ(member->results, (std::vector<bool>{true, true}));
  EXPECT_TRUE(bench.commit.idle());
}

TEST(GroupCommit, MembersFlushBesideEachOtherUpToTheLimit) {
  Bench bench;
  std::vector<std::shared_ptr<Counted>> members;
  for (int i = 0; i < GroupCommit::kFlushesMax + 2; ++i) {
    members.push_back(std::make_shared<Counted>());
    bench.commit.mark(members.back());
  }
  bench.loop.run();
  EXPECT_EQ(bench.pool.size(), GroupCommit::kFlushesMax);
  bench.run_pool();
  bench.loop.run();
  EXPECT_EQ(bench.pool.size(), 2);
  bool idle = false;
  bench.commit.when_idle([&] { idle = true; });
  bench.loop.run();
  EXPECT_FALSE(idle);
  bench.run_pool();
  bench.loop.run();
  EXPECT_TRUE(idle);
}

TEST(GroupCommit, FailedFlushIsToldToItsMemberAlone) {
  Bench bench;
  const auto bad = std::make_shared<Counted>();
  const auto good = std::make_shared<Counted>();
  bad->outcome = fail(Code::Io, "disk on fire");
  bench.commit.mark(bad);
  bench.commit.mark(good);
  bench.loop.run();
  bench.run_pool();
  bench.loop.run();
  EXPECT_EQ(bad->results, std::vector<bool>{false});
  EXPECT_EQ(good->results, std::vector<bool>{true});
}

TEST(GroupCommit, FlushMayEndAfterItsGroupCommitHasGone) {
  net::FakeLoop loop;
  Metrics metrics;
  std::vector<net::Work> pool;
  const auto member = std::make_shared<Counted>();
  {
    GroupCommit commit(
        loop, [&](net::Work work) { pool.push_back(std::move(work)); }, metrics);
    commit.mark(member);
    loop.run();
  }
  pool.front()();
  loop.run();
  EXPECT_TRUE(member->results.empty());
}

TEST(LogConfig, TopicSettingsAreLaidOverTheDefaults) {
  const LogConfig config =
      LogConfig()
          .with({{"segment.bytes", "1048576"}, {"retention.ms", "9223372036854775807"}})
          .value();
  EXPECT_EQ(config.segment_bytes, 1048576);
  EXPECT_GT(config.retention_ms, std::chrono::hours(24 * 365 * 100));
  EXPECT_EQ(config.max_message_bytes, 1048588);
  EXPECT_EQ(LogConfig().with({{"cleanup.policy", "compact"}})->retention_ms, Millis(-1));
  EXPECT_GT(LogConfig().with({{"cleanup.policy", "compact,delete"}})->retention_ms, Millis(0));
}

TEST(LogConfig, ImpossibleValueIsRefusedWithItsKey) {
  for (const auto& [key, value] : TopicConfigs{{"segment.bytes", "many"},
                                               {"retention.ms", "-2"},
                                               {"max.message.bytes", "1x"},
                                               {"message.timestamp.type", "Now"}}) {
    const auto refused = LogConfig().with({{key, value}});
    ASSERT_FALSE(refused) << key;
    EXPECT_NE(refused.error().message.find(key), std::string::npos);
  }
}

}  // namespace
}  // namespace penstock::log
