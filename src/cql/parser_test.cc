// SPDX-License-Identifier: Apache-2.0
#include "cql/parser.h"

#include <gtest/gtest.h>

#include "cql/lexer.h"

namespace penstock::cql_server {
namespace {

template <class T>
T parsed(std::string_view text) {
  auto statement = parse_statement(text);
  EXPECT_TRUE(statement) << text << ": " << (statement ? "" : statement.error().message);
  if (!statement || !std::holds_alternative<T>(statement->body)) return {};
  return std::get<T>(statement->body);
}
std::string error_of(std::string_view text) {
  auto statement = parse_statement(text);
  return statement ? "parsed" : statement.error().message;
}

TEST(Lexer, FoldsNamesAndKeepsQuotedOnes) {
  auto tokens =
      tokenize("Abc \"A\"\"b\" 'it''s' $$raw '$$ 0xCAFE 1.5e3 -- gone\n /* and \n this */ x");
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 8u);
  EXPECT_EQ((*tokens)[0].value, "abc");
  EXPECT_EQ((*tokens)[1].value, "A\"b");
  EXPECT_EQ((*tokens)[2].value, "it's");
  EXPECT_EQ((*tokens)[3].value, "raw '");
  EXPECT_EQ((*tokens)[4].kind, TokenKind::Blob);
  EXPECT_EQ((*tokens)[5].kind, TokenKind::Float);
  EXPECT_EQ((*tokens)[6].line, 3u);
  EXPECT_EQ((*tokens)[6].column, 9u);
}

TEST(Lexer, TellsUuidsDurationsAndNumbersApart) {
  auto tokens = tokenize("123e4567-e89b-12d3-a456-426614174000 1y2mo3d P1Y2M 12 12.5 deadbeef");
  ASSERT_TRUE(tokens);
  const std::vector<TokenKind> kinds{TokenKind::Uuid,    TokenKind::Duration, TokenKind::Duration,
                                     TokenKind::Integer, TokenKind::Float,    TokenKind::Name,
                                     TokenKind::End};
  ASSERT_EQ(tokens->size(), kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ((*tokens)[i].kind, kinds[i]) << i;
}

TEST(Parser, SelectWithEverything) {
  auto statement = parse_statement(
      "SELECT a, \"B\" AS b, count(*), writetime(c), cast(d AS text) FROM ks.t WHERE a = ? AND (b, "
      "c) > (1, :x) "
      "AND token(a) <= 5 AND e IN (1, 2) ORDER BY b DESC, c PER PARTITION LIMIT 2 LIMIT ? ALLOW "
      "FILTERING;");
  ASSERT_TRUE(statement) << statement.error().message;
  const auto& select = std::get<ast::Select>(statement->body);
  ASSERT_EQ(select.selectors.size(), 5u);
  EXPECT_EQ(select.selectors[1].name, "B");
  EXPECT_EQ(select.selectors[1].alias, "b");
  EXPECT_EQ(select.selectors[2].kind, ast::Selector::Kind::CountRows);
  EXPECT_EQ(select.selectors[3].kind, ast::Selector::Kind::WriteTime);
  EXPECT_EQ(select.selectors[4].type, "text");
  EXPECT_EQ(select.table.keyspace, "ks");
  ASSERT_EQ(select.where.size(), 4u);
  EXPECT_TRUE(select.where[1].tuple);
  EXPECT_TRUE(select.where[2].token);
  EXPECT_EQ(select.where[3].values.size(), 2u);
  EXPECT_TRUE(select.order_by[0].descending);
  EXPECT_TRUE(select.allow_filtering);
  EXPECT_EQ(statement->markers, (std::vector<std::string>{"", "x", ""}));
}

TEST(Parser, ConnectorQueriesParse) {
  EXPECT_EQ(parsed<ast::Select>("SELECT \"a\", \"b\" FROM ks.t WHERE token(\"pk\") > ? AND "
                                "token(\"pk\") <= ?   ALLOW FILTERING")
                .where.size(),
            2u);
  const auto insert = parsed<ast::Insert>(
      "INSERT INTO \"ks\".\"t\" (\"c1\", \"c2\") VALUES (:\"c1\", :\"c2\") USING TTL 5 AND "
      "TIMESTAMP 7");
  EXPECT_EQ(insert.values[1].kind, ast::Term::Kind::Marker);
  EXPECT_EQ(insert.with.timestamp->text, "7");
  EXPECT_EQ(parsed<ast::Select>("SELECT * from system_virtual_schema.keyspaces").table.table,
            "keyspaces");
  EXPECT_EQ(parsed<ast::Select>("select count(1) from t").selectors[0].kind,
            ast::Selector::Kind::CountRows);
}

TEST(Parser, CreateTableGathersKeysOrderAndOptions) {
  const auto table = parsed<ast::CreateTable>(
      "CREATE TABLE IF NOT EXISTS k.t (a int, b text, c timestamp, s text STATIC, m "
      "frozen<map<text, int>>, "
      "PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC) AND comment = 'x' AND "
      "gc_grace_seconds = 10 "
      "AND compaction = {'class': 'LeveledCompactionStrategy', 'n': 3}");
  EXPECT_TRUE(table.if_not_exists);
  EXPECT_EQ(table.partition_key, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.clustering, std::vector<std::string>{"c"});
  EXPECT_TRUE(table.clustering_order.at(0).descending);
  EXPECT_TRUE(table.columns.at(3).is_static);
  EXPECT_EQ(table.columns.at(4).type, "frozen<map<text, int>>");
  EXPECT_EQ(table.properties.size(), 3u);
  EXPECT_EQ(table.properties[2].map[1].second, "3");
}

TEST(Parser, AlterInAllItsForms) {
  EXPECT_EQ(parsed<ast::AlterTable>("ALTER TABLE t ADD a int, b text").add.size(), 2u);
  EXPECT_EQ(parsed<ast::AlterTable>("ALTER TABLE t ADD (a int, b text)").add.size(), 2u);
  EXPECT_EQ(parsed<ast::AlterTable>("ALTER TABLE t DROP (a, b)").drop.size(), 2u);
  EXPECT_EQ(parsed<ast::AlterTable>("ALTER TABLE t RENAME a TO b AND c TO d").rename.size(), 2u);
  EXPECT_EQ(parsed<ast::AlterTable>("ALTER TABLE t WITH comment = ''").properties.size(), 1u);
}

TEST(Parser, BatchAndItsStatements) {
  const auto batch = parsed<ast::Batch>(
      "BEGIN UNLOGGED BATCH USING TIMESTAMP 9 INSERT INTO t (a) VALUES (1); UPDATE t SET b = null "
      "WHERE a = -1; "
      "DELETE b FROM t WHERE a = 2 APPLY BATCH;");
  EXPECT_EQ(batch.statements.size(), 3u);
  EXPECT_TRUE(batch.with.timestamp);
  EXPECT_TRUE(parsed<ast::Batch>("BEGIN BATCH APPLY BATCH").statements.empty());
}

TEST(Parser, SyntaxErrorsNameLineAndColumn) {
  EXPECT_EQ(error_of("SELEC * FROM t").substr(0, 46),
            "line 1:0 no viable alternative at input 'SELEC");
  EXPECT_EQ(error_of("SELECT *\n  FRM t"),
            "line 2:2 no viable alternative at input 'FRM': expected FROM");
  EXPECT_EQ(error_of("SELECT * FROM"),
            "line 1:13 no viable alternative at end of statement: expected the name of a table");
  EXPECT_NE(error_of("SELECT 'a FROM t").find("line 1:7 string without its closing '"),
            std::string::npos);
  EXPECT_NE(error_of("SELECT * FROM t; SELECT * FROM t").find("line 1:17"), std::string::npos);
  EXPECT_NE(error_of("INSERT INTO t (a) VALUES (" + std::string(100, '[')).find("deeper than 32"),
            std::string::npos);
}

TEST(Parser, RefusedFeaturesSaySoAndAdvise) {
  for (const std::string_view text :
       {"INSERT INTO t (a) VALUES (1) IF NOT EXISTS", "UPDATE t SET a = 1 WHERE b = 2 IF c = 3",
        "UPDATE t SET c = c + 1 WHERE a = 1", "CREATE INDEX ON t (a)", "CREATE TYPE x (a int)",
        "CREATE OR REPLACE FUNCTION f () RETURNS int", "GRANT SELECT ON t TO u",
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM t", "SELECT JSON * FROM t",
        "SELECT a FROM t GROUP BY a", "SELECT m['k'] FROM t", "SELECT * FROM t WHERE a LIKE 'x%'",
        "BEGIN COUNTER BATCH APPLY BATCH"}) {
    auto statement = parse_statement(text);
    ASSERT_FALSE(statement) << text;
    EXPECT_EQ(statement.error().code, Code::Unsupported) << text;
    EXPECT_NE(statement.error().message.find("Penstock does not support"), std::string::npos)
        << statement.error().message;
  }
}

TEST(Parser, UnreservedWordsAreNames) {
  EXPECT_EQ(parsed<ast::Select>("SELECT key, json, distinct, ttl, count FROM t").selectors.size(),
            5u);
  EXPECT_TRUE(parsed<ast::Select>("SELECT DISTINCT key FROM t").distinct);
  EXPECT_EQ(parsed<ast::Use>("USE \"Mixed\"").keyspace, "Mixed");
}

TEST(Parser, DescribeForms) {
  using What = ast::Describe::What;
  EXPECT_EQ(parsed<ast::Describe>("DESCRIBE KEYSPACES").what, What::Keyspaces);
  EXPECT_EQ(parsed<ast::Describe>("DESC TABLE ks.t").name, "t");
  EXPECT_EQ(parsed<ast::Describe>("DESC ks.t;").what, What::Any);
  EXPECT_EQ(parsed<ast::Describe>("DESC KEYSPACE").name, "");
  EXPECT_TRUE(parsed<ast::Describe>("DESC FULL SCHEMA WITH INTERNALS").internals);
}

TEST(QuotedName, QuotesWhatTheParserWouldReadOtherwise) {
  EXPECT_EQ(quoted_name("users"), "users");
  EXPECT_EQ(quoted_name("Users"), "\"Users\"");
  EXPECT_EQ(quoted_name("select"), "\"select\"");
  EXPECT_EQ(quoted_name("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace penstock::cql_server
