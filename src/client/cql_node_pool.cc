// SPDX-License-Identifier: Apache-2.0
#include "client/cql_node_pool.h"

#include <algorithm>

#include "base/logging.h"
#include "client/cql_backoff.h"

namespace penstock::client {
namespace {

constexpr std::string_view kRoom = "cql-client";
// Where a connection's limit begins: what most servers cope with.
constexpr std::size_t kInFlightFirst = 512;

}  // namespace

// Several clients of a process share a node's lines: gauges only rise and fall, and no line is ever
// removed.
CqlNodePool::CqlNodePool(const CqlConfig& config, net::Loop& loop, const Dial& dial,
                         Metrics& metrics, net::Address address, std::uint8_t version,
                         Events events)
    : config_(config),
      loop_(loop),
      dial_(dial),
      metrics_(metrics),
      address_(std::move(address)),
      events_(std::move(events)),
      version_(config.protocol_version.value_or(version)),
      limit_(config.in_flight_min, config.in_flight_max,
             kInFlightFirst * config.connections_per_node),
      random_(std::random_device{}()) {
  const Labels node{{"node", address_.text()}};
  requests_ = metrics.counter("penstock_cql_client_requests_total",
                              "Requests sent to the node, repeated ones too.", node);
  disconnects_ =
      metrics.counter("penstock_cql_client_disconnects_total",
                      "Connections to the node that failed or broke, attempts too.", node);
  in_flight_ =
      metrics.gauge("penstock_cql_client_in_flight", "Requests that the node has to answer.", node);
  in_flight_limit_ = metrics.gauge("penstock_cql_client_in_flight_limit",
                                   "Requests that the node is given at a time, as it copes.", node);
  connections_ =
      metrics.gauge("penstock_cql_client_connections", "Connections that take requests.", node);
  seconds_ = metrics.histogram("penstock_cql_client_request_seconds",
                               "From sending a request to its answer, errors too.", node);
}

void CqlNodePool::show_limit(std::size_t limit) {
  if (limit == limit_shown_) return;
  in_flight_limit_.add(static_cast<double>(limit) - static_cast<double>(limit_shown_));
  limit_shown_ = limit;
}

void CqlNodePool::start(std::size_t connections) {
  show_limit(limit_.limit);
  while (places_.size() < connections) {
    places_.emplace_back();
    dial(places_.size() - 1);
  }
}

void CqlNodePool::dial(std::size_t place) {
  if (retired_) return;
  places_[place].timer = net::TimerId::None;
  const auto weak = weak_from_this();
  CqlConnection::Events events;
  auto which = std::make_shared<const CqlConnection*>(nullptr);
  events.on_ready = [weak, place] {
    if (const auto self = weak.lock()) self->ready(place);
  };
  events.on_gone = [weak, place, which](const Error& why, bool step_down) {
    if (const auto self = weak.lock()) self->gone(place, *which, why, step_down);
  };
  events.on_event = [weak, which](const cql::ServerEvent& event) {
    const auto self = weak.lock();
    if (self != nullptr && !self->retired_) self->events_.on_event(*which, event);
  };
  auto connection = std::make_shared<CqlConnection>(config_, address_, version_, std::move(events));
  *which = connection.get();
  places_[place].connection = connection;
  net::ConnectionLimits limits;
  limits.frame_bytes_max = config_.frame_bytes_max;
  dial_(
      loop_, address_, config_.connect_timeout, limits,
      [connection](const net::ConnectionPtr&) { return CqlConnection::session(connection); },
      [weak, place, connection](Result<net::ConnectionPtr> connected) {
        const auto self = weak.lock();
        if (!connected && self != nullptr && self->places_[place].connection == connection)
          self->gone(place, connection.get(), connected.error(), false);
      });
}

void CqlNodePool::ready(std::size_t place) {
  Place& here = places_[place];
  const ConnectionPtr connection = here.connection;
  if (retired_) return connection->close();
  if (here.failures > 0) log_info(kRoom, "connected to {} again", address_.text());
  here.failures = 0;
  here.counted = true;
  connections_.add(1);
  events_.on_ready(*this, connection);
}

void CqlNodePool::count_out(Place& place) {
  if (std::exchange(place.counted, false)) connections_.add(-1);
}

void CqlNodePool::gone(std::size_t place, const CqlConnection* which, const Error& why,
                       bool step_down) {
  const auto self = shared_from_this();
  Place& here = places_[place];
  if (here.connection.get() != which) return;
  const ConnectionPtr connection = std::exchange(here.connection, nullptr);
  count_out(here);
  if (retired_) return;
  if (step_down && version_ > cql::kVersionMin) {
    // Another connection may have stepped down already.
    version_ = std::min<std::uint8_t>(version_, connection->version() - 1);
    return dial(place);
  }
  disconnects_.add();
  if (here.failures++ == 0)
    log_warn(kRoom, "no connection to {}: {}; trying again", address_.text(), why.message);
  here.timer =
      loop_.after(backoff(config_, here.failures, random_()), [weak = weak_from_this(), place] {
        if (const auto alive = weak.lock()) alive->dial(place);
      });
  events_.on_gone(*this, which, why);
}

void CqlNodePool::dial_now() {
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (places_[place].timer == net::TimerId::None) continue;
    loop_.cancel(std::exchange(places_[place].timer, net::TimerId::None));
    dial(place);
  }
}

bool CqlNodePool::idle() const {
  return std::ranges::all_of(places_, [](const Place& place) {
    return place.connection == nullptr || place.connection->in_flight() == 0;
  });
}

void CqlNodePool::retire() {
  if (std::exchange(retired_, true)) return;
  if (idle()) return close();
  loop_.after(config_.request_timeout, [self = shared_from_this()] { self->close(); });
}

void CqlNodePool::close() {
  const auto self = shared_from_this();
  retired_ = true;
  show_limit(0);
  for (Place& place : places_) {
    loop_.cancel(std::exchange(place.timer, net::TimerId::None));
    count_out(place);
    const ConnectionPtr connection = std::exchange(place.connection, nullptr);
    if (connection != nullptr) connection->close();
  }
  events_ = {};
}

CqlNodePool::ConnectionPtr CqlNodePool::any_ready() const {
  for (const Place& place : places_) {
    if (place.connection != nullptr && place.connection->ready()) return place.connection;
  }
  return nullptr;
}

CqlConnection* CqlNodePool::least_loaded() const {
  CqlConnection* best = nullptr;
  if (retired_ || unanswered_ >= limit_.limit) return nullptr;
  for (const Place& place : places_) {
    CqlConnection* candidate = place.connection.get();
    if (candidate == nullptr || !candidate->can_send()) continue;
    if (best == nullptr || candidate->in_flight() < best->in_flight()) best = candidate;
  }
  return best;
}

void CqlNodePool::sent() {
  requests_.add();
  in_flight_.add(1);
  count_sent(limit_, ++unanswered_);
}

void CqlNodePool::answered(Duration after) {
  done(after, CqlLoadSign::Fine);
}

void CqlNodePool::done(Duration after, CqlLoadSign sign) {
  --unanswered_;
  const TimePoint now = loop_.clock().now();
  adapt(limit_, now - after, now, sign);
  if (!retired_) show_limit(limit_.limit);
  in_flight_.add(-1);
  seconds_.observe(std::chrono::duration<double>(after).count());
  if (retired_ && idle()) loop_.post([self = shared_from_this()] { self->close(); });
}

void CqlNodePool::failed(Duration after, std::string_view kind, CqlLoadSign sign) {
  done(after, sign);
  metrics_
      .counter("penstock_cql_client_errors_total", "Requests that the node failed, by kind.",
               {{"node", address_.text()}, {"kind", std::string(kind)}})
      .add();
}

}  // namespace penstock::client
