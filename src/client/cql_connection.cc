// SPDX-License-Identifier: Apache-2.0
#include "client/cql_connection.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "wire/cql/errors.h"
#include "wire/cql/requests.h"

namespace penstock::client {
namespace {

constexpr std::size_t kStreamsMax = 32'768;

// With more requests given up, whose streams only a late answer would free, the connection is
// broken; or with a quarter of what may be in flight.
constexpr std::size_t kOrphansMax = 128;

// The words by which every driver knows that it must try an older version. Cassandra 3.11 knows v5
// as a beta that must be asked for.
bool refuses_version(const cql::ErrorResponse& error) {
  return error.code == cql::ErrorCode::ProtocolError &&
         (error.message.find("nsupported protocol version") != std::string::npos ||
          error.message.find("USE_BETA flag is unset") != std::string::npos);
}

Result<std::size_t> plain_segment_size(BytesView head) {
  return cql::segment_size(head, false);
}
Result<std::size_t> lz4_segment_size(BytesView head) {
  return cql::segment_size(head, true);
}

// As an identifier of CQL, whatever is in it.
std::string quoted_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace

// net owns the session, the client the connection: this holds both together.
class CqlConnection::Adapter final : public net::Session {
 public:
  explicit Adapter(std::shared_ptr<CqlConnection> self) : self_(std::move(self)) {}
  void on_open(net::Connection& connection) override { self_->opened(connection); }
  void on_frame(net::Connection&, BytesView bytes) override { self_->frame(bytes); }
  void on_bad_frame(net::Connection&, BytesView, const Error& error) override {
    self_->gone(error);
  }
  void on_close(net::Connection&) override {
    self_->gone({Code::Unavailable,
                 self_->state_ == State::Options && !self_->config_.tls
                     ? "the server closed the connection at once: does it speak TLS only?"
                     : "the server closed the connection"});
  }

 private:
  std::shared_ptr<CqlConnection> self_;
};

CqlConnection::CqlConnection(const CqlConfig& config, net::Address address, std::uint8_t version,
                             Events events)
    : config_(config), address_(std::move(address)), version_(version), events_(std::move(events)) {
  CHECK(config_.in_flight_max > 0 && config_.in_flight_max + kOwnQuestions < kStreamsMax,
        "streams are numbered in 15 bits");
}

std::unique_ptr<net::Session> CqlConnection::session(std::shared_ptr<CqlConnection> self) {
  return std::make_unique<Adapter>(std::move(self));
}

void CqlConnection::opened(net::Connection& connection) {
  connection_ = &connection;
  state_ = State::Options;
  request(cql::FrameWriter::request(version_, 0, cql::Opcode::Options),
          [this](Result<Reply> reply) { handshake_step(std::move(reply)); });
}

void CqlConnection::send(Bytes frame, OnReply done) {
  CHECK(can_ask());
  dispatch(cql::packed_frame(std::move(frame), compression_), std::move(done));
}

void CqlConnection::request(cql::FrameWriter writer, OnReply done) {
  dispatch(std::move(writer).finish(compression_), std::move(done));
}

void CqlConnection::dispatch(Bytes frame, OnReply done) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::int16_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::int16_t stream = free_.back();
  free_.pop_back();
  Slot& slot = slots_[static_cast<std::size_t>(stream)];
  slot.done = std::move(done);
  ++slot.turn;
  store_be(frame.data() + 2, stream);
  deadlines_.push_back(
      {connection_->loop().clock().now() + config_.request_timeout, stream, slot.turn});
  arm_deadline();
  transmit(std::move(frame));
}

void CqlConnection::transmit(Bytes frame) {
  if (!segments_out_) return connection_->send(std::move(frame));
  segments_out_->add(frame);
  if (std::exchange(flush_posted_, true)) return;
  connection_->loop().post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->connection_ == nullptr) return;
    self->flush_posted_ = false;
    self->connection_->send(self->segments_out_->take());
  });
}

void CqlConnection::begin_segments() {
  if (version_ < 5) return;
  segments_in_.emplace(lz4_, cql::response_frame_size, config_.frame_bytes_max);
  segments_out_.emplace(lz4_);
  connection_->frame_by(lz4_ ? lz4_segment_size : plain_segment_size);
}

void CqlConnection::frame(BytesView bytes) {
  heard_ = true;
  if (!segments_in_) return envelope(bytes);
  if (const auto opened = segments_in_->open(bytes); !opened) return gone(opened.error());
  while (state_ != State::Gone) {
    const auto next = segments_in_->next();
    if (!next) return gone(next.error());
    if (next->empty()) return;
    envelope(*next);
  }
}

void CqlConnection::envelope(BytesView bytes) {
  const auto parsed = cql::parse_frame(bytes);
  if (!parsed) return gone(parsed.error());
  // Where there are segments the flag of a packed body means nothing.
  auto body = segments_in_
                  ? Result<BytesView>(parsed->body)
                  : cql::unpacked_body(*parsed, compression_, scratch_, config_.frame_bytes_max);
  if (!body) return gone(body.error());
  auto prefix = cql::take_prefix(parsed->header, *body);
  if (!prefix) return gone(prefix.error());
  const std::int16_t stream = parsed->header.stream;
  if (stream < 0) {
    const auto event = cql::decode_event(*body, parsed->header.version);
    if (event && events_.on_event) events_.on_event(*event);
    return;
  }
  if (static_cast<std::size_t>(stream) >= slots_.size()) {
    return gone(
        {Code::Corrupt, fmt::format("an answer came on stream {}, which was never used", stream)});
  }
  OnReply done = std::exchange(slots_[static_cast<std::size_t>(stream)].done, nullptr);
  free_.push_back(stream);
  if (!done) {
    --orphans_;
    return;
  }
  done(Reply{parsed->header, *body, std::move(prefix->warnings)});
}

void CqlConnection::gone(const Error& why, bool step_down) {
  if (state_ == State::Gone) return;
  const auto self = shared_from_this();
  state_ = State::Gone;
  if (connection_ != nullptr) {
    connection_->loop().cancel(deadline_timer_);
    connection_->loop().cancel(heartbeat_timer_);
    std::exchange(connection_, nullptr)->close();
  }
  // Callbacks may send elsewhere; this connection takes nothing any more.
  std::vector<Slot> slots = std::exchange(slots_, {});
  free_.clear();
  for (Slot& slot : slots) {
    if (slot.done)
      slot.done(fail(Code::Timeout,
                     "the connection to {} broke before the answer, the outcome is unknown: {}",
                     address_.text(), why.message));
  }
  if (events_.on_gone) events_.on_gone(why, step_down);
  events_ = {};
}

void CqlConnection::close() {
  gone({Code::Closed, "the client closed the connection"});
}

void CqlConnection::refused(const Reply& reply) {
  const auto error = cql::decode_error(reply.body, reply.header.version);
  if (!error) return gone(error.error());
  Error why = cql::from_cql(*error).with("connecting to " + address_.text());
  if (!refuses_version(*error)) return gone(why);
  if (config_.protocol_version)
    why.message += fmt::format("; the configuration asks for protocol version {}", version_);
  gone(why, !config_.protocol_version);
}

void CqlConnection::handshake_step(Result<Reply> reply) {
  if (!reply) return gone(reply.error());
  const cql::Opcode opcode = reply->header.opcode;
  if (opcode == cql::Opcode::Error) return refused(*reply);
  switch (state_) {
    case State::Options:
      if (opcode != cql::Opcode::Supported) break;
      if (auto supported = cql::decode_supported(reply->body, version_)) {
        supported_ = std::move(*supported);
        return start_up();
      }
      break;
    case State::Startup:
      // This answer still came bare, as OPTIONS and STARTUP went.
      begin_segments();
      if (opcode == cql::Opcode::Authenticate) return authenticate();
      if (opcode == cql::Opcode::Ready) return use_keyspace();
      break;
    case State::Auth:
      if (opcode == cql::Opcode::AuthSuccess) return use_keyspace();
      break;
    case State::Keyspace:
      if (opcode == cql::Opcode::Result) return become_ready();
      break;
    case State::Opening:
    case State::Ready:
    case State::Gone:
      break;
  }
  gone({Code::Corrupt, fmt::format("{} answered the handshake with an unexpected {}",
                                   address_.text(), cql::name(opcode))});
}

void CqlConnection::start_up() {
  state_ = State::Startup;
  cql::StartupRequest startup{{{"CQL_VERSION", "3.0.0"},
                               {"DRIVER_NAME", "penstock"},
                               {"DRIVER_VERSION", "1"},
                               {"THROW_ON_OVERLOAD", "1"}}};
  const std::string wanted(cql::name(config_.compression));
  const auto* offered = supported_.option("COMPRESSION");
  // v5's segments know LZ4 only.
  const bool possible = config_.compression == cql::Compression::Lz4 ||
                        (config_.compression == cql::Compression::Snappy && version_ < 5);
  const bool agreed = possible && offered != nullptr &&
                      std::find(offered->begin(), offered->end(), wanted) != offered->end();
  if (agreed) startup.options.emplace_back("COMPRESSION", wanted);
  auto writer = cql::FrameWriter::request(version_, 0, cql::Opcode::Startup);
  auto body = writer.body();
  write(body, startup);
  request(std::move(writer), [this](Result<Reply> reply) { handshake_step(std::move(reply)); });
  // STARTUP itself goes out plain.
  if (agreed && version_ < 5) compression_ = config_.compression;
  lz4_ = agreed && version_ >= 5;
}

void CqlConnection::authenticate() {
  if (config_.user.empty()) {
    return gone({Code::Unauthorized,
                 fmt::format("{} asks for a user and password; the configuration has none",
                             address_.text())});
  }
  state_ = State::Auth;
  // SASL PLAIN: authorisation id (none), user, password.
  const Bytes token = Bytes(1, '\0') + config_.user + '\0' + config_.password;
  auto writer = cql::FrameWriter::request(version_, 0, cql::Opcode::AuthResponse);
  auto body = writer.body();
  write(body, cql::AuthResponseRequest{token});
  request(std::move(writer), [this](Result<Reply> reply) { handshake_step(std::move(reply)); });
}

void CqlConnection::use_keyspace() {
  if (config_.keyspace.empty()) return become_ready();
  state_ = State::Keyspace;
  const std::string use = "USE " + quoted_name(config_.keyspace);
  auto writer = cql::FrameWriter::request(version_, 0, cql::Opcode::Query);
  auto body = writer.body();
  write(body, cql::QueryRequest{use, {}});
  request(std::move(writer), [this](Result<Reply> reply) { handshake_step(std::move(reply)); });
}

void CqlConnection::become_ready() {
  state_ = State::Ready;
  arm_heartbeat();
  if (events_.on_ready) events_.on_ready();
}

void CqlConnection::arm_deadline() {
  if (deadline_timer_ != net::TimerId::None || deadlines_.empty()) return;
  net::Loop& loop = connection_->loop();
  deadline_timer_ =
      loop.after(deadlines_.front().at - loop.clock().now(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->expire();
      });
}

// One timer for all requests: it fires at the oldest one's time, answered or not, and moves on.
void CqlConnection::expire() {
  const auto self = shared_from_this();
  deadline_timer_ = net::TimerId::None;
  if (state_ == State::Gone) return;
  const TimePoint now = connection_->loop().clock().now();
  while (state_ != State::Gone && !deadlines_.empty() && deadlines_.front().at <= now) {
    const Deadline deadline = deadlines_.front();
    deadlines_.pop_front();
    Slot& slot = slots_[static_cast<std::size_t>(deadline.stream)];
    if (slot.turn != deadline.turn || !slot.done) continue;
    OnReply done = std::exchange(slot.done, nullptr);
    ++orphans_;
    done(fail(Code::Timeout, "{} did not answer within {} ms, the outcome is unknown",
              address_.text(),
              std::chrono::duration_cast<Millis>(config_.request_timeout).count()));
  }
  if (state_ == State::Gone) return;
  if (orphans_ > std::min(config_.in_flight_max / 4, kOrphansMax)) {
    return gone({Code::Timeout,
                 fmt::format("{} requests were never answered by {}", orphans_, address_.text())});
  }
  // Answered ones need no timer.
  while (!deadlines_.empty() && slots_[static_cast<std::size_t>(deadlines_.front().stream)].turn !=
                                    deadlines_.front().turn)
    deadlines_.pop_front();
  arm_deadline();
}

void CqlConnection::arm_heartbeat() {
  heartbeat_timer_ = connection_->loop().after(config_.heartbeat, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->state_ != State::Ready) return;
    if (!self->heard_ && self->can_send()) {
      self->request(cql::FrameWriter::request(self->version_, 0, cql::Opcode::Options),
                    [weak](Result<Reply> reply) {
                      const auto still = weak.lock();
                      if (!reply && still != nullptr) still->gone(reply.error());
                    });
    }
    self->heard_ = false;
    self->arm_heartbeat();
  });
}

}  // namespace penstock::client
