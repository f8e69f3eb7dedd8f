// SPDX-License-Identifier: Apache-2.0
#include "client/cql_replicas.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "wire/cql/murmur3.h"

namespace penstock::client {
namespace {

constexpr std::size_t kComponentBytesMax = 65'535;

// "3"; "3/1" is three of which one is transient.
std::optional<int> factor_of(std::string_view text) {
  int factor = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), factor).ec != std::errc())
    return std::nullopt;
  return factor;
}

std::size_t factor_of(const CqlReplication& replication, const std::string& name) {
  const auto at = replication.factors.find(name);
  return at == replication.factors.end() ? 0 : static_cast<std::size_t>(std::max(at->second, 0));
}

// What one datacenter still has to place, while a walk around the ring passes its nodes: nodes of
// racks that have none yet, and as many others as there are more replicas than racks.
struct DatacenterQuota {
  std::size_t left = 0;
  std::size_t repeats = 0;
  std::set<std::string> racks;

  bool takes(const std::string& rack) {
    if (left == 0) return false;
    if (!racks.insert(rack).second) {
      if (repeats == 0) return false;
      --repeats;
    }
    --left;
    return true;
  }
};

std::map<std::string, DatacenterQuota> quotas(const CqlTopology& topology,
                                              const CqlReplication& replication) {
  std::map<std::string, std::size_t> nodes;
  std::map<std::string, std::set<std::string>> racks;
  for (const CqlNode& node : topology.nodes()) {
    ++nodes[node.datacenter];
    racks[node.datacenter].insert(node.rack);
  }
  std::map<std::string, DatacenterQuota> quotas;
  for (const auto& [datacenter, count] : nodes) {
    const std::size_t factor = factor_of(replication, datacenter);
    DatacenterQuota& quota = quotas[datacenter];
    quota.left = std::min(factor, count);
    quota.repeats = factor - std::min(factor, racks[datacenter].size());
  }
  return quotas;
}

}  // namespace

std::map<std::string, CqlReplication> read_replications(const ResultSet& rows) {
  std::map<std::string, CqlReplication> all;
  const auto name = rows.column("keyspace_name");
  const auto map = rows.column("replication");
  if (!name || !map) return all;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    CqlReplication replication;
    cql::Reader from(rows.cell(row, *map).view(), 4);
    for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
      const std::string key(from.bytes().view());
      const std::string_view value = from.bytes().view();
      if (key == "class") {
        replication.strategy = value.substr(value.rfind('.') + 1);
      } else if (const auto factor = factor_of(value)) {
        replication.factors[key] = *factor;
      }
    }
    if (from.ok() && !replication.strategy.empty())
      all[std::string(rows.cell(row, *name).view())] = std::move(replication);
  }
  return all;
}

CqlReplicas::CqlReplicas(const CqlTopology& topology, const CqlReplication& replication) {
  const auto ring = topology.ring();
  const bool simple = replication.strategy == "SimpleStrategy";
  const bool everywhere = replication.strategy == "EverywhereStrategy";
  const bool by_datacenter = replication.strategy == "NetworkTopologyStrategy";
  if (!simple && !everywhere && !by_datacenter) return;
  const auto fresh =
      by_datacenter ? quotas(topology, replication) : std::map<std::string, DatacenterQuota>{};
  std::size_t wanted =
      everywhere ? topology.nodes().size()
                 : std::min(factor_of(replication, "replication_factor"), topology.nodes().size());
  if (by_datacenter) {
    wanted = 0;
    for (const auto& [datacenter, quota] : fresh) wanted += quota.left;
  }
  std::vector<bool> seen;
  for (std::size_t range = 0; range < ring.size(); ++range) {
    seen.assign(topology.nodes().size(), false);
    auto open = fresh;
    const std::size_t begin = nodes_.size();
    for (std::size_t step = 0; step < ring.size() && nodes_.size() < begin + wanted; ++step) {
      const std::size_t index = ring[(range + step) % ring.size()].second;
      if (seen[index]) continue;
      const CqlNode& node = topology.nodes()[index];
      // One that was passed over for its rack may be taken at a later token of its own.
      seen[index] = !by_datacenter || open[node.datacenter].takes(node.rack);
      if (seen[index]) nodes_.push_back(static_cast<std::uint32_t>(index));
    }
    tokens_.push_back(ring[range].first);
    ends_.push_back(static_cast<std::uint32_t>(nodes_.size()));
  }
}

std::span<const std::uint32_t> CqlReplicas::of(std::int64_t token) const {
  if (tokens_.empty()) return {};
  // A range ends with its token; beyond the last the ring begins anew.
  const auto at = std::ranges::lower_bound(tokens_, token);
  const std::size_t range =
      at == tokens_.end() ? 0 : static_cast<std::size_t>(at - tokens_.begin());
  const std::size_t begin = range == 0 ? 0 : ends_[range - 1];
  return std::span(nodes_).subspan(begin, ends_[range] - begin);
}

std::optional<std::int64_t> routing_token(const Prepared& statement,
                                          std::span<const cql::CellValue> values) {
  const std::vector<std::uint16_t>& markers = statement.partition_key_markers;
  if (markers.empty()) return std::nullopt;
  std::vector<BytesView> components;
  components.reserve(markers.size());
  for (const std::uint16_t marker : markers) {
    if (marker >= values.size() || values[marker].absent()) return std::nullopt;
    components.push_back(values[marker].view());
    if (components.back().size() > kComponentBytesMax) return std::nullopt;
  }
  if (components.size() == 1) return cql::token(components.front());
  Bytes key;
  cql::append_partition_key(components, key);
  return cql::token(key);
}

}  // namespace penstock::client
