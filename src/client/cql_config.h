// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/address.h"
#include "net/tls.h"
#include "wire/cql/consistency.h"
#include "wire/cql/frame.h"

namespace penstock::client {

// How to reach a CQL cluster: built in, Cassandra, ScyllaDB. The defaults are those of the mature
// drivers.
struct CqlConfig {
  // Where the cluster is asked for its nodes; what they answer is where requests go.
  std::vector<net::Address> contact_points;
  std::string user;  // empty: none; a server that asks for it then refuses us
  std::string password;
  std::optional<net::TlsOptions> tls;  // none: in the clear
  std::string keyspace;                // USEd on each connection; empty: none
  // Only its nodes are used; empty: that of the contact point that answers first.
  std::string local_dc;
  cql::Compression compression = cql::Compression::None;
  // The native protocol's; none: the newest that the server takes, found by stepping down.
  std::optional<std::uint8_t> protocol_version;
  cql::Consistency consistency = cql::Consistency::LocalOne;

  std::size_t connections_per_node = 1;
  // Requests to a node: between these, as it copes (cql_in_flight_limit.h).
  std::size_t in_flight_min = 64;
  std::size_t in_flight_max = 2000;
  std::size_t bytes_in_flight_max =
      256 << 20;  // request bytes, all connections; a request beyond it waits
  std::size_t queued_max =
      100'000;  // requests that wait for a connection; one more fails with Unavailable
  std::size_t frame_bytes_max = 256 << 20;  // longer answers break the connection

  Duration connect_timeout = std::chrono::seconds(5);
  Duration request_timeout =
      std::chrono::seconds(12);  // an answer later than that: Timeout, outcome unknown
  Duration heartbeat = std::chrono::seconds(30);  // OPTIONS on an idle connection
  Duration backoff_first =
      Millis(50);  // before connecting again; doubles, with jitter, up to backoff_max
  Duration backoff_max = std::chrono::seconds(10);
  // The cluster's nodes are read anew so often, should an event be lost.
  Duration refresh_interval = std::chrono::seconds(60);
  // After DDL, until all nodes that are up have the same schema; later the answer comes anyway,
  // with a warning.
  Duration schema_agreement_timeout = std::chrono::seconds(10);
  Duration schema_agreement_interval = Millis(200);
  int retries_max = 5;  // of one request, see cql_retry.h

  bool operator==(const CqlConfig&) const = default;
};

}  // namespace penstock::client
