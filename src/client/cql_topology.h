// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "client/cql_result_set.h"
#include "net/address.h"

namespace penstock::client {

// One server of a cluster, as system.local or system.peers_v2 / peers tells it.
struct CqlNode {
  Uuid host_id;
  net::Address address;  // where clients reach it
  std::string datacenter;
  std::string rack;
  std::string release_version;
  Uuid schema_version;
  std::vector<std::int64_t> tokens;
};

// The cluster as one node sees it: a value, read anew when an event says that it changed. The ring
// answers which node owns a token, so routing by token over many nodes needs no other fact.
class CqlTopology {
 public:
  CqlTopology() = default;
  // `local` is system.local's one row, `peers` peers_v2's or peers'. Peers without host id,
  // datacenter, rack or tokens are left out, as drivers do.
  static Result<CqlTopology> read(const ResultSet& local, const ResultSet& peers,
                                  const net::Address& connected_to);

  const std::string& cluster_name() const { return cluster_name_; }
  const std::string& partitioner() const { return partitioner_; }
  const std::vector<CqlNode>& nodes() const {
    return nodes_;
  }  // the first is the one that we asked
  // Every token with the index of its node, by token: a node owns what is above the token before,
  // up to and including its own.
  std::span<const std::pair<std::int64_t, std::size_t>> ring() const { return ring_; }
  // The index of the node whose range holds `token`; nodes() must not be empty.
  std::size_t owner(std::int64_t token) const;

 private:
  std::string cluster_name_;
  std::string partitioner_;
  std::vector<CqlNode> nodes_;
  std::vector<std::pair<std::int64_t, std::size_t>> ring_;
};

}  // namespace penstock::client
