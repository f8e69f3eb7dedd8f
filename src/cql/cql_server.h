// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/uuid.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/loop.h"

namespace penstock::table {
class Store;
}

namespace penstock::cql_server {

// What the server says about itself and how much it lets one client hold.
struct CqlConfig {
  std::string cluster_name = "Test Cluster";
  std::string data_center = "datacenter1";
  std::string rack = "rack1";
  // Drivers choose their system tables by it: 4.x has peers_v2, virtual schema tables and
  // server-side DESCRIBE.
  std::string release_version = "4.1.7";
  // Zero: derived from the cluster's name, so it stays the same over restarts.
  Uuid host_id;
  int tokens = 16;  // evenly spaced; clients split full scans by them

  std::size_t frame_bytes_max = 128 << 20;  // one request; atomic batches are long
  std::size_t in_flight_bytes_max =
      160 << 20;  // a connection's unanswered requests; reading pauses above
  std::size_t connections_max = 10'000;
  std::size_t prepared_max = 10'000;  // statements kept prepared; the least recently used go first
};

// Serves CQL (native protocol v3 and v4) over one table::Store.
//
// Owns the listening socket, the sessions (each lives on its connection's loop), the prepared
// statements and the system tables. Does not own the store, the loops, the pool, the metrics or the
// clock: they must outlive it. A write is answered when table::Store says that it is durable; reads
// run on the blocking pool. stop() tells clients that listen for STATUS_CHANGE that this node is
// down, and closes every connection; requests that were with the store then finish there,
// unanswered.
class CqlServer {
 public:
  static Result<std::unique_ptr<CqlServer>> open(CqlConfig config, table::Store& store,
                                                 std::vector<net::Loop*> loops,
                                                 net::BlockingPool& pool, Metrics& metrics,
                                                 const Clock& clock = system_clock());
  ~CqlServer();  // stop()
  CqlServer(const CqlServer&) = delete;
  CqlServer& operator=(const CqlServer&) = delete;

  // Starts to accept connections; once. Fails with Conflict when the address is taken.
  Result<void> listen(const net::Address& address);
  // Where it listens, with the real port.
  const net::Address& address() const;

  // A session for a connection that somebody else accepted (tests: net::FakeConnection).
  std::unique_ptr<net::Session> make_session(const net::ConnectionPtr& connection);

  // Closes every connection and waits until nothing of this server runs on the loops or the pool.
  // Not from a loop.
  void stop();

  struct Impl;

 private:
  explicit CqlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::cql_server
