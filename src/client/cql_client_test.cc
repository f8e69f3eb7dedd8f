// SPDX-License-Identifier: Apache-2.0
// The client against a scripted server: connections are fakes, time stands still until the test
// moves it.
#include "client/cql_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "client/test_cluster.h"
#include "net/fake_connection.h"
#include "net/fake_loop.h"
#include "wire/cql/messages.h"
#include "wire/cql/values.h"

namespace penstock::client {
namespace {

using cql::Opcode;

// One connection as the server sees it.
struct Peer {
  net::Address address;
  std::shared_ptr<net::FakeConnection> connection;
  std::unique_ptr<net::Session> session;
};

struct Asked {
  cql::FrameHeader header;
  Bytes body;
};

class CqlClientTest : public testing::Test {
 protected:
  CqlClientTest() {
    config.contact_points = {{"one", 9042}};
    config.in_flight_max = 8;
  }

  void open() {
    client = CqlClient::open(
        config, loop, metrics,
        [this](net::Loop&, const net::Address& address, Duration, const net::ConnectionLimits&,
               net::MakeSession make, Function<void(Result<net::ConnectionPtr>)> done) {
          dialled.push_back(loop.clock().now());
          if (refuse || refused.contains(address.host))
            return done(fail(Code::Unavailable, "refused"));
          Peer peer{address, std::make_shared<net::FakeConnection>(loop), nullptr};
          peer.session = make(peer.connection);
          peer.session->on_open(*peer.connection);
          peers.push_back(std::move(peer));
          done(net::ConnectionPtr(peers.back().connection));
        });
    loop.run();
  }

  // The requests that came on a connection since the last call.
  std::vector<Asked> take(Peer& peer) {
    std::vector<Asked> asked;
    const Bytes sent = peer.connection->take_sent();
    for (BytesView rest = sent; !rest.empty();) {
      const std::size_t size = cql::request_frame_size(rest).value();
      const cql::Frame frame = cql::parse_frame(rest.substr(0, size)).value();
      asked.push_back({frame.header, Bytes(frame.body)});
      rest.remove_prefix(size);
    }
    return asked;
  }

  void answer(Peer& peer, const Asked& asked, Opcode opcode,
              const std::function<void(cql::Writer&)>& fill = nullptr) {
    auto writer = cql::FrameWriter::response(asked.header.version, asked.header.stream, opcode);
    auto body = writer.body();
    if (fill) fill(body);
    const Bytes frame = std::move(writer).finish();
    peer.session->on_frame(*peer.connection, frame);
    loop.run();
  }
  void answer_void(Peer& peer, const Asked& asked) {
    answer(peer, asked, Opcode::Result, [](cql::Writer& to) { write(to, cql::VoidResult{}); });
  }
  void answer_error(Peer& peer, const Asked& asked, const cql::ErrorResponse& error) {
    answer(peer, asked, Opcode::Error, [&](cql::Writer& to) { write(to, error); });
  }
  void answer_error(Peer& peer, const Asked& asked, cql::ErrorCode code) {
    cql::ErrorResponse error;
    error.code = code;
    error.message = "no";
    answer_error(peer, asked, error);
  }
  void answer_prepared(Peer& peer, const Asked& asked, std::string_view id) {
    answer(peer, asked, Opcode::Result, [&](cql::Writer& to) {
      cql::PreparedResult prepared;
      prepared.id = Bytes(id);
      prepared.markers = {{"k", "t", "id", cql::Kind::Text}, {"k", "t", "v", cql::Kind::Text}};
      prepared.partition_key_markers = {0};
      write(to, prepared);
    });
  }
  void answer_rows(Peer& peer, const Asked& asked, const std::vector<cql::ColumnSpec>& columns,
                   const std::vector<Bytes>& cells) {
    answer(peer, asked, Opcode::Result, [&](cql::Writer& to) {
      cql::RowsBuilder rows;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        rows.cell(cells[i]);
        if ((i + 1) % columns.size() == 0) rows.end_row();
      }
      rows.finish(to, columns);
    });
  }
  void answer_unprepared(Peer& peer, const Asked& asked, std::string_view id) {
    cql::ErrorResponse error;
    error.code = cql::ErrorCode::Unprepared;
    error.prepared_id = Bytes(id);
    answer_error(peer, asked, error);
  }
  void tell(Peer& peer, const cql::ServerEvent& event) {
    auto writer = cql::FrameWriter::response(4, -1, Opcode::Event);
    auto body = writer.body();
    write(body, event);
    const Bytes frame = std::move(writer).finish();
    peer.session->on_frame(*peer.connection, frame);
    loop.run();
  }
  void disconnect(Peer& peer) {
    peer.connection->close();
    peer.session->on_close(*peer.connection);
    loop.run();
  }

  // Answers the handshake, REGISTER and the system tables of a fresh connection.
  void greet(Peer& peer) {
    for (int turn = 0; turn < 10; ++turn) {
      for (const Asked& asked : take(peer)) greet(peer, asked);
    }
  }
  void greet(Peer& peer, const Asked& asked) {
    switch (asked.header.opcode) {
      case Opcode::Options:
        return answer(peer, asked, Opcode::Supported,
                      [this](cql::Writer& to) { write(to, supported); });
      case Opcode::Startup:
      case Opcode::Register:
        return answer(peer, asked, Opcode::Ready);
      case Opcode::Query: {
        const std::string text(cql::decode_query(asked.body, 4)->query);
        const FakeRows rows =
            text.find("system_schema.keyspaces") != text.npos
                ? fake_keyspaces(keyspaces)
                : fake_system(cluster, peer.address.host, text.find("system.peers") != text.npos);
        return answer_rows(peer, asked, rows.columns, rows.cells);
      }
      default:
        ADD_FAILURE() << "unexpected " << cql::name(asked.header.opcode);
    }
  }

  void connect() {
    open();
    greet_all();
  }
  // Also those that are dialled meanwhile.
  void greet_all() {
    for (std::size_t i = 0; i < peers.size(); ++i) greet(peers[i]);
  }
  // Three nodes, of which one is a contact point.
  void three_nodes() {
    cluster = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}};
    for (std::size_t i = 0; i < 3; ++i)
      cluster[i].tokens = {std::to_string(static_cast<int>(i) * 1000)};
    config.contact_points = {cluster[0].address()};
  }
  Peer* open_peer(const std::string& host) {
    for (Peer& peer : peers) {
      if (peer.address.host == host && peer.connection->open) return &peer;
    }
    return nullptr;
  }
  std::vector<std::string> open_hosts() {
    std::vector<std::string> hosts;
    for (const Peer& peer : peers) {
      if (peer.connection->open) hosts.push_back(peer.address.host);
    }
    std::ranges::sort(hosts);
    return hosts;
  }
  cql::StatusChange status(const char* change, const std::string& host) {
    return {change, {fake_inet(host), 9042}};
  }

  PreparedPtr prepare(Peer& peer, std::string_view id = "ID", const char* text = "INSERT") {
    PreparedPtr statement;
    client->prepare(text, [&](Result<PreparedPtr> result) { statement = result.value(); });
    loop.run();
    const auto asked = take(peer);
    if (!asked.empty()) answer_prepared(peer, asked.at(0), id);
    return statement;
  }

  WriteBatch rows(const PreparedPtr& statement, std::initializer_list<const char*> cells) {
    WriteBatch batch;
    batch.statement = statement;
    batch.columns = 2;
    for (const char* cell : cells) batch.cells.emplace_back(cell);
    return batch;
  }

  net::FakeLoop loop;
  Metrics metrics;
  CqlConfig config;
  cql::SupportedResponse supported{{{"CQL_VERSION", {"3.4.6"}}, {"COMPRESSION", {}}}};
  bool refuse = false;
  std::set<std::string> refused;  // hosts
  std::vector<FakeNode> cluster{{"one"}};
  FakeKeyspaces keyspaces;
  std::vector<TimePoint> dialled;
  std::deque<Peer> peers;
  std::unique_ptr<CqlClient> client;
};

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

TEST_F(CqlClientTest, StepsDownToV3WhenV4IsRefused) {
  open();
  const Asked options = take(peers[0]).at(0);
  EXPECT_EQ(options.header.version, 4);
  cql::ErrorResponse error;
  error.code = cql::ErrorCode::ProtocolError;
  error.message = "Invalid or unsupported protocol version (4); the lowest supported version is 3";
  answer_error(peers[0], options, error);
  ASSERT_EQ(peers.size(), 2);
  EXPECT_FALSE(peers[0].connection->open);
  greet(peers[1]);
  EXPECT_EQ(client->server().protocol_version, 3);
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

TEST_F(CqlClientTest, AnotherIdOnPreparingAgainIsAnError) {
  connect();
  const PreparedPtr statement = prepare(peers[0]);
  std::optional<Error> error;
  client->execute(statement, {"a", "b"}, {},
                  [&](Result<ResultSet> result) { error = result.error(); });
  loop.run();
  answer_unprepared(peers[0], take(peers[0]).at(0), "ID");
  answer_prepared(peers[0], take(peers[0]).at(0), "OTHER");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::Conflict);
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

TEST_F(CqlClientTest, NodesThatComeAndGoMakeItReadTheClusterAgain) {
  connect();
  const cql::Inet node{Bytes("\x0a\0\0\2", 4), 9042};
  std::vector<std::string> heard;
  client->on_event([&](const cql::ServerEvent& event) {
    if (const auto* status = std::get_if<cql::StatusChange>(&event))
      heard.push_back(status->change);
  });
  loop.run();
  const auto queries = [&] {
    std::vector<std::string> texts;
    for (const Asked& asked : take(peers[0])) {
      texts.emplace_back(cql::decode_query(asked.body, 4)->query);
      greet(peers[0], asked);
    }
    return texts;
  };
  // A crowd of events in one second is one reading; a change of the schema is none.
  const auto before = client->server().topology;
  tell(peers[0], cql::TopologyChange{"NEW_NODE", node});
  tell(peers[0], cql::StatusChange{"UP", node});
  EXPECT_TRUE(queries().empty());
  loop.advance(std::chrono::seconds(1));
  EXPECT_EQ(queries(), std::vector<std::string>{"SELECT * FROM system.local WHERE key='local'"});
  EXPECT_EQ(queries(), std::vector<std::string>{"SELECT * FROM system.peers_v2"});
  EXPECT_EQ(queries(), std::vector<std::string>{
                           "SELECT keyspace_name, replication FROM system_schema.keyspaces"});
  EXPECT_NE(client->server().topology, before);
  EXPECT_EQ(heard, std::vector<std::string>{"UP"});
  tell(peers[0], cql::SchemaChange{"CREATED", "TABLE", "ks", "t", {}});
  loop.advance(std::chrono::seconds(5));
  EXPECT_TRUE(queries().empty());
  tell(peers[0], cql::StatusChange{"DOWN", node});
  loop.advance(std::chrono::seconds(1));
  EXPECT_EQ(queries().size(), 1);
}

TEST_F(CqlClientTest, ConnectsToTheNodesThatTheContactPointTells) {
  three_nodes();
  config.contact_points.push_back({"c2", 9042});  // of a name that no node has
  connect();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"}));
  EXPECT_EQ(client->server().topology->nodes().size(), 3);
}

TEST_F(CqlClientTest, RequestsSpreadOverAllNodes) {
  three_nodes();
  connect();
  for (int i = 0; i < 9; ++i) client->query("q", {}, [](Result<ResultSet>) {});
  loop.run();
  for (Peer& peer : peers) EXPECT_EQ(take(peer).size(), 3) << peer.address.host;
}

TEST_F(CqlClientTest, OtherDatacentersAreUnused) {
  three_nodes();
  cluster[1].datacenter = "far";
  connect();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.3"}));
}

TEST_F(CqlClientTest, AContactPointOfAnotherDatacenterOnlyShowsTheWay) {
  three_nodes();
  cluster[1].datacenter = "near";
  config.local_dc = "near";
  std::optional<Result<CqlServerInfo>> ready;
  open();
  client->when_ready(std::chrono::seconds(5),
                     [&](Result<CqlServerInfo> info) { ready = std::move(info); });
  loop.run();
  greet(peers[0]);
  EXPECT_FALSE(ready) << "nobody takes requests yet";
  greet_all();
  ASSERT_TRUE(ready && *ready);
  EXPECT_EQ(open_hosts(), std::vector<std::string>{"10.0.0.2"});
}

TEST_F(CqlClientTest, ALocalDatacenterThatNoNodeHasIsSaid) {
  three_nodes();
  config.local_dc = "nowhere";
  std::optional<Error> error;
  std::optional<Error> query;
  open();
  client->when_ready(std::chrono::hours(1),
                     [&](Result<CqlServerInfo> info) { error = info.error(); });
  loop.run();
  greet_all();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::InvalidArgument);
  EXPECT_NE(error->message.find("there is: datacenter1"), std::string::npos);
  client->query("q", {}, [&](Result<ResultSet> result) { query = result.error(); });
  loop.run();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->code, Code::InvalidArgument);
}

TEST_F(CqlClientTest, NodesComeAndGoWithTheEvents) {
  three_nodes();
  connect();
  const FakeNode third = cluster[2];
  cluster.pop_back();
  cluster.push_back({"10.0.0.4", "datacenter1", "rack1", {"5"}});
  tell(peers[0], cql::TopologyChange{"NEW_NODE", {fake_inet("10.0.0.4"), 9042}});
  loop.advance(std::chrono::seconds(1));
  greet_all();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.4"}));
}

TEST_F(CqlClientTest, AnEventThatWasLostIsMadeUpForInAMinute) {
  config.heartbeat = std::chrono::hours(1);
  three_nodes();
  connect();
  cluster.pop_back();
  loop.advance(config.refresh_interval);
  greet_all();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(CqlClientTest, ANodeThatLeavesAnswersWhatItHasFirst) {
  three_nodes();
  connect();
  int done = 0;
  for (int i = 0; i < 3; ++i)
    client->query("q", {}, [&](Result<ResultSet> result) { done += result.has_value(); });
  loop.run();
  Peer& leaving = *open_peer("10.0.0.3");
  const Asked asked = take(leaving).at(0);
  cluster.pop_back();
  tell(peers[0], cql::TopologyChange{"REMOVED_NODE", {fake_inet("10.0.0.3"), 9042}});
  loop.advance(std::chrono::seconds(1));
  for (const Asked& one : take(peers[0])) {
    if (one.header.opcode == Opcode::Query && cql::decode_query(one.body, 4)->query != "q")
      greet(peers[0], one);
  }
  greet(peers[0]);
  EXPECT_TRUE(leaving.connection->open);
  answer_void(leaving, asked);
  EXPECT_EQ(done, 1);
  EXPECT_FALSE(leaving.connection->open);
}

TEST_F(CqlClientTest, TheControlConnectionMovesWhenItsNodeDies) {
  three_nodes();
  connect();
  refused.insert("10.0.0.1");
  disconnect(*open_peer("10.0.0.1"));
  int registered = 0;
  for (Peer& peer : peers) {
    for (const Asked& asked : take(peer)) {
      registered += asked.header.opcode == Opcode::Register;
      greet(peer, asked);
    }
  }
  EXPECT_EQ(registered, 1);
  greet_all();
  // It is heard on the new one.
  cluster.push_back({"10.0.0.4", "datacenter1", "rack1", {"5"}});
  for (Peer& peer : peers) {
    if (peer.connection->open) tell(peer, status("UP", "10.0.0.4"));
  }
  loop.advance(std::chrono::seconds(1));
  greet_all();
  EXPECT_NE(open_peer("10.0.0.4"), nullptr);
}

TEST_F(CqlClientTest, ANodeThatIsSaidToBeUpIsDialledAtOnce) {
  config.backoff_first = config.backoff_max = std::chrono::hours(1);
  three_nodes();
  refused.insert("10.0.0.2");
  connect();
  EXPECT_EQ(open_peer("10.0.0.2"), nullptr);
  refused.clear();
  tell(peers[0], status("UP", "10.0.0.2"));
  loop.advance(std::chrono::seconds(1));
  greet_all();
  EXPECT_NE(open_peer("10.0.0.2"), nullptr);
}

TEST_F(CqlClientTest, WithEveryNodeGoneTheContactPointsAreAskedAgain) {
  three_nodes();
  config.contact_points.push_back({"c9", 9042});
  connect();
  for (const FakeNode& node : cluster) refused.insert(node.host);
  cluster = {{"c9"}};
  for (const std::string& host : refused) disconnect(*open_peer(host));
  EXPECT_TRUE(open_hosts().empty());
  loop.advance(std::chrono::seconds(1));
  greet_all();
  EXPECT_EQ(open_hosts(), std::vector<std::string>{"c9"});
}

// The tokens: "a" -8839064797231613815, "abc" -5434086359492102041, "hello" -3758069500696749310.
TEST_F(CqlClientTest, RowsGoToAReplica) {
  three_nodes();
  for (const auto& [i, token] : {std::pair(0, "-5000000000000000000"),
                                 std::pair(1, "-3000000000000000000"), std::pair(2, "0")})
    cluster[i].tokens = {token};
  keyspaces["k"] = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}};
  connect();
  PreparedPtr statement;
  client->prepare("INSERT", [&](Result<PreparedPtr> result) { statement = result.value(); });
  loop.run();
  for (Peer& peer : peers) {
    for (const Asked& asked : take(peer)) answer_prepared(peer, asked, "ID");
  }
  ASSERT_NE(statement, nullptr);
  for (int i = 0; i < 4; ++i)
    client->execute(statement, {"abc", "1"}, {}, [](Result<ResultSet>) {});
  client->write(rows(statement, {"hello", "1", "hello", "2", "a", "3"}),
                [](Result<WriteOutcome>) {});
  loop.run();
  EXPECT_EQ(take(*open_peer("10.0.0.1")).size(), 4 + 1);
  EXPECT_EQ(take(*open_peer("10.0.0.2")).size(), 1) << "both rows in one batch";
  EXPECT_TRUE(take(*open_peer("10.0.0.3")).empty());
  // Without its replica a row goes to any node, which knows the way.
  disconnect(*open_peer("10.0.0.2"));
  greet_all();
  client->execute(statement, {"hello", "1"}, {}, [](Result<ResultSet>) {});
  loop.run();
  EXPECT_EQ(take(*open_peer("10.0.0.1")).size() + take(*open_peer("10.0.0.3")).size(), 1);
}

TEST_F(CqlClientTest, ANewKeyspaceIsRoutedByItsOwnReplication) {
  three_nodes();
  connect();
  keyspaces["k"] = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}};
  tell(peers[0], cql::SchemaChange{"CREATED", "KEYSPACE", "k", "", {}});
  loop.advance(std::chrono::seconds(1));
  greet_all();
  PreparedPtr statement;
  client->prepare("INSERT", [&](Result<PreparedPtr> result) { statement = result.value(); });
  loop.run();
  for (Peer& peer : peers) {
    for (const Asked& asked : take(peer)) answer_prepared(peer, asked, "ID");
  }
  for (int i = 0; i < 6; ++i) client->execute(statement, {"a", "1"}, {}, [](Result<ResultSet>) {});
  loop.run();
  EXPECT_EQ(take(*open_peer("10.0.0.1")).size(), 6);  // it has the lowest token
}

TEST_F(CqlClientTest, AFailedRequestIsRepeatedOnAnotherNode) {
  three_nodes();
  connect();
  QueryOptions options;
  options.idempotent = true;
  client->query("q", options, [](Result<ResultSet>) {});
  loop.run();
  const auto asked_at = [&]() -> Peer* {
    for (Peer& peer : peers) {
      if (!peer.connection->sent.empty()) return &peer;
    }
    return nullptr;
  };
  Peer* first = asked_at();
  ASSERT_NE(first, nullptr);
  answer_error(*first, take(*first).at(0), cql::ErrorCode::Overloaded);
  loop.advance(std::chrono::seconds(1));
  Peer* second = asked_at();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
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

TEST_F(CqlClientTest, MetricsTellTheNodesApart) {
  three_nodes();
  refused.insert("10.0.0.3");
  connect();
  client->query("q", {}, [](Result<ResultSet>) {});
  client->query("q", {}, [](Result<ResultSet>) {});
  loop.run();
  answer_void(peers[0], take(peers[0]).at(0));
  answer_error(peers[1], take(peers[1]).at(0), cql::ErrorCode::Invalid);
  const std::string text = metrics.text();
  for (const char* line :
       {"penstock_cql_client_requests_total{node=\"10.0.0.1:9042\"} 1",
        "penstock_cql_client_errors_total{kind=\"InvalidRequest\",node=\"10.0.0.2:9042\"} 1",
        "penstock_cql_client_in_flight{node=\"10.0.0.2:9042\"} 0",
        "penstock_cql_client_connections{node=\"10.0.0.2:9042\"} 1",
        "penstock_cql_client_connections{node=\"10.0.0.3:9042\"} 0",
        "penstock_cql_client_disconnects_total{node=\"10.0.0.3:9042\"} 1",
        "penstock_cql_client_request_seconds_count{node=\"10.0.0.1:9042\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
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
