// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "client/cql_topology.h"
#include "wire/cql/responses.h"
#include "wire/cql/values.h"

namespace penstock::client {

// A node of a cluster that only tests have, as its system tables tell it.
struct FakeNode {
  std::string host;  // an IPv4 address, but for a cluster of one
  std::string datacenter = "datacenter1";
  std::string rack = "rack1";
  std::vector<std::string> tokens;
  Uuid host_id = Uuid::random();
  Uuid schema_version{};

  net::Address address() const { return {host, 9042}; }
};

inline Bytes fake_inet(const std::string& host) {
  Bytes bytes;
  for (std::size_t at = 0; at < host.size(); at = host.find('.', at) + 1) {
    bytes.push_back(static_cast<char>(std::stoi(host.substr(at))));
    if (host.find('.', at) == std::string::npos) break;
  }
  return bytes;
}

struct FakeRows {
  std::vector<cql::ColumnSpec> columns;
  std::vector<Bytes> cells;

  ResultSet result() const {
    cql::RowsBuilder rows;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      rows.cell(cells[i]);
      if ((i + 1) % columns.size() == 0) rows.end_row();
    }
    Bytes body;
    cql::Writer to(body, 4);
    rows.finish(to, columns);
    return ResultSet::read(body, 4, nullptr).value();
  }
};

// system.local of `self`, or with `peers` system.peers_v2 of the others.
inline FakeRows fake_system(const std::vector<FakeNode>& nodes, const std::string& self,
                            bool peers) {
  const auto column = [](const char* name, cql::TypeRef type) {
    return cql::ColumnSpec{"system", "x", name, std::move(type)};
  };
  FakeRows rows{{column("host_id", cql::Kind::Uuid), column("data_center", cql::Kind::Text),
                 column("rack", cql::Kind::Text), column("release_version", cql::Kind::Text),
                 column("schema_version", cql::Kind::Uuid),
                 column("tokens", cql::TypeRef::set(cql::Kind::Text))},
                {}};
  if (peers) {
    rows.columns.push_back(column("native_address", cql::Kind::Inet));
    rows.columns.push_back(column("native_port", cql::Kind::Int));
  }
  for (const FakeNode& node : nodes) {
    if ((node.host == self) == peers) continue;
    cql::CollectionBuilder tokens;
    for (const std::string& token : node.tokens) tokens.add(token);
    rows.cells.insert(rows.cells.end(),
                      {Bytes(node.host_id.view()), node.datacenter, node.rack, "4.1.0",
                       Bytes(node.schema_version.view()), tokens.take_list()});
    if (peers)
      rows.cells.insert(rows.cells.end(), {fake_inet(node.host), Bytes("\0\0\x23\x52", 4)});
  }
  return rows;
}

// system_schema.keyspaces: the replication of each.
using FakeKeyspaces = std::map<std::string, std::map<std::string, std::string>>;
inline FakeRows fake_keyspaces(const FakeKeyspaces& keyspaces) {
  FakeRows rows{{{"system_schema", "keyspaces", "keyspace_name", cql::Kind::Text},
                 {"system_schema", "keyspaces", "replication",
                  cql::TypeRef::map(cql::Kind::Text, cql::Kind::Text)}},
                {}};
  for (const auto& [name, replication] : keyspaces) {
    Bytes map;
    cql::Writer to(map, 4);
    to.i32(static_cast<std::int32_t>(replication.size()));
    for (const auto& [key, value] : replication) {
      to.value(cql::CellValue(key));
      to.value(cql::CellValue(value));
    }
    rows.cells.insert(rows.cells.end(), {name, map});
  }
  return rows;
}

// As the first of them sees it.
inline CqlTopology fake_topology(const std::vector<FakeNode>& nodes) {
  return CqlTopology::read(fake_system(nodes, nodes.front().host, false).result(),
                           fake_system(nodes, nodes.front().host, true).result(),
                           nodes.front().address())
      .value();
}

}  // namespace penstock::client
