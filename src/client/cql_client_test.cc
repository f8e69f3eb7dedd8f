// SPDX-License-Identifier: Apache-2.0
#include "client/cql_client.h"

#include "client/cql_client_fixture.h"

namespace penstock::client {
namespace {

TEST_F(CqlClientTest, ConnectsRegistersAndKnowsTheCluster) {
  std::optional<Result<CqlServerInfo>> ready;
  open();
  client->when_ready(std::chrono::seconds(5),
                     [&](Result<CqlServerInfo> info) { ready = std::move(info); });
  loop.run();
  EXPECT_FALSE(ready);
  greet(peers[0]);
  ASSERT_TRUE(ready && *ready);
  EXPECT_EQ((*ready)->protocol_version, 4);
  EXPECT_EQ((*ready)->release_version, "4.1.0");
  EXPECT_EQ((*ready)->topology->nodes().front().address.host, "one");
  EXPECT_EQ((*ready)->atomic_batch_statements_max, 0);
}

TEST_F(CqlClientTest, BacksOffDoublingWhileRefused) {
  refuse = true;
  config.backoff_first = Millis(100);
  config.backoff_max = Millis(400);
  open();
  loop.advance(std::chrono::seconds(3));
  ASSERT_GE(dialled.size(), 7);
  const Duration expected[] = {Millis(100), Millis(200), Millis(400), Millis(400)};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_LE(dialled[i + 1] - dialled[i], expected[i]);
    EXPECT_GE(dialled[i + 1] - dialled[i], expected[i] / 2);
  }
  std::optional<Error> error;
  client->when_ready(std::chrono::seconds(1),
                     [&](Result<CqlServerInfo> info) { error = info.error(); });
  loop.advance(std::chrono::seconds(2));
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("refused"), std::string::npos);
}

TEST_F(CqlClientTest, PasswordAskedForButNotConfiguredFailsAtOnce) {
  std::optional<Error> error;
  open();
  client->when_ready(std::chrono::hours(1),
                     [&](Result<CqlServerInfo> info) { error = info.error(); });
  loop.run();
  answer(peers[0], take(peers[0]).at(0), Opcode::Supported,
         [this](cql::Writer& to) { write(to, supported); });
  answer(peers[0], take(peers[0]).at(0), Opcode::Authenticate,
         [](cql::Writer& to) { write(to, cql::AuthenticateResponse{"X"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Unauthorized);
}

TEST_F(CqlClientTest, SendsSaslPlainAndUsesTheKeyspace) {
  config.user = "u";
  config.password = "p";
  config.keyspace = "My\"Keyspace";
  open();
  answer(peers[0], take(peers[0]).at(0), Opcode::Supported,
         [this](cql::Writer& to) { write(to, supported); });
  answer(peers[0], take(peers[0]).at(0), Opcode::Authenticate,
         [](cql::Writer& to) { write(to, cql::AuthenticateResponse{"X"}); });
  const Asked auth = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_auth_response(auth.body, 4)->token.view(), BytesView("\0u\0p", 4));
  answer(peers[0], auth, Opcode::AuthSuccess,
         [](cql::Writer& to) { write(to, cql::AuthSuccessResponse{}); });
  const Asked use = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_query(use.body, 4)->query, "USE \"My\"\"Keyspace\"");
  answer(peers[0], use, Opcode::Result,
         [](cql::Writer& to) { write(to, cql::SetKeyspaceResult{"k"}); });
  EXPECT_EQ(client->server().protocol_version, 4);
}

TEST_F(CqlClientTest, RowsComeBackAsText) {
  connect();
  std::optional<ResultSet> rows;
  client->query("SELECT", {}, [&](Result<ResultSet> result) { rows = result.value(); });
  loop.run();
  answer_rows(peers[0], take(peers[0]).at(0), {{"k", "t", "n", cql::Kind::Int}},
              {Bytes("\0\0\0\7", 4)});
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->rows(), 1);
  EXPECT_EQ(rows->cell_text(0, 0), "7");
  EXPECT_EQ(*rows->column("n"), 0);
  EXPECT_FALSE(rows->column("m"));
}

TEST_F(CqlClientTest, AnswersOutOfOrderFindTheirRequests) {
  connect();
  std::string order;
  for (const char name : {'a', 'b'}) {
    client->query(std::string(1, name), {},
                  [&order, name](Result<ResultSet> result) { order += result ? name : '!'; });
  }
  loop.run();
  const auto asked = take(peers[0]);
  answer_void(peers[0], asked.at(1));
  answer_void(peers[0], asked.at(0));
  EXPECT_EQ(order, "ba");
}

TEST_F(CqlClientTest, MoreThanTheBoundWaitsForAnAnswer) {
  config.in_flight_max = 2;
  connect();
  int done = 0;
  for (int i = 0; i < 5; ++i) client->query("q", {}, [&](Result<ResultSet>) { ++done; });
  loop.run();
  auto asked = take(peers[0]);
  EXPECT_EQ(asked.size(), 2);
  answer_void(peers[0], asked[0]);
  EXPECT_EQ(take(peers[0]).size(), 1);
  EXPECT_EQ(done, 1);
  client->close();
  EXPECT_EQ(done, 5) << "closing answers everybody";
}

TEST_F(CqlClientTest, AnOverloadedNodeIsGivenHalfAndMoreAgainAsItAnswers) {
  config.in_flight_min = 2;
  connect();
  const auto limit = [&] {
    const std::string text = metrics.text();
    const std::string_view name = "penstock_cql_client_in_flight_limit{node=\"one:9042\"} ";
    const auto at = text.find(name);
    return at == text.npos ? 0 : std::stoi(text.substr(at + name.size()));
  };
  EXPECT_EQ(limit(), 8);
  for (int i = 0; i < 100; ++i) client->query("q", {}, [](Result<ResultSet>) {});
  loop.run();
  std::deque<Asked> asked;
  const auto take_more = [&] {
    for (Asked& one : take(peers[0])) asked.push_back(std::move(one));
    return asked.size();
  };
  const auto answer_one = [&] {
    loop.advance(Millis(1));
    answer_void(peers[0], asked.front());
    asked.pop_front();
  };
  ASSERT_EQ(take_more(), 8);
  loop.advance(Millis(1));
  answer_error(peers[0], asked[0], cql::ErrorCode::Overloaded);
  answer_error(peers[0], asked[1], cql::ErrorCode::Overloaded);  // of the same round trip
  asked.erase(asked.begin(), asked.begin() + 2);
  EXPECT_EQ(limit(), 4);
  for (int i = 0; i < 2; ++i) answer_one();
  EXPECT_EQ(take_more(), 4) << "nothing was sent";
  answer_one();
  EXPECT_EQ(take_more(), 4);
  for (int i = 0; i < 60; ++i) {
    answer_one();
    take_more();
  }
  EXPECT_EQ(limit(), 8);
  EXPECT_EQ(asked.size(), 8);
}

TEST_F(CqlClientTest, BytesInFlightAreBounded) {
  config.bytes_in_flight_max = 1000;
  connect();
  for (int i = 0; i < 3; ++i) client->query(std::string(600, 'x'), {}, [](Result<ResultSet>) {});
  loop.run();
  const auto asked = take(peers[0]);
  ASSERT_LT(asked.size(), 3);
  answer_void(peers[0], asked[0]);
  EXPECT_EQ(take(peers[0]).size(), 1);
}

TEST_F(CqlClientTest, ForgottenStatementIsPreparedAgainAndTheRequestSentAgain) {
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  bool done = false;
  client->execute(statement, {"a", "b"}, {},
                  [&](Result<ResultSet> result) { done = result.has_value(); });
  loop.run();
  const Asked execute = take(peers[0]).at(0);
  answer_unprepared(peers[0], execute, "ID");
  const Asked again = take(peers[0]).at(0);
  EXPECT_EQ(cql::decode_prepare(again.body, 4)->query, "INSERT");
  answer_prepared(peers[0], again, "ID");
  const Asked repeated = take(peers[0]).at(0);
  EXPECT_EQ(repeated.body, execute.body);  // the timestamp, too
  answer_void(peers[0], repeated);
  EXPECT_TRUE(done);
}

// A request of a statement that the server has forgotten and will not have as it was.
class CqlForgottenTest : public CqlClientTest {
 protected:
  Asked prepare_again() {
    connect();
    client->execute(prepare(peers[0]), {"a", "b"}, {},
                    [this](Result<ResultSet> result) { error = result.error(); });
    loop.run();
    answer_unprepared(peers[0], take(peers[0]).at(0), "ID");
    return take(peers[0]).at(0);
  }
  std::optional<Error> error;
};

TEST_F(CqlForgottenTest, AnotherIdOnPreparingAgainIsAConflict) {
  const Asked again = prepare_again();
  answer_prepared(peers[0], again, "OTHER");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Conflict);
}

// The table was altered or dropped: whatever the request brings is not at fault.
TEST_F(CqlForgottenTest, ARefusalToPrepareAgainIsAConflict) {
  const Asked again = prepare_again();
  cql::ErrorResponse refusal;
  refusal.code = cql::ErrorCode::Invalid;
  refusal.message = "Unknown identifier email";
  answer_error(peers[0], again, refusal);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Conflict);
  EXPECT_NE(error->message.find("Unknown identifier email"), std::string::npos);
}

TEST_F(CqlClientTest, PreparedStatementsAreCached) {
  connect();
  const PreparedPtr first = prepare(peers[0]);
  EXPECT_EQ(prepare(peers[0]), first);
}

TEST_F(CqlClientTest, LostConnectionLeavesTheOutcomeUnknown) {
  connect();
  std::optional<Error> error;
  client->query("INSERT", {}, [&](Result<ResultSet> result) { error = result.error(); });
  loop.run();
  disconnect(peers[0]);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Timeout);
  EXPECT_NE(error->message.find("outcome is unknown"), std::string::npos);
}

TEST_F(CqlClientTest, IdempotentRequestIsRepeatedOnTheNextConnection) {
  connect();
  QueryOptions options;
  options.idempotent = true;
  bool done = false;
  client->query("INSERT", options, [&](Result<ResultSet> result) { done = result.has_value(); });
  loop.run();
  const Asked first = take(peers[0]).at(0);
  disconnect(peers[0]);
  loop.advance(std::chrono::seconds(1));
  ASSERT_EQ(peers.size(), 2);
  Bytes repeated;
  for (int turn = 0; turn < 10; ++turn) {
    for (const Asked& asked : take(peers[1])) {
      if (asked.body == first.body) {
        repeated = asked.body;
        answer_void(peers[1], asked);
      } else {
        greet(peers[1], asked);
      }
    }
  }
  EXPECT_FALSE(repeated.empty());
  EXPECT_TRUE(done);
}

TEST_F(CqlClientTest, SilentServerMeansTimeoutAndTheLateAnswerIsDropped) {
  connect();
  std::optional<Error> error;
  client->query("q", {}, [&](Result<ResultSet> result) { error = result.error(); });
  loop.run();
  const Asked asked = take(peers[0]).at(0);
  loop.advance(config.request_timeout + Millis(1));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Timeout);
  answer_void(peers[0], asked);
  EXPECT_TRUE(peers[0].connection->open);
}

TEST_F(CqlClientTest, WithoutAConnectionRequestsFailUnavailableInTime) {
  refuse = true;
  open();
  std::optional<Error> error;
  client->query("q", {}, [&](Result<ResultSet> result) { error = result.error(); });
  loop.advance(config.request_timeout + Millis(1));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Unavailable);
}

TEST_F(CqlClientTest, AtomicServerGetsRowsAndExtrasInOneBatch) {
  supported.options.push_back({"PENSTOCK_ATOMIC_BATCH", {"65535", "1000000"}});
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  WriteBatch batch = rows(statement, {"a", "1", "b", "2"});
  batch.extras.push_back({statement, {"checkpoint", cql::CellValue::null()}});
  batch.timestamp_micros = 77;
  std::optional<WriteOutcome> outcome;
  client->write(std::move(batch), [&](Result<WriteOutcome> result) { outcome = result.value(); });
  loop.run();
  const auto asked = take(peers[0]);
  ASSERT_EQ(asked.size(), 1);
  EXPECT_EQ(asked[0].header.opcode, Opcode::Batch);
  cql::BatchRequest request;
  ASSERT_TRUE(cql::decode_batch(asked[0].body, 4, request));
  ASSERT_EQ(request.statements.size(), 3);
  EXPECT_EQ(request.values_of(request.statements[1])[0], cql::CellValue("b"));
  EXPECT_TRUE(request.values_of(request.statements[2])[1].is_null());
  EXPECT_EQ(request.timestamp_micros, 77);
  answer_void(peers[0], asked[0]);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->atomic);
  EXPECT_EQ(outcome->rows, 2);
}

// A restarted server has forgotten both statements of a batch, and names one at a time.
TEST_F(CqlClientTest, ForgottenRowsAndCheckpointArePreparedAgainAndTheBatchIsSentWhole) {
  supported.options.push_back({"PENSTOCK_ATOMIC_BATCH", {"65535", "1000000"}});
  connect();
  WriteBatch batch = rows(prepare(peers[0], "ROWS", "INSERT"), {"a", "1", "b", "2"});
  batch.extras.push_back({prepare(peers[0], "CHECKPOINT", "UPDATE"), {"checkpoint", "x"}});
  std::optional<Result<WriteOutcome>> outcome;
  client->write(std::move(batch),
                [&](Result<WriteOutcome> result) { outcome = std::move(result); });
  loop.run();
  const Asked sent = take(peers[0]).at(0);
  EXPECT_EQ(sent.header.opcode, Opcode::Batch);
  Asked last = sent;
  for (const auto& [id, text] : {std::pair("ROWS", "INSERT"), std::pair("CHECKPOINT", "UPDATE")}) {
    answer_unprepared(peers[0], last, id);
    const auto again = take(peers[0]);
    ASSERT_EQ(again.size(), 1);
    EXPECT_EQ(cql::decode_prepare(again[0].body, 4)->query, text);
    answer_prepared(peers[0], again[0], id);
    const auto repeated = take(peers[0]);
    ASSERT_EQ(repeated.size(), 1);
    EXPECT_EQ(repeated[0].body, sent.body);  // rows, checkpoint and timestamp
    last = repeated[0];
  }
  EXPECT_FALSE(outcome);
  answer_void(peers[0], last);
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_TRUE((*outcome)->atomic);
}

TEST_F(CqlClientTest, ManyRequestsOfAForgottenStatementPrepareItOnce) {
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    client->execute(statement, {"a", "b"}, {},
                    [&](Result<ResultSet> result) { done += result.has_value(); });
  }
  loop.run();
  const auto executes = take(peers[0]);
  ASSERT_EQ(executes.size(), 5);
  for (const Asked& asked : executes) answer_unprepared(peers[0], asked, "ID");
  const auto prepares = take(peers[0]);
  ASSERT_EQ(prepares.size(), 1);
  answer_prepared(peers[0], prepares[0], "ID");
  const auto again = take(peers[0]);
  EXPECT_EQ(again.size(), 5);
  for (const Asked& asked : again) answer_void(peers[0], asked);
  EXPECT_EQ(done, 5);
}

TEST_F(CqlClientTest, AChangedTablesStatementsArePreparedAnewWhenAskedFor) {
  connect();
  const PreparedPtr first = prepare(peers[0]);
  tell(peers[0], cql::SchemaChange{"UPDATED", "TABLE", "k", "other", {}});
  EXPECT_EQ(prepare(peers[0]), first);
  tell(peers[0], cql::SchemaChange{"UPDATED", "TABLE", "k", "t", {}});
  const PreparedPtr second = prepare(peers[0]);
  EXPECT_NE(second, first);
  tell(peers[0], cql::SchemaChange{"DROPPED", "KEYSPACE", "k", "", {}});
  EXPECT_NE(prepare(peers[0]), second);
}

TEST_F(CqlClientTest, LongRequestsArePackedWhenTheServerCan) {
  supported.options[1].second = {"lz4"};
  config.compression = cql::Compression::Lz4;
  connect();
  client->query(std::string(10'000, 'x'), {}, [](Result<ResultSet>) {});
  loop.run();
  const Bytes sent = peers[0].connection->take_sent();
  EXPECT_LT(sent.size(), 1000);
  Bytes scratch;
  const auto body =
      cql::unpacked_body(*cql::parse_frame(sent), cql::Compression::Lz4, scratch).value();
  EXPECT_EQ(cql::decode_query(body, 4)->query.size(), 10'000);
}

TEST_F(CqlClientTest, AtomicBatchOverTheServersLimitIsRefused) {
  supported.options.push_back({"PENSTOCK_ATOMIC_BATCH", {"1", "1000000"}});
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  std::optional<Error> error;
  client->write(rows(statement, {"a", "1", "b", "2"}),
                [&](Result<WriteOutcome> result) { error = result.error(); });
  loop.run();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::TooLarge);
}

TEST_F(CqlClientTest, OtherServersGetRowsByPartitionAndTheCheckpointLast) {
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  WriteBatch batch = rows(statement, {"a", "1", "b", "2", "a", "3"});
  batch.extras.push_back({statement, {"checkpoint", "x"}});
  std::optional<WriteOutcome> outcome;
  client->write(std::move(batch), [&](Result<WriteOutcome> result) { outcome = result.value(); });
  loop.run();
  const auto asked = take(peers[0]);
  ASSERT_EQ(asked.size(), 2);
  EXPECT_EQ(asked[0].header.opcode, Opcode::Batch);  // both rows of "a"
  cql::BatchRequest pair;
  ASSERT_TRUE(cql::decode_batch(asked[0].body, 4, pair));
  EXPECT_EQ(pair.type, cql::BatchType::Unlogged);
  EXPECT_EQ(pair.values_of(pair.statements[1])[1], cql::CellValue("3"));
  EXPECT_EQ(asked[1].header.opcode, Opcode::Execute);
  EXPECT_EQ(cql::decode_execute(asked[1].body, 4)->params.values[0], cql::CellValue("b"));
  answer_void(peers[0], asked[1]);
  EXPECT_TRUE(take(peers[0]).empty());  // the checkpoint waits for both
  answer_void(peers[0], asked[0]);
  const auto last = take(peers[0]);
  ASSERT_EQ(last.size(), 1);
  EXPECT_EQ(cql::decode_execute(last[0].body, 4)->params.values[0], cql::CellValue("checkpoint"));
  EXPECT_FALSE(outcome);
  answer_void(peers[0], last[0]);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->atomic);
  EXPECT_EQ(outcome->requests, 3);
}

TEST_F(CqlClientTest, FailedRowKeepsTheCheckpointBack) {
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  WriteBatch batch = rows(statement, {"a", "1", "b", "2"});
  batch.extras.push_back({statement, {"checkpoint", "x"}});
  std::optional<Error> error;
  client->write(std::move(batch), [&](Result<WriteOutcome> result) { error = result.error(); });
  loop.run();
  const auto asked = take(peers[0]);
  answer_error(peers[0], asked.at(0), cql::ErrorCode::Invalid);
  EXPECT_FALSE(error);
  answer_void(peers[0], asked.at(1));
  ASSERT_TRUE(error);
  EXPECT_TRUE(take(peers[0]).empty());
}

TEST_F(CqlClientTest, OverloadedServerIsAskedAgainLaterForWrites) {
  supported.options.push_back({"PENSTOCK_ATOMIC_BATCH", {"65535", "1000000"}});
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  bool done = false;
  client->write(rows(statement, {"a", "1"}),
                [&](Result<WriteOutcome> result) { done = result.has_value(); });
  loop.run();
  const Asked first = take(peers[0]).at(0);
  answer_error(peers[0], first, cql::ErrorCode::Overloaded);
  EXPECT_TRUE(take(peers[0]).empty());
  loop.advance(std::chrono::seconds(1));
  const auto again = take(peers[0]);
  ASSERT_EQ(again.size(), 1);
  EXPECT_EQ(again[0].body, first.body);
  answer_void(peers[0], again[0]);
  EXPECT_TRUE(done);
}

TEST_F(CqlClientTest, CloseFailsWhatIsInFlightAndWhatWaits) {
  config.in_flight_max = 1;
  connect();
  std::vector<Code> codes;
  for (int i = 0; i < 2; ++i)
    client->query("q", {}, [&](Result<ResultSet> result) { codes.push_back(result.error().code); });
  loop.run();
  client->close();
  loop.run();
  EXPECT_EQ(codes.size(), 2);
  EXPECT_FALSE(peers[0].connection->open);
}

}  // namespace
}  // namespace penstock::client
