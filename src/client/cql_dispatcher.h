// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "client/cql_client.h"
#include "client/cql_config.h"
#include "client/cql_connection.h"
#include "client/cql_retry.h"

namespace penstock::client {

// The heart of CqlClient: keeps the wished-for connections alive, hands each request to the least
// loaded one, and decides what happens when it fails. Lives on the loop (all members there, except
// info() and the cache's prepared()); shared, since callbacks of loop and network may come after
// close(), when they find nothing to do.
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

    int attempt = 0;
    int prepared_again = 0;
    std::size_t frame_bytes = 0;
    TimePoint give_up{};  // while it waits for a connection
    const CqlConnection* avoid = nullptr;
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
  void on_event(std::function<void(const cql::ServerEvent&)> handler) {
    handler_ = std::move(handler);
  }

 private:
  // One connection that we want to have.
  struct Place {
    net::Address address;
    std::shared_ptr<CqlConnection> connection;
    int failures = 0;
    std::uint8_t version = cql::kVersionMax;
  };
  using RequestPtr = std::shared_ptr<Request>;
  struct Waiter {
    std::uint64_t id;
    Function<void(Result<CqlServerInfo>)> done;
    net::TimerId timer;
  };

  void connect(std::size_t place);
  void on_ready(std::size_t place);
  void on_gone(std::size_t place, const Error& why, bool step_down);
  void fail_everybody(const Error& why);

  void read_topology(std::size_t place);
  void topology_known(Result<CqlTopology> topology);
  void ask(const std::shared_ptr<CqlConnection>& connection, std::string text,
           Function<void(Result<ResultSet>)> done);
  void register_for_events(const std::shared_ptr<CqlConnection>& connection);
  void on_server_event(const cql::ServerEvent& event);

  CqlConnection* pick(const CqlConnection* avoid);
  bool room_for(std::size_t bytes) const;
  void pump();
  void send(CqlConnection& connection, const RequestPtr& request);
  void on_reply(const std::shared_ptr<CqlConnection>& connection, const RequestPtr& request,
                Result<CqlConnection::Reply> reply);
  void retry(const RequestPtr& request, RetryAction action,
             const std::shared_ptr<CqlConnection>& connection);
  void prepare_again(const std::shared_ptr<CqlConnection>& connection, const RequestPtr& request,
                     const cql::ErrorResponse& error);
  void arm_waiting();
  void expire_waiting();
  Duration backoff(int failures);

  const CqlConfig config_;
  net::Loop& loop_;
  Dial dial_;
  Metrics::Counter requests_total_;
  Metrics::Counter retries_total_;
  Metrics::Counter disconnects_total_;
  std::mt19937_64 random_;

  std::vector<Place> places_;
  std::deque<RequestPtr> waiting_;
  std::size_t bytes_in_flight_ = 0;
  net::TimerId waiting_timer_ = net::TimerId::None;
  net::TimerId refresh_timer_ = net::TimerId::None;
  std::vector<Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
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
