// SPDX-License-Identifier: Apache-2.0
#include "client/cql_node_set.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace penstock::client {

Result<CqlLocalNodes> local_nodes(const CqlTopology& topology, std::string_view wanted) {
  CqlLocalNodes local;
  if (!wanted.empty()) {
    local.datacenter = wanted;
  } else if (!topology.nodes().empty()) {
    local.datacenter = topology.nodes().front().datacenter;
  }
  std::set<std::string> others;
  for (std::size_t i = 0; i < topology.nodes().size(); ++i) {
    const std::string& datacenter = topology.nodes()[i].datacenter;
    if (datacenter == local.datacenter) {
      local.nodes.push_back(i);
    } else {
      others.insert(datacenter);
    }
  }
  if (local.nodes.empty()) {
    return fail(Code::InvalidArgument,
                "no node of the cluster is in datacenter '{}' (cassandra.local_dc); there is: {}",
                local.datacenter, fmt::join(others, ", "));
  }
  return local;
}

CqlNodeChanges match_nodes(std::span<const CqlKnownNode> known, const CqlTopology& topology,
                           std::span<const std::size_t> wanted) {
  CqlNodeChanges changes;
  std::vector<bool> taken(known.size(), false);
  for (const std::size_t index : wanted) {
    const CqlNode& node = topology.nodes()[index];
    const auto same = [&](const CqlKnownNode& one) {
      if (one.host_id.is_zero() || node.host_id.is_zero()) return one.address == node.address;
      return one.host_id == node.host_id && (one.connected || one.address == node.address);
    };
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < known.size() && !found; ++i) {
      if (!taken[i] && same(known[i])) found = i;
    }
    if (found) taken[*found] = true;
    changes.kept.push_back(found);
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!taken[i]) changes.gone.push_back(i);
  }
  return changes;
}

}  // namespace penstock::client
