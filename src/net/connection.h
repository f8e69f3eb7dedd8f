// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/address.h"
#include "net/loop.h"

namespace penstock::net {

// How many bytes the frame that begins `head` has, all told; 0 while that cannot be seen yet; an
// error when no frame can begin so (the session hears it in on_bad_frame). `head` is never empty. A
// plain function: framing has no state; a protocol that changes it on the way says so with
// Connection::frame_by().
using FrameSize = Result<std::size_t> (*)(BytesView head);

struct ConnectionLimits {
  std::size_t frame_bytes_max = 100 << 20;  // a longer frame is a bad frame
  std::size_t outbound_bytes_pause = 16
                                     << 20;  // reading pauses while more than this waits to be sent
  Duration idle_max{0};                      // close after this long without a byte; 0 = never
};

// One TCP connection with its home on one loop; all members are for that loop's thread unless said
// otherwise.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual std::uint64_t id() const = 0;  // unique in the process; any thread
  virtual Loop& loop() = 0;              // any thread
  virtual const Address& local() const = 0;
  virtual const Address& peer() const = 0;

  // Queues bytes; what one turn of the loop queues leaves in one writev. Order is kept. After
  // close() it does nothing.
  virtual void send(Bytes bytes) = 0;
  virtual std::size_t outbound_bytes() const = 0;  // queued and not yet taken by the system

  // What comes after the frame at hand is cut by this function, also what has been read already.
  virtual void frame_by(FrameSize frame_size) = 0;

  // Stops and restarts the delivery of frames, also of those already read. Counted: as many resumes
  // as pauses.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Sends what is queued, then closes. No frame is delivered any more.
  virtual void close_after_sending() = 0;
  virtual void close() = 0;
};
using ConnectionPtr = std::shared_ptr<Connection>;

// What a server or client makes of one connection. Called on the connection's loop; destroyed there
// after on_close().
class Session {
 public:
  virtual ~Session() = default;
  virtual void on_open(Connection&) {}
  // `frame` is valid during the call only.
  virtual void on_frame(Connection& connection, BytesView frame) = 0;
  // The framing function refused `head`, or the frame is too long. May send a last answer; by
  // default closes.
  virtual void on_bad_frame(Connection& connection, BytesView head, const Error& error) {
    static_cast<void>(head);
    static_cast<void>(error);
    connection.close();
  }
  // The system has taken so many bytes of what was sent; those it has not taken when the connection
  // ends are not told.
  virtual void on_sent(Connection&, std::size_t bytes) { static_cast<void>(bytes); }
  // Once, however the connection ended: by the peer, by us, or by an error.
  virtual void on_close(Connection&) {}
};

using MakeSession = std::function<std::unique_ptr<Session>(const ConnectionPtr&)>;

// An open listening socket. Accepted connections get the loops in turn.
class Listener {
 public:
  virtual ~Listener() = default;                // close()
  virtual const Address& address() const = 0;   // with the real port
  virtual std::size_t connections() const = 0;  // open now; any thread
  virtual void stop_accepting() = 0;            // any thread
  // Stops accepting, closes every connection, and returns when their sessions are gone. Not from
  // one of its loops.
  virtual void close() = 0;
};

struct ListenOptions {
  Address address;
  FrameSize frame_size = nullptr;
  ConnectionLimits limits;
  std::size_t connections_max = 10'000;  // one more is closed at once, with a log line
};

// Listens and serves. Fails with Conflict when the address is taken, naming it.
Result<std::unique_ptr<Listener>> listen(std::vector<Loop*> loops, const ListenOptions& options,
                                         MakeSession make_session);

// Connects on `loop` and calls `done` there, with the connection (its session has seen on_open) or
// why not. Any thread.
void connect(Loop& loop, const Address& address, Duration timeout, FrameSize frame_size,
             const ConnectionLimits& limits, MakeSession make_session,
             Function<void(Result<ConnectionPtr>)> done);

}  // namespace penstock::net
