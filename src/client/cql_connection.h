// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/cql_config.h"
#include "net/connection.h"
#include "wire/cql/frame.h"
#include "wire/cql/responses.h"
#include "wire/cql/segment.h"

namespace penstock::client {

// One connection to a CQL server: the handshake, then requests by stream number, answers in any
// order. From protocol v5 on both travel in checksummed segments once STARTUP is answered; what one
// turn of the loop sends shares them.
//
// Lives on the loop of its net::Connection. Every request is answered exactly once: by the server's
// frame, or with Code::Timeout when the connection breaks or the time is up (the outcome is then
// unknown). A stream whose time was up stays taken until its answer comes; with too many of those
// the connection is closed.
class CqlConnection final : public std::enable_shared_from_this<CqlConnection> {
 public:
  struct Reply {
    cql::FrameHeader header;
    BytesView body;  // during the call only
    std::vector<std::string> warnings;
  };
  using OnReply = Function<void(Result<Reply>)>;
  struct Events {
    std::function<void()> on_ready;
    // Once, at any time after attach(). `step_down`: the server refused the protocol version.
    std::function<void(const Error& why, bool step_down)> on_gone;
    std::function<void(const cql::ServerEvent&)> on_event;
  };

  CqlConnection(const CqlConfig& config, net::Address address, std::uint8_t version, Events events);

  // What net calls; keeps `self` alive as long as the connection lives.
  static std::unique_ptr<net::Session> session(std::shared_ptr<CqlConnection> self);

  // A request frame as the encoders make it; the stream number is put in here. Only when
  // can_send().
  void send(Bytes frame, OnReply done);
  bool ready() const { return state_ == State::Ready; }
  bool can_send() const { return ready() && in_flight() < config_.in_flight_max; }
  // For the client's own questions (nodes, schema, a statement prepared again): under full load
  // they would never find room otherwise.
  bool can_ask() const { return ready() && in_flight() < config_.in_flight_max + kOwnQuestions; }
  std::size_t in_flight() const { return slots_.size() - free_.size(); }
  void close();

  std::uint8_t version() const { return version_; }
  const net::Address& address() const { return address_; }
  const cql::SupportedResponse& supported() const { return supported_; }

 private:
  class Adapter;
  enum class State { Opening, Options, Startup, Auth, Keyspace, Ready, Gone };
  static constexpr std::size_t kOwnQuestions = 16;
  struct Slot {
    OnReply done;  // empty: free, or its time was up
    std::uint32_t turn = 0;
  };
  struct Deadline {
    TimePoint at;
    std::int16_t stream;
    std::uint32_t turn;
  };

  void opened(net::Connection& connection);
  void frame(BytesView bytes);
  void envelope(BytesView bytes);
  void gone(const Error& why, bool step_down = false);

  void request(cql::FrameWriter writer, OnReply done);
  void dispatch(Bytes frame, OnReply done);
  void transmit(Bytes frame);
  void begin_segments();
  void handshake_step(Result<Reply> reply);
  void start_up();
  void authenticate();
  void use_keyspace();
  void become_ready();
  void refused(const Reply& reply);

  void arm_deadline();
  void expire();
  void arm_heartbeat();

  const CqlConfig config_;
  net::Address address_;
  std::uint8_t version_;
  Events events_;
  State state_ = State::Opening;
  net::Connection* connection_ = nullptr;
  cql::Compression compression_ = cql::Compression::None;  // of bodies, agreed upon; never in v5
  bool lz4_ = false;                                       // of v5's segments, agreed upon
  std::optional<cql::SegmentReader> segments_in_;          // set: they have begun
  std::optional<cql::SegmentPacker> segments_out_;
  bool flush_posted_ = false;
  cql::SupportedResponse supported_;
  Bytes scratch_;  // unpacked bodies

  std::vector<Slot> slots_;
  std::vector<std::int16_t> free_;
  std::deque<Deadline> deadlines_;  // ascending: all requests have the same time limit
  net::TimerId deadline_timer_ = net::TimerId::None;
  net::TimerId heartbeat_timer_ = net::TimerId::None;
  std::size_t orphans_ = 0;
  bool heard_ = false;  // since the last heartbeat
};

}  // namespace penstock::client
