// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "net/connection.h"

namespace penstock::cql_server {

// The way back to one connection for answers that are ready on other threads: many answers of one
// moment cross to the loop with one post and leave in one write. Also counts the bytes of
// unanswered requests and pauses reading above a limit.
class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  Outbox(net::ConnectionPtr connection, std::size_t in_flight_bytes_max)
      : connection_(std::move(connection)), in_flight_bytes_max_(in_flight_bytes_max) {}

  // On the loop: a request of so many bytes has begun.
  void begin(std::size_t request_bytes) {
    in_flight_bytes_ += request_bytes;
    if (in_flight_bytes_ <= in_flight_bytes_max_ || paused_) return;
    paused_ = true;
    connection_->pause_reading();
  }

  // Any thread: the request's answer. An event has no request.
  void push(Bytes frame, std::size_t request_bytes) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(frame));
    answered_bytes_ += request_bytes;
    if (posted_) return;
    posted_ = true;
    connection_->loop().post([self = shared_from_this()] { self->flush(); });
  }

 private:
  void flush() {
    std::vector<Bytes> frames;
    {
      const std::lock_guard lock(mutex_);
      frames.swap(ready_);
      in_flight_bytes_ -= std::exchange(answered_bytes_, 0);
      posted_ = false;
    }
    for (Bytes& frame : frames) connection_->send(std::move(frame));
    if (!paused_ || in_flight_bytes_ > in_flight_bytes_max_ / 2) return;
    paused_ = false;
    connection_->resume_reading();
  }

  const net::ConnectionPtr connection_;
  const std::size_t in_flight_bytes_max_;
  std::size_t in_flight_bytes_ = 0;  // loop only, as paused_
  bool paused_ = false;
  std::mutex mutex_;
  std::vector<Bytes> ready_;
  std::size_t answered_bytes_ = 0;
  bool posted_ = false;
};

}  // namespace penstock::cql_server
