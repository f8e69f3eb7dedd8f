// SPDX-License-Identifier: Apache-2.0
// The engine between a scripted source, store and dead-letter topic, on a clock that the test
// moves. Restart tests run the same input straight through, then with a crash at every point, and
// want one and the same table.
#include "stream/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "stream/checkpoint.h"
#include "stream/dead_letter.h"

namespace penstock::stream {
namespace {

using client::TopicPartition;
using Lines = std::vector<std::string>;

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
  std::vector<std::string> letters;  // "reason offset value", or "reason offset (what is left out)"
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
      if (paused_.contains(partition) || held.contains(partition) || damaged.contains(partition))
        continue;
      const auto& messages = world_.topic[partition];
      heard_[partition] = static_cast<std::int64_t>(messages.size());
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
  void pause_all() override {
    ++pauses;
    for (const auto& [partition, next] : position_) paused_.insert(partition);
  }
  void resume_all() override {
    paused_.clear();
    if (on_resume) on_resume();
  }
  void hold(const TopicPartition& partition) override { held.insert(partition); }
  Result<void> begin(const client::TopicPartitionOffset& from) override {
    EXPECT_TRUE(paused_.empty());
    EXPECT_EQ(held.erase(from.topic_partition()), 1U);
    position_[from.topic_partition()] = from.offset;
    return {};
  }
  Result<std::map<TopicPartition, Committed>> committed(
      const std::vector<TopicPartition>&) override {
    return world_.group;
  }
  Result<client::Watermarks> watermarks(const TopicPartition& partition, Duration) override {
    if (damaged.contains(partition)) return fail(Code::Io, "Disk error when trying to access log");
    return client::Watermarks{0, static_cast<std::int64_t>(world_.topic[partition].size())};
  }
  std::optional<std::int64_t> last_end(const TopicPartition& partition) override {
    const auto heard = heard_.find(partition);
    return heard == heard_.end() ? std::nullopt : std::optional(heard->second);
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
    for (const auto& [partition, messages] : world_.topic) {
      if (!position_.contains(partition))
        partitions.push_back({partition.topic, partition.partition, client::kOffsetNone, ""});
    }
    if (!listener_->on_assigned(partitions)) return;
    for (const auto& partition : partitions) {
      if (partition.offset == client::kOffsetNone) held.insert(partition.topic_partition());
      position_[partition.topic_partition()] = partition.offset;
    }
  }
  void revoke() {
    std::vector<TopicPartition> all;
    for (const auto& [partition, next] : position_) all.push_back(partition);
    listener_->on_revoked(all);
    position_.clear();
    paused_.clear();
    assigned_ = false;
  }

  bool is_paused(const TopicPartition& partition) const { return paused_.contains(partition); }

  std::size_t chunk = 4;
  int pauses = 0;
  bool closed = false;
  std::optional<Error> next_failure;
  std::set<TopicPartition> damaged;  // the broker cannot read them
  std::set<TopicPartition> held;
  std::function<void()> on_resume;

 private:
  World& world_;
  FakeClock& clock_;
  AssignmentListener* listener_ = nullptr;
  bool assigned_ = false;
  std::set<TopicPartition> paused_;
  std::map<TopicPartition, std::int64_t> heard_;
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
  void send(std::vector<DeadLetter> letters,
            Function<void(std::vector<Result<void>>)> done) override {
    if (failures > 0) {
      --failures;
      return done(
          std::vector<Result<void>>(letters.size(), fail(Code::Unavailable, "broker away")));
    }
    if (stuck) return held.push_back({std::move(letters), std::move(done)});
    deliver(letters, done);
  }
  // The topic takes or refuses all that travel together, as a broker does with a batch.
  void deliver(const std::vector<DeadLetter>& letters,
               Function<void(std::vector<Result<void>>)>& done) {
    std::size_t bytes = 0;
    for (const DeadLetter& letter : letters)
      bytes += 10 + (letter.body == LetterBody::Whole ? letter.record.value.size() : 0);
    if (bytes > bytes_max) {
      return done(std::vector<Result<void>>(letters.size(),
                                            fail(Code::TooLarge, "Message size too large")));
    }
    for (const DeadLetter& letter : letters) {
      const std::string_view cut = left_out(letter.body);
      world_.letters.push_back(
          fmt::format("{} {} {}", name(letter.reject.reason), letter.record.offset,
                      cut.empty() ? std::string(letter.record.value) : fmt::format("({})", cut)));
    }
    done(std::vector<Result<void>>(letters.size()));
  }
  // Delivers what is held, the newest first.
  void release() {
    while (!held.empty()) {
      auto [letters, done] = std::move(held.back());
      held.pop_back();
      deliver(letters, done);
    }
  }

  int failures = 0;
  bool stuck = false;
  std::size_t bytes_max = 1'000'000;
  std::vector<std::pair<std::vector<DeadLetter>, Function<void(std::vector<Result<void>>)>>> held;

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
  // Until the engine knows that nothing is left.
  bool run_to_the_end() {
    return run_until([&] { return all_read() && report.status().lag == 0; });
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

TEST(Engine, ALetterThatIsTooLargeGoesWithoutItsValueAndNothingStops) {
  World world;
  world.topic[{"users", 0}] = {
      {"small", 5}, {std::string(2000, 'x'), 5}, {R"({"id":"a","name":"1"})", 5}, {"tiny", 5}};
  Life life(world, users());
  life.source.chunk = 100;
  life.letters.bytes_max = 500;
  ASSERT_TRUE(life.run_to_the_end()) << life.engine.error();
  EXPECT_EQ(std::set<std::string>(world.letters.begin(), world.letters.end()),
            (std::set<std::string>{"decode 0 small", "decode 1 (value)", "decode 3 tiny"}));
  EXPECT_EQ(world.cells().size(), 1U) << "the neighbour passes";
  const PipelineStatus status = life.report.status();
  EXPECT_EQ(status.rejected.at(Reason::Decode), 3);
  EXPECT_EQ(status.letters_cut, (std::map<Reason, std::int64_t>{{Reason::Decode, 1}}));
  EXPECT_NE(
      life.metrics.text().find(
          R"(ingest_dlq_records_cut_total{dlq="users.dlq",pipeline="users",reason="decode"} 1)"),
      std::string::npos);
}

TEST(Engine, ATopicThatTakesNoLetterAtAllIsWaitedFor) {
  World world = world_of(20, 1);
  Life life(world, users());
  life.letters.bytes_max = 0;
  life.run_until([] { return false; }, 200);
  EXPECT_TRUE(life.engine.error().empty());
  EXPECT_NE(life.report.status().error.find("size too large"), std::string::npos);
  EXPECT_LT(life.checkpoint(), 4);
  life.letters.bytes_max = 1000;  // somebody has raised the limit
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(life.report.status().error, "");
}

TEST(Engine, LettersOfTwoBatchesUnderWayAtOnceAreToldApart) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"bad","name":"1"})", 5},
                               {R"({"id":"a","name":"1"})", 5},
                               {"junk", 5},
                               {R"({"id":"b","name":"1"})", 5}};
  PipelineSpec spec = users();
  spec.trigger.max_rows = 2;
  Life life(world, spec);
  life.source.chunk = 2;
  life.store.poison = "bad";
  life.letters.stuck = true;  // the culprit's of the batch in writing, then junk's of the next one
  ASSERT_TRUE(life.run_until([&] { return life.letters.held.size() == 2; }));
  {
    auto [letters, done] = std::move(life.letters.held.front());
    life.letters.held.erase(life.letters.held.begin());
    ASSERT_EQ(letters.at(0).reject.reason, Reason::Decode) << "of the batch that is ready";
    life.letters.deliver(letters, done);
  }
  life.run_until([] { return false; }, 20);
  EXPECT_EQ(world.letters, Lines{"decode 2 junk"});
  EXPECT_EQ(life.checkpoint(), 0) << "the culprit's letter is not acknowledged";
  life.letters.stuck = false;
  life.letters.release();
  ASSERT_TRUE(life.run_until([&] { return life.all_read(); }));
  EXPECT_EQ(world.letters.size(), 2U);
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

TEST(Engine, RevokedPartitionsAreNotWaitedForBeyondTheBudget) {
  World world = world_of(50);
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 1; }));
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return !life.store.held.empty(); }));
  life.clock.advance(
      std::chrono::seconds(5));  // a tick and a commit are due, and nobody makes them
  const std::int64_t done = life.checkpoint();
  const TimePoint before = life.clock.now();
  life.source.revoke();
  EXPECT_GE(life.clock.now() - before, std::chrono::seconds(10));
  EXPECT_LT(life.clock.now() - before, std::chrono::seconds(11));
  EXPECT_EQ(life.checkpoint(), done);
  EXPECT_EQ(world.group.at({"users", 0}).offset, done);
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

// ---- Back-pressure

TEST(Engine, APartitionThatIsAssignedWhileReadingIsHeldBackWaitsToo) {
  World world = world_of(1000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 70;  // a poll is more than fits: some of it waits for the next batch
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return life.source.pauses > 0; }));
  for (int i = 0; i < 200; ++i)
    world.topic[{"users", 1}].push_back({fmt::format(R"({{"id":"late{}"}})", i), 5});
  life.source.assign();
  ASSERT_TRUE(life.run_until([&] { return life.source.is_paused({"users", 1}); }));
  life.store.hold = false;
  life.store.release();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().rows_read, 1200);
}

TEST(Engine, MemoryStaysWithinItsBudgetAndReadingResumesAtHalf) {
  World world = world_of(10'000, 1);
  PipelineSpec spec = users();
  spec.memory_bytes = 64 << 10;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  const auto held = [&] {
    return life.metrics
        .gauge("ingest_memory_bytes", "", {{"pipeline", "users"}, {"pool", "batches"}})
        .value();
  };
  constexpr double kOnePoll = 50 * 400;  // 80 bytes a record, its value, its columns twice
  double most = 0;
  life.run_until([&] {
    most = std::max(most, held());
    return life.source.pauses > 0;
  });
  EXPECT_GE(life.source.pauses, 1) << "the store is stalled: reading stops, polling does not";
  EXPECT_GT(most, 0.8 * 65536);
  EXPECT_LT(most, 65536 + kOnePoll);
  const double when_paused = held();
  life.run_until([] { return false; }, 200);
  EXPECT_EQ(held(), when_paused);

  std::vector<double> at_resume;
  life.source.on_resume = [&] { at_resume.push_back(held()); };
  ASSERT_EQ(life.store.held.size(), 1U);
  while (!life.all_read()) {
    life.store.release();
    ASSERT_TRUE(life.run_until(
        [&] {
          most = std::max(most, held());
          return !life.store.held.empty() || life.all_read();
        },
        2000));
  }
  EXPECT_LT(most, 65536 + kOnePoll);
  ASSERT_FALSE(at_resume.empty());
  EXPECT_LE(*std::max_element(at_resume.begin(), at_resume.end()), 32768);
}

// ---- Lag

double lag_metric(Life& life, int partition) {
  return life.metrics
      .gauge("ingest_lag_records", "",
             {{"pipeline", "users"}, {"topic", "users"}, {"partition", std::to_string(partition)}})
      .value();
}

TEST(Engine, LagCountsPartitionsThatAreInNoBatchYet) {
  World world = world_of(40);
  Life life(world, users());
  life.source.chunk = 4;
  life.store.hold = true;
  ASSERT_TRUE(life.run_until([&] { return !life.store.held.empty(); }));
  EXPECT_EQ(life.report.status().lag, 40) << "nothing is acknowledged";
  EXPECT_EQ(lag_metric(life, 0) + lag_metric(life, 1), 40);
  life.store.release();  // a batch of partition 0 alone
  life.run_until([&] { return life.report.status().batches == 1; });
  EXPECT_EQ(life.report.status().lag, 40 - life.report.status().rows_read);
  const Progress progress = life.report.progress().at(0);
  EXPECT_EQ(progress.lag(), life.report.status().lag);
  EXPECT_EQ(progress.latest_offset.at("users").size(), 2U);
  EXPECT_EQ(progress.end_offset.at("users").at(1), 0) << "read nothing of it, and says so";
  life.store.hold = false;
  life.store.release();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_EQ(life.report.status().lag, 0);
}

TEST(Engine, LagIsKnownAtOnceAfterARestart) {
  World world = world_of(40);
  {
    Life life(world, users());
    EXPECT_EQ(life.report.status().lag, std::nullopt) << "before the first assignment";
    ASSERT_TRUE(life.run_until([&] { return life.checkpoint() >= 8; }));
  }
  const std::int64_t done =
      world.checkpoints[{"users", 0}].offset + world.checkpoints[{"users", 1}].offset;
  Life life(world, users());
  life.source.chunk = 0;  // no record comes
  life.engine.step();
  EXPECT_EQ(life.report.status().lag, 40 - done);
  EXPECT_EQ(life.report.status().batches, 0);
}

TEST(Engine, LagGrowsWhileTheStoreStalls) {
  World world = world_of(4000, 1);
  PipelineSpec spec = users();
  spec.trigger.max_rows = 100;
  Life life(world, spec);
  life.source.chunk = 50;
  life.store.hold = true;
  life.run_until([&] { return life.source.pauses > 0; });
  ASSERT_EQ(life.report.status().lag, 4000);
  for (int i = 0; i < 500; ++i)
    world.topic[{"users", 0}].push_back({R"({"id":"new","name":"x"})", 1'699'999'999'000});
  const TimePoint before = life.clock.now();
  ASSERT_TRUE(life.run_until([&] { return life.report.status().lag == 4500; }));
  EXPECT_LE(life.clock.now() - before, std::chrono::seconds(3)) << "renewed each second";
  EXPECT_EQ(lag_metric(life, 0), 4500);
  EXPECT_GT(life.metrics
                .gauge("ingest_lag_seconds", "",
                       {{"pipeline", "users"}, {"topic", "users"}, {"partition", "0"}})
                .value(),
            1e8)
      << "the first record is of the year 2020, the clock of 2023";
  EXPECT_GT(
      life.metrics.gauge("ingest_checkpoint_age_seconds", "", {{"pipeline", "users"}}).value(), 30);
}

// ---- Partitions that the broker cannot read

TEST(Engine, ADamagedPartitionIsLeftOutAloneAndComesBack) {
  World world = world_of(60);
  Life life(world, users());
  life.source.damaged = {{"users", 1}};
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 30; })) << life.engine.error();
  PipelineStatus status = life.report.status();
  EXPECT_EQ(status.state, PipelineState::Running);
  EXPECT_EQ(status.left_out.at("users").at(1), "Disk error when trying to access log");
  EXPECT_NE(
      status.json().find(R"("leftOut":{"users":{"1":"Disk error when trying to access log"}})"),
      std::string::npos);
  EXPECT_FALSE(world.checkpoints.contains({"users", 1}));

  life.run_until([] { return false; }, 300);
  EXPECT_EQ(life.report.status().left_out.size(), 1U);
  life.source.damaged.clear();
  ASSERT_TRUE(life.run_to_the_end());
  status = life.report.status();
  EXPECT_TRUE(status.left_out.empty());
  EXPECT_EQ(status.lag, 0);
  World straight = world_of(60);
  Life well(straight, users());
  ASSERT_TRUE(well.run_until([&] { return well.all_read(); }));
  EXPECT_EQ(world.cells(), straight.cells());
}

TEST(Engine, APartitionDamagedWhileItIsReadIsNoticedAndGoesOnWhereItWas) {
  World world = world_of(60);
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return world.checkpoints[{"users", 1}].offset >= 8; }));
  life.source.damaged = {{"users", 1}};  // the consumer says nothing of it
  ASSERT_TRUE(life.run_until([&] { return !life.report.status().left_out.empty(); }));
  EXPECT_TRUE(life.source.held.contains({"users", 1}));
  ASSERT_TRUE(life.run_until([&] { return life.checkpoint() == 30; })) << "the other goes on";
  const std::int64_t lag = *life.report.status().lag;
  EXPECT_EQ(lag, 30 - (world.checkpoints[{"users", 1}].offset));
  life.source.damaged.clear();
  ASSERT_TRUE(life.run_to_the_end());
  EXPECT_TRUE(life.report.status().left_out.empty());
  EXPECT_EQ(life.report.status().rows_read, 60) << "nothing twice";
}

TEST(Engine, AvailableNowFinishesTheOthersAndFailsForWhatItLeftOut) {
  World world = world_of(60);
  Life life(world, users("available_now"));
  life.source.damaged = {{"users", 1}};
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.checkpoint(), 30);
  EXPECT_EQ(life.report.status().state, PipelineState::Failed);
  EXPECT_NE(life.engine.error().find("users[1] is left out"), std::string::npos);
}

TEST(Engine, AvailableNowReadsOnAfterItsSourceWasOpenedAgain) {
  World world = world_of(60);
  Life life(world, users("available_now"));
  ASSERT_TRUE(life.engine.step());
  life.source.next_failure = Error{Code::Unavailable, "all brokers are down"};
  while (life.engine.step()) {
  }
  EXPECT_EQ(life.report.status().state, PipelineState::Stopped);
  EXPECT_TRUE(life.all_read());
}

// ---- Progress

TEST(Engine, ProgressHasSparksDurationsThatWereMeasured) {
  World world;
  world.topic[{"users", 0}] = {{R"({"id":"a","name":"1"})", 5}};
  Life life(world, users());
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 1; }));
  world.topic[{"users", 0}].push_back({"junk", 5});
  ASSERT_TRUE(life.run_until([&] { return life.report.status().batches == 2; }));
  const auto keys = [&](std::size_t batch) {
    Lines out;
    const auto progress = life.report.progress();
    for (const auto& [key, millis] : progress.at(batch).duration_ms) out.push_back(key);
    return out;
  };
  EXPECT_EQ(keys(0), (Lines{"addBatch", "getBatch", "triggerExecution"}));
  EXPECT_EQ(keys(1), (Lines{"addBatch", "commitOffsets", "getBatch", "triggerExecution"}))
      << "no row took the positions with it";
}

}  // namespace
}  // namespace penstock::stream
