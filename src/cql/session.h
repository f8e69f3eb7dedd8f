// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cql/executor.h"
#include "cql/outbox.h"
#include "net/connection.h"
#include "wire/cql/frame.h"

namespace penstock::cql_server {

class SessionHost;

// One client's conversation: STARTUP, then requests by stream id, answered in the order in which
// they are done. Lives on its connection's loop; answers come back through the Outbox, which may
// outlive it.
class Session final : public net::Session {
 public:
  Session(std::shared_ptr<SessionHost> host, const net::ConnectionPtr& connection);

  void on_open(net::Connection& connection) override;
  void on_frame(net::Connection& connection, BytesView bytes) override;
  void on_bad_frame(net::Connection& connection, BytesView head, const Error& error) override;
  void on_close(net::Connection& connection) override;

 private:
  struct State;  // shared with answers under way
  Respond respond_to(const cql::FrameHeader& header, std::size_t request_bytes,
                     std::string_view query);
  void dispatch(net::Connection& connection, const cql::FrameHeader& header, BytesView body,
                std::size_t request_bytes);
  void startup(net::Connection& connection, const cql::FrameHeader& header, BytesView body);
  void register_events(net::Connection& connection, const cql::FrameHeader& header, BytesView body);
  void large_batch(const cql::FrameHeader& header, BytesView body, std::size_t request_bytes);
  void send(net::Connection& connection, const cql::FrameHeader& header, const Reply& reply);
  void protocol_error(net::Connection& connection, const cql::FrameHeader& header,
                      std::string message);

  std::shared_ptr<SessionHost> host_;
  std::shared_ptr<State> state_;
  bool started_ = false;
};

}  // namespace penstock::cql_server
