// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/uuid.h"
#include "client/cql_client.h"
#include "client/cql_config.h"
#include "client/cql_connection.h"
#include "client/cql_in_flight_limit.h"

namespace penstock::client {

// The connections to one node: as many as wished for, each dialled again with back-off when it is
// refused or breaks, at an older protocol version when the node asks for that (which is
// remembered). Gives the node as many requests at a time as it copes with. Keeps its metrics.
//
// Lives on the loop. After retire() or close() it dials no more and tells nobody.
class CqlNodePool : public std::enable_shared_from_this<CqlNodePool> {
 public:
  using ConnectionPtr = std::shared_ptr<CqlConnection>;
  struct Events {
    std::function<void(CqlNodePool&, const ConnectionPtr&)> on_ready;
    // A connection broke, or an attempt at one failed.
    std::function<void(CqlNodePool&, const CqlConnection*, const Error&)> on_gone;
    std::function<void(const CqlConnection*, const cql::ServerEvent&)> on_event;
  };

  CqlNodePool(const CqlConfig& config, net::Loop& loop, const Dial& dial, Metrics& metrics,
              net::Address address, std::uint8_t version, Events events);

  // Dials until there are so many connections.
  void start(std::size_t connections);
  // Something says that the node is there: those that wait to dial again do it now.
  void dial_now();
  // Takes no more requests and closes once those in flight are answered, at the latest when their
  // time is up.
  void retire();
  void close();

  const net::Address& address() const { return address_; }
  const Uuid& host_id() const { return host_id_; }
  void identify(const Uuid& host_id) { host_id_ = host_id; }
  bool connected() const { return any_ready() != nullptr; }
  ConnectionPtr any_ready() const;
  // The one with the least in flight that takes a request; null if none does, or the node has
  // enough.
  CqlConnection* least_loaded() const;
  // How many requests the node is given at a time.
  std::size_t in_flight_limit() const { return limit_.limit; }

  // What became of a request to this node. `kind` of a failure: the name of the CQL error, or
  // "unanswered".
  void sent();
  void answered(Duration after);
  void failed(Duration after, std::string_view kind, CqlLoadSign sign);

 private:
  struct Place {
    ConnectionPtr connection;
    int failures = 0;
    net::TimerId timer = net::TimerId::None;
    bool counted = false;  // as connected
  };

  void done(Duration after, CqlLoadSign sign);
  void show_limit(std::size_t limit);
  void dial(std::size_t place);
  void ready(std::size_t place);
  void gone(std::size_t place, const CqlConnection* which, const Error& why, bool step_down);
  void count_out(Place& place);
  bool idle() const;

  const CqlConfig config_;
  net::Loop& loop_;
  const Dial dial_;
  Metrics& metrics_;
  const net::Address address_;
  Events events_;
  Uuid host_id_;
  std::uint8_t version_;
  std::vector<Place> places_;
  CqlInFlightLimit limit_;
  std::size_t limit_shown_ = 0;
  std::size_t unanswered_ = 0;
  bool retired_ = false;
  std::mt19937_64 random_;

  Metrics::Counter requests_;
  Metrics::Counter disconnects_;
  Metrics::Gauge in_flight_;
  Metrics::Gauge in_flight_limit_;
  Metrics::Gauge connections_;
  Metrics::Histogram seconds_;
};

}  // namespace penstock::client
