// SPDX-License-Identifier: Apache-2.0
// The engine between a scripted source, store and dead-letter topic, on a clock that the test
// moves. Restart tests run the same input straight through, then with a crash at every point, and
// want one and the same table.
#include "stream/engine.h"

#include <gtest/gtest.h>

#include <set>

#include "stream/checkpoint.h"

namespace penstock::stream {
namespace {

using client::TopicPartition;

struct Message {
  std::string value;
  std::int64_t millis;
};

// What survives a crash: the topic, the group's offsets, the table, the checkpoints, the diverted
// records.
struct World {
  std::map<TopicPartition, std::vector<Message>> topic;
  std::map<TopicPartition, Committed> group;
  struct Row {
    std::string cells;
    std::int64_t timestamp;
    friend bool operator==(const Row&, const Row&) = default;
  };
  std::map<std::string, Row> table;
  Positions checkpoints;
  std::vector<std::string> letters;  // "reason offset value"
  std::size_t writes = 0;

  std::map<std::string, std::string> cells() const {
    std::map<std::string, std::string> out;
    for (const auto& [key, row] : table) out[key] = row.cells;
    return out;
  }
};

class TestFetched final : public Fetched {
 public:
  const std::vector<client::KafkaRecord>& records() const override { return list; }
  std::vector<client::KafkaHeader> headers(std::size_t) const override { return {}; }
  const std::vector<client::TopicPartitionOffset>& ends() const override { return at_end; }
  std::vector<client::KafkaRecord> list;
  std::vector<client::TopicPartitionOffset> at_end;
};

class TestSource final : public Source {
 public:
  TestSource(World& world, FakeClock& clock) : world_(world), clock_(clock) {}

  Result<void> open(AssignmentListener& listener) override {
    listener_ = &listener;
    return {};
  }
  Result<std::shared_ptr<const Fetched>> poll(std::size_t records_max, std::size_t,
                                              Duration wait) override {
    if (next_failure) {
      Error error = *std::exchange(next_failure, std::nullopt);
      return fail(std::move(error));
    }
    if (!assigned_) assign();
    auto fetched = std::make_shared<TestFetched>();
    for (auto& [partition, next] : position_) {
      const auto& messages = world_.topic[partition];
      for (; next < static_cast<std::int64_t>(messages.size()) &&
             fetched->list.size() < std::min(records_max, chunk);
           ++next) {
        const Message& message = messages[static_cast<std::size_t>(next)];
        fetched->list.push_back({partition.topic,
                                 partition.partition,
                                 next,
                                 message.millis,
                                 false,
                                 true,
                                 {},
                                 message.value});
      }
    }
    if (fetched->list.empty()) clock_.advance(std::min<Duration>(wait, Millis(100)));
    return fetched;
  }
  void wake() override {}
  void pause_all() override { ++pauses; }
  void resume_all() override {}
  Result<std::map<TopicPartition, Committed>> committed(
      const std::vector<TopicPartition>&) override {
    return world_.group;
  }
  Result<client::Watermarks> watermarks(const TopicPartition& partition) override {
    return client::Watermarks{0, static_cast<std::int64_t>(world_.topic[partition].size())};
  }
  std::optional<std::int64_t> last_end(const TopicPartition& partition) override {
    return static_cast<std::int64_t>(world_.topic[partition].size());
  }
  Result<void> commit(const std::vector<client::TopicPartitionOffset>& offsets, bool) override {
    for (const auto& offset : offsets)
      world_.group[offset.topic_partition()] = {offset.offset, offset.metadata};
    return {};
  }
  void close() override {
    if (assigned_) revoke();
    closed = true;
  }

  void assign() {
    assigned_ = true;
    std::vector<client::TopicPartitionOffset> partitions;
    for (const auto& [partition, messages] : world_.topic)
      partitions.push_back({partition.topic, partition.partition, client::kOffsetNone, ""});
    if (!listener_->on_assigned(partitions)) return;
    for (const auto& partition : partitions)
      position_[partition.topic_partition()] = partition.offset;
  }
  void revoke() {
    std::vector<TopicPartition> all;
    for (const auto& [partition, next] : position_) all.push_back(partition);
    listener_->on_revoked(all);
    position_.clear();
    assigned_ = false;
  }

  std::size_t chunk = 4;
  int pauses = 0;
  bool closed = false;
  std::optional<Error> next_failure;

 private:
  World& world_;
  FakeClock& clock_;
  AssignmentListener* listener_ = nullptr;
  bool assigned_ = false;
  std::map<TopicPartition, std::int64_t> position_;
};

// An atomic store: rows and positions at once, or nothing.
class TestStore final : public Store {
 public:
  explicit TestStore(World& world) : world_(world) {}
  Result<std::vector<sql::Type>> open(const sql::Fields&) override {
    return std::vector<sql::Type>{};
  }
  std::vector<std::size_t> key() const override { return {0}; }
  std::size_t rows_max() const override { return 1000; }
  std::size_t bytes_max() const override { return 1 << 30; }
  bool keeps_positions() const override { return true; }
  Result<Positions> positions(const std::vector<TopicPartition>&) override {
    return world_.checkpoints;
  }
  std::string description() const override { return "ks.t"; }

  void write(StoreBatch batch, Function<void(Result<StoreOutcome>)> done) override {
    ++world_.writes;
    if (!failures.empty()) {
      Error error = failures.front();
      failures.erase(failures.begin());
      return done(fail(std::move(error)));
    }
    for (const std::uint32_t row : batch.selection) {
      if (batch.rows->columns[0].bytes_at(row) == poison)
        return done(fail(Code::InvalidArgument, "this row is not welcome"));
    }
    held.push_back({std::move(batch), std::move(done)});
    if (!hold) release();
  }
  void release() {
    for (auto& [batch, done] : std::exchange(held, {})) {
      apply(batch);
      done(StoreOutcome{100});
    }
  }
  void apply(const StoreBatch& batch) {
    for (const std::uint32_t row : batch.selection) {
      const auto& columns = batch.rows->columns;
      std::string cells;
      for (const sql::Column& column : columns)
        cells += column.has_value(row) ? std::string(column.bytes_at(row)) + "," : "-,";
      World::Row& old = world_.table[std::string(columns[0].bytes_at(row))];
      if (batch.timestamps[row] >= old.timestamp) old = {cells, batch.timestamps[row]};
    }
    for (const auto& [partition, position] : batch.positions) {
      const auto before = world_.checkpoints.find(partition);
      if (before != world_.checkpoints.end()) {
        EXPECT_GE(position.offset, before->second.offset) << "a checkpoint went back";
      }
      world_.checkpoints[partition] = position;
    }
  }

  std::vector<Error> failures;
  std::string poison = "no such key";
  bool hold = false;
  std::vector<std::pair<StoreBatch, Function<void(Result<StoreOutcome>)>>> held;

 private:
  World& world_;
};

class TestDeadLetters final : public DeadLetters {
 public:
  explicit TestDeadLetters(World& world) : world_(world) {}
  void send(std::vector<DeadLetter> letters, Function<void(Result<void>)> done) override {
    if (failures > 0) {
      --failures;
      return done(fail(Code::Unavailable, "broker away"));
    }
    if (stuck) return;
    for (const DeadLetter& letter : letters) {
      world_.letters.push_back(fmt::format("{} {} {}", name(letter.reject.reason),
                                           letter.record.offset, letter.record.value));
    }
    done({});
  }
  int failures = 0;
  bool stuck = false;

 private:
  World& world_;
};

class TestConsole final : public Console {
 public:
  void print(std::string_view text) override { printed.emplace_back(text); }
  std::vector<std::string> printed;
};

class TestInbox final : public Inbox {
 public:
  explicit TestInbox(FakeClock& clock) : clock_(clock) {}
  void wait(Duration at_most) override { clock_.advance(std::min<Duration>(at_most, Millis(100))); }

 private:
  FakeClock& clock_;
};

PipelineSpec users(std::string_view trigger = "asap") {
  const auto parsed = parse_pipeline(fmt::format(R"(pipeline: users
source: {{kafka: {{topics: [users]}}}}
schema: id text NOT NULL, name text
transform: [{{where: "name <> 'skip'"}}]
trigger: {}
sinks: [{{cassandra: {{keyspace: ks, table: t}}}}, {{console: {{}}}}]
)",
                                                 trigger),
                                     "users.yaml", [](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(parsed.spec);
  return *parsed.spec;
}

// One life of the pipeline.
struct Life {
  Life(World& w, PipelineSpec s) : world(w), spec(std::move(s)), plan(*Plan::compile(spec)) {
    EXPECT_TRUE(source.open(engine));
  }
  // Steps until `done`, at most `steps` times.
  template <class Done>
  bool run_until(Done done, int steps = 2000) {
    for (int i = 0; i < steps; ++i) {
      if (done()) return true;
      if (!engine.step()) return done();
    }
    return false;
  }
  std::int64_t checkpoint() const {
    const auto found = world.checkpoints.find({"users", 0});
    return found == world.checkpoints.end() ? 0 : found->second.offset;
  }
  bool all_read() const {
    for (const auto& [partition, messages] : world.topic) {
      const auto found = world.checkpoints.find(partition);
      if (found == world.checkpoints.end() ||
          found->second.offset != static_cast<std::int64_t>(messages.size()))
        return false;
    }
    return true;
  }

  World& world;
  PipelineSpec spec;
  Plan plan;
  FakeClock clock;
  TestSource source{world, clock};
  TestStore store{world};
  TestDeadLetters letters{world};
  TestConsole console;
  TestInbox inbox{clock};
  Report report{"users"};
  Metrics metrics;
  Engine engine{spec, plan, {source, store, letters, console, inbox, report, metrics, clock}};
};

World world_of(int messages, int partitions = 2) {
  World world;
  for (int i = 0; i < messages; ++i) {
    auto& topic = world.topic[{"users", i % partitions}];
    const std::int64_t millis = 1'600'000'000'000 + i / 5;
    if (i % 11 == 3) {
      topic.push_back({"{\"id\":\"broken", millis});
    } else if (i % 13 == 5) {
      topic.push_back({R"({"name":"nobody"})", millis});
    } else {
      // A key stays in its partition, as a producer would have it.
      topic.push_back(
          {fmt::format(R"({{"id":"k{}","name":"{}"}})", i % partitions + partitions * (i % 7),
                       i % 17 == 2 ? "skip" : std::to_string(i)),
           millis});
    }
  }
  return world;
}

TEST(Engine, RowsLettersCheckpointGroupAndConsoleAgree) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"a","name":"1"})", 5},
                               {"junk", 5},
                               {R"({"name":"x"})", 5},
                               {R"({"id":"b","name":"skip"})", 5},
                               {R"({"id":"a","name":"2"})", 5}};
  Life life(world, users());
  life.source.chunk = 100;
  ASSERT_TRUE(life.run_until([&] { return life.all_read() && !world.group.empty(); }));
  EXPECT_EQ(world.cells(), (std::map<std::string, std::string>{{"a", "a,2,"}}));
  EXPECT_EQ(world.letters,
            (std::vector<std::string>{"decode 1 junk", R"(missing_required 2 {"name":"x"})"}));
  EXPECT_EQ(world.group.begin()->second.offset, 5);
  EXPECT_TRUE(is_our_commit(world.group.begin()->second.metadata));
  ASSERT_EQ(life.console.printed.size(), 1U);
  EXPECT_NE(life.console.printed[0].find("Batch: 0\n"), std::string::npos);
  const PipelineStatus status = life.report.status();
  EXPECT_EQ(status.state, PipelineState::Running);
  EXPECT_EQ(status.rows_read, 5);
  EXPECT_EQ(status.rows_written, 1);
  EXPECT_EQ(status.rows_filtered, 1);
  EXPECT_EQ(status.rejected.at(Reason::Decode), 1);
  EXPECT_EQ(status.lag, 0);
  const auto progress = life.report.progress();
  ASSERT_EQ(progress.size(), 1U);
  EXPECT_EQ(progress[0].end_offset.at("users").at(0), 5);
}

TEST(Engine, NewestOfSameMillisecondWinsAcrossBatches) {
  World world;
  for (int i = 0; i < 10; ++i)
    world.topic[{"users", 0}].push_back({fmt::format(R"({{"id":"a","name":"{}"}})", i), 5});
  Life life(world, users());
  life.source.chunk = 3;
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.cells().at("a"), "a,9,");
  EXPECT_GT(world.writes, 1U);
}

TEST(Engine, ACrashAtAnyPointLeavesTheSameTableAsAStraightRun) {
  World straight = world_of(120);
  {
    Life life(straight, users());
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  }
  std::set<std::string> straight_letters(straight.letters.begin(), straight.letters.end());
  for (int crash = 1; crash < 60; ++crash) {
    World world = world_of(120);
    {
      Life life(world, users());
      life.store.hold =
          crash % 3 == 0;  // some crashes find a write in flight: sent, and never answered
      for (int i = 0; i < crash && life.engine.step(); ++i) {
        if (life.store.hold && i % 4 == 3) life.store.release();
      }
      if (crash % 6 == 0) {
        for (auto& [batch, done] : life.store.held) life.store.apply(batch);  // ... but it happened
      }
    }
    Life life(world, users());
    life.source.chunk = 7;  // other batch boundaries than before
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); })) << crash;
    EXPECT_EQ(world.table, straight.table) << "after a crash at step " << crash;
    EXPECT_EQ(std::set<std::string>(world.letters.begin(), world.letters.end()), straight_letters)
        << crash;
  }
}

TEST(Engine, NothingPassesALetterThatIsNotAcknowledged) {
  World world = world_of(40, 1);
  Life life(world, users());
  life.letters.stuck = true;
  life.run_until([] { return false; }, 200);
  EXPECT_LT(life.checkpoint(), 4) << "message 3 is broken and its letter is stuck";
}

TEST(Engine, DeadLettersAreSentAgainUntilTheyArrive) {
  World world = world_of(40, 1);
  Life life(world, users());
  life.letters.failures = 3;
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_TRUE(life.engine.error().empty());
}

TEST(Engine, TransientFailuresOfTheStoreAreRetriedWithTheSameTimestamps) {
  World straight = world_of(30);
  Life first(straight, users());
  ASSERT_TRUE(first.run_until([&] { return first.all_read(); }));
  World world = world_of(30);
  Life life(world, users());
  life.store.failures = {{Code::Timeout, "no answer"}, {Code::Unavailable, "overloaded"}};
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table, straight.table);
  EXPECT_EQ(life.report.status().error, "");
}

TEST(Engine, ARowThatTheStoreRefusesIsDivertedAlone) {
  World world = world_of(60);
  Life life(world, users());
  life.store.poison = "k4";
  life.source.chunk = 50;
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table.count("k4"), 0U);
  EXPECT_GT(world.table.size(), 8U);
  EXPECT_GT(life.report.status().rejected.at(Reason::SinkPermanent), 0);
  EXPECT_EQ(std::count_if(
                world.letters.begin(), world.letters.end(),
                [](const std::string& letter) { return letter.substr(0, 14) == "sink_permanent"; }),
            life.report.status().rejected.at(Reason::SinkPermanent));
}

TEST(Engine, AGlobalRefusalStopsWithTheReasonAndKeepsTheOffsets) {
  World world = world_of(20);
  Life life(world, users());
  life.store.failures = {{Code::Unauthorized, "User has no MODIFY permission"}};
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_FALSE(life.engine.step());
  EXPECT_NE(life.engine.error().find("no MODIFY permission"), std::string::npos);
  EXPECT_EQ(life.report.status().state, PipelineState::Failed);
  EXPECT_TRUE(world.checkpoints.empty());
  EXPECT_TRUE(world.group.empty());
  EXPECT_TRUE(life.source.closed);
}

TEST(Engine, FailPolicyStopsBeforeTheBatch) {
  World world = world_of(20, 1);
  PipelineSpec spec = users();
  spec.on_error[Reason::Decode] = Action::Fail;
  Life life(world, spec);
  ASSERT_TRUE(life.run_until([&] { return !life.engine.error().empty(); }));
  EXPECT_NE(life.engine.error().find("users[0] offset 3"), std::string::npos)
      << life.engine.error();
  EXPECT_LE(life.checkpoint(), 3);
}

TEST(Engine, AvailableNowEndsAtTheEndItSawAtTheStart) {
  World world = world_of(50);
  Life life(world, users("available_now"));
  ASSERT_TRUE(life.engine.step());
  world.topic[{"users", 0}].push_back({R"({"id":"late","name":"late"})", 9});
  ASSERT_TRUE(life.run_until([&] { return life.report.status().state == PipelineState::Stopped; }));
  EXPECT_EQ(life.checkpoint(), 25);
  EXPECT_EQ(world.table.count("late"), 0U);
  EXPECT_EQ(world.group.at({"users", 0}).offset, 25) << "committed on the way out";
}

TEST(Engine, StopFinishesWhatIsInFlightAndCommits) {
  World world = world_of(50);
  Life life(world, users("{interval: 1s}"));
  life.run_until([] { return false; }, 3);  // records are decoded, the interval is not over
  EXPECT_TRUE(world.checkpoints.empty());
  life.engine.request_stop(std::chrono::seconds(2));
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.report.status().state, PipelineState::Stopped);
  EXPECT_GT(life.checkpoint(), 0);
  EXPECT_EQ(world.group.at({"users", 0}).offset, life.checkpoint());
}

TEST(Engine, StopGivesUpWhenItsBudgetIsOver) {
  World world = world_of(50);
  Life life(world, users());
  life.store.hold = true;
  life.run_until([&] { return !life.store.held.empty(); });
  life.engine.request_stop(std::chrono::seconds(2));
  int steps = 0;
  while (life.engine.step()) ++steps;
  EXPECT_LT(steps, 100);
  EXPECT_TRUE(world.checkpoints.empty());
  life.store.release();  // the answer comes after the end: nobody listens
}

TEST(Engine, IntervalsSealOnTheirMultiplesAndAtMaxRows) {
  World world = world_of(10, 1);
  Life life(world, users("{interval: 10s, max_rows: 6}"));
  life.source.chunk = 100;
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 6; }));
  EXPECT_LT(life.clock.now().time_since_epoch(), std::chrono::seconds(10));
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 10; }));
  EXPECT_GE(life.clock.now().time_since_epoch(), std::chrono::seconds(10));
}

TEST(Engine, AStalledStoreStopsTheReadingButNotThePolling) {
  World world = world_of(4000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  life.run_until([] { return false; }, 1000);
  EXPECT_GT(life.clock.now().time_since_epoch(), std::chrono::seconds(60));
  EXPECT_GE(life.source.pauses, 1);
  ASSERT_EQ(life.store.held.size(), 1U) << "one write at a time";
  life.store.hold = false;
  life.store.release();
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
}

TEST(Engine, RevokedPartitionsAreFinishedAndCommittedFirst) {
  World world = world_of(50);
  Life life(world, users("{interval: 10s}"));
  life.run_until([] { return false; }, 3);
  EXPECT_TRUE(world.checkpoints.empty());
  life.source.revoke();
  EXPECT_GT(life.checkpoint(), 0);
  EXPECT_EQ(world.group.at({"users", 0}).offset, life.checkpoint());
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); })) << "and they come back";
}

TEST(Engine, AnOperatorsResetIsReplayedWithTheSameTimestamps) {
  World world = world_of(50);
  {
    Life life(world, users());
    ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  }
  const auto table = world.table;
  world.table.clear();
  for (auto& [partition, messages] : world.topic) world.group[partition] = {0, ""};
  Life life(world, users());
  life.engine.step();
  world.checkpoints.clear();  // a reset is the one time when they go back, which the store here
                              // takes for a mistake
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.table, table);
}

TEST(Engine, ABrokenSourceIsOpenedAgain) {
  World world = world_of(50);
  Life life(world, users());
  life.run_until([] { return false; }, 3);
  life.source.next_failure = Error{Code::Unavailable, "all brokers are down"};
  EXPECT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_TRUE(life.engine.error().empty());
}

}  // namespace
}  // namespace penstock::stream
