// SPDX-License-Identifier: Apache-2.0
#include "client/cql_replicas.h"

#include <gtest/gtest.h>

#include "client/test_cluster.h"

namespace penstock::client {
namespace {

using Nodes = std::vector<std::uint32_t>;

Nodes replicas(const CqlReplicas& replicas, std::int64_t token) {
  const auto found = replicas.of(token);
  return {found.begin(), found.end()};
}

// Two racks of one datacenter, neighbours on the ring in the same rack.
const std::vector<FakeNode> kRacks{{"10.0.0.1", "dc1", "r1", {"0", "300"}},
                                   {"10.0.0.2", "dc1", "r1", {"100", "400"}},
                                   {"10.0.0.3", "dc1", "r2", {"200", "500"}}};

TEST(CqlReplicas, SimpleStrategyTakesTheNextNodesAroundTheRing) {
  const CqlReplicas two(fake_topology(kRacks), {"SimpleStrategy", {{"replication_factor", 2}}});
  EXPECT_EQ(replicas(two, -1), (Nodes{0, 1}));
  EXPECT_EQ(replicas(two, 0), (Nodes{0, 1}));
  EXPECT_EQ(replicas(two, 1), (Nodes{1, 2}));
  EXPECT_EQ(replicas(two, 401), (Nodes{2, 0}));
  EXPECT_EQ(replicas(two, 501), (Nodes{0, 1})) << "around";
  const CqlReplicas nine(fake_topology(kRacks), {"SimpleStrategy", {{"replication_factor", 9}}});
  EXPECT_EQ(replicas(nine, 150), (Nodes{2, 0, 1})) << "no more than there are";
}

TEST(CqlReplicas, NetworkTopologyStrategyTakesDistinctRacksFirst) {
  const CqlReplicas two(fake_topology(kRacks), {"NetworkTopologyStrategy", {{"dc1", 2}}});
  EXPECT_EQ(replicas(two, 0), (Nodes{0, 2})) << "node 1 is in the rack of node 0";
  EXPECT_EQ(replicas(two, 100), (Nodes{1, 2}));
  EXPECT_EQ(replicas(two, 200), (Nodes{2, 0}));
  // Three replicas in two racks: one rack holds two, in the order of the ring.
  const CqlReplicas three(fake_topology(kRacks), {"NetworkTopologyStrategy", {{"dc1", 3}}});
  EXPECT_EQ(replicas(three, 0), (Nodes{0, 1, 2}));
}

TEST(CqlReplicas, EachDatacenterPlacesItsOwn) {
  auto nodes = kRacks;
  nodes.push_back({"10.0.1.1", "dc2", "r1", {"50"}});
  nodes.push_back({"10.0.1.2", "dc2", "r1", {"250"}});
  const CqlReplicas both(fake_topology(nodes),
                         {"NetworkTopologyStrategy", {{"dc1", 2}, {"dc2", 1}, {"dc3", 5}}});
  EXPECT_EQ(replicas(both, 0), (Nodes{0, 3, 2}));
  EXPECT_EQ(replicas(both, 60), (Nodes{1, 2, 4}));
  const CqlReplicas one(fake_topology(nodes), {"NetworkTopologyStrategy", {{"dc2", 1}}});
  EXPECT_EQ(replicas(one, 0), Nodes{3});
}

TEST(CqlReplicas, OtherStrategiesNameNobodyAndEverywhereAll) {
  const CqlTopology topology = fake_topology(kRacks);
  EXPECT_TRUE(replicas(CqlReplicas(topology, {"LocalStrategy", {}}), 0).empty());
  EXPECT_TRUE(replicas(CqlReplicas(topology, {"com.example.Own", {}}), 0).empty());
  EXPECT_EQ(replicas(CqlReplicas(topology, {"EverywhereStrategy", {}}), 100), (Nodes{1, 2, 0}));
}

TEST(CqlReplicas, ReplicationsAreReadFromTheSystemTable) {
  const FakeRows rows = fake_keyspaces({
      {"s",
       {{"class", "org.apache.cassandra.locator.SimpleStrategy"}, {"replication_factor", "2"}}},
      {"n", {{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}, {"dc2", "3/1"}, {"dc3", "[r1]"}}},
  });
  const auto read = read_replications(rows.result());
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read.at("s"), (CqlReplication{"SimpleStrategy", {{"replication_factor", 2}}}));
  EXPECT_EQ(read.at("n"), (CqlReplication{"NetworkTopologyStrategy", {{"dc1", 3}, {"dc2", 3}}}));
  EXPECT_TRUE(read_replications(fake_system(kRacks, "10.0.0.1", true).result()).empty());
}

TEST(CqlReplicas, RoutingTokenIsThatOfTheWholeKey) {
  Prepared statement;
  EXPECT_FALSE(routing_token(statement, std::vector<cql::CellValue>{"a"}));
  statement.partition_key_markers = {1};
  EXPECT_EQ(routing_token(statement, std::vector<cql::CellValue>{"x", "abc"}),
            -5434086359492102041);
  EXPECT_FALSE(routing_token(statement, std::vector<cql::CellValue>{"x", cql::CellValue::unset()}));
  statement.partition_key_markers = {1, 0};
  EXPECT_EQ(routing_token(statement, std::vector<cql::CellValue>{"a", BytesView("\0\0\0\1", 4)}),
            6516349416904725244);
}

}  // namespace
}  // namespace penstock::client
