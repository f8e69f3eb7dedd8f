// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/function.h"
#include "base/metrics.h"
#include "base/result.h"
#include "client/cql_config.h"
#include "client/cql_result_set.h"
#include "client/cql_topology.h"
#include "client/cql_write_batch.h"
#include "net/connection.h"

namespace penstock::client {

struct QueryOptions {
  std::optional<cql::Consistency> consistency;  // none: the configuration's
  std::optional<std::int32_t> page_size = 5000;
  std::optional<Bytes> paging_state;
  std::optional<std::int64_t> timestamp_micros;  // none: the client's clock, strictly rising
  bool idempotent = false;                       // may be sent again when the outcome is unknown
};

// What connecting has taught about the server.
struct CqlServerInfo {
  std::uint8_t protocol_version = 0;
  std::string release_version;
  // Of a server whose BATCH is atomic and durable as a whole (SUPPORTED has PENSTOCK_ATOMIC_BATCH);
  // 0: it is not.
  std::size_t atomic_batch_statements_max = 0;
  std::size_t atomic_batch_bytes_max = 0;
  std::shared_ptr<const CqlTopology> topology;
};

// How connections are made; tests put theirs here.
using Dial = std::function<void(net::Loop&, const net::Address&, Duration timeout,
                                const net::ConnectionLimits&, net::MakeSession,
                                Function<void(Result<net::ConnectionPtr>)>)>;

// Our CQL client: learns the cluster's nodes from the contact points and from events, keeps
// connections to those of the local datacenter (back-off when one is away), spreads requests over
// them, least loaded first, repeats what may be repeated (cql_retry.h), prepares again what a
// server forgot, and holds at most so many requests and bytes in flight.
//
// State lives on `loop`; members may be called from any thread, and callbacks come on the loop. The
// values given to a callback-style call are copied into the frame before it returns, except
// write(), whose batch keeps its own alive. Errors: Timeout means that the outcome is unknown;
// Unavailable that nothing was done; others carry the server's words.
class CqlClient {
 public:
  static std::unique_ptr<CqlClient> open(const CqlConfig& config, net::Loop& loop, Metrics& metrics,
                                         Dial dial = {});
  // close()
  ~CqlClient();
  CqlClient(const CqlClient&) = delete;
  CqlClient& operator=(const CqlClient&) = delete;

  // Calls `done` once a connection is ready to take requests, or with the last failure when
  // `timeout` has passed. Requests made before wait for a connection for at most their
  // request_timeout.
  void when_ready(Duration timeout, Function<void(Result<CqlServerInfo>)> done);
  // The latest; protocol_version 0 before the first connection is ready.
  CqlServerInfo server() const;

  void query(std::string text, const QueryOptions& options, Function<void(Result<ResultSet>)> done);
  // Answers from the cache if keyspace and text are known.
  void prepare(std::string text, Function<void(Result<PreparedPtr>)> done);
  void execute(const PreparedPtr& statement, const std::vector<cql::CellValue>& values,
               const QueryOptions& options, Function<void(Result<ResultSet>)> done);

  // Writes all rows, then the extras. `done` is called once: with success when every statement is
  // acknowledged, or with the first error that retries did not cure; then nothing is known about
  // which rows are there, and the extras have not been sent unless they travelled with the rows.
  // - On a server with atomic batches: one BATCH, all or nothing (TooLarge if it does not fit: cut
  // it before). Its frame is built on
  //   the calling thread.
  // - Elsewhere: unlogged batches of rows of one partition, single EXECUTEs, pipelined within the
  // bounds; the extras after the last acknowledgement. The statement must be idempotent (INSERT or
  // UPDATE by key with client timestamps): it is repeated freely.
  void write(WriteBatch batch, Function<void(Result<WriteOutcome>)> done);
  // How many rows of about `bytes_per_row` one atomic batch takes; SIZE_MAX where there are none.
  std::size_t atomic_rows_max(std::size_t bytes_per_row) const;

  // The same, waiting. Not on a loop.
  Result<CqlServerInfo> wait_ready(Duration timeout);
  Result<ResultSet> query(const std::string& text, const QueryOptions& options = {});
  Result<PreparedPtr> prepare(const std::string& text);
  Result<ResultSet> execute(const PreparedPtr& statement, const std::vector<cql::CellValue>& values,
                            const QueryOptions& options = {});
  Result<WriteOutcome> write(WriteBatch batch);

  // Schema, topology and status events of the server; call before the first connection is ready, or
  // miss some.
  void on_event(std::function<void(const cql::ServerEvent&)> handler);

  // Fails what waits or is in flight with Closed (in flight: outcome unknown), closes the
  // connections. Callbacks have all been called when it returns. Not on the loop.
  void close();

 private:
  struct Impl;
  explicit CqlClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::client
