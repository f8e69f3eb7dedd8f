// SPDX-License-Identifier: Apache-2.0
#include "table/catalog.h"

#include <gmock/gmock.h>

#include "table/catalog_codec.h"
#include "table/test_store.h"

namespace penstock::table {
namespace {

CatalogPtr edited(const CatalogPtr& from, const ChangeSchema& change) {
  CatalogEdit edit(*from);
  const Result<void> done = change(edit);
  EXPECT_TRUE(done) << done.error().message;
  return std::move(edit).finish();
}

CatalogPtr sample() {
  return edited(CatalogCodec::decode({}).value(), [](CatalogEdit& edit) -> Result<void> {
    TRY(edit.create_keyspace(
        {.name = "ks", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}}));
    TRY(edit.create_keyspace({.name = "empty", .durable_writes = false}));
    TableDef events = events_def();
    events.options = {.default_time_to_live = 60,
                      .gc_grace_seconds = 5,
                      .comment = "it's",
                      .others = {{"compaction", "{}"}}};
    events.dropped.push_back(
        {.name = "gone", .type = cql::Kind::Int, .kind = ColumnKind::Static, .dropped_micros = 77});
    TRY(edit.create_table(events));
    return edit.create_table(users_def());
  });
}

std::vector<std::string> column_names(const TableDef& table) {
  std::vector<std::string> names;
  for (const ColumnDef& column : table.columns) names.push_back(column.name);
  return names;
}

TEST(Catalog, SurvivesItsRecords) {
  const CatalogPtr catalog = sample();
  const auto changes = CatalogCodec::difference(*CatalogCodec::decode({}).value(), *catalog);
  const CatalogPtr again = CatalogCodec::decode(changes.put).value();
  EXPECT_EQ(again->version(), catalog->version());
  EXPECT_EQ(again->next_table(), catalog->next_table());
  EXPECT_FALSE(again->keyspace("empty")->durable_writes);
  EXPECT_EQ(again->keyspace("ks")->replication, catalog->keyspace("ks")->replication);
  const TablePtr before = catalog->table("ks", "events");
  const TablePtr after = again->table("ks", "events");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(again->table(before->number), after);
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->options, before->options);
  EXPECT_EQ(after->dropped.at(0).dropped_micros, 77);
  ASSERT_EQ(after->columns.size(), before->columns.size());
  for (std::size_t i = 0; i < after->columns.size(); ++i) {
    EXPECT_EQ(after->columns[i].id, before->columns[i].id);
    EXPECT_EQ(after->columns[i].name, before->columns[i].name);
    EXPECT_EQ(after->columns[i].type, before->columns[i].type);
    EXPECT_EQ(after->columns[i].kind, before->columns[i].kind);
    EXPECT_EQ(after->columns[i].reversed, before->columns[i].reversed);
  }
}

TEST(Catalog, BrokenRecordIsNamed) {
  auto changes = CatalogCodec::difference(*CatalogCodec::decode({}).value(), *sample());
  changes.put.back().value.resize(40);
  const auto decoded = CatalogCodec::decode(changes.put);
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("keyspace/ks"));
}

TEST(Catalog, ColumnsStandInTheOrderOfSelectStarAndKeepTheirIds) {
  const CatalogPtr catalog = sample();
  const TablePtr table = catalog->table("ks", "events");
  EXPECT_THAT(column_names(*table), testing::ElementsAre("device", "day", "seq", "owner", "v"));
  EXPECT_EQ(table->clustering().size(), 2);
  EXPECT_EQ(table->values().size(), 2);
  const CatalogPtr altered = edited(catalog, [&](CatalogEdit& edit) {
    TableDef changed = *table;
    changed.columns.push_back(column("a", cql::Kind::Int, ColumnKind::Regular));
    return edit.alter_table(changed);
  });
  const TablePtr after = altered->table("ks", "events");
  EXPECT_THAT(column_names(*after),
              testing::ElementsAre("device", "day", "seq", "owner", "a", "v"));
  EXPECT_EQ(after->column("v")->id, table->column("v")->id);
  EXPECT_EQ(after->column("a")->id, ColumnId(5));
  EXPECT_EQ(column_names(*table).size(), 5);  // the old catalog is as it was
}

TEST(Catalog, RefusesWhatIsThereOrIsNot) {
  CatalogEdit edit(*sample());
  EXPECT_EQ(edit.create_keyspace({.name = "ks"}).error().message,
            "Cannot add existing keyspace \"ks\"");
  EXPECT_EQ(edit.create_table(users_def()).error().message,
            "Cannot add already existing table \"users\" to keyspace \"ks\"");
  EXPECT_EQ(edit.drop_keyspace("nope").error().code, Code::NotFound);
  EXPECT_EQ(edit.drop_table("ks", "nope").error().code, Code::NotFound);
  EXPECT_EQ(edit.create_keyspace({.name = std::string(49, 'k')}).error().code,
            Code::InvalidArgument);
  EXPECT_EQ(edit.create_keyspace({.name = "a-b"}).error().code, Code::InvalidArgument);
  EXPECT_FALSE(edit.changed());
}

TEST(Catalog, NumbersAreNeverUsedTwice) {
  const CatalogPtr catalog = sample();
  const TableId old = catalog->table("ks", "users")->number;
  const CatalogPtr after = edited(catalog, [](CatalogEdit& edit) -> Result<void> {
    TRY(edit.drop_table("ks", "users"));
    TRY(edit.create_table(users_def()));
    return edit.truncate_table("ks", "users");
  });
  EXPECT_GT(after->table("ks", "users")->number, old + 1);
  EXPECT_EQ(after->table(old), nullptr);
}

}  // namespace
}  // namespace penstock::table
