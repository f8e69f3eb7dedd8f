// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <future>

#include "net/address.h"
#include "net/connection.h"
#include "net/fake_loop.h"

namespace penstock::net {
namespace {

// Frames of the tests: one byte of length (itself included), then text. A length of 255 is refused.
Result<std::size_t> one_byte_length(BytesView head) {
  const auto size = static_cast<unsigned char>(head[0]);
  if (size == 255 || size == 0) return fail(Code::Corrupt, "length {} is not one", size);
  return size;
}
Bytes frame(std::string_view text) {
  return Bytes(1, static_cast<char>(text.size() + 1)).append(text);
}

class Echo final : public Session {
 public:
  void on_frame(Connection& connection, BytesView bytes) override { connection.send(Bytes(bytes)); }
  void on_bad_frame(Connection& connection, BytesView, const Error&) override {
    connection.send(frame("bad"));
    connection.close_after_sending();
  }
};

// Collects frames and says when as many as wanted are there, and when the connection is gone.
struct Collected {
  std::vector<std::string> frames;
  std::size_t wanted = 1;
  std::promise<void> complete;
  std::promise<void> closed;
  std::size_t bytes_to_send = 0;
  std::promise<void> all_sent;
};
class Collect final : public Session {
 public:
  explicit Collect(Collected& to) : to_(to) {}
  void on_frame(Connection&, BytesView bytes) override {
    to_.frames.emplace_back(bytes.substr(1));
    if (to_.frames.size() == to_.wanted) to_.complete.set_value();
  }
  void on_sent(Connection&, std::size_t bytes) override {
    to_.bytes_to_send -= bytes;
    if (to_.bytes_to_send == 0) to_.all_sent.set_value();
  }
  void on_close(Connection&) override { to_.closed.set_value(); }

 private:
  Collected& to_;
};

struct EchoServer {
  explicit EchoServer(const ConnectionLimits& limits = {}, std::size_t connections_max = 10) {
    auto opened = listen({&loops.at(0), &loops.at(1)},
                         {{"127.0.0.1", 0}, one_byte_length, limits, connections_max},
                         [](const ConnectionPtr&) { return std::make_unique<Echo>(); });
    EXPECT_TRUE(opened) << opened.error().message;
    listener = std::move(*opened);
  }
  Result<ConnectionPtr> dial(Collected& to) {
    std::promise<Result<ConnectionPtr>> connected;
    connect(
        loops.at(0), listener->address(), std::chrono::seconds(5), one_byte_length, {},
        [&to](const ConnectionPtr&) { return std::make_unique<Collect>(to); },
        [&](Result<ConnectionPtr> result) { connected.set_value(std::move(result)); });
    return connected.get_future().get();
  }
  static void send(const ConnectionPtr& connection, Bytes bytes) {
    connection->loop().post(
        [connection, bytes = std::move(bytes)]() mutable { connection->send(std::move(bytes)); });
  }

  Loops loops{2, "test"};
  std::unique_ptr<Listener> listener;
};

TEST(Address, ParsesAndRefusesWithTheReason) {
  EXPECT_EQ(Address::parse("127.0.0.1:9092")->text(), "127.0.0.1:9092");
  EXPECT_EQ(Address::parse("[::1]:9042")->text(), "[::1]:9042");
  EXPECT_NE(Address::parse("localhost").error().message.find("HOST:PORT"), std::string::npos);
  EXPECT_NE(Address::parse("h:70000").error().message.find("70000"), std::string::npos);
  EXPECT_NE(Address::parse("::1:9042").error().message.find("[::1]"), std::string::npos);
}

TEST(Connection, FramesComeWholeAndInOrderHoweverTheyWereCut) {
  Collected got{.frames = {}, .wanted = 3, .complete = {}, .closed = {}};
  EchoServer server;
  const ConnectionPtr connection = server.dial(got).value();
  const Bytes bytes = frame("one") + frame("two") + frame("three");
  for (const char byte : bytes) EchoServer::send(connection, Bytes(1, byte));
  got.complete.get_future().wait();
  EXPECT_EQ(got.frames, (std::vector<std::string>{"one", "two", "three"}));
  server.listener->close();
  got.closed.get_future().wait();
}

// Pauses at its first frame, as a server does that has enough to do, and tells what it got.
class PausedByItsFirst final : public Session {
 public:
  PausedByItsFirst(Collected& to, std::promise<Connection*>& paused) : to_(to), paused_(paused) {}
  void on_frame(Connection& connection, BytesView bytes) override {
    to_.frames.emplace_back(bytes.substr(1));
    if (to_.frames.size() == to_.wanted) to_.complete.set_value();
    if (to_.frames.size() > 1) return;
    connection.pause_reading();
    paused_.set_value(&connection);
  }
  void on_close(Connection&) override { to_.closed.set_value(); }

 private:
  Collected& to_;
  std::promise<Connection*>& paused_;
};

TEST(Connection, PausedOneWithNothingUnderWayStaysOpen) {
  Loops loops(1, "test");
  Collected at_server{.frames = {}, .wanted = 2, .complete = {}, .closed = {}};
  std::promise<Connection*> paused;
  const auto listener =
      listen({&loops.at(0)}, {{"127.0.0.1", 0}, one_byte_length, {}, 1}, [&](const ConnectionPtr&) {
        return std::make_unique<PausedByItsFirst>(at_server, paused);
      }).value();
  Collected at_client;
  std::promise<ConnectionPtr> connected;
  connect(
      loops.at(0), listener->address(), std::chrono::seconds(5), one_byte_length, {},
      [&](const ConnectionPtr&) { return std::make_unique<Collect>(at_client); },
      [&](Result<ConnectionPtr> result) { connected.set_value(result.value()); });
  const ConnectionPtr client = connected.get_future().get();
  EchoServer::send(client, frame("one"));
  Connection* const server = paused.get_future().get();
  EchoServer::send(client, frame("two"));
  loops.at(0).post(
      [server] { server->resume_reading(); });  // after the turn in which it was paused
  at_server.complete.get_future().wait();
  EXPECT_EQ(at_server.frames, (std::vector<std::string>{"one", "two"}));
  listener->close();
  at_server.closed.get_future().wait();
  loops.stop();  // its thread may still be inside a promise of ours
}

TEST(Connection, SessionHearsWhatTheSystemHasTaken) {
  Collected client;
  EchoServer server;
  const ConnectionPtr connection = server.dial(client).value();
  client.bytes_to_send = frame("one").size() + frame("two").size();
  EchoServer::send(connection, frame("one"));
  EchoServer::send(connection, frame("two"));
  client.all_sent.get_future().wait();
}

TEST(Connection, BadFrameGetsItsLastAnswerBeforeTheClose) {
  Collected got;
  EchoServer server;
  const ConnectionPtr connection = server.dial(got).value();
  EchoServer::send(connection, Bytes(100'000, '\xff'));
  got.complete.get_future().wait();
  EXPECT_EQ(got.frames.front(), "bad");
  connection->loop().post([connection] { connection->close(); });
  got.closed.get_future().wait();
}

TEST(Connection, FrameOverTheLimitIsRefused) {
  Collected got;
  EchoServer server({.frame_bytes_max = 8});
  const ConnectionPtr connection = server.dial(got).value();
  EchoServer::send(connection, frame("far too long"));
  got.complete.get_future().wait();
  EXPECT_EQ(got.frames.front(), "bad");
}

TEST(Connection, IdleOneIsClosed) {
  Collected got;
  EchoServer server({.idle_max = Millis(30)});
  const ConnectionPtr connection = server.dial(got).value();
  got.closed.get_future().wait();
}

TEST(Connection, OneTooManyIsRefusedAndTheRestGoOn) {
  Collected first;
  Collected second;
  EchoServer server({}, 1);
  const ConnectionPtr connection = server.dial(first).value();
  EchoServer::send(connection, frame("a"));
  first.complete.get_future().wait();
  const auto refused = server.dial(second);
  second.closed.get_future().wait();
  EXPECT_EQ(server.listener->connections(), 1);
}

TEST(Listen, TakenAddressIsNamed) {
  EchoServer server;
  const auto again =
      listen({&server.loops.at(0)}, {server.listener->address(), one_byte_length, {}, 1}, nullptr);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::Conflict);
  EXPECT_NE(again.error().message.find(server.listener->address().text()), std::string::npos);
}

TEST(Loop, CancelledTimerNeverFires) {
  Loops loops(1, "test");
  std::promise<void> done;
  bool fired = false;
  loops.at(0).post([&] {
    const TimerId timer = loops.at(0).after(Millis(1), [&] { fired = true; });
    loops.at(0).cancel(timer);
    loops.at(0).after(Millis(5), [&] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_FALSE(fired);
}

TEST(FakeLoop, FiresTimersInOrderOfTheirTime) {
  FakeLoop loop;
  std::string order;
  loop.after(Millis(20), [&] { order += 'b'; });
  loop.after(Millis(10), [&] {
    order += 'a';
    loop.after(Millis(5), [&] { order += 'c'; });
  });
  loop.advance(Millis(30));
  EXPECT_EQ(order, "acb");
}

TEST(BlockingPool, FinishesWhatIsQueuedBeforeItStops) {
  std::atomic<int> ran{0};
  BlockingPool pool(2, "pool");
  for (int i = 0; i < 100; ++i) pool.run([&] { ++ran; });
  pool.stop();
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace penstock::net
