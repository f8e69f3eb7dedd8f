// SPDX-License-Identifier: Apache-2.0
#include "client/cql_node_set.h"

#include <gtest/gtest.h>

#include "client/test_cluster.h"

namespace penstock::client {
namespace {

const FakeNode kOne{"10.0.0.1", "east", "r1", {"0"}};
const FakeNode kTwo{"10.0.0.2", "west", "r1", {"10"}};
const FakeNode kThree{"10.0.0.3", "east", "r2", {"20"}};

TEST(CqlNodeSet, TheDatacenterOfTheNodeThatWasAskedIsTheLocalOne) {
  const CqlTopology topology = fake_topology({kOne, kTwo, kThree});
  const auto local = local_nodes(topology, "");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->datacenter, "east");
  EXPECT_EQ(local->nodes, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(local_nodes(topology, "west")->nodes, std::vector<std::size_t>{1});
}

TEST(CqlNodeSet, ADatacenterWithoutNodesIsAnErrorThatNamesTheOthers) {
  const auto local = local_nodes(fake_topology({kOne, kTwo, kThree}), "south");
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().code, Code::InvalidArgument);
  EXPECT_NE(local.error().message.find("'south' (cassandra.local_dc); there is: east, west"),
            std::string::npos);
}

TEST(CqlNodeSet, NodesAreKnownByIdAndContactPointsByAddress) {
  const CqlTopology topology = fake_topology({kOne, kTwo, kThree});
  const auto id = [&](std::size_t i) { return topology.nodes()[i].host_id; };
  const std::vector<CqlKnownNode> known{
      {Uuid{}, {"10.0.0.1", 9042}, true},         // a contact point: node 0
      {Uuid{}, {"c3", 9042}, true},               // a name, and nobody knows whose
      {id(2), {"10.9.9.9", 9042}, true},          // moved, and still connected
      {id(1), {"10.9.9.8", 9042}, false},         // moved, and gone from there
      {Uuid::random(), {"10.0.0.2", 9042}, true}  // another node had the address before
  };
  const auto changes = match_nodes(known, topology, std::vector<std::size_t>{0, 1, 2});
  EXPECT_EQ(changes.kept, (std::vector<std::optional<std::size_t>>{0, std::nullopt, 2}));
  EXPECT_EQ(changes.gone, (std::vector<std::size_t>{1, 3, 4}));
}

}  // namespace
}  // namespace penstock::client
