// SPDX-License-Identifier: Apache-2.0
#include "client/cql_topology.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::client {
namespace {

std::string text_of(const ResultSet& rows, std::size_t row, std::string_view name) {
  const auto column = rows.column(name);
  if (!column || rows.cell(row, *column).absent()) return {};
  return rows.cell_text(row, *column);
}

Uuid uuid_of(const ResultSet& rows, std::size_t row, std::string_view name) {
  return Uuid::parse(text_of(rows, row, name)).value_or(Uuid{});
}

// `tokens` is a set<text> of numbers.
std::vector<std::int64_t> tokens_of(const ResultSet& rows, std::size_t row) {
  std::vector<std::int64_t> tokens;
  const auto column = rows.column("tokens");
  if (!column) return tokens;
  cql::Reader from(rows.cell(row, *column).view(), 4);
  for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
    const BytesView text = from.bytes().view();
    std::int64_t token = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), token).ec == std::errc())
      tokens.push_back(token);
  }
  return tokens;
}

CqlNode node_of(const ResultSet& rows, std::size_t row) {
  CqlNode node;
  node.host_id = uuid_of(rows, row, "host_id");
  node.datacenter = text_of(rows, row, "data_center");
  node.rack = text_of(rows, row, "rack");
  node.release_version = text_of(rows, row, "release_version");
  node.schema_version = uuid_of(rows, row, "schema_version");
  node.tokens = tokens_of(rows, row);
  return node;
}

// peers_v2 has native_address and native_port; peers has rpc_address, where "any" means the peer's
// own address.
net::Address peer_address(const ResultSet& peers, std::size_t row, std::uint16_t default_port) {
  net::Address address{text_of(peers, row, "native_address"), default_port};
  const std::string port = text_of(peers, row, "native_port");
  if (!port.empty()) std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (address.host.empty()) address.host = text_of(peers, row, "rpc_address");
  if (address.host == "0.0.0.0" || address.host == "::" || address.host.empty())
    address.host = text_of(peers, row, "peer");
  return address;
}

}  // namespace

Result<CqlTopology> CqlTopology::read(const ResultSet& local, const ResultSet& peers,
                                      const net::Address& connected_to) {
  if (local.empty())
    return fail(Code::Corrupt, "system.local of {} has no row", connected_to.text());
  CqlTopology topology;
  topology.cluster_name_ = text_of(local, 0, "cluster_name");
  topology.partitioner_ = text_of(local, 0, "partitioner");
  CqlNode self = node_of(local, 0);
  self.address = connected_to;
  topology.nodes_.push_back(std::move(self));
  for (std::size_t row = 0; row < peers.rows(); ++row) {
    CqlNode peer = node_of(peers, row);
    if (peer.host_id.is_zero() || peer.datacenter.empty() || peer.rack.empty() ||
        peer.tokens.empty())
      continue;
    // A row of a node about itself, or a second one of an address that it had before.
    if (std::ranges::find(topology.nodes_, peer.host_id, &CqlNode::host_id) !=
        topology.nodes_.end())
      continue;
    peer.address = peer_address(peers, row, connected_to.port);
    topology.nodes_.push_back(std::move(peer));
  }
  for (std::size_t i = 0; i < topology.nodes_.size(); ++i) {
    for (const std::int64_t token : topology.nodes_[i].tokens)
      topology.ring_.emplace_back(token, i);
  }
  std::ranges::sort(topology.ring_);
  return topology;
}

std::size_t CqlTopology::owner(std::int64_t token) const {
  CHECK(!nodes_.empty());
  if (ring_.empty()) return 0;
  // A node owns the tokens up to and including its own; beyond the last the ring begins anew.
  const auto at =
      std::ranges::lower_bound(ring_, token, {}, &std::pair<std::int64_t, std::size_t>::first);
  return at == ring_.end() ? ring_.front().second : at->second;
}

}  // namespace penstock::client
