// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "client/kafka_producer.h"
#include "net/loop.h"
#include "stream/generate.h"

namespace penstock::main_room {

struct PeopleOptions {
  std::string bootstrap_servers;
  std::string topic = "users_data";
  double rate = 10;         // records a second; 0 = as fast as they are taken
  std::uint64_t count = 0;  // 0: without end
  std::uint64_t seed = 1;
};

// Produces people to a topic at a rate, over the Kafka protocol like anybody else.
//
// A timer on `loop` says when records are due; a thread of its own makes and sends them, so that a
// full queue slows only this. stop() ends it and waits for what was sent. A refused record is
// counted and logged once.
class PeopleSource {
 public:
  // `on_sent` is called on a thread of its own when `count` is reached; it must not call stop().
  static Result<std::unique_ptr<PeopleSource>> start(const PeopleOptions& options, net::Loop& loop,
                                                     Function<void()> on_sent = {});
  ~PeopleSource();  // stop()
  PeopleSource(const PeopleSource&) = delete;
  PeopleSource& operator=(const PeopleSource&) = delete;

  // Sends no more, and waits so long for acknowledgements.
  void stop(Duration flush_max = Millis(500));
  std::uint64_t sent() const { return state_->sent; }      // any thread
  std::uint64_t failed() const { return state_->failed; }  // of them, not acknowledged

 private:
  // Shared with the timer and the callbacks, which may come after stop().
  struct State {
    State(const PeopleOptions& o, net::Loop& l) : options(o), loop(l), people(o.seed) {}
    PeopleOptions options;
    net::Loop& loop;
    stream::PeopleGenerator people;
    std::unique_ptr<client::KafkaProducer> producer;
    TimePoint start = system_clock().now();
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<bool> stopping{false};
    bool finished = false;  // on the pool
    Function<void()> on_sent;
  };

  explicit PeopleSource(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static void tick(const std::shared_ptr<State>& state, net::BlockingPool& pool);
  static void send_due(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  std::unique_ptr<net::BlockingPool> pool_;
};

}  // namespace penstock::main_room
