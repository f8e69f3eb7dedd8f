// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "client/cql_topology.h"
#include "net/address.h"

namespace penstock::client {

// Which of a cluster's nodes the client talks to: plain functions over what is known.

// The nodes of one datacenter, as indexes into the topology's.
struct CqlLocalNodes {
  std::string datacenter;
  std::vector<std::size_t> nodes;
};
// `wanted` is the datacenter that was configured or chosen before; empty: that of the node that was
// asked. InvalidArgument, naming those that there are, when no node is in it.
Result<CqlLocalNodes> local_nodes(const CqlTopology& topology, std::string_view wanted);

// One node that there are connections to, or attempts at some.
struct CqlKnownNode {
  Uuid host_id;  // zero: a contact point of which nobody knows yet which node it is
  net::Address address;
  bool connected = false;
};
struct CqlNodeChanges {
  std::vector<std::optional<std::size_t>> kept;  // for each wanted node the known one that it is
  std::vector<std::size_t> gone;                 // known ones that are wanted no more
};
// A node is known again by its host id, a contact point by its address. One that moved to another
// address keeps its connections as long as they stand.
CqlNodeChanges match_nodes(std::span<const CqlKnownNode> known, const CqlTopology& topology,
                           std::span<const std::size_t> wanted);

}  // namespace penstock::client
