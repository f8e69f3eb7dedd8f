// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "client/kafka_producer.h"
#include "net/thread.h"
#include "stream/generate.h"

namespace penstock::main_room {

struct PeopleOptions {
  client::KafkaConfig kafka;
  std::string topic = "users_data";
  double rate = 10;         // records a second; 0 = as fast as they are taken
  std::uint64_t count = 0;  // 0: without end
  std::uint64_t seed = 1;
};

// Produces people to a topic at a rate, over the Kafka protocol like anybody else.
//
// A thread of its own makes and sends them. It sleeps until the next one is due, and while many are
// unanswered: so a stop has little to wait for, and a broker that is away holds up only this.
// The first record that is refused is logged, all are counted.
class PeopleSource {
 public:
  // Called on the thread, with the records sent so far; must not call stop().
  using OnSent = Function<void(std::uint64_t)>;

  // `on_sent` is called after each record, `on_end` when `count` is reached.
  static Result<std::unique_ptr<PeopleSource>> start(const PeopleOptions& options,
                                                     OnSent on_sent = {},
                                                     Function<void()> on_end = {});
  ~PeopleSource();  // stop(0)
  PeopleSource(const PeopleSource&) = delete;
  PeopleSource& operator=(const PeopleSource&) = delete;

  // Sends no more, and waits so long for the answers that are due; what has none then has failed.
  void stop(Duration flush_max);

  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
  };
  Counts counts() const;  // any thread

 private:
  PeopleSource(const PeopleOptions& options, OnSent on_sent, Function<void()> on_end);
  void run();
  bool wait_for_turn();
  void send_next();
  void done(const Result<client::Delivery>& result);

  const PeopleOptions options_;
  OnSent on_sent_;
  Function<void()> on_end_;
  const TimePoint start_ = system_clock().now();
  stream::PeopleGenerator people_;  // on the thread
  Bytes json_;                      // on the thread

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Counts counts_;
  bool stopping_ = false;

  // Its callbacks come here: gone before what they touch.
  std::unique_ptr<client::KafkaProducer> producer_;
  std::unique_ptr<net::Thread> thread_;
};

}  // namespace penstock::main_room
