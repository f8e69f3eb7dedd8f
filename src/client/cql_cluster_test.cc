// SPDX-License-Identifier: Apache-2.0
// The client against a cluster of scripted servers.
#include "client/cql_client_fixture.h"

namespace penstock::client {
namespace {

class CqlClusterTest : public CqlClientTest {};

TEST_F(CqlClusterTest, NodesThatComeAndGoMakeItReadTheClusterAgain) {
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

TEST_F(CqlClusterTest, AFullConnectionStillTellsOfTheCluster) {
  config.in_flight_max = 1;
  connect();
  client->query("q", {}, [](Result<ResultSet>) {});
  loop.run();
  ASSERT_EQ(take(peers[0]).size(), 1);
  tell(peers[0], cql::TopologyChange{"NEW_NODE", {Bytes("\x0a\0\0\2", 4), 9042}});
  loop.advance(std::chrono::seconds(1));
  const auto asked = take(peers[0]);
  ASSERT_EQ(asked.size(), 1);
  EXPECT_EQ(cql::decode_query(asked[0].body, 4)->query,
            "SELECT * FROM system.local WHERE key='local'");
}

TEST_F(CqlClusterTest, ConnectsToTheNodesThatTheContactPointTells) {
  three_nodes();
  config.contact_points.push_back({"c2", 9042});  // of a name that no node has
  connect();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"}));
  EXPECT_EQ(client->server().topology->nodes().size(), 3);
}

TEST_F(CqlClusterTest, RequestsSpreadOverAllNodes) {
  three_nodes();
  connect();
  for (int i = 0; i < 9; ++i) client->query("q", {}, [](Result<ResultSet>) {});
  loop.run();
  for (Peer& peer : peers) EXPECT_EQ(take(peer).size(), 3) << peer.address.host;
}

TEST_F(CqlClusterTest, OtherDatacentersAreUnused) {
  three_nodes();
  cluster[1].datacenter = "far";
  connect();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.3"}));
}

TEST_F(CqlClusterTest, AContactPointOfAnotherDatacenterOnlyShowsTheWay) {
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

TEST_F(CqlClusterTest, ALocalDatacenterThatNoNodeHasIsSaid) {
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

TEST_F(CqlClusterTest, NodesComeAndGoWithTheEvents) {
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

TEST_F(CqlClusterTest, AnEventThatWasLostIsMadeUpForInAMinute) {
  config.heartbeat = std::chrono::hours(1);
  three_nodes();
  connect();
  cluster.pop_back();
  loop.advance(config.refresh_interval);
  greet_all();
  EXPECT_EQ(open_hosts(), (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(CqlClusterTest, ANodeThatLeavesAnswersWhatItHasFirst) {
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
  client->close();  // the others are answered while `done` is there
}

TEST_F(CqlClusterTest, TheControlConnectionMovesWhenItsNodeDies) {
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

TEST_F(CqlClusterTest, ANodeThatIsSaidToBeUpIsDialledAtOnce) {
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

TEST_F(CqlClusterTest, WithEveryNodeGoneTheContactPointsAreAskedAgain) {
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
TEST_F(CqlClusterTest, RowsGoToAReplica) {
  three_nodes();
  for (const auto& [i, token] : {std::pair(0, "-5000000000000000000"),
                                 std::pair(1, "-3000000000000000000"), std::pair(2, "0")})
    cluster[i].tokens = {token};
  keyspaces["k"] = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}};
  connect();
  const PreparedPtr statement = prepare_anywhere();
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

TEST_F(CqlClusterTest, ANewKeyspaceIsRoutedByItsOwnReplication) {
  three_nodes();
  connect();
  keyspaces["k"] = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}};
  tell(peers[0], cql::SchemaChange{"CREATED", "KEYSPACE", "k", "", {}});
  loop.advance(std::chrono::seconds(1));
  greet_all();
  const PreparedPtr statement = prepare_anywhere();
  for (int i = 0; i < 6; ++i) client->execute(statement, {"a", "1"}, {}, [](Result<ResultSet>) {});
  loop.run();
  EXPECT_EQ(take(*open_peer("10.0.0.1")).size(), 6);  // it has the lowest token
}

TEST_F(CqlClusterTest, AFailedRequestIsRepeatedOnAnotherNode) {
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

TEST_F(CqlClusterTest, DdlIsDoneWhenAllNodesAgreeOnTheSchema) {
  three_nodes();
  connect();
  cluster[1].schema_version = Uuid::random();
  std::optional<Result<ResultSet>> done;
  ASSERT_NE(change_schema(done), nullptr);
  greet_all();
  loop.advance(std::chrono::milliseconds(500));
  greet_all();
  EXPECT_FALSE(done);
  cluster[0].schema_version = cluster[2].schema_version = cluster[1].schema_version;
  loop.advance(config.schema_agreement_interval);
  greet_all();
  ASSERT_TRUE(done && *done);
  EXPECT_EQ((*done)->schema_change()->object, "t");
  EXPECT_TRUE((*done)->warnings().empty());
}

TEST_F(CqlClusterTest, WithoutAgreementTheAnswerComesLateWithAWarning) {
  three_nodes();
  connect();
  cluster[1].schema_version = Uuid::random();
  std::optional<Result<ResultSet>> done;
  ASSERT_NE(change_schema(done), nullptr);
  for (int i = 0; i < 60; ++i) {
    EXPECT_FALSE(done && i < 49);
    greet_all();
    loop.advance(config.schema_agreement_interval);
  }
  ASSERT_TRUE(done && *done);
  ASSERT_EQ((*done)->warnings().size(), 1);
  EXPECT_NE((*done)->warnings()[0].find("do not agree"), std::string::npos);
}

TEST_F(CqlClusterTest, NobodyWaitsForTheSchemaOfANodeThatIsAway) {
  three_nodes();
  connect();
  refused.insert("10.0.0.2");
  disconnect(*open_peer("10.0.0.2"));
  greet_all();
  cluster[1].schema_version = Uuid::random();
  std::optional<Result<ResultSet>> done;
  ASSERT_NE(change_schema(done), nullptr);
  greet_all();
  EXPECT_TRUE(done && *done && (*done)->warnings().empty());
}

TEST_F(CqlClusterTest, ClosingAnswersDdlThatWaitsForAgreement) {
  three_nodes();
  connect();
  cluster[1].schema_version = Uuid::random();
  std::optional<Result<ResultSet>> done;
  ASSERT_NE(change_schema(done), nullptr);
  client->close();
  EXPECT_TRUE(done && *done);
}

TEST_F(CqlClusterTest, MetricsTellTheNodesApart) {
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

}  // namespace
}  // namespace penstock::client
