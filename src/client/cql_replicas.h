// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/cql_result_set.h"
#include "client/cql_topology.h"

namespace penstock::client {

// How a keyspace places its rows, as system_schema.keyspaces tells it.
struct CqlReplication {
  std::string strategy;                // the class without its package: "SimpleStrategy"
  std::map<std::string, int> factors;  // "replication_factor" or by datacenter
  friend auto operator<=>(const CqlReplication&, const CqlReplication&) = default;
};
// By keyspace; `rows` has keyspace_name and replication. Rows that are not understood are left out.
std::map<std::string, CqlReplication> read_replications(const ResultSet& rows);

// Which nodes hold a token, for one way of replication: worked out once for every range of the ring
// as Cassandra does (SimpleStrategy, NetworkTopologyStrategy with its racks, EverywhereStrategy),
// then a binary search. LocalStrategy and those that we do not know have no replicas here, so any
// node is asked. Immutable.
class CqlReplicas {
 public:
  CqlReplicas(const CqlTopology& topology, const CqlReplication& replication);
  // Indexes of the topology's nodes, the range's first owner first; empty: nobody in particular.
  std::span<const std::uint32_t> of(std::int64_t token) const;

 private:
  std::vector<std::int64_t> tokens_;  // ascending; each ends a range
  std::vector<std::uint32_t> ends_;   // of the range's replicas, in nodes_
  std::vector<std::uint32_t> nodes_;
};

// The token of the partition that a statement with these values reads or writes. None when the
// statement does not bind the whole key (or on v3, which does not say), or a part of it is absent.
std::optional<std::int64_t> routing_token(const Prepared& statement,
                                          std::span<const cql::CellValue> values);

}  // namespace penstock::client
