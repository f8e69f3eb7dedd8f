// SPDX-License-Identifier: Apache-2.0
// Bind markers wherever CQL takes one: in lists, tuples, limits, USING and tokens; and the pages of
// such queries.
#include <gtest/gtest.h>

#include <limits>

#include "cql/test_server.h"
#include "wire/cql/scalar_types.h"

namespace penstock::cql_server {
namespace {

// What clients bind where a literal could stand: a value, null, and nothing at all.
struct Bound {
  TestServer server;
  TestClient client{server};

  explicit Bound(std::string_view table) {
    client.query(kKeyspace);
    EXPECT_FALSE(client.query(table).header.opcode == cql::Opcode::Error) << table;
  }
  TestReply run(std::string_view text, std::vector<cql::CellValue> values) {
    return client.execute(client.prepare(text).id, std::move(values));
  }
  std::vector<std::string> rows(std::string_view text, std::vector<cql::CellValue> values) {
    return run(text, std::move(values)).rows();
  }
  std::string refusal(std::string_view text, std::vector<cql::CellValue> values) {
    const auto error = run(text, std::move(values)).error();
    EXPECT_EQ(error.code, cql::ErrorCode::Invalid) << text;
    return error.message;
  }
};

Bytes number(std::int32_t value) {
  return cql::encode<cql::Kind::Int>(value);
}
Bytes micros(std::int64_t value) {
  return cql::encode<cql::Kind::Bigint>(value);
}
Bytes list(const std::vector<Bytes>& elements) {
  cql::CollectionBuilder made;
  for (const Bytes& element : elements) made.add(element);
  return made.take_list();
}
Bytes tuple(const std::vector<cql::CellValue>& elements) {
  Bytes made;
  cql::Writer to(made, 4);
  for (const cql::CellValue& element : elements) to.value(element);
  return made;
}

const cql::CellValue kNull = cql::CellValue::null();
const cql::CellValue kUnset = cql::CellValue::unset();
using Rows = std::vector<std::string>;

TEST(CqlBound, ListsOfInSelectUpdateAndDelete) {
  Bound t("CREATE TABLE ks.t (p text, c int, v int, PRIMARY KEY (p, c))");
  for (const char* p : {"a", "b"})
    for (int c = 0; c < 4; ++c)
      t.run("INSERT INTO ks.t (p, c, v) VALUES (?, ?, 0)", {p, number(c)});
  const auto prepared = t.client.prepare("SELECT c FROM ks.t WHERE p IN ? AND c IN ?");
  ASSERT_EQ(prepared.markers.size(), 2u);
  EXPECT_EQ(prepared.markers[0].name, "in(p)");
  EXPECT_EQ(prepared.markers[0].type, cql::TypeRef::list(cql::Kind::Text));
  EXPECT_TRUE(prepared.partition_key_markers.empty());
  constexpr auto kByKey = "SELECT p, c FROM ks.t WHERE p IN ?";
  EXPECT_EQ(t.rows("SELECT p, c FROM ks.t WHERE p IN ? AND c IN ?",
                   {list({"b", "nobody", "b"}), list({number(3), number(1), number(9)})}),
            (Rows{"b|1", "b|3"}));
  EXPECT_EQ(t.rows(kByKey, {list({"a", "b"})}).size(), 8u);
  EXPECT_EQ(t.rows(kByKey, {list({})}), Rows{});
  EXPECT_EQ(t.refusal(kByKey, {kNull}), "Invalid null value for column p");
  EXPECT_EQ(t.refusal(kByKey, {kUnset}), "Invalid unset value for column p");
  EXPECT_NE(t.refusal(kByKey, {"no list"}).find("Invalid value for \"in(p)\""), std::string::npos);
  EXPECT_EQ(t.rows("SELECT p, c FROM ks.t WHERE v IN ? AND p = 'a' AND c < 2 ALLOW FILTERING",
                   {list({number(0)})}),
            (Rows{"a|0", "a|1"}));
  t.run("UPDATE ks.t SET v = 1 WHERE p IN ? AND c IN ?",
        {list({"a", "b"}), list({number(0), number(3)})});
  EXPECT_EQ(t.rows("SELECT p, c FROM ks.t WHERE v = 1 ALLOW FILTERING", {}),
            (Rows{"a|0", "a|3", "b|0", "b|3"}));
  t.run("DELETE FROM ks.t WHERE p IN ? AND c IN ?", {list({"a"}), list({})});
  EXPECT_EQ(t.rows(kByKey, {list({"a"})}).size(), 4u);
  t.run("DELETE FROM ks.t WHERE p IN ? AND c IN ?", {list({"a"}), list({number(1), number(2)})});
  EXPECT_EQ(t.rows(kByKey, {list({"a"})}), (Rows{"a|0", "a|3"}));
}

TEST(CqlBound, TuplesOfSeveralColumns) {
  Bound t("CREATE TABLE ks.t (p int, a int, b text, PRIMARY KEY (p, a, b))");
  for (int a = 0; a < 3; ++a)
    for (const char* b : {"x", "y"})
      t.run("INSERT INTO ks.t (p, a, b) VALUES (1, ?, ?)", {number(a), b});
  constexpr auto kIn = "SELECT a, b FROM ks.t WHERE p = 1 AND (a, b) IN ?";
  const auto prepared = t.client.prepare(kIn);
  ASSERT_EQ(prepared.markers.size(), 1u);
  EXPECT_EQ(prepared.markers[0].name, "in(a,b)");
  EXPECT_EQ(prepared.markers[0].type,
            cql::TypeRef::list(cql::TypeRef::tuple({cql::Kind::Int, cql::Kind::Text})));
  EXPECT_EQ(t.rows(kIn, {list({tuple({number(2), "x"}), tuple({number(0), "y"})})}),
            (Rows{"0|y", "2|x"}));
  EXPECT_EQ(t.rows(kIn, {list({})}), Rows{});
  EXPECT_EQ(t.refusal(kIn, {kNull}), "Invalid null value for column (a,b)");
  EXPECT_EQ(t.refusal(kIn, {list({tuple({number(2), kNull})})}),
            "Invalid null value in condition for column (a,b)");
  EXPECT_EQ(t.refusal(kIn, {list({tuple({number(2)})})}),
            "Expected 2 elements in value tuple, but got 1");
  EXPECT_EQ(t.rows("SELECT a, b FROM ks.t WHERE p = 1 AND (a, b) IN (?, (?, 'x'))",
                   {tuple({number(1), "y"}), number(1)}),
            (Rows{"1|x", "1|y"}));
  EXPECT_EQ(t.rows("SELECT a, b FROM ks.t WHERE p = 1 AND (a, b) > ? AND (a, b) <= (?, ?)",
                   {tuple({number(0), "x"}), number(1), "x"}),
            (Rows{"0|y", "1|x"}));
  EXPECT_EQ(t.rows("SELECT a, b FROM ks.t WHERE p = 1 AND (a, b) = ?", {tuple({number(2), "y"})}),
            Rows{"2|y"});
  EXPECT_EQ(t.refusal("SELECT a, b FROM ks.t WHERE p = 1 AND (a, b) > ?", {kUnset}),
            "Invalid unset value for column (a,b)");
  t.run("DELETE FROM ks.t WHERE p = 1 AND (a, b) = ?", {tuple({number(2), "y"})});
  t.run("DELETE FROM ks.t WHERE p = 1 AND (a) IN ?", {list({tuple({number(0)})})});
  EXPECT_EQ(t.rows("SELECT a, b FROM ks.t", {}), (Rows{"1|x", "1|y", "2|x"}));
}

TEST(CqlBound, LimitsOfRows) {
  Bound t("CREATE TABLE ks.t (p int, c int, PRIMARY KEY (p, c))");
  for (int i = 0; i < 6; ++i)
    t.run("INSERT INTO ks.t (p, c) VALUES (?, ?)", {number(i / 3), number(i % 3)});
  constexpr auto kLimit = "SELECT c FROM ks.t LIMIT ?";
  const auto prepared = t.client.prepare(kLimit);
  ASSERT_EQ(prepared.markers.size(), 1u);
  EXPECT_EQ(prepared.markers[0].name, "[limit]");
  EXPECT_EQ(t.rows(kLimit, {number(4)}).size(), 4u);
  EXPECT_EQ(t.rows(kLimit, {kUnset}).size(), 6u);
  EXPECT_EQ(t.refusal(kLimit, {kNull}), "Invalid null value of limit");
  EXPECT_EQ(t.refusal(kLimit, {number(0)}), "LIMIT must be strictly positive");
  EXPECT_EQ(t.refusal(kLimit, {number(-1)}), "LIMIT must be strictly positive");
  constexpr auto kBoth = "SELECT c FROM ks.t PER PARTITION LIMIT ? LIMIT ?";
  EXPECT_EQ(t.rows(kBoth, {number(2), number(3)}), (Rows{"0", "1", "0"}));
  EXPECT_EQ(t.rows(kBoth, {kUnset, kUnset}).size(), 6u);
}

TEST(CqlBound, TtlsAndTimestampsOfUsing) {
  Bound t("CREATE TABLE ks.t (id text PRIMARY KEY, v int) WITH default_time_to_live = 50");
  const auto cell = [&](const char* id) {
    const auto found =
        t.rows("SELECT v, writetime(v), ttl(v) FROM ks.t WHERE id = ?", {cql::CellValue(id)});
    return found.empty() ? "none" : found[0];
  };
  constexpr auto kInsert = "INSERT INTO ks.t (id, v) VALUES (?, 1) USING TTL ? AND TIMESTAMP ?";
  t.run(kInsert, {"given", number(9), micros(5)});
  EXPECT_EQ(cell("given"), "1|5|9");
  t.run(kInsert, {"ttl unset", kUnset, micros(5)});
  EXPECT_EQ(cell("ttl unset"), "1|5|50");  // the table's
  t.run(kInsert, {"ttl null", kNull, micros(5)});
  EXPECT_EQ(cell("ttl null"), "1|5|null");
  cql::QueryParams params;
  params.timestamp_micros = 8;
  t.client.execute(t.client.prepare(kInsert).id, {"time unset", number(9), kUnset}, params);
  EXPECT_EQ(cell("time unset"), "1|8|9");  // the request's
  EXPECT_EQ(t.refusal(kInsert, {"x", number(9), kNull}), "Invalid null value of timestamp");
  EXPECT_EQ(t.refusal(kInsert, {"x", number(-1), micros(5)}),
            "A TTL must be greater or equal to 0, but was -1");

  t.run("UPDATE ks.t USING TIMESTAMP ? AND TTL ? SET v = 2 WHERE id = ?",
        {micros(6), number(0), "given"});
  EXPECT_EQ(cell("given"), "2|6|null");
  t.run("DELETE v FROM ks.t USING TIMESTAMP ? WHERE id = ?", {micros(5), "given"});
  EXPECT_EQ(cell("given"), "2|6|null");
  t.run("DELETE v FROM ks.t USING TIMESTAMP ? WHERE id = ?", {micros(6), "given"});
  EXPECT_EQ(cell("given"), "null|null|null");

  constexpr auto kBatch =
      "BEGIN BATCH USING TIMESTAMP ? INSERT INTO ks.t (id, v) VALUES (?, ?); "
      "UPDATE ks.t USING TTL ? SET v = 4 WHERE id = ?; APPLY BATCH";
  EXPECT_EQ(t.client.prepare(kBatch).markers.at(0).name, "[timestamp]");
  t.run(kBatch, {micros(11), "b1", number(3), number(7), "b2"});
  EXPECT_EQ(cell("b1"), "3|11|50");
  EXPECT_EQ(cell("b2"), "4|11|7");
  params.timestamp_micros = 12;
  t.client.execute(t.client.prepare(kBatch).id, {kUnset, "b1", number(5), kUnset, "b2"}, params);
  EXPECT_EQ(cell("b1"), "5|12|50");
  EXPECT_EQ(cell("b2"), "4|12|50");
  EXPECT_EQ(t.refusal(kBatch, {kNull, "b1", number(5), kUnset, "b2"}),
            "Invalid null value of timestamp");
}

// As the Spark connector reads a table: the ring in pieces, each from behind one token up to the
// next, the last one up to the ring's end, which is also its begin.
TEST(CqlBound, RingIsScannedInPiecesAndEveryRowComesOnce) {
  Bound t("CREATE TABLE ks.t (a int, b text, c int, PRIMARY KEY ((a, b), c))");
  for (int a = 0; a < 50; ++a)
    for (int c = 0; c < 2; ++c)
      t.run("INSERT INTO ks.t (a, b, c) VALUES (?, 'b', ?)", {number(a), number(c)});
  const auto whole = t.rows("SELECT a, c FROM ks.t", {});
  ASSERT_EQ(whole.size(), 100u);
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  for (const std::uint64_t pieces : {1, 3, 16}) {
    Rows joined;
    const std::uint64_t step = std::numeric_limits<std::uint64_t>::max() / pieces;
    for (std::uint64_t i = 0; i < pieces; ++i) {
      const auto from = static_cast<std::int64_t>(static_cast<std::uint64_t>(kLeast) + i * step);
      const auto to =
          i + 1 == pieces
              ? kLeast
              : static_cast<std::int64_t>(static_cast<std::uint64_t>(kLeast) + (i + 1) * step);
      const auto part = t.rows("SELECT a, c FROM ks.t WHERE token(a, b) > ? AND token(a, b) <= ?",
                               {micros(from), micros(to)});
      joined.insert(joined.end(), part.begin(), part.end());
    }
    EXPECT_EQ(joined, whole) << pieces << " pieces";
  }
  // Between two neighbours there is nothing, and each of them is its own piece.
  const auto tokens = t.rows("SELECT DISTINCT a, b, token(a, b) FROM ks.t", {});
  const std::int64_t first = std::stoll(tokens[0].substr(tokens[0].rfind('|') + 1));
  const auto between = [&](const char* where, std::int64_t low, std::int64_t high) {
    return t.rows(fmt::format("SELECT a FROM ks.t WHERE {}", where), {micros(low), micros(high)})
        .size();
  };
  EXPECT_EQ(between("token(a, b) >= ? AND token(a, b) <= ?", first, first), 2u);
  EXPECT_EQ(between("token(a, b) > ? AND token(a, b) <= ?", first, first), 0u);
  EXPECT_EQ(between("token(a, b) >= ? AND token(a, b) < ?", first, first), 0u);
  EXPECT_NE(
      t.client.query("SELECT a FROM ks.t WHERE token(b, a) > 0").error().message.find("token()"),
      std::string::npos);
  EXPECT_EQ(t.refusal("SELECT a FROM ks.t WHERE token(a, b) > ?", {kNull}),
            "Invalid null value in condition for column partition key token");
}

TEST(CqlBound, PagingStateBelongsToItsQueryAndItsValues) {
  Bound t("CREATE TABLE ks.t (p int, c int, PRIMARY KEY (p, c))");
  for (int c = 0; c < 6; ++c)
    t.run("INSERT INTO ks.t (p, c) VALUES (?, ?)", {number(c % 2), number(c)});
  constexpr auto kText = "SELECT c FROM ks.t WHERE p = ?";
  const Bytes id = t.client.prepare(kText).id;
  cql::QueryParams page;
  page.page_size = 2;
  const auto first = t.client.execute(id, {number(0)}, page);
  EXPECT_EQ(first.rows(), (Rows{"0", "2"}));
  const auto state = first.paging_state();
  ASSERT_TRUE(state);
  page.paging_state = *state;
  EXPECT_EQ(t.client.execute(id, {number(0)}, page).rows(), Rows{"4"});
  // The same text as a query, and another size of page, are the same query.
  cql::QueryParams by_text = page;
  by_text.page_size = 5;
  const Bytes zero = number(0);
  by_text.values = {zero};
  EXPECT_EQ(t.client.query(kText, by_text).rows(), Rows{"4"});

  const auto refused = [&](const TestReply& reply) {
    EXPECT_EQ(reply.error().code, cql::ErrorCode::Invalid);
    EXPECT_NE(reply.error().message.find("comes from another query"), std::string::npos)
        << reply.error().message;
  };
  refused(t.client.execute(id, {number(1)}, page));
  refused(t.client.query("SELECT c FROM ks.t WHERE p = 0", page));
  refused(t.client.query("SELECT c FROM ks.t", page));
  t.client.query(
      "CREATE KEYSPACE k2 WITH replication = {'class': 'SimpleStrategy', "
      "'replication_factor': 1}");
  t.client.query("CREATE TABLE k2.t (p int, c int, PRIMARY KEY (p, c))");
  t.client.query("USE ks");
  cql::QueryParams leaning;
  leaning.page_size = 2;
  const auto in_ks = t.client.query("SELECT c FROM t", leaning).paging_state();
  ASSERT_TRUE(in_ks);
  leaning.paging_state = *in_ks;
  t.client.query("USE k2");
  refused(t.client.query("SELECT c FROM t", leaning));
}

}  // namespace
}  // namespace penstock::cql_server
