// SPDX-License-Identifier: Apache-2.0
#include "net/connection.h"

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <unordered_set>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "net/asio_loop.h"

namespace penstock::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kWriteBytes = 4 << 20;  // to the kernel in one call
constexpr std::size_t kReadBytes = 16 << 10;  // the buffer of an idle connection
constexpr std::size_t kReadBytesBusy =
    256 << 10;  // one read of a connection that keeps filling its buffer

Address to_address(const tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

std::atomic<std::uint64_t> last_connection_id{0};

class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(Loop& loop, tcp::socket socket, FrameSize frame_size,
                const ConnectionLimits& limits, Function<void(TcpConnection&)> on_gone)
      : loop_(loop),
        socket_(std::move(socket)),
        idle_timer_(socket_.get_executor()),
        frame_size_(frame_size),
        limits_(limits),
        on_gone_(std::move(on_gone)) {
    error_code error;
    socket_.set_option(tcp::no_delay(true), error);
    if (const auto endpoint = socket_.local_endpoint(error); !error) local_ = to_address(endpoint);
    if (const auto endpoint = socket_.remote_endpoint(error); !error) peer_ = to_address(endpoint);
  }

  // Loop thread. Keeps the connection alive until it is closed.
  void start(const MakeSession& make_session) {
    session_ = make_session(shared_from_this());
    session_->on_open(*this);
    if (!open_) return finish_closing();
    watch_idle();
    read();
  }

  std::uint64_t id() const override { return id_; }
  Loop& loop() override { return loop_; }
  const Address& local() const override { return local_; }
  const Address& peer() const override { return peer_; }
  std::size_t outbound_bytes() const override { return outbound_bytes_; }
  void frame_by(FrameSize frame_size) override { frame_size_ = frame_size; }

  void send(Bytes bytes) override {
    if (!open_ || closing_ || bytes.empty()) return;
    outbound_bytes_ += bytes.size();
    waiting_.push_back(std::move(bytes));
    if (!writing_ && !flush_posted_) {
      flush_posted_ = true;
      loop_.post([self = shared_from_this()] {
        self->flush_posted_ = false;
        self->write();
      });
    }
  }

  void pause_reading() override {
    if (++pauses_ == 1) paused_self_ = shared_from_this();
  }
  void resume_reading() override {
    CHECK(pauses_ > 0);
    if (--pauses_ == 0) loop_.post([self = std::move(paused_self_)] { self->deliver(); });
  }

  void close_after_sending() override {
    if (!open_) return;
    closing_ = true;
    if (outbound_bytes_ == 0) close();
  }

  void close() override {
    if (!open_) return;
    open_ = false;
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    idle_timer_.cancel();
    // Not from inside a session's call: the session is destroyed by this.
    loop_.post([self = shared_from_this()] { self->finish_closing(); });
  }

 private:
  bool reading_paused() const {
    return pauses_ > 0 || outbound_bytes_ > limits_.outbound_bytes_pause;
  }

  void finish_closing() {
    if (session_ == nullptr) return;
    const auto self = std::move(paused_self_);
    session_->on_close(*this);
    session_.reset();
    if (on_gone_) on_gone_(*this);
  }

  void read() {
    if (!open_ || closing_ || read_pending_) return;
    read_pending_ = true;
    if (begin_ > 0 && begin_ == end_) begin_ = end_ = 0;
    std::size_t room_wanted = kReadBytes;
    if (frame_bytes_ > end_ - begin_) room_wanted = frame_bytes_ - (end_ - begin_);
    if (busy_) room_wanted = std::max(room_wanted, kReadBytesBusy);
    if (buffer_.size() - end_ < room_wanted) make_room(room_wanted);
    socket_.async_read_some(
        asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
        [self = shared_from_this()](const error_code& error, std::size_t bytes) {
          self->on_read(error, bytes);
        });
  }

  // Moves what is left to the front, in a buffer of the right size: a large one is given back once
  // its frame is done.
  void make_room(std::size_t wanted) {
    const std::size_t held = end_ - begin_;
    const std::size_t size = std::max(held + wanted, kReadBytes);
    if (buffer_.size() < size || buffer_.size() > 4 * std::max(size, kReadBytesBusy)) {
      std::vector<char> next(size);
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), next.begin());
      buffer_ = std::move(next);
    } else {
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    }
    begin_ = 0;
    end_ = held;
  }

  void on_read(const error_code& error, std::size_t bytes) {
    read_pending_ = false;
    if (error) return close();
    busy_ = bytes >= kReadBytes;
    end_ += bytes;
    last_byte_ = loop_.clock().now();
    deliver();
  }

  void deliver() {
    if (delivering_) return;
    delivering_ = true;
    while (open_ && !closing_ && !reading_paused() && begin_ < end_) {
      const BytesView head(buffer_.data() + begin_, end_ - begin_);
      Result<std::size_t> size = frame_size_(head);
      if (size && *size > limits_.frame_bytes_max)
        size = fail(Code::TooLarge, "a frame of {} bytes is over the limit of {}", *size,
                    limits_.frame_bytes_max);
      if (!size) {
        session_->on_bad_frame(*this, head, size.error());
        begin_ = end_;
        if (open_ && !closing_) continue;
        break;
      }
      frame_bytes_ = *size;
      if (*size == 0 || *size > head.size()) break;
      session_->on_frame(*this, head.substr(0, *size));
      begin_ += *size;
      frame_bytes_ = 0;
    }
    delivering_ = false;
    if (open_ && !closing_ && !reading_paused()) read();
    if (open_ && closing_) drain();
  }

  // After a last answer: take and drop what still comes, so that closing does not reset the
  // connection and eat the answer.
  void drain() {
    if (read_pending_) return;
    read_pending_ = true;
    begin_ = end_ = 0;
    if (buffer_.empty()) buffer_.resize(kReadBytes);
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              self->read_pending_ = false;
                              if (error) return self->close();
                              self->drain();
                            });
  }

  void write() {
    if (!open_ || writing_ || waiting_.empty()) return;
    writing_ = true;
    in_flight_ = std::move(waiting_);
    waiting_.clear();
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(in_flight_.size());
    for (const Bytes& bytes : in_flight_) buffers.emplace_back(bytes.data(), bytes.size());
    // Asio's own conditions hand the kernel 64 KiB at a time.
    const auto all = [](const error_code& error, std::size_t) { return error ? 0 : kWriteBytes; };
    asio::async_write(socket_, std::move(buffers), all,
                      [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                        self->on_written(error, bytes);
                      });
  }

  void on_written(const error_code& error, std::size_t bytes) {
    writing_ = false;
    in_flight_.clear();
    if (error) return close();
    const bool was_paused = reading_paused();
    outbound_bytes_ -= bytes;
    if (session_ != nullptr) session_->on_sent(*this, bytes);
    if (!waiting_.empty()) return write();
    if (closing_) return close();
    if (was_paused && !reading_paused()) deliver();
  }

  void watch_idle() {
    if (limits_.idle_max == Duration{0}) return;
    last_byte_ = loop_.clock().now();
    wait_idle(limits_.idle_max);
  }
  void wait_idle(Duration left) {
    idle_timer_.expires_after(left);
    idle_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self || !self->open_) return;
      const Duration idle = self->loop_.clock().now() - self->last_byte_;
      if (idle >= self->limits_.idle_max) return self->close();
      self->wait_idle(self->limits_.idle_max - idle);
    });
  }

  const std::uint64_t id_ = ++last_connection_id;
  Loop& loop_;
  tcp::socket socket_;
  asio::steady_timer idle_timer_;
  FrameSize frame_size_;
  ConnectionLimits limits_;
  Function<void(TcpConnection&)> on_gone_;
  Address local_;
  Address peer_;
  std::unique_ptr<Session> session_;
  TimePoint last_byte_;

  std::vector<char> buffer_;  // [begin_, end_) is read and not yet delivered
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t frame_bytes_ = 0;  // of the frame at begin_, when known
  bool busy_ = false;
  bool read_pending_ = false;
  bool delivering_ = false;
  int pauses_ = 0;
  std::shared_ptr<TcpConnection> paused_self_;  // no read keeps a paused connection alive

  std::vector<Bytes> waiting_;
  std::vector<Bytes> in_flight_;
  std::size_t outbound_bytes_ = 0;
  bool writing_ = false;
  bool flush_posted_ = false;
  bool open_ = true;
  bool closing_ = false;
};

class TcpListener final : public Listener, public std::enable_shared_from_this<TcpListener> {
 public:
  TcpListener(std::vector<Loop*> loops, const ListenOptions& options, MakeSession make_session)
      : loops_(std::move(loops)),
        options_(options),
        make_session_(std::move(make_session)),
        acceptor_(io_context(*loops_.front())) {}

  Result<void> open() {
    error_code error;
    tcp::resolver resolver(io_context(*loops_.front()));
    const auto found =
        resolver.resolve(options_.address.host, std::to_string(options_.address.port),
                         tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty())
      return fail(Code::InvalidArgument, "cannot listen on {}: {}", options_.address.text(),
                  error.message());
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return fail(error == asio::error::address_in_use ? Code::Conflict : Code::Io,
                  "cannot listen on {}: {}", options_.address.text(), error.message());
    address_ = {options_.address.host, acceptor_.local_endpoint().port()};
    loops_.front()->post([self = shared_from_this()] { self->accept(); });
    return {};
  }

  const Address& address() const override { return address_; }
  std::size_t connections() const override { return open_connections_.load(); }

  void stop_accepting() override {
    loops_.front()->post([self = shared_from_this()] {
      error_code ignored;
      self->acceptor_.close(ignored);
    });
  }

  void close() override {
    if (closed_.exchange(true)) return;
    for (Loop* loop : loops_) CHECK(!loop->here(), "Listener::close from its own loop");
    std::promise<void> stopped;
    loops_.front()->post([self = shared_from_this(), &stopped] {
      error_code ignored;
      self->acceptor_.close(ignored);
      stopped.set_value();
    });
    stopped.get_future().wait();
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      std::promise<void> gone;
      loops_[i]->post([self = shared_from_this(), i, &gone] { self->close_all(i, gone); });
      gone.get_future().wait();
    }
  }

 private:
  void close_all(std::size_t i, std::promise<void>& gone) {
    for (TcpConnection* connection : std::vector(open_[i].begin(), open_[i].end()))
      connection->close();
    // close() posts the end of each session before this.
    loops_[i]->post([&gone] { gone.set_value(); });
  }

  void accept() {
    Loop& loop = *loops_[next_ % loops_.size()];
    const std::size_t i = next_++ % loops_.size();
    acceptor_.async_accept(io_context(loop), [self = shared_from_this(), i](const error_code& error,
                                                                            tcp::socket socket) {
      if (error == asio::error::operation_aborted || !self->acceptor_.is_open()) return;
      if (error) {
        log_warn("net", "{}: accept failed: {}", self->address_.text(), error.message());
        self->loops_.front()->after(Millis(100), [self] { self->accept(); });
        return;
      }
      self->take(i, std::move(socket));
      self->accept();
    });
  }

  void take(std::size_t i, tcp::socket socket) {
    if (open_connections_.load() >= options_.connections_max) {
      log_warn("net", "{}: connection refused, {} are open already", address_.text(),
               options_.connections_max);
      return;
    }
    ++open_connections_;
    auto connection = std::make_shared<TcpConnection>(
        *loops_[i], std::move(socket), options_.frame_size, options_.limits,
        [self = shared_from_this(), i](TcpConnection& gone) {
          self->open_[i].erase(&gone);
          --self->open_connections_;
        });
    loops_[i]->post([self = shared_from_this(), i, connection] {
      self->open_[i].insert(connection.get());
      connection->start(self->make_session_);
      if (self->closed_) connection->close();
    });
  }

  std::vector<Loop*> loops_;
  ListenOptions options_;
  MakeSession make_session_;
  tcp::acceptor acceptor_;
  Address address_;
  std::size_t next_ = 0;
  std::atomic<std::size_t> open_connections_{0};
  std::atomic<bool> closed_{false};
  // By loop, touched on that loop only.
  std::vector<std::unordered_set<TcpConnection*>> open_{
      std::vector<std::unordered_set<TcpConnection*>>(loops_.size())};
};

// Owns the shared listener, so that destroying the handle closes it.
class ListenerHandle final : public Listener {
 public:
  explicit ListenerHandle(std::shared_ptr<TcpListener> listener) : listener_(std::move(listener)) {}
  ~ListenerHandle() override { listener_->close(); }
  const Address& address() const override { return listener_->address(); }
  std::size_t connections() const override { return listener_->connections(); }
  void stop_accepting() override { listener_->stop_accepting(); }
  void close() override { listener_->close(); }

 private:
  std::shared_ptr<TcpListener> listener_;
};

// One attempt to connect, with its deadline.
class Connecting : public std::enable_shared_from_this<Connecting> {
 public:
  Connecting(Loop& loop, Address address, FrameSize frame_size, const ConnectionLimits& limits,
             MakeSession make_session, Function<void(Result<ConnectionPtr>)> done)
      : loop_(loop),
        address_(std::move(address)),
        frame_size_(frame_size),
        limits_(limits),
        make_session_(std::move(make_session)),
        done_(std::move(done)),
        resolver_(io_context(loop)),
        socket_(io_context(loop)) {}

  void start(Duration timeout) {
    timer_ = loop_.after(timeout, [self = shared_from_this()] {
      self->finish(fail(Code::Timeout, "cannot connect to {}: timed out", self->address_.text()));
    });
    resolver_.async_resolve(
        address_.host, std::to_string(address_.port), tcp::resolver::numeric_service,
        [self = shared_from_this()](const error_code& error,
                                    const tcp::resolver::results_type& found) {
          if (error) return self->finish(self->failed(error));
          asio::async_connect(self->socket_, found,
                              [self](const error_code& connect_error, const tcp::endpoint&) {
                                if (connect_error) return self->finish(self->failed(connect_error));
                                self->connected();
                              });
        });
  }

 private:
  Result<ConnectionPtr> failed(const error_code& error) const {
    return fail(Code::Unavailable, "cannot connect to {}: {}", address_.text(), error.message());
  }
  void connected() {
    if (!done_) return;  // timed out meanwhile
    auto connection =
        std::make_shared<TcpConnection>(loop_, std::move(socket_), frame_size_, limits_, nullptr);
    connection->start(make_session_);
    finish(ConnectionPtr(connection));
  }
  void finish(Result<ConnectionPtr> result) {
    if (!done_) return;
    loop_.cancel(timer_);
    error_code ignored;
    resolver_.cancel();
    if (!result) socket_.close(ignored);
    auto done = std::move(done_);
    done_ = nullptr;
    done(std::move(result));
  }

  Loop& loop_;
  Address address_;
  FrameSize frame_size_;
  ConnectionLimits limits_;
  MakeSession make_session_;
  Function<void(Result<ConnectionPtr>)> done_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  TimerId timer_ = TimerId::None;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen(std::vector<Loop*> loops, const ListenOptions& options,
                                         MakeSession make_session) {
  CHECK(!loops.empty() && options.frame_size != nullptr);
  auto listener = std::make_shared<TcpListener>(std::move(loops), options, std::move(make_session));
  TRY(listener->open());
  return std::make_unique<ListenerHandle>(std::move(listener));
}

void connect(Loop& loop, const Address& address, Duration timeout, FrameSize frame_size,
             const ConnectionLimits& limits, MakeSession make_session,
             Function<void(Result<ConnectionPtr>)> done) {
  auto connecting = std::make_shared<Connecting>(loop, address, frame_size, limits,
                                                 std::move(make_session), std::move(done));
  loop.post([connecting, timeout] { connecting->start(timeout); });
}

}  // namespace penstock::net
