// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/function.h"
#include "broker/memory_budget.h"
#include "broker/request_metrics.h"
#include "net/connection.h"
#include "wire/kafka/frame.h"

namespace penstock::broker {

// The answers of one connection, which leave in the order of their requests whatever order they are
// ready in.
//
// On the broker's loop. Outlives its connection as long as an answer is due; then it goes nowhere.
// Reading pauses while too many answers are due, or while the broker's memory budget is spent.
class ResponseQueue : public std::enable_shared_from_this<ResponseQueue> {
 public:
  ResponseQueue(net::Connection& connection, RequestMetrics& metrics, MemoryBudget& memory,
                std::int32_t requests_max);

  using Ticket = std::uint64_t;
  // A request has come in; its answer takes this place. Until then its bytes count against the
  // budget, and from then on the answer's, until the client has taken them.
  Ticket enter(std::int16_t api_key, std::size_t request_bytes);
  // The answer, in pieces; none for a request that gets no answer.
  void complete(Ticket ticket, std::vector<Bytes> pieces);
  // `gone` runs if the connection ends before the answer: nobody waits any more.
  void when_gone(Ticket ticket, Function<void()> gone);

  // Ends the connection for what its client did; the log line says why.
  void refuse(const std::string& why);
  void connection_closed();
  // The client has taken so many bytes of its answers.
  void sent(std::size_t bytes);
  // Answers what is due, then closes; takes no more requests.
  void drain();

  bool idle() const { return slots_.empty(); }
  std::string peer() const { return peer_; }

 private:
  struct Slot {
    std::int64_t request_bytes = 0;
    std::int16_t api_key = 0;
    TimePoint begun;
    bool done = false;
    std::vector<Bytes> pieces;
    std::int64_t answer_bytes = 0;
    Function<void()> gone;
  };
  void send_ready();
  void pause_if_full();

  net::Connection* connection_;  // null once it is closed
  net::Loop& loop_;
  const std::string peer_;
  RequestMetrics& metrics_;
  MemoryBudget& memory_;
  const std::size_t requests_max_;
  std::deque<Slot> slots_;
  Ticket first_ = 0;         // of slots_.front()
  std::int64_t unsent_ = 0;  // bytes that the client has not taken
  bool paused_for_count_ = false;
  bool paused_for_memory_ = false;
  bool draining_ = false;
};

// How a handler answers: once, now or later, on the broker's loop. Destroying it without an answer
// is a bug that would hold up the connection for ever, so that ends the connection.
template <class Response>
class Reply {
 public:
  Reply(std::shared_ptr<ResponseQueue> queue, ResponseQueue::Ticket ticket, std::int16_t version,
        kafka::CorrelationId correlation)
      : queue_(std::move(queue)), ticket_(ticket), version_(version), correlation_(correlation) {}
  Reply(Reply&&) = default;
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (queue_) queue_->refuse("a request was left without an answer");
  }

  void operator()(Response response) {
    const auto queue = std::move(queue_);
    auto pieces = kafka::encode_response_pieces(correlation_, version_, std::move(response));
    if (pieces)
      queue->complete(ticket_, std::move(*pieces));
    else
      queue->refuse("cannot encode an answer: " + pieces.error().message);
  }
  // The protocol wants no answer (Produce with acks=0).
  void none() { std::exchange(queue_, nullptr)->complete(ticket_, {}); }
  void refuse(const std::string& why) { std::exchange(queue_, nullptr)->refuse(why); }
  void when_gone(Function<void()> gone) { queue_->when_gone(ticket_, std::move(gone)); }

 private:
  std::shared_ptr<ResponseQueue> queue_;
  ResponseQueue::Ticket ticket_;
  std::int16_t version_;
  kafka::CorrelationId correlation_;
};

}  // namespace penstock::broker
