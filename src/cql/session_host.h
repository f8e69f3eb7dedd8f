// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "cql/executor.h"
#include "cql/outbox.h"

namespace penstock::cql_server {

// What all sessions of a server share: the executor, who wants to hear events, and the count of
// requests under way.
class SessionHost : public std::enable_shared_from_this<SessionHost> {
 public:
  SessionHost(const CqlConfig& with, table::Store& store, net::BlockingPool& blocking,
              Metrics& metrics, const Clock& clock)
      : config(with),
        executor(with, store, blocking, metrics, clock),
        pool(blocking),
        requests(metrics.counter("penstock_cql_requests_total", "Requests of CQL clients.")),
        errors(metrics.counter("penstock_cql_errors_total",
                               "Requests of CQL clients answered with an error.")),
        seconds(metrics.histogram("penstock_cql_request_seconds",
                                  "From the arrival of a CQL request to its answer.")),
        connections(metrics.gauge("penstock_cql_connections", "Open CQL connections.")) {
    executor.on_schema_change([this](const cql::SchemaChange& change) { announce(change); });
  }

  // Counts one request from its making to its end.
  class Under {
   public:
    explicit Under(std::shared_ptr<SessionHost> host) : host_(std::move(host)) {
      const std::lock_guard lock(host_->mutex_);
      ++host_->under_way_;
    }
    Under(Under&&) noexcept = default;
    Under& operator=(Under&&) = delete;
    ~Under() {
      if (!host_) return;
      const std::lock_guard lock(host_->mutex_);
      if (--host_->under_way_ == 0) host_->idle_.notify_all();
    }

   private:
    std::shared_ptr<SessionHost> host_;
  };
  void wait_until_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return under_way_ == 0; });
  }

  // A connection that wants to hear events. `node` is this server's address as its client has it.
  struct Subscriber {
    std::shared_ptr<Outbox> outbox;
    std::uint8_t version = 4;
    cql::Inet node;
    bool schema = false;
    bool status = false;
  };
  void subscribe(std::uint64_t connection, Subscriber subscriber) {
    const std::lock_guard lock(mutex_);
    subscribers_[connection] = std::move(subscriber);
  }
  void unsubscribe(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    subscribers_.erase(connection);
  }
  void announce(const cql::SchemaChange& change) {
    const std::lock_guard lock(mutex_);
    for (const auto& [connection, subscriber] : subscribers_)
      if (subscriber.schema) tell(subscriber, change);
  }
  // The server stops in good order: its clients need not find out by a failed request.
  void announce_down() {
    const std::lock_guard lock(mutex_);
    for (const auto& [connection, subscriber] : subscribers_)
      if (subscriber.status) tell(subscriber, cql::StatusChange{"DOWN", subscriber.node});
  }

  const CqlConfig config;
  Executor executor;
  net::BlockingPool& pool;
  Metrics::Counter requests;
  Metrics::Counter errors;
  Metrics::Histogram seconds;
  Metrics::Gauge connections;

 private:
  static void tell(const Subscriber& subscriber, const cql::ServerEvent& event) {
    auto frame = cql::FrameWriter::response(subscriber.version, -1, cql::Opcode::Event);
    cql::Writer body = frame.body();
    cql::write(body, event);
    subscriber.outbox->push(std::move(frame).finish(), 0);
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::map<std::uint64_t, Subscriber> subscribers_;
};

}  // namespace penstock::cql_server
