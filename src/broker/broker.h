// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/result.h"
#include "broker/config.h"
#include "net/address.h"
#include "net/loop.h"

namespace penstock {
class Disk;
}

namespace penstock::broker {

// A single-node Kafka broker: topics, consumer groups and offsets under one data directory, served
// over the Kafka protocol.
//
// Everything it owns, its connections included, has its home on the one loop given to open(), so
// nothing here is locked; fdatasync runs on the pool. An acknowledged Produce (acks 1 or all) or
// OffsetCommit is on disk. open(), listen(), stop() and the destructor are called from a thread
// that is not the loop's; the loop must be running for listen() and stop(). The loop and the pool
// must outlive the broker.
class Broker {
 public:
  // Recovers the topics, groups and offsets under `data_dir` (created when missing) and returns
  // when all are loaded, so a client never sees a half-loaded broker. A corrupt partition does not
  // fail the start: it alone answers KAFKA_STORAGE_ERROR. Fails when the directory cannot be used.
  static Result<std::unique_ptr<Broker>> open(const BrokerConfig& config,
                                              const std::string& data_dir, net::Loop& loop,
                                              net::BlockingPool& pool, Metrics& metrics);
  // The same on another disk (tests).
  static Result<std::unique_ptr<Broker>> open(const BrokerConfig& config,
                                              const std::string& data_dir, Disk& disk,
                                              net::Loop& loop, net::BlockingPool& pool,
                                              Metrics& metrics);
  ~Broker();  // stop()
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Starts to serve all of `listeners`; on an error none stays open. Once.
  Result<void> listen(const Listeners& listeners);

  // Where each listener is bound (real ports), and what it advertises. Constant after listen().
  const std::map<std::string, net::Address>& addresses() const;
  const std::map<std::string, net::Address>& advertised() const;

  // Stops accepting, answers what is in flight (long polls at once), closes the connections,
  // flushes the logs and leaves the clean-shutdown marker. Returns when all that is done; clients
  // that do not read their answers are waited for no longer than `drain_max`. Again: does nothing.
  void stop(Duration drain_max = Millis(1000));

 private:
  struct Impl;
  explicit Broker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::broker
