// SPDX-License-Identifier: Apache-2.0
#pragma once

// The engine between a scripted source, store and dead-letter topic, on a clock that the test
// moves.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "stream/dead_letter.h"
#include "stream/engine.h"

namespace penstock::stream::engine_test {

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
  bool checkpoints_may_go_back = false;
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
    if (next_open_failure) {
      Error error = *std::exchange(next_open_failure, std::nullopt);
      return fail(std::move(error));
    }
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
      const std::vector<TopicPartition>& partitions) override {
    std::map<TopicPartition, Committed> found;
    for (const TopicPartition& partition : partitions) {
      const auto offset = world_.group.find(partition);
      found.emplace(partition, offset == world_.group.end() ? Committed{} : offset->second);
    }
    return found;
  }
  Result<client::Watermarks> watermarks(const TopicPartition& partition, Duration) override {
    if (damaged.contains(partition)) return fail(Code::Io, "Disk error when trying to access log");
    const auto topic = world_.topic.find(partition);
    if (topic == world_.topic.end()) return fail(Code::NotFound, "Unknown partition");
    return client::Watermarks{0, static_cast<std::int64_t>(topic->second.size())};
  }
  std::optional<std::int64_t> last_end(const TopicPartition& partition) override {
    const auto heard = heard_.find(partition);
    return heard == heard_.end() ? std::nullopt : std::optional(heard->second);
  }
  Result<void> commit(const std::vector<client::TopicPartitionOffset>& offsets) override {
    if (commit_failures > 0) {
      --commit_failures;
      return fail(Code::Unavailable, "the coordinator is away");
    }
    for (const auto& offset : offsets)
      world_.group[offset.topic_partition()] = {offset.offset, offset.metadata};
    return {};
  }
  void commit_soon(const std::vector<client::TopicPartitionOffset>& offsets,
                   Function<void(Result<void>)> done) override {
    done(commit(offsets));
  }
  std::optional<Error> trouble() override { return in_trouble; }
  void close() override {
    if (assigned_) revoke();
    closed = true;
  }

  void assign() {
    assigned_ = true;
    std::vector<client::TopicPartitionOffset> partitions;
    for (const auto& [partition, messages] : world_.topic) {
      if (!position_.contains(partition) && !elsewhere.contains(partition))
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
  int commit_failures = 0;
  bool closed = false;
  std::optional<Error> in_trouble;
  std::optional<Error> next_failure;
  std::optional<Error> next_open_failure;
  std::set<TopicPartition> damaged;  // the broker cannot read them
  std::set<TopicPartition> held;
  std::set<TopicPartition> elsewhere;  // another worker has them
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
  Result<Positions> positions() override {
    if (away) return fail(Code::Timeout, "no answer");
    return world_.checkpoints;
  }
  std::string description() const override { return "ks.t"; }

  void write(StoreBatch batch, Function<void(Result<StoreOutcome>)> done) override {
    ++world_.writes;
    largest = std::max(largest, batch.selection.size());
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
      if (before != world_.checkpoints.end() && !world_.checkpoints_may_go_back) {
        EXPECT_GE(position.offset, before->second.offset) << "a checkpoint went back";
      }
      world_.checkpoints[partition] = position;
    }
  }

  std::vector<Error> failures;
  bool away = false;
  std::size_t largest = 0;  // rows of a write
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
      return done(std::vector<Result<void>>(letters.size(), fail(failure)));
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
  Error failure{Code::Unavailable, "broker away"};
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

inline PipelineSpec users(std::string_view trigger = "asap") {
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

inline World world_of(int messages, int partitions = 2) {
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

}  // namespace penstock::stream::engine_test
