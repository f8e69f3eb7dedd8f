// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "net/connection.h"
#include "net/fake_loop.h"

namespace penstock::net {

// A connection for tests: keeps what was sent; its peer is the test.
class FakeConnection final : public Connection {
 public:
  explicit FakeConnection(Loop& loop, std::uint64_t id = 1) : loop_(loop), id_(id) {}

  std::uint64_t id() const override { return id_; }
  Loop& loop() override { return loop_; }
  const Address& local() const override { return local_; }
  const Address& peer() const override { return peer_; }
  void send(Bytes bytes) override {
    if (open) sent += bytes;
  }
  std::size_t outbound_bytes() const override { return 0; }
  void frame_by(FrameSize wanted) override { frame_size = wanted; }
  void pause_reading() override { ++pauses; }
  void resume_reading() override { --pauses; }
  void close_after_sending() override { open = false; }
  void close() override { open = false; }

  Bytes take_sent() { return std::exchange(sent, {}); }

  Bytes sent;
  bool open = true;
  int pauses = 0;
  FrameSize frame_size = nullptr;  // what frame_by() has asked for

 private:
  Loop& loop_;
  std::uint64_t id_;
  Address local_{"127.0.0.1", 1};
  Address peer_{"127.0.0.1", 2};
};

}  // namespace penstock::net
