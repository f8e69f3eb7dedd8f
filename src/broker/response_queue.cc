// SPDX-License-Identifier: Apache-2.0
#include "broker/response_queue.h"

#include "base/logging.h"

namespace penstock::broker {

ResponseQueue::ResponseQueue(net::Connection& connection, RequestMetrics& metrics,
                             MemoryBudget& memory, std::int32_t requests_max)
    : connection_(&connection),
      loop_(connection.loop()),
      peer_(connection.peer().text()),
      metrics_(metrics),
      memory_(memory),
      requests_max_(static_cast<std::size_t>(requests_max)) {}

ResponseQueue::Ticket ResponseQueue::enter(std::int16_t api_key, std::size_t request_bytes) {
  Slot slot;
  slot.request_bytes = static_cast<std::int64_t>(request_bytes);
  slot.api_key = api_key;
  slot.begun = loop_.clock().now();
  memory_.take(slot.request_bytes);
  slots_.push_back(std::move(slot));
  pause_if_full();
  return first_ + slots_.size() - 1;
}

void ResponseQueue::pause_if_full() {
  if (connection_ == nullptr) return;
  if (slots_.size() >= requests_max_ && !paused_for_count_) {
    paused_for_count_ = true;
    connection_->pause_reading();
  }
  if (memory_.exhausted() && !paused_for_memory_) {
    paused_for_memory_ = true;
    connection_->pause_reading();
    memory_.when_room([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->paused_for_memory_ = false;
      if (self->connection_ != nullptr) self->connection_->resume_reading();
    });
  }
}

void ResponseQueue::complete(Ticket ticket, std::vector<Bytes> pieces) {
  if (connection_ == nullptr) return;
  Slot& slot = slots_[ticket - first_];
  slot.done = true;
  slot.pieces = std::move(pieces);
  for (const Bytes& piece : slot.pieces)
    slot.answer_bytes += static_cast<std::int64_t>(piece.size());
  memory_.hold_answer(slot.answer_bytes);
  slot.gone = nullptr;
  ApiMetrics& metrics = metrics_.api(slot.api_key);
  metrics.requests.add();
  metrics.seconds.observe(std::chrono::duration<double>(loop_.clock().now() - slot.begun).count());
  send_ready();
}

void ResponseQueue::send_ready() {
  const auto alive = shared_from_this();
  while (!slots_.empty() && slots_.front().done) {
    Slot slot = std::move(slots_.front());
    slots_.pop_front();
    ++first_;
    unsent_ += slot.answer_bytes;
    for (Bytes& piece : slot.pieces) connection_->send(std::move(piece));
    metrics_.bytes_out.add(static_cast<double>(slot.answer_bytes));
    memory_.give_back(slot.request_bytes);
    if (connection_ == nullptr) return;
  }
  if (paused_for_count_ && slots_.size() < requests_max_) {
    paused_for_count_ = false;
    connection_->resume_reading();
  }
  if (draining_ && slots_.empty()) connection_->close_after_sending();
}

void ResponseQueue::when_gone(Ticket ticket, Function<void()> gone) {
  if (connection_ == nullptr) return gone();
  slots_[ticket - first_].gone = std::move(gone);
}

void ResponseQueue::refuse(const std::string& why) {
  if (connection_ == nullptr) return;
  log_warn("broker", "{}: connection closed: {}", peer_, why);
  metrics_.refused.add();
  connection_->close();
}

void ResponseQueue::sent(std::size_t bytes) {
  unsent_ -= static_cast<std::int64_t>(bytes);
  memory_.answer_taken(static_cast<std::int64_t>(bytes));
}

void ResponseQueue::connection_closed() {
  connection_ = nullptr;
  std::deque<Slot> left = std::exchange(slots_, {});
  memory_.answer_taken(std::exchange(unsent_, 0));
  for (Slot& slot : left) {
    memory_.answer_taken(slot.answer_bytes);
    memory_.give_back(slot.request_bytes);
    if (!slot.done && slot.gone) slot.gone();
  }
}

void ResponseQueue::drain() {
  if (connection_ == nullptr || draining_) return;
  draining_ = true;
  connection_->pause_reading();
  if (slots_.empty()) connection_->close_after_sending();
}

}  // namespace penstock::broker
