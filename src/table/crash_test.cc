// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <future>
#include <map>
#include <set>

#include "net/loop.h"
#include "table/forgetful_env.h"
#include "table/test_store.h"

namespace penstock::table {
namespace {

constexpr int kRows = 20;

// A store on a disk that forgets. The parameter is ingest_records_min: both write paths must keep
// the same promise.
class Crash : public testing::TestWithParam<std::size_t> {
 protected:
  Crash() : t_(StoreOptions{.ingest_records_min = GetParam(), .env = &env_}) {}

  // The power goes off; then the machine comes up with a whole disk.
  void power_cut() {
    env_.crash();
    t_.store.reset();
    env_.forget();
    env_.crash_after(-1);
    t_.open();
  }
  // A batch over two tables, as rows and their checkpoint are.
  Result<void> write(const std::string& name) {
    MutationBatch batch = t_.batch();
    for (int i = 0; i < kRows; ++i)
      insert_event(batch, *t_.events(), name, std::to_string(i), "s", "v", 1);
    insert_user(batch, *t_.users(), name, "checkpoint", "n", 1);
    return t_.apply(std::move(batch));
  }
  std::size_t events(const std::string& name) {
    return t_.read({.table = t_.events(), .partitions = std::vector<Bytes>{name}}).size();
  }

  ForgetfulEnv env_;
  TestStore t_;
};
INSTANTIATE_TEST_SUITE_P(LogAndFile, Crash, testing::Values(1'000'000, 1));

TEST_P(Crash, AcknowledgedBatchSurvivesThePowerCut) {
  ASSERT_TRUE(write("a"));
  ASSERT_TRUE(write("b"));
  power_cut();
  EXPECT_EQ(events("a"), kRows);
  EXPECT_EQ(events("b"), kRows);
  EXPECT_EQ(t_.user("b").size(), 1);
}

TEST_P(Crash, AtAnyOperationABatchIsThereWholeOrNotAtAllAndThereWhenAcknowledged) {
  int acknowledged = 0;
  for (int operation = 1; acknowledged < 3; ++operation) {
    const std::string name = "batch " + std::to_string(operation);
    env_.crash_after(operation);
    const bool done = write(name).has_value();
    const bool died = env_.crashed();
    power_cut();
    const std::size_t found = events(name);
    const std::size_t checkpoints = t_.user(name).size();
    EXPECT_TRUE(found == 0 || found == kRows) << found << " rows, operation " << operation;
    EXPECT_EQ(checkpoints, found == 0 ? 0 : 1) << "operation " << operation;
    if (done) {
      EXPECT_EQ(found, kRows) << "acknowledged, lost at operation " << operation;
    }
    if (!died) ++acknowledged;  // the crash came after the write was done
    ASSERT_LT(operation, 200);
  }
}

TEST_P(Crash, SchemaChangeSurvivesThePowerCut) {
  ASSERT_TRUE(
      t_.store->change_schema([](CatalogEdit& edit) { return edit.drop_table("ks", "users"); }));
  const Uuid version = t_.store->catalog()->version();
  power_cut();
  EXPECT_EQ(t_.store->catalog()->version(), version);
  EXPECT_EQ(t_.users(), nullptr);
  EXPECT_NE(t_.events(), nullptr);
}

TEST_P(Crash, FullDiskIsNamedAndWritesGoOnWhenThereIsRoom) {
  ASSERT_TRUE(write("before"));
  env_.fail_with(rocksdb::Status::NoSpace("No space left on device"));
  const Result<void> refused = write("full");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::NoSpace) << refused.error().message;
  const Result<void> again = write("still full");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::NoSpace) << again.error().message;
  EXPECT_EQ(events("before"), kRows);  // reads go on
  env_.fail_with({});
  ASSERT_TRUE(write("after"));
  power_cut();
  EXPECT_EQ(events("before"), kRows);
  EXPECT_EQ(events("after"), kRows);
}

TEST_P(Crash, DiskErrorIsNamedAndNothingAcknowledgedIsLost) {
  ASSERT_TRUE(write("before"));
  env_.fail_with(rocksdb::Status::IOError("Input/output error"));
  const Result<void> refused = write("broken");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Io);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("Input/output error"));
  const Result<void> again = write("still broken");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, testing::HasSubstr("Input/output error"));
  EXPECT_EQ(events("before"), kRows);  // reads go on
  env_.fail_with({});
  ASSERT_TRUE(write("after"));
  for (const std::string name : {"before", "after"}) EXPECT_EQ(events(name), kRows);
  power_cut();
  for (const std::string name : {"before", "after"}) EXPECT_EQ(events(name), kRows);
}

// The client was told that the change had failed; if the log has it all the same, no other table
// may get its number.
TEST_P(Crash, SchemaChangeThatMetADiskErrorIsThereOrNotButNeverHalf) {
  const auto create = [&](const std::string& keyspace) {
    return t_.store->change_schema([&](CatalogEdit& edit) -> Result<void> {
      TRY(edit.create_keyspace({.name = keyspace,
                                .replication = {{"class", "SimpleStrategy"}},
                                .durable_writes = true,
                                .tables = {}}));
      TableDef def = users_def();
      def.keyspace = keyspace;
      return edit.create_table(def);
    });
  };
  const auto numbers = [&] {
    std::map<std::string, std::uint32_t> found;
    for (const auto& [keyspace, def] : t_.store->catalog()->keyspaces())
      for (const auto& [name, table] : def->tables)
        found[keyspace + "." + name] = table->number.value();
    return found;
  };
  env_.fail_syncs_with(rocksdb::Status::IOError("Input/output error"));
  ASSERT_FALSE(create("refused"));
  EXPECT_FALSE(numbers().contains("refused.users"));
  env_.fail_syncs_with({});
  ASSERT_TRUE(create("next"));
  const auto before = numbers();
  EXPECT_TRUE(before.contains("next.users"));
  std::set<std::uint32_t> apart;
  for (const auto& [name, number] : before) apart.insert(number);
  EXPECT_EQ(apart.size(), before.size());
  power_cut();
  EXPECT_EQ(numbers(), before);
}

TEST_P(Crash, WritersThatWaitTogetherShareASync) {
  if (GetParam() == 1) GTEST_SKIP() << "files of large batches are synced each";
  std::promise<void> held;
  std::promise<void> go_on;
  MutationBatch first = t_.batch();
  insert_user(first, *t_.users(), "first", "e", "n", 1);
  t_.store->apply(std::move(first), [&](Result<void>) {
    held.set_value();
    go_on.get_future().wait();
  });
  held.get_future().wait();
  const int before = env_.syncs();
  constexpr int kWriters = 100;
  std::atomic<int> pending{kWriters};
  std::promise<void> all;
  for (int i = 0; i < kWriters; ++i) {
    MutationBatch batch = t_.batch();
    insert_user(batch, *t_.users(), std::to_string(i), "e", "n", 1);
    t_.store->apply(std::move(batch), [&](Result<void> done) {
      EXPECT_TRUE(done);
      if (--pending == 0) all.set_value();
    });
  }
  go_on.set_value();
  all.get_future().wait();
  EXPECT_EQ(env_.syncs() - before, 1);
  power_cut();
  EXPECT_EQ(t_.all(t_.users()).size(), kWriters + 1);
}

TEST_P(Crash, ReadsGoOnWhileTheDatabaseIsMendedAndSeeAllThatWasAcknowledged) {
  ASSERT_TRUE(write("acknowledged"));
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  net::BlockingPool readers(2, "readers");
  for (int i = 0; i < 2; ++i) {
    readers.run([&] {
      const ReadQuery query{.table = t_.events(), .partitions = std::vector<Bytes>{"acknowledged"}};
      while (!stop) {
        int rows = 0;
        const auto read = t_.store->read(query, [&](const RowView&) {
          ++rows;
          return Visit::Continue;
        });
        EXPECT_TRUE(read) << read.error().message;
        EXPECT_EQ(rows, kRows);
        ++reads;
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    env_.fail_with(rocksdb::Status::IOError("Input/output error"));
    EXPECT_FALSE(write("refused"));
    EXPECT_FALSE(write("refused"));
    env_.fail_with({});
    const Result<void> after = write("after " + std::to_string(i));
    EXPECT_TRUE(after) << after.error().message;
  }
  stop = true;
  readers.stop();
  EXPECT_GT(reads, 0);
}

}  // namespace
}  // namespace penstock::table
