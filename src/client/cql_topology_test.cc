// SPDX-License-Identifier: Apache-2.0
#include "client/cql_topology.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/uuid.h"
#include "client/cql_result_set.h"
#include "wire/cql/responses.h"
#include "wire/cql/values.h"

namespace penstock::client {
namespace {

TEST(CqlTopology, OwnerIsTheNextTokenAroundTheRing) {
  const auto row = [](std::initializer_list<BytesView> tokens) {
    cql::CollectionBuilder set;
    for (const BytesView token : tokens) set.add(token);
    return set.take_list();
  };
  const std::vector<cql::ColumnSpec> local_columns = {
      {"", "", "host_id", cql::Kind::Uuid}, {"", "", "tokens", cql::TypeRef::set(cql::Kind::Text)}};
  const std::vector<cql::ColumnSpec> peer_columns = {
      {"", "", "host_id", cql::Kind::Uuid},
      {"", "", "tokens", cql::TypeRef::set(cql::Kind::Text)},
      {"", "", "data_center", cql::Kind::Text},
      {"", "", "rack", cql::Kind::Text},
      {"", "", "rpc_address", cql::Kind::Inet},
      {"", "", "peer", cql::Kind::Inet}};
  const auto set = [](const std::vector<cql::ColumnSpec>& columns,
                      const std::vector<Bytes>& cells) {
    cql::RowsBuilder rows;
    for (const Bytes& cell : cells) rows.cell(cell);
    rows.end_row();
    Bytes body;
    cql::Writer to(body, 4);
    rows.finish(to, columns);
    return ResultSet::read(body, 4, nullptr).value();
  };
  const Bytes id(Uuid::random().view());
  const ResultSet local = set(local_columns, {id, row({"-100", "100"})});
  const ResultSet peers = set(peer_columns, {Bytes(Uuid::random().view()), row({"0"}), "dc", "r",
                                             Bytes(4, '\0'), Bytes("\x0a\0\0\2", 4)});
  const auto topology = CqlTopology::read(local, peers, {"one", 9042});
  ASSERT_TRUE(topology);
  ASSERT_EQ(topology->nodes().size(), 2);
  EXPECT_EQ(topology->nodes()[1].address.text(), "10.0.0.2:9042");
  EXPECT_EQ(topology->owner(-200), 0);
  EXPECT_EQ(topology->owner(-100), 0);
  EXPECT_EQ(topology->owner(-99), 1);
  EXPECT_EQ(topology->owner(1), 0);
  EXPECT_EQ(topology->owner(101), 0);
}

}  // namespace
}  // namespace penstock::client
