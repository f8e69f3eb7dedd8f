// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "client/cql_client.h"
#include "client/cql_config.h"
#include "client/cql_connection.h"
#include "client/cql_node_pool.h"
#include "client/cql_node_set.h"
#include "client/cql_replicas.h"
#include "client/cql_retry.h"

namespace penstock::client {

// The heart of CqlClient: hands each request to a node of the local datacenter, and decides what
// happens when it fails. The cluster's side (which nodes there are, the control connection, schema
// agreement) is in cql_dispatcher_cluster.cc.
//
// Lives on the loop (all members there, except info() and the cache's prepared()); shared, since
// callbacks of loop and network may come after close(), when they find nothing to do.
class CqlDispatcher : public std::enable_shared_from_this<CqlDispatcher> {
 public:
  // A request until it is answered. `encode` gives its frame anew for each try, with stream 0;
  // `first_frame` saves the first one.
  struct Request {
    Function<Bytes(std::uint8_t version)> encode;
    Bytes first_frame;
    std::uint8_t first_version = 0;
    bool idempotent = false;
    cql::Consistency consistency = cql::Consistency::One;
    Function<void(Result<CqlConnection::Reply>)>
        done;  // never with an ERROR frame: those become Errors

    // Where the row is, if that can be told: a replica is asked then.
    PreparedPtr statement;
    std::optional<std::int64_t> token;

    int attempt = 0;
    int prepared_again = 0;
    std::size_t frame_bytes = 0;
    TimePoint give_up{};                  // while it waits for a connection
    const CqlNodePool* avoid = nullptr;   // where it failed, to compare only
    const CqlNodePool* prefer = nullptr;  // where it is to be repeated
  };

  CqlDispatcher(const CqlConfig& config, net::Loop& loop, Metrics& metrics, Dial dial);

  void start();
  void submit(Request request);
  void when_ready(Duration timeout, Function<void(Result<CqlServerInfo>)> done);
  void close();

  const CqlConfig& config() const { return config_; }
  net::Loop& loop() { return loop_; }
  CqlServerInfo info() const;                   // any thread
  std::int64_t next_timestamp();                // any thread; microseconds, strictly rising
  void remember(const PreparedPtr& statement);  // any thread
  PreparedPtr prepared(const std::string& keyspace,
                       const std::string& text) const;  // any thread; null if unknown
  // The statement as the server has last described it; any thread.
  PreparedPtr latest(const PreparedPtr& statement) const;
  // The server says that the statement's rows have other columns now (protocol v5). Any thread.
  void redescribe(const PreparedPtr& statement, Bytes result_metadata_id,
                  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns);
  void on_event(std::function<void(const cql::ServerEvent&)> handler) {
    handler_ = std::move(handler);
  }
  // How many requests the nodes that are connected take at a time; at least what one does.
  std::size_t capacity() const;

 private:
  using ConnectionPtr = std::shared_ptr<CqlConnection>;
  using PoolPtr = std::shared_ptr<CqlNodePool>;
  using RequestPtr = std::shared_ptr<Request>;
  struct Waiter {
    std::uint64_t id;
    Function<void(Result<CqlServerInfo>)> done;
    net::TimerId timer;
  };
  // The answer to a DDL statement, held back until the nodes agree on the schema.
  struct Agreeing {
    ConnectionPtr connection;
    RequestPtr request;
    cql::FrameHeader header;
    Bytes body;
    std::vector<std::string> warnings;
    TimePoint give_up;
  };
  struct Target {
    PoolPtr pool;
    CqlConnection* connection = nullptr;
  };

  // The cluster.
  PoolPtr add_pool(const net::Address& address);
  void retire(const PoolPtr& pool);
  void seed();
  void seed_later();
  void on_ready(CqlNodePool& pool, const ConnectionPtr& connection);
  void on_gone(const CqlConnection* connection, const Error& why);
  void take_control(const PoolPtr& pool, const ConnectionPtr& connection);
  void move_control();
  void read_topology();
  void read_nodes(const ConnectionPtr& connection, std::function<void(Result<CqlTopology>)> done);
  void topology_known(const ConnectionPtr& from, Result<CqlTopology> topology);
  void read_keyspaces(const ConnectionPtr& from);
  void use_nodes(const CqlTopology& topology, const CqlLocalNodes& local);
  void refresh_in(Duration delay, bool nodes_changed = false);
  void ask(const ConnectionPtr& connection, std::string text,
           Function<void(Result<ResultSet>)> done);
  bool schema_agrees(const CqlTopology& topology) const;
  void agree(const ConnectionPtr& connection, const RequestPtr& request,
             CqlConnection::Reply reply);
  void agree_again(std::uint64_t id);
  void agreed(std::uint64_t id, const std::string& warning);
  void forget_statements(const cql::SchemaChange& change);
  void on_server_event(const CqlConnection* from, const cql::ServerEvent& event);
  bool usable() const;  // the cluster is known, and some node of it takes requests
  void answer_waiters();
  void fail_everybody(const Error& why);

  // Requests.
  Target pick(const Request& request);
  Target pick_replica(const Request& request);
  std::span<const std::uint32_t> replicas_of(const Request& request);
  bool room_for(std::size_t bytes) const;
  void pump();
  void send(const Target& target, const RequestPtr& request);
  void on_reply(const PoolPtr& pool, const ConnectionPtr& connection, const RequestPtr& request,
                Duration after, Result<CqlConnection::Reply> reply);
  void retry(const RequestPtr& request, RetryAction action, const PoolPtr& pool);
  void prepare_again(const PoolPtr& pool, const ConnectionPtr& connection,
                     const RequestPtr& request, const cql::ErrorResponse& error);
  void prepared_again(const PoolPtr& pool, const ConnectionPtr& connection,
                      const PreparedPtr& statement, Result<CqlConnection::Reply> reply);
  void arm_waiting();
  void expire_waiting();

  const CqlConfig config_;
  net::Loop& loop_;
  Metrics& metrics_;
  Dial dial_;
  Metrics::Counter retries_total_;
  std::mt19937_64 random_;

  std::vector<PoolPtr> pools_;
  std::vector<PoolPtr> retired_;  // until the next change of the cluster
  ConnectionPtr control_;         // hears events and is asked about the cluster
  PoolPtr control_pool_;
  std::string datacenter_;        // the local one; empty: not known yet
  std::vector<PoolPtr> pool_of_;  // by the topology's index; null: not used
  std::map<std::string, CqlReplication> keyspaces_;
  // Worked out when first asked for; by keyspace.
  std::unordered_map<std::string, std::shared_ptr<const CqlReplicas>> replicas_;
  std::optional<Error> misplaced_;  // why no node of the cluster may be used
  std::set<std::string> down_;      // addresses of nodes, as events say
  std::map<std::uint64_t, Agreeing> agreeing_;
  std::uint64_t last_agreeing_ = 0;
  int seedings_ = 0;  // since a connection was ready
  // The oldest protocol version that a node has agreed to: where others begin.
  std::uint8_t version_ = cql::kVersionMax;
  net::TimerId seed_timer_ = net::TimerId::None;
  net::TimerId refresh_timer_ = net::TimerId::None;
  TimePoint refresh_at_{};
  bool nodes_changed_ = false;  // an event said so since the last reading

  std::deque<RequestPtr> waiting_;
  std::size_t bytes_in_flight_ = 0;
  net::TimerId waiting_timer_ = net::TimerId::None;
  std::vector<Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
  // Requests that wait for their statement to be prepared anew on a connection.
  std::map<std::pair<const CqlConnection*, Bytes>, std::vector<RequestPtr>> preparing_;
  Error last_error_{Code::Unavailable, "not connected yet"};
  std::function<void(const cql::ServerEvent&)> handler_;
  bool closed_ = false;
  bool pumping_ = false;

  mutable std::mutex mutex_;  // of what follows
  CqlServerInfo info_;
  std::int64_t last_timestamp_ = 0;
  std::unordered_map<std::string, PreparedPtr> by_text_;  // keyspace, zero, text
  std::unordered_map<std::string, PreparedPtr> by_id_;
};

}  // namespace penstock::client
