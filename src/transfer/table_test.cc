// SPDX-License-Identifier: Apache-2.0
// What moving a table decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "transfer/table_rows.h"
#include "transfer/table_schema.h"

namespace penstock::transfer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = 1'700'000'000;

std::vector<Insert> plan(const std::vector<Cell>& cells, std::uint64_t* expired = nullptr) {
  const std::vector<cql::CellValue> keys{"k"};
  std::uint64_t count = 0;
  auto inserts = inserts_of({keys, cells}, kNow, count);
  if (expired != nullptr) *expired = count;
  return inserts;
}

TEST(InsertsOf, OneForEachWriteTimeAndExpiryOldestFirst) {
  const auto inserts = plan(
      {{"a", 20, 0}, {"b", 10, 0}, {}, {"c", 20, kNow + 60}, {"d", 20, 0}, {"e", 20, kNow + 60}});
  ASSERT_EQ(inserts.size(), 3);
  EXPECT_EQ(inserts[0].writetime_micros, 10);
  EXPECT_THAT(inserts[0].columns, ElementsAre(1));
  EXPECT_THAT(inserts[1].columns, ElementsAre(0, 4));
  EXPECT_EQ(inserts[1].ttl_seconds, 0);
  EXPECT_THAT(inserts[2].columns, ElementsAre(3, 5));
  EXPECT_EQ(inserts[2].ttl_seconds, 60);
}

TEST(InsertsOf, LeaveOutAndCountWhatHasExpired) {
  std::uint64_t expired = 0;
  EXPECT_THAT(plan({{"a", 20, kNow}, {"b", 20, kNow - 5}}, &expired), IsEmpty());
  EXPECT_EQ(expired, 2);
  const auto inserts = plan({{"a", 20, kNow}, {"b", 20, kNow + 1}}, &expired);
  ASSERT_EQ(inserts.size(), 1);
  EXPECT_THAT(inserts[0].columns, ElementsAre(1));
  EXPECT_EQ(expired, 1);
}

TEST(InsertsOf, ARowWithoutCellsIsItsKey) {
  const auto inserts = plan({{}, {}});
  ASSERT_EQ(inserts.size(), 1);
  EXPECT_THAT(inserts[0].columns, IsEmpty());
  EXPECT_EQ(inserts[0].writetime_micros, 1);
}

std::optional<Bytes> row_bytes(const std::vector<cql::CellValue>& keys,
                               const std::vector<Cell>& cells) {
  RowBytes bytes({cql::Kind::Text, cql::Kind::Decimal}, 1);
  const auto of = *bytes.of({keys, cells});
  return of ? std::optional<Bytes>(*of) : std::nullopt;
}

TEST(RowBytes, TellValuesKeysAndWriteTimesApart) {
  const Bytes one("\0\0\0\0\x01", 5);
  const Bytes two("\0\0\0\0\x02", 5);
  const std::set<std::optional<Bytes>> different{
      row_bytes({"a", one}, {{"v", 1, 0}, {}}), row_bytes({"a", one}, {{"v", 2, 0}, {}}),
      row_bytes({"a", one}, {{"w", 1, 0}, {}}), row_bytes({"a", one}, {{}, {"v", 1, 0}}),
      row_bytes({"a", two}, {{"v", 1, 0}, {}}), row_bytes({"b", one}, {{"v", 1, 0}, {}}),
      row_bytes({"a", one}, {{"", 1, 0}, {}}),  row_bytes({"a", one}, {{}, {}})};
  EXPECT_EQ(different.size(), 8);
}

TEST(RowBytes, DoNotSeeWhatExpires) {
  EXPECT_EQ(row_bytes({"a", ""}, {{"v", 1, 0}, {"x", 1, kNow}}),
            row_bytes({"a", ""}, {{"v", 1, 0}, {}}));
  EXPECT_EQ(row_bytes({"a", ""}, {{"v", 1, kNow}, {}}), std::nullopt);
}

TEST(RowBytes, TakeTwoSpellingsOfAClusteringValueForOne) {
  const Bytes one("\0\0\0\0\x01", 5);             // 1
  const Bytes one_point_zero("\0\0\0\1\x0a", 5);  // 1.0
  EXPECT_EQ(row_bytes({"a", one}, {}), row_bytes({"a", one_point_zero}, {}));
}

TEST(TableNames, FoldAsCqlDoes) {
  const auto name = [](const char* text) { return parse_table_name(text)->quoted(); };
  EXPECT_EQ(name("Ks.Users"), R"("ks"."users")");
  EXPECT_EQ(name(R"("Ks"."a.""b")"), R"("Ks"."a.""b")");
  for (const char* wrong : {"", "users", "ks.", ".t", "a.b.c", "\"ks.t", "ks.\"t\"x"})
    EXPECT_FALSE(parse_table_name(wrong)) << wrong;
}

const TableName kTable{"ks", "t"};

Result<std::vector<Column>> with_value(const char* type, const char* kind = "regular") {
  return to_columns(kTable,
                    {{"v", type, kind, -1, "none"}, {"id", "text", "partition_key", 0, "none"}});
}

TEST(ToColumns, AreInTheOrderOfTheKey) {
  const auto columns = to_columns(kTable, {{"b", "int", "regular", -1, "none"},
                                           {"z", "int", "clustering", 1, "asc"},
                                           {"y", "timestamp", "clustering", 0, "desc"},
                                           {"a", "frozen<list<int>>", "regular", -1, "none"},
                                           {"p", "uuid", "partition_key", 1, "none"},
                                           {"q", "text", "partition_key", 0, "none"}});
  ASSERT_TRUE(columns) << columns.error().message;
  std::vector<std::string> names;
  for (const Column& column : *columns) names.push_back(column.name);
  EXPECT_THAT(names, ElementsAre("q", "p", "y", "z", "a", "b"));
  EXPECT_EQ(definition(*columns, {60, 5, "it's"}),
            R"(("q" text, "p" uuid, "y" timestamp, "z" int, "a" frozen<list<int>>, "b" int, )"
            R"(PRIMARY KEY (("q", "p"), "y", "z")) WITH CLUSTERING ORDER BY ("y" DESC, "z" ASC) )"
            R"(AND default_time_to_live = 60 AND gc_grace_seconds = 5 AND comment = 'it''s')");
  EXPECT_EQ(select_range(kTable, *columns),
            R"(SELECT "q", "p", "y", "z", "a", WRITETIME("a"), TTL("a"), "b", WRITETIME("b"), )"
            R"(TTL("b") FROM "ks"."t" WHERE token("q", "p") > ? AND token("q", "p") <= ?)");
  EXPECT_EQ(insert_row(kTable, *columns),
            R"(INSERT INTO "ks"."t" ("q", "p", "y", "z", "a", "b") VALUES (?, ?, ?, ?, ?, ?) )"
            R"(USING TTL ? AND TIMESTAMP ?)");
}

TEST(ToColumns, RefuseWhatCannotBeCarriedAndSayWhat) {
  EXPECT_TRUE(with_value("frozen<map<text, int>>"));
  for (const auto& [type, kind, why] : {std::tuple{"counter", "regular", "counter"},
                                        {"list<int>", "regular", "not frozen"},
                                        {"frozen<address>", "regular", "CQL's own"},
                                        {"'org.example.Type'", "regular", "CQL's own"},
                                        {"int", "static", "static"}}) {
    const auto columns = with_value(type, kind);
    ASSERT_FALSE(columns) << type;
    EXPECT_EQ(columns.error().code, Code::Unsupported);
    EXPECT_THAT(columns.error().message, HasSubstr(why));
    EXPECT_THAT(columns.error().message, HasSubstr("column v"));
  }
  EXPECT_EQ(to_columns(kTable, {}).error().code, Code::NotFound);
}

TEST(Difference, NamesTheFirstColumnThatIsNotTheSame) {
  const auto columns = *with_value("int");
  EXPECT_EQ(difference(columns, columns), std::nullopt);
  EXPECT_THAT(*difference(columns, *with_value("bigint")), HasSubstr("v bigint"));
  EXPECT_THAT(*difference(columns, {columns[0]}), HasSubstr("no more columns"));
}

TEST(RangeTokens, CoverTheRingWithoutGaps) {
  for (const std::size_t count : {1U, 2U, 64U}) {
    EXPECT_EQ(range_tokens(0, count).first, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(range_tokens(count - 1, count).second, std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 1; i < count; ++i) {
      EXPECT_EQ(range_tokens(i, count).first, range_tokens(i - 1, count).second);
      EXPECT_LT(range_tokens(i, count).first, range_tokens(i, count).second);
    }
  }
}

}  // namespace
}  // namespace penstock::transfer
