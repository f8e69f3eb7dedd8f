// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "broker/handlers/handlers.h"
#include "net/connection.h"

namespace penstock::broker {

class KafkaSession;

// The open sessions of a broker, so that they can be ended in order. On the broker's loop.
struct Sessions {
  std::set<KafkaSession*> open;
  std::function<void()> when_empty;  // runs whenever the last one has gone
};

// One client's connection: frames in, handlers, answers out in order. A frame that cannot be
// understood, or asks for what is not served, ends the connection with a log line that names the
// client and the API; ApiVersions alone is answered in any version (KIP-511).
class KafkaSession final : public net::Session {
 public:
  // `advertised`: an empty host stands for the address that the client connected to.
  KafkaSession(Node& node, Sessions& sessions, std::string listener, net::Address advertised);
  ~KafkaSession() override;

  void on_open(net::Connection& connection) override;
  void on_frame(net::Connection& connection, BytesView frame) override;
  void on_bad_frame(net::Connection& connection, BytesView head, const Error& error) override;
  void on_sent(net::Connection& connection, std::size_t bytes) override;
  void on_close(net::Connection& connection) override;

  // Answers what is due and closes.
  void drain();

 private:
  void refuse(const kafka::RequestFrame& frame);

  Node& node_;
  Sessions& sessions_;
  const std::string listener_;
  Caller caller_;
  std::shared_ptr<ResponseQueue> queue_;
};

// Decodes the request and hands it to its handler (dispatch.cc). The frame must be served.
void dispatch(Node& node, const kafka::RequestFrame& frame, const Caller& caller,
              const std::shared_ptr<ResponseQueue>& queue, std::size_t frame_bytes);

}  // namespace penstock::broker
