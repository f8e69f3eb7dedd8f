// SPDX-License-Identifier: Apache-2.0
// Which protocol version the client speaks, and what v5 changes.
#include "client/cql_client_fixture.h"

namespace penstock::client {
namespace {

class CqlProtocolTest : public CqlClientTest {
 protected:
  CqlProtocolTest() { config.protocol_version.reset(); }

  void connect_v5(bool lz4 = false) {
    if (lz4) {
      supported.options[1].second = {"lz4"};
      config.compression = cql::Compression::Lz4;
    }
    connect();
    ASSERT_TRUE(peers[0].segmented());
    ASSERT_EQ(client->server().protocol_version, 5);
  }

  // PREPARE's answer for a SELECT of these columns.
  void describe(Peer& peer, const Asked& asked, const std::vector<cql::ColumnSpec>& columns,
                std::string_view metadata_id) {
    answer(peer, asked, Opcode::Result, [&](cql::Writer& to) {
      cql::PreparedResult prepared;
      prepared.id = "ID";
      prepared.result_metadata_id = Bytes(metadata_id);
      prepared.markers = {{"k", "t", "id", cql::Kind::Text}};
      prepared.rows.columns = columns;
      write(to, prepared);
    });
  }
  PreparedPtr prepare_select(std::string_view metadata_id) {
    PreparedPtr statement;
    client->prepare("SELECT", [&](Result<PreparedPtr> result) { statement = result.value(); });
    loop.run();
    describe(peers[0], take(peers[0]).at(0), {a}, metadata_id);
    return statement;
  }
  void rows_of(const Asked& asked, const std::vector<cql::ColumnSpec>& columns, bool skip,
               std::optional<BytesView> new_id = std::nullopt) {
    answer(peers[0], asked, Opcode::Result, [&](cql::Writer& to) {
      cql::RowsBuilder rows;
      for (const cql::ColumnSpec& column : columns) rows.cell(column.name);
      rows.end_row();
      rows.finish(to, columns, skip, std::nullopt, new_id);
    });
  }
  // Sends an EXECUTE and gives it back as the server sees it.
  Asked execute(const PreparedPtr& statement, std::optional<ResultSet>& rows) {
    client->execute(statement, {"x"}, {},
                    [&rows](Result<ResultSet> result) { rows = result.value(); });
    loop.run();
    return take(peers[0]).at(0);
  }

  const cql::ColumnSpec a{"k", "t", "a", cql::Kind::Text};
  const cql::ColumnSpec b{"k", "t", "b", cql::Kind::Text};
};

TEST_F(CqlProtocolTest, StepsDownUntilTheServerAgreesAndRemembersIt) {
  open();
  const Asked newest = take(peers[0]).at(0);
  EXPECT_EQ(newest.header.version, 5);
  refuse_version(peers[0], newest, 4);
  EXPECT_FALSE(peers[0].connection->open);
  ASSERT_EQ(peers.size(), 2);
  const Asked older = take(peers[1]).at(0);
  EXPECT_EQ(older.header.version, 4);
  refuse_version(peers[1], older, 3);
  ASSERT_EQ(peers.size(), 3);
  greet(peers[2]);
  EXPECT_EQ(client->server().protocol_version, 3);

  disconnect(peers[2]);
  loop.advance(config.backoff_max);
  ASSERT_EQ(peers.size(), 4);
  EXPECT_EQ(take(peers[3]).at(0).header.version, 3) << "not from the top again";
}

TEST_F(CqlProtocolTest, OneRefusedTryIsAllThatAServerOfV4Costs) {
  three_nodes();
  open();
  refuse_version(peers[0], take(peers[0]).at(0), 4);
  greet_all();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"}));
  EXPECT_EQ(peers.size(), 4) << "the other nodes are asked for what the first one took";
  EXPECT_EQ(client->server().protocol_version, 4);
}

TEST_F(CqlProtocolTest, AVersionThatIsABetaThereIsSteppedDownFrom) {
  open();
  const Asked newest = take(peers[0]).at(0);
  cql::ErrorResponse error;
  error.code = cql::ErrorCode::ProtocolError;
  error.message = "Beta version of the protocol used (5/v5-beta), but USE_BETA flag is unset";
  answer_error(peers[0], newest, error);
  ASSERT_EQ(peers.size(), 2);
  EXPECT_EQ(take(peers[1]).at(0).header.version, 4);
}

TEST_F(CqlProtocolTest, TheConfiguredVersionIsTheOnlyOneTried) {
  config.protocol_version = 5;
  std::optional<Error> error;
  open();
  client->when_ready(std::chrono::hours(1),
                     [&](Result<CqlServerInfo> info) { error = info.error(); });
  loop.run();
  refuse_version(peers[0], take(peers[0]).at(0), 4);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Unsupported);
  EXPECT_NE(error->message.find("the configuration asks for protocol version 5"), std::string::npos)
      << error->message;
  loop.advance(config.backoff_max);
  for (std::size_t i = 1; i < peers.size(); ++i) EXPECT_EQ(take(peers[i]).at(0).header.version, 5);
}

TEST_F(CqlProtocolTest, WhatOneTurnSendsSharesASegment) {
  for (const bool lz4 : {false, true}) {
    SCOPED_TRACE(lz4);
    peers.clear();
    connect_v5(lz4);
    int done = 0;
    for (const char* text : {"one", "two", "three"})
      client->query(text, {}, [&](Result<ResultSet> result) { done += result.has_value(); });
    loop.run();
    const auto asked = take(peers[0]);
    EXPECT_EQ(segments, 1);
    ASSERT_EQ(asked.size(), 3);
    EXPECT_EQ(cql::decode_query(asked[2].body, 5)->query, "three");
    Bytes answers;
    for (const Asked& one : asked)
      answers +=
          response(one, Opcode::Result, [](cql::Writer& to) { write(to, cql::VoidResult{}); });
    deliver(peers[0], segmented(peers[0], answers));
    EXPECT_EQ(done, 3);
    client.reset();
  }
}

TEST_F(CqlProtocolTest, LongOnesAreCutAndJoined) {
  for (const bool lz4 : {false, true}) {
    SCOPED_TRACE(lz4);
    peers.clear();
    connect_v5(lz4);
    const std::string text(300'000, 'q');
    std::optional<ResultSet> rows;
    client->query(text, {}, [&](Result<ResultSet> result) { rows = result.value(); });
    client->query("short", {}, [](Result<ResultSet>) {});
    loop.run();
    const auto asked = take(peers[0]);
    EXPECT_EQ(segments, 4) << "three slices, and the short one";
    ASSERT_EQ(asked.size(), 2);
    EXPECT_EQ(cql::decode_query(asked[0].body, 5)->query, text);
    answer_rows(peers[0], asked[0], {{"k", "t", "v", cql::Kind::Blob}}, {Bytes(400'000, 'r')});
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->cell(0, 0).view(), Bytes(400'000, 'r'));
    client.reset();
  }
}

TEST_F(CqlProtocolTest, ACorruptSegmentBreaksTheConnectionAndLeavesTheOutcomeUnknown) {
  for (const std::size_t at : {std::size_t{1}, std::size_t{10}}) {  // in the header, in the payload
    SCOPED_TRACE(at);
    peers.clear();
    connect_v5();
    std::optional<Error> error;
    client->query("INSERT", {}, [&](Result<ResultSet> result) { error = result.error(); });
    loop.run();
    Bytes bytes = segmented(peers[0], response(take(peers[0]).at(0), Opcode::Result));
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    deliver(peers[0], bytes);
    EXPECT_FALSE(peers[0].connection->open);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Code::Timeout);
    EXPECT_NE(error->message.find("the outcome is unknown: the checksum of a segment's"),
              std::string::npos)
        << error->message;
    client.reset();
  }
}

TEST_F(CqlProtocolTest, AnEnvelopeOverTheLimitBreaksTheConnectionBeforeItIsThere) {
  config.frame_bytes_max = 200'000;
  connect_v5();
  std::optional<Error> error;
  client->query("q", {}, [&](Result<ResultSet> result) { error = result.error(); });
  loop.run();
  const Asked asked = take(peers[0]).at(0);
  const Bytes bytes = segmented(peers[0], response(asked, Opcode::Result, [](cql::Writer& to) {
                                  to.raw(Bytes(300'000, 'x'));
                                }));
  deliver(peers[0], BytesView(bytes).substr(0, *cql::segment_size(bytes, false)));
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("over the limit of 200000"), std::string::npos) << error->message;
}

TEST_F(CqlProtocolTest, ThePasswordTravelsInASegment) {
  config.user = "u";
  config.password = "p";
  open();
  answer(peers[0], take(peers[0]).at(0), Opcode::Supported,
         [this](cql::Writer& to) { write(to, supported); });
  answer(peers[0], take(peers[0]).at(0), Opcode::Authenticate,
         [](cql::Writer& to) { write(to, cql::AuthenticateResponse{"X"}); });
  ASSERT_TRUE(peers[0].segmented());
  const Asked auth = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_auth_response(auth.body, 5)->token.view(), BytesView("\0u\0p", 4));
  answer(peers[0], auth, Opcode::AuthSuccess,
         [](cql::Writer& to) { write(to, cql::AuthSuccessResponse{}); });
  greet(peers[0]);
  EXPECT_EQ(client->server().protocol_version, 5);
}

TEST_F(CqlProtocolTest, SnappyIsNotForV5) {
  supported.options[1].second = {"snappy", "lz4"};
  config.compression = cql::Compression::Snappy;
  open();
  answer(peers[0], take(peers[0]).at(0), Opcode::Supported,
         [this](cql::Writer& to) { write(to, supported); });
  const Asked startup = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_startup(startup.body, 5)->option("COMPRESSION"), "");
}

TEST_F(CqlProtocolTest, KnownColumnsAreNotSentAgainUntilTheyChange) {
  connect_v5();
  const PreparedPtr statement = prepare_select("M1");
  std::optional<ResultSet> rows;
  Asked asked = execute(statement, rows);
  const auto first = cql::decode_execute(asked.body, 5);
  EXPECT_EQ(first->result_metadata_id, "M1");
  EXPECT_TRUE(first->params.skip_metadata);
  rows_of(asked, {a}, true);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->columns(), (std::vector{a}));

  asked = execute(statement, rows);
  rows_of(asked, {a, b}, false, "M2");
  EXPECT_EQ(rows->columns(), (std::vector{a, b}));
  EXPECT_EQ(rows->cell_text(0, 1), "b");

  asked = execute(statement, rows);
  EXPECT_EQ(cql::decode_execute(asked.body, 5)->result_metadata_id, "M2");
  rows_of(asked, {a, b}, true);
  EXPECT_EQ(rows->columns(), (std::vector{a, b}));
  EXPECT_EQ(rows->cell_text(0, 1), "b");
}

// The answer to a try means the columns that this try has named, whatever is known by then.
TEST_F(CqlProtocolTest, AnAnswerThatWasUnderWayKeepsTheColumnsItWasAskedWith) {
  connect_v5();
  const PreparedPtr statement = prepare_select("M1");
  std::optional<ResultSet> before;
  std::optional<ResultSet> after;
  const Asked first = execute(statement, before);
  rows_of(execute(statement, after), {a, b}, false, "M2");
  rows_of(first, {a}, true);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->columns(), (std::vector{a}));
}

TEST_F(CqlProtocolTest, AStatementThatIsPreparedAgainAfterAChangeHasTheNewColumns) {
  connect_v5();
  const PreparedPtr statement = prepare_select("M1");
  std::optional<ResultSet> rows;
  answer_unprepared(peers[0], execute(statement, rows), "ID");
  describe(peers[0], take(peers[0]).at(0), {a, b}, "M2");
  const Asked again = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_execute(again.body, 5)->result_metadata_id, "M2");
  rows_of(again, {a, b}, true);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->columns(), (std::vector{a, b}));
}

TEST_F(CqlProtocolTest, RowsAndTheCheckpointAreWritten) {
  connect_v5();
  const PreparedPtr statement = prepare(peers[0]);
  WriteBatch batch = rows(statement, {"a", "1", "b", "2", "a", "3"});
  batch.extras.push_back({statement, {"checkpoint", "x"}});
  batch.timestamp_micros = 77;
  std::optional<WriteOutcome> outcome;
  client->write(std::move(batch), [&](Result<WriteOutcome> result) { outcome = result.value(); });
  loop.run();
  const auto asked = take(peers[0]);
  ASSERT_EQ(asked.size(), 2);
  cql::BatchRequest pair;
  ASSERT_TRUE(cql::decode_batch(asked[0].body, 5, pair));
  EXPECT_EQ(pair.values_of(pair.statements[1])[1], cql::CellValue("3"));
  EXPECT_EQ(pair.timestamp_micros, 77);
  const auto row = cql::decode_execute(asked[1].body, 5);
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->params.values[0], cql::CellValue("b"));
  EXPECT_EQ(row->params.timestamp_micros, 77);
  for (const Asked& one : asked) answer_void(peers[0], one);
  const auto last = take(peers[0]);
  ASSERT_EQ(last.size(), 1);
  EXPECT_EQ(cql::decode_execute(last[0].body, 5)->params.values[0], cql::CellValue("checkpoint"));
  answer_void(peers[0], last[0]);
  EXPECT_TRUE(outcome);
}

}  // namespace
}  // namespace penstock::client
