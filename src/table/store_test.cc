// SPDX-License-Identifier: Apache-2.0
#include "table/store.h"

#include <gmock/gmock.h>

#include <future>
#include <random>
#include <set>

#include "net/loop.h"
#include "table/test_store.h"

namespace penstock::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Rows = std::vector<std::string>;

// Small batches go through the log, large ones become files; the outcome must be the same.
class StoreWritePath : public testing::TestWithParam<std::size_t> {
 protected:
  TestStore t{StoreOptions{.ingest_records_min = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(LogAndFile, StoreWritePath, testing::Values(1'000'000, 1));

TEST_P(StoreWritePath, RowIsReadBackAlsoAfterReopening) {
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "a", "a@x", "Ann", 1);
  insert_user(batch, *t.users(), "b", nullptr, "Bob", 1);
  t.must(std::move(batch));
  EXPECT_THAT(t.user("a"), ElementsAre("a a@x Ann"));
  t.open();
  EXPECT_THAT(t.user("b"), ElementsAre("b - Bob"));
  EXPECT_THAT(t.user("c"), IsEmpty());
}

TEST_P(StoreWritePath, NewestTimestampWinsWhateverCameLast) {
  const std::vector<std::pair<const char*, int>> writes{
      {"second", 20}, {"third", 30}, {"first", 10}};
  for (const auto& [email, timestamp] : writes) {
    MutationBatch batch = t.batch();
    insert_user(batch, *t.users(), "a", email, "n", timestamp);
    t.must(std::move(batch));
  }
  EXPECT_THAT(t.user("a"), ElementsAre("a third n"));
}

TEST_P(StoreWritePath, SameRowTwiceInABatchIsOneRow) {
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "a", "old", "n", 1);
  insert_user(batch, *t.users(), "a", "new", nullptr, 2);
  t.must(std::move(batch));
  EXPECT_THAT(t.user("a"), ElementsAre("a new -"));
}

TEST_P(StoreWritePath, DeletionHidesOlderWritesThatComeLater) {
  MutationBatch batch = t.batch();
  batch.delete_row(*t.users(), PartitionKey("a"), {}, 10);
  t.must(std::move(batch));
  batch = t.batch();
  insert_user(batch, *t.users(), "a", "late", "n", 10);
  t.must(std::move(batch));
  EXPECT_THAT(t.user("a"), IsEmpty());
  batch = t.batch();
  insert_user(batch, *t.users(), "a", "newer", "n", 11);
  t.must(std::move(batch));
  EXPECT_THAT(t.user("a"), ElementsAre("a newer n"));
}

TEST_P(StoreWritePath, RangePartitionAndRowDeletionsCoverTheirRowsOnly) {
  const TablePtr events = t.events();
  MutationBatch batch = t.batch();
  for (const char* device : {"d1", "d2"}) {
    for (const char* day : {"1", "2", "3"}) {
      for (const char* seq : {"a", "b"}) insert_event(batch, *events, device, day, seq, "v", 1);
    }
  }
  set_owner(batch, *events, "d2", "me", 1);
  t.must(std::move(batch));
  batch = t.batch();
  batch.delete_range(*events, PartitionKey("d1"),
                     ClusteringRange::prefix(clustering(*events, {"2"})), 5);
  batch.delete_row(*events, PartitionKey("d1"), clustering(*events, {"3", "b"}), 5);
  t.must(std::move(batch));
  const auto device = [&](const char* key) {
    return t.read({.table = events, .partitions = std::vector<Bytes>{key}});
  };
  EXPECT_THAT(device("d1"), ElementsAre("d1|1|b - v", "d1|1|a - v", "d1|3|a - v"));
  batch = t.batch();
  insert_event(batch, *events, "d2", "2", "b", "newer", 9);
  batch.delete_partition(*events, PartitionKey("d2"), 8);
  t.must(std::move(batch));
  EXPECT_THAT(device("d2"), ElementsAre("d2|2|b - newer"));
}

TEST_P(StoreWritePath, CompactionChangesNothingThatIsRead) {
  std::mt19937 random(3);
  const TablePtr events = t.events();
  for (int i = 0; i < 200; ++i) {
    MutationBatch batch = t.batch();
    const std::string device = std::to_string(random() % 4);
    const std::string day = std::to_string(random() % 4);
    const std::string seq = std::to_string(random() % 4);
    const auto timestamp = static_cast<std::int64_t>(random() % 50);
    switch (random() % 8) {
      case 0:
        batch.delete_row(*events, PartitionKey(device), clustering(*events, {day, seq}), timestamp);
        break;
      case 1:
        batch.delete_range(*events, PartitionKey(device),
                           ClusteringRange::prefix(clustering(*events, {day})), timestamp);
        break;
      case 2:
        set_owner(batch, *events, device, seq, timestamp);
        break;
      case 3:
        batch.delete_partition(*events, PartitionKey(device), timestamp / 5);
        break;
      default:
        insert_event(batch, *events, device, day, seq, std::to_string(i), timestamp);
    }
    t.must(std::move(batch));
    if (i % 100 == 50) {
      ASSERT_TRUE(t.store->flush());
    }
  }
  const Rows before = t.all(events);
  EXPECT_GT(before.size(), 10);
  ASSERT_TRUE(t.store->compact());
  EXPECT_EQ(t.all(events), before);
  t.advance(events->options.gc_grace_seconds + 1);
  ASSERT_TRUE(t.store->compact());
  EXPECT_EQ(t.all(events), before);
}

TEST(Store, EndOfReadsEndsAScanUnderWay) {
  TestStore t;
  MutationBatch batch = t.batch();
  for (const char* id : {"a", "b", "c"}) insert_user(batch, *t.users(), id, "e", "n", 1);
  t.must(std::move(batch));
  int visited = 0;
  const auto scanned = t.store->read({.table = t.users()}, [&](const RowView&) {
    ++visited;
    t.store->end_reads();
    return Visit::Continue;
  });
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, Code::Closed);
  EXPECT_EQ(visited, 1);
}

TEST(Store, ExpiredCellsAndRowsAreGoneAtTheirSecond) {
  TestStore t;
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "a", "a@x", "Ann", 1, 10);
  insert_user(batch, *t.users(), "b", "b@x", "Bob", 1);
  const std::vector<CellWrite> email{{.column = t.users()->column("email")->id, .value = "short"}};
  batch.write(*t.users(), PartitionKey("b"), {},
              {.timestamp_micros = 2, .ttl_seconds = 5, .marker = false, .cells = email});
  t.must(std::move(batch));
  t.advance(4);
  EXPECT_THAT(t.user("b"), ElementsAre("b short Bob"));
  t.advance(1);
  EXPECT_THAT(t.user("b"),
              ElementsAre("b - Bob"));  // the expired cell still hides what it replaced
  t.advance(4);
  EXPECT_THAT(t.user("a"), ElementsAre("a a@x Ann"));
  t.advance(1);
  EXPECT_THAT(t.user("a"), IsEmpty());
}

TEST(Store, TableDefaultTtlAppliesUnlessTheWriteSaysNone) {
  TestStore t;
  ASSERT_TRUE(t.store->change_schema([&](CatalogEdit& edit) {
    TableDef users = *edit.catalog().table("ks", "users");
    users.options.default_time_to_live = 7;
    return edit.alter_table(users);
  }));
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "default", "x", "x", 1);
  insert_user(batch, *t.users(), "none", "x", "x", 1, 0);
  t.must(std::move(batch));
  t.advance(7);
  EXPECT_THAT(t.all(t.users()), ElementsAre("none x x"));
}

TEST(Store, UpdatedRowVanishesWithItsLastCellAndInsertedRowStays) {
  TestStore t;
  const ColumnId email = t.users()->column("email")->id;
  const std::vector<CellWrite> set{{.column = email, .value = "x"}};
  const std::vector<CellWrite> unset{{.column = email, .deleted = true}};
  MutationBatch batch = t.batch();
  batch.write(*t.users(), PartitionKey("updated"), {},
              {.timestamp_micros = 1, .ttl_seconds = {}, .marker = false, .cells = set});
  batch.write(*t.users(), PartitionKey("inserted"), {},
              {.timestamp_micros = 1, .ttl_seconds = {}, .marker = true, .cells = set});
  t.must(std::move(batch));
  EXPECT_THAT(t.all(t.users()), testing::SizeIs(2));
  batch = t.batch();
  for (const char* id : {"updated", "inserted"}) {
    batch.write(*t.users(), PartitionKey(id), {},
                {.timestamp_micros = 2, .ttl_seconds = {}, .marker = false, .cells = unset});
  }
  t.must(std::move(batch));
  EXPECT_THAT(t.all(t.users()), ElementsAre("inserted - -"));
}

TEST(Store, ScanGivesPartitionsByTokenAndRowsByClusteringOrder) {
  TestStore t;
  MutationBatch batch = t.batch();
  std::map<std::int64_t, Rows> expected;
  for (int device = 0; device < 20; ++device) {
    const std::string key = "d" + std::to_string(device);
    for (const char* day : {"2", "1"}) {
      for (const char* seq : {"x", "y"}) insert_event(batch, *t.events(), key, day, seq, "v", 1);
    }
    expected[PartitionKey(key).token] = {key + "|1|y - v", key + "|1|x - v", key + "|2|y - v",
                                         key + "|2|x - v"};
  }
  t.must(std::move(batch));
  Rows rows;
  Rows reversed;
  for (const auto& entry : expected) {
    rows.insert(rows.end(), entry.second.begin(), entry.second.end());
    reversed.insert(reversed.end(), entry.second.rbegin(), entry.second.rend());
  }
  EXPECT_EQ(t.all(t.events()), rows);
  EXPECT_EQ(t.read({.table = t.events(), .reversed = true}), reversed);

  const std::int64_t middle = std::next(expected.begin(), 10)->first;
  Rows halves = t.read({.table = t.events(), .tokens = {.last = middle - 1}});
  EXPECT_EQ(halves.size(), 40);
  const Rows rest = t.read({.table = t.events(), .tokens = {.first = middle}});
  halves.insert(halves.end(), rest.begin(), rest.end());
  EXPECT_EQ(halves, rows);
}

TEST(Store, ClusteringRangesSelectRowsBothWays) {
  TestStore t;
  const TablePtr events = t.events();
  MutationBatch batch = t.batch();
  for (const char* day : {"1", "2", "3", "4", "5"})
    insert_event(batch, *events, "d", day, "s", "v", 1);
  t.must(std::move(batch));
  ReadQuery query{.table = events, .partitions = std::vector<Bytes>{"d"}};
  query.clustering = {{.from = clustering(*events, {"2"}),
                       .to = ClusteringRange::after(clustering(*events, {"3"}))},
                      {.from = clustering(*events, {"5"}), .to = {}}};
  EXPECT_THAT(t.read(query), ElementsAre("d|2|s - v", "d|3|s - v", "d|5|s - v"));
  query.reversed = true;
  EXPECT_THAT(t.read(query), ElementsAre("d|5|s - v", "d|3|s - v", "d|2|s - v"));
  query.partitions.reset();
  query.reversed = false;
  EXPECT_THAT(t.read(query), ElementsAre("d|2|s - v", "d|3|s - v", "d|5|s - v"));
}

TEST(Store, StaticValuesStandBesideEveryRowAndAloneWithoutRows) {
  TestStore t;
  MutationBatch batch = t.batch();
  set_owner(batch, *t.events(), "d", "me", 1);
  t.must(std::move(batch));
  EXPECT_THAT(t.all(t.events()), ElementsAre("d|static me -"));
  batch = t.batch();
  insert_event(batch, *t.events(), "d", "1", "s", "v", 1);
  insert_event(batch, *t.events(), "e", "1", "s", "v", 1);
  t.must(std::move(batch));
  EXPECT_THAT(t.all(t.events()), testing::UnorderedElementsAre("d|1|s me v", "e|1|s - v"));
  ReadQuery nothing{.table = t.events()};
  nothing.clustering = {ClusteringRange::prefix(clustering(*t.events(), {"9"}))};
  EXPECT_THAT(t.read(nothing), IsEmpty());
}

TEST(Store, PagesJoinToTheWholeInEveryModeAndSize) {
  TestStore t;
  MutationBatch batch = t.batch();
  for (const char* device : {"a", "b", "c", "only-static"}) {
    set_owner(batch, *t.events(), device, "me", 1);
    if (std::string_view(device) == "only-static") continue;
    for (const char* day : {"1", "2"}) {
      for (const char* seq : {"x", "y", "z"})
        insert_event(batch, *t.events(), device, day, seq, "v", 1);
    }
  }
  t.must(std::move(batch));
  ReadQuery by_key{.table = t.events(),
                   .partitions = std::vector<Bytes>{"c", "a", "c", "nobody", "only-static"}};
  ReadQuery scan{.table = t.events()};
  ReadQuery ranges{.table = t.events()};
  ranges.clustering = {ClusteringRange::prefix(clustering(*t.events(), {"1"})),
                       ClusteringRange::prefix(clustering(*t.events(), {"2", "y"}))};
  const std::vector<ReadQuery> queries{by_key, scan, ranges};
  for (ReadQuery query : queries) {
    for (const bool reversed : {false, true}) {
      query.reversed = reversed;
      query.resume.clear();
      const Rows whole = t.read(query);
      for (std::size_t page = 1; page < 8; ++page) {
        Rows joined;
        query.resume.clear();
        do {
          const Rows rows = t.read(query, page, &query.resume);
          joined.insert(joined.end(), rows.begin(), rows.end());
        } while (t.last.stopped);
        EXPECT_EQ(joined, whole) << "pages of " << page << (reversed ? " reversed" : "");
      }
    }
  }
}

TEST(Store, PagesJoinForATableWithoutClustering) {
  TestStore t;
  MutationBatch batch = t.batch();
  for (int i = 0; i < 10; ++i) insert_user(batch, *t.users(), std::to_string(i), "e", "n", 1);
  t.must(std::move(batch));
  const Rows whole = t.all(t.users());
  ReadQuery some{.table = t.users(), .partitions = std::vector<Bytes>{"1", "2", "3", "4", "4"}};
  EXPECT_EQ(t.read(some).size(), 4);
  const std::vector<ReadQuery> queries{{.table = t.users()}, some};
  for (ReadQuery query : queries) {
    const Rows expected = t.read(query);
    Rows joined;
    do {
      const Rows rows = t.read(query, 3, &query.resume);
      joined.insert(joined.end(), rows.begin(), rows.end());
    } while (t.last.stopped);
    EXPECT_EQ(joined, expected);
  }
}

TEST(Store, ForgedPagingStateIsRefused) {
  TestStore t;
  const std::vector<Bytes> states{"x", Bytes(13, '\xff'), Bytes(9, '\0') + Bytes("\0\0\1\0", 4)};
  for (const Bytes& forged : states) {
    const auto result = t.store->read({.table = t.users(), .resume = forged},
                                      [](const RowView&) { return Visit::Stop; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::InvalidArgument);
  }
}

TEST(Store, NextPartitionSkipsTheRestOfOne) {
  TestStore t;
  MutationBatch batch = t.batch();
  for (const char* device : {"a", "b"}) {
    for (const char* day : {"1", "2", "3"})
      insert_event(batch, *t.events(), device, day, "s", "v", 1);
  }
  t.must(std::move(batch));
  std::set<std::string> seen;
  int visits = 0;
  ASSERT_TRUE(t.store->read({.table = t.events()}, [&](const RowView& row) {
    seen.emplace(row.partition.bytes);
    ++visits;
    return Visit::NextPartition;
  }));
  EXPECT_EQ(seen.size(), 2);
  EXPECT_EQ(visits, 2);
}

TEST(Store, TruncatedTableIsEmptyAndOldDefinitionsAreRefused) {
  TestStore t;
  const TablePtr old = t.users();
  MutationBatch batch = t.batch();
  insert_user(batch, *old, "a", "e", "n", 1);
  t.must(std::move(batch));
  const Uuid version = t.store->catalog()->version();
  ASSERT_TRUE(
      t.store->change_schema([](CatalogEdit& edit) { return edit.truncate_table("ks", "users"); }));
  EXPECT_EQ(t.store->catalog()->version(), version);
  EXPECT_THAT(t.all(t.users()), IsEmpty());
  EXPECT_EQ(t.users()->id, old->id);
  for (const std::size_t rows : {1, 5'000}) {
    batch = t.batch();
    for (std::size_t i = 0; i < rows; ++i) insert_user(batch, *old, std::to_string(i), "e", "n", 1);
    EXPECT_EQ(t.apply(std::move(batch)).error().code, Code::Conflict);
  }
  ASSERT_TRUE(t.store->compact());
  EXPECT_THAT(t.read({.table = old}), IsEmpty());  // compaction has removed what it left
  t.open();
  EXPECT_THAT(t.all(t.users()), IsEmpty());
}

TEST(Store, DroppedColumnStaysHiddenWhenAddedAgain) {
  TestStore t;
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "a", "old@x", "Ann", 1);
  t.must(std::move(batch));
  const auto alter = [&](auto change) {
    ASSERT_TRUE(t.store->change_schema([&](CatalogEdit& edit) {
      TableDef users = *edit.catalog().table("ks", "users");
      change(users);
      return edit.alter_table(users);
    }));
  };
  alter([&](TableDef& users) {
    std::erase_if(users.columns, [](const ColumnDef& c) { return c.name == "email"; });
    users.dropped.push_back({.name = "email",
                             .type = cql::Kind::Text,
                             .kind = ColumnKind::Regular,
                             .dropped_micros = 5});
  });
  EXPECT_THAT(t.user("a"), ElementsAre("a Ann"));
  alter([&](TableDef& users) {
    users.columns.push_back(column("email", cql::Kind::Text, ColumnKind::Regular));
  });
  EXPECT_THAT(t.user("a"), ElementsAre("a - Ann"));
  ASSERT_TRUE(t.store->compact());
  t.open();
  EXPECT_THAT(t.user("a"), ElementsAre("a - Ann"));
}

TEST(Store, PurgedDeletionsLeaveNothingBehind) {
  TestStore t;
  MutationBatch batch = t.batch();
  for (int i = 0; i < 100; ++i) {
    insert_user(batch, *t.users(), std::to_string(i), "e", "n", 1);
    batch.delete_row(*t.users(), PartitionKey(std::to_string(i)), {}, 2);
  }
  t.must(std::move(batch));
  EXPECT_THAT(t.all(t.users()), IsEmpty());
  EXPECT_GE(t.last.tombstones, 100);
  ASSERT_TRUE(t.store->compact());
  EXPECT_THAT(t.all(t.users()), IsEmpty());
  EXPECT_GE(t.last.tombstones, 100);  // within gc_grace
  t.advance(t.users()->options.gc_grace_seconds + 1);
  ASSERT_TRUE(t.store->compact());
  EXPECT_THAT(t.all(t.users()), IsEmpty());
  EXPECT_EQ(t.last.tombstones, 0);
}

TEST(Store, PurgedRangeAndPartitionDeletionsLeaveNothingBehindAndNothingComesBack) {
  TestStore t;
  const TablePtr events = t.events();
  const auto at = [&](const char* device) {
    return t.read({.table = events, .partitions = std::vector<Bytes>{device}});
  };
  MutationBatch batch = t.batch();
  for (const char* device : {"cut", "gone"}) {
    for (const char* day : {"1", "2", "3"}) insert_event(batch, *events, device, day, "s", "v", 1);
    set_owner(batch, *events, device, "me", 1);
  }
  t.must(std::move(batch));
  ASSERT_TRUE(t.store->compact());  // the rows lie in the last level, the deletions come later
  batch = t.batch();
  batch.delete_range(*events, PartitionKey("cut"),
                     ClusteringRange::prefix(clustering(*events, {"2"})), 5);
  batch.delete_partition(*events, PartitionKey("gone"), 5);
  insert_event(batch, *events, "gone", "9", "s", "newer", 6);
  t.must(std::move(batch));
  const Rows cut{"cut|1|s me v", "cut|3|s me v"};
  const Rows gone{"gone|9|s - newer"};
  const auto expect_rows = [&](std::uint64_t tombstones_of_cut, std::uint64_t tombstones_of_gone) {
    EXPECT_EQ(at("cut"), cut);
    EXPECT_EQ(t.last.tombstones, tombstones_of_cut);
    EXPECT_EQ(at("gone"), gone);
    EXPECT_EQ(t.last.tombstones, tombstones_of_gone);
  };
  ASSERT_TRUE(t.store->compact());
  expect_rows(1, 1);  // within gc_grace
  t.advance(events->options.gc_grace_seconds + 1);
  batch = t.batch();
  batch.delete_range(*events, PartitionKey("cut"),
                     ClusteringRange::prefix(clustering(*events, {"7"})), 7);
  t.must(std::move(batch));
  ASSERT_TRUE(t.store->compact());
  expect_rows(1, 0);  // the young one stays
  t.open();
  expect_rows(1, 0);
}

TEST(Store, SecondOpenOfTheFolderIsAConflict) {
  TestStore t;
  const auto second = Store::open(t.folder.path(), {}, t.metrics, t.clock);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict) << second.error().message;
  EXPECT_THAT(second.error().message, HasSubstr(t.folder.path().string()));
}

// It could not be written on a full disk, and RocksDB may abort then.
TEST(Store, RocksDBKeepsNoLogFileOfItsOwn) {
  const TestStore t;
  for (const auto& entry : std::filesystem::directory_iterator(t.folder.path()))
    EXPECT_NE(entry.path().filename(), "LOG");
}

TEST(Store, ClosedStoreAnswersClosedAndFinishesWhatItTook) {
  TestStore t;
  std::atomic<int> done{0};
  for (int i = 0; i < 50; ++i) {
    MutationBatch batch = t.batch();
    insert_user(batch, *t.users(), std::to_string(i), "e", "n", 1);
    t.store->apply(std::move(batch), [&](Result<void> result) { done += result ? 1 : 0; });
  }
  t.store->close();
  EXPECT_EQ(done, 50);
  MutationBatch batch = t.batch();
  insert_user(batch, *t.users(), "late", "e", "n", 1);
  EXPECT_EQ(t.apply(std::move(batch)).error().code, Code::Closed);
  t.open();
  EXPECT_EQ(t.all(t.users()).size(), 50);
}

TEST(Store, ManyThreadsWriteBothWaysAndEverythingIsThere) {
  TestStore t{StoreOptions{.ingest_records_min = 100}};
  const TablePtr users = t.users();
  std::atomic<int> pending{0};
  std::promise<void> finished;
  constexpr int kBatches = 200;
  net::BlockingPool pool(4, "writers");
  for (int i = 0; i < kBatches; ++i) {
    pool.run([&, i] {
      MutationBatch batch = t.batch();
      for (int row = 0; row < (i % 2 == 0 ? 5 : 150); ++row) {
        insert_user(batch, *users, std::to_string(i) + "/" + std::to_string(row), "e", "n", 1);
      }
      t.store->apply(std::move(batch), [&](Result<void> result) {
        EXPECT_TRUE(result);
        if (++pending == kBatches) finished.set_value();
      });
    });
  }
  finished.get_future().wait();
  EXPECT_EQ(t.all(users).size(), 100 * 5 + 100 * 150);
}

}  // namespace
}  // namespace penstock::table
