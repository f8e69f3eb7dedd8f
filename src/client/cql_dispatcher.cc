// SPDX-License-Identifier: Apache-2.0
#include "client/cql_dispatcher.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/logging.h"
#include "wire/cql/requests.h"

namespace penstock::client {
namespace {

constexpr std::string_view kRoom = "cql-client";
// A BATCH may name many statements that the server forgot, one an answer.
constexpr int kPreparedAgainMax = 32;
constexpr std::string_view kAtomicBatch = "PENSTOCK_ATOMIC_BATCH";

Bytes encode_query(std::string_view text, std::uint8_t version) {
  auto writer = cql::FrameWriter::request(version, 0, cql::Opcode::Query);
  auto body = writer.body();
  write(body, cql::QueryRequest{text, {}});
  return std::move(writer).finish();
}

Bytes encode_prepare(std::string_view text, std::uint8_t version) {
  auto writer = cql::FrameWriter::request(version, 0, cql::Opcode::Prepare);
  auto body = writer.body();
  write(body, cql::PrepareRequest{text});
  return std::move(writer).finish();
}

std::size_t number_of(const std::vector<std::string>* values, std::size_t index) {
  std::size_t number = 0;
  if (values == nullptr || values->size() <= index) return 0;
  const std::string& text = (*values)[index];
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string cache_key(std::string_view keyspace, std::string_view text) {
  return std::string(keyspace).append(1, '\0').append(text);
}

Result<ResultSet> to_result(Result<CqlConnection::Reply> reply) {
  if (!reply) return fail(reply.error());
  if (reply->header.opcode == cql::Opcode::Error) {
    return fail(cql::from_cql(TRY(cql::decode_error(reply->body, reply->header.version))));
  }
  return ResultSet::read(Bytes(reply->body), reply->header.version, nullptr);
}

}  // namespace

CqlDispatcher::CqlDispatcher(const CqlConfig& config, net::Loop& loop, Metrics& metrics, Dial dial)
    : config_(config),
      loop_(loop),
      dial_(std::move(dial)),
      requests_total_(metrics.counter("penstock_cql_client_requests_total",
                                      "Requests sent to CQL servers, repeated ones too.")),
      retries_total_(metrics.counter("penstock_cql_client_retries_total",
                                     "Requests sent again after a failure.")),
      disconnects_total_(metrics.counter("penstock_cql_client_disconnects_total",
                                         "Connections to CQL servers that failed or broke.")),
      random_(std::random_device{}()) {
  for (std::size_t i = 0; i < config_.connections_per_node; ++i) {
    for (const net::Address& address : config_.contact_points)
      places_.push_back({address, nullptr, 0, cql::kVersionMax});
  }
}

void CqlDispatcher::start() {
  for (std::size_t place = 0; place < places_.size(); ++place) connect(place);
}

void CqlDispatcher::connect(std::size_t place) {
  if (closed_) return;
  const auto weak = weak_from_this();
  CqlConnection::Events events;
  events.on_ready = [weak, place] {
    if (const auto self = weak.lock()) self->on_ready(place);
  };
  events.on_gone = [weak, place](const Error& why, bool step_down) {
    if (const auto self = weak.lock()) self->on_gone(place, why, step_down);
  };
  events.on_event = [weak](const cql::ServerEvent& event) {
    if (const auto self = weak.lock()) self->on_server_event(event);
  };
  auto connection = std::make_shared<CqlConnection>(config_, places_[place].address,
                                                    places_[place].version, std::move(events));
  places_[place].connection = connection;
  net::ConnectionLimits limits;
  limits.frame_bytes_max = config_.frame_bytes_max;
  dial_(
      loop_, places_[place].address, config_.connect_timeout, limits,
      [connection](const net::ConnectionPtr&) { return CqlConnection::session(connection); },
      [weak, place, connection](Result<net::ConnectionPtr> connected) {
        const auto self = weak.lock();
        if (!connected && self != nullptr && self->places_[place].connection == connection)
          self->on_gone(place, connected.error(), false);
      });
}

void CqlDispatcher::on_ready(std::size_t place) {
  Place& here = places_[place];
  if (here.failures > 0) log_info(kRoom, "connected to {} again", here.address.text());
  here.failures = 0;
  const auto* atomic = here.connection->supported().option(kAtomicBatch);
  {
    const std::lock_guard lock(mutex_);
    info_.protocol_version = here.connection->version();
    info_.atomic_batch_statements_max = number_of(atomic, 0);
    info_.atomic_batch_bytes_max = number_of(atomic, 1);
  }
  register_for_events(here.connection);
  read_topology(place);
  pump();
}

void CqlDispatcher::on_gone(std::size_t place, const Error& why, bool step_down) {
  if (closed_) return;
  Place& here = places_[place];
  here.connection.reset();
  last_error_ = why;
  if (step_down && here.version > cql::kVersionMin) {
    --here.version;
    return connect(place);
  }
  disconnects_total_.add();
  if (here.failures++ == 0)
    log_warn(kRoom, "no connection to {}: {}; trying again", here.address.text(), why.message);
  // These do not go away by waiting, so nobody should.
  if (why.code == Code::Unauthorized || why.code == Code::Unsupported) fail_everybody(why);
  loop_.after(backoff(here.failures), [weak = weak_from_this(), place] {
    if (const auto self = weak.lock()) self->connect(place);
  });
}

// Doubling, with the upper half left to chance so that many clients do not come back together.
Duration CqlDispatcher::backoff(int failures) {
  Duration delay = config_.backoff_first;
  for (int i = 1; i < failures && delay < config_.backoff_max; ++i) delay *= 2;
  delay = std::min(delay, config_.backoff_max);
  const auto half = delay.count() / 2;
  return Duration(half +
                  static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(half + 1)));
}

void CqlDispatcher::fail_everybody(const Error& why) {
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    loop_.cancel(waiter.timer);
    waiter.done(fail(why));
  }
  for (const RequestPtr& request : std::exchange(waiting_, {})) request->done(fail(why));
}

void CqlDispatcher::ask(const std::shared_ptr<CqlConnection>& connection, std::string text,
                        Function<void(Result<ResultSet>)> done) {
  if (!connection->can_send())
    return done(fail(Code::Unavailable, "the connection is busy or gone"));
  connection->send(encode_query(text, connection->version()),
                   [done = std::move(done)](Result<CqlConnection::Reply> reply) mutable {
                     done(to_result(std::move(reply)));
                   });
}

void CqlDispatcher::read_topology(std::size_t place) {
  const auto connection = places_[place].connection;
  if (connection == nullptr) return;
  const auto weak = weak_from_this();
  ask(connection, "SELECT * FROM system.local WHERE key='local'",
      [weak, connection, this](Result<ResultSet> local) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        if (!local) return topology_known(fail(local.error()));
        const auto finish = [weak, connection, this, rows = *local](const ResultSet& peers) {
          if (const auto alive = weak.lock())
            topology_known(CqlTopology::read(rows, peers, connection->address()));
        };
        ask(connection, "SELECT * FROM system.peers_v2",
            [weak, connection, this, finish](Result<ResultSet> peers) {
              if (peers) return finish(*peers);
              const auto alive = weak.lock();
              if (alive == nullptr) return;
              // Servers before Cassandra 4 have only the older table.
              ask(connection, "SELECT * FROM system.peers",
                  [finish](Result<ResultSet> old) { finish(old ? *old : ResultSet()); });
            });
      });
}

void CqlDispatcher::topology_known(Result<CqlTopology> topology) {
  if (closed_) return;
  if (!topology) {
    last_error_ = topology.error();
    log_warn(kRoom, "could not read the cluster's nodes: {}", topology.error().message);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!topology->nodes().empty())
      info_.release_version = topology->nodes().front().release_version;
    info_.topology = std::make_shared<const CqlTopology>(*std::move(topology));
  }
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    loop_.cancel(waiter.timer);
    waiter.done(info());
  }
}

void CqlDispatcher::register_for_events(const std::shared_ptr<CqlConnection>& connection) {
  // One connection is enough to hear from.
  for (const Place& place : places_) {
    if (place.connection != nullptr && place.connection != connection && place.connection->ready())
      return;
  }
  auto writer = cql::FrameWriter::request(connection->version(), 0, cql::Opcode::Register);
  auto body = writer.body();
  write(body, cql::RegisterRequest{{"TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"}});
  connection->send(std::move(writer).finish(), [](Result<CqlConnection::Reply> reply) {
    if (reply && reply->header.opcode != cql::Opcode::Ready)
      log_debug(kRoom, "the server sends no events");
  });
}

void CqlDispatcher::on_server_event(const cql::ServerEvent& event) {
  if (handler_) handler_(event);
  if (std::holds_alternative<cql::SchemaChange>(event) || refresh_timer_ != net::TimerId::None)
    return;
  // A second's delay: nodes announce others before those take connections, and come in crowds.
  refresh_timer_ = loop_.after(std::chrono::seconds(1), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_) return;
    self->refresh_timer_ = net::TimerId::None;
    for (std::size_t place = 0; place < self->places_.size(); ++place) {
      const auto& connection = self->places_[place].connection;
      if (connection != nullptr && connection->ready()) return self->read_topology(place);
    }
  });
}

void CqlDispatcher::when_ready(Duration timeout, Function<void(Result<CqlServerInfo>)> done) {
  if (closed_) return done(fail(Code::Closed, "the CQL client is closed"));
  if (const CqlServerInfo now = info(); now.topology != nullptr) return done(now);
  const std::uint64_t id = ++last_waiter_;
  const net::TimerId timer = loop_.after(timeout, [weak = weak_from_this(), id] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    const auto at = std::ranges::find(self->waiters_, id, &Waiter::id);
    if (at == self->waiters_.end()) return;
    auto late = std::move(at->done);
    self->waiters_.erase(at);
    late(fail(Error(self->last_error_).with("no CQL server answered in time")));
  });
  waiters_.push_back({id, std::move(done), timer});
}

CqlConnection* CqlDispatcher::pick(const CqlConnection* avoid) {
  CqlConnection* best = nullptr;
  for (const Place& place : places_) {
    CqlConnection* candidate = place.connection.get();
    if (candidate == nullptr || !candidate->can_send()) continue;
    const bool better = best == nullptr || (best == avoid && candidate != avoid) ||
                        (candidate != avoid && candidate->in_flight() < best->in_flight());
    if (better) best = candidate;
  }
  return best;
}

bool CqlDispatcher::room_for(std::size_t bytes) const {
  return bytes_in_flight_ == 0 || bytes_in_flight_ + bytes <= config_.bytes_in_flight_max;
}

void CqlDispatcher::submit(Request request) {
  if (closed_) return request.done(fail(Code::Closed, "the CQL client is closed"));
  if (waiting_.size() >= config_.queued_max) {
    return request.done(fail(Code::Unavailable, "{} requests wait for a CQL server already: {}",
                             waiting_.size(), last_error_.message));
  }
  request.give_up = loop_.clock().now() + config_.request_timeout;
  request.frame_bytes = request.first_frame.size();
  waiting_.push_back(std::make_shared<Request>(std::move(request)));
  pump();
}

void CqlDispatcher::pump() {
  if (pumping_) return;  // a callback has submitted more: the outer call sends it
  pumping_ = true;
  while (!waiting_.empty() && room_for(waiting_.front()->frame_bytes)) {
    CqlConnection* connection = pick(waiting_.front()->avoid);
    if (connection == nullptr) break;
    const RequestPtr request = std::move(waiting_.front());
    waiting_.pop_front();
    send(*connection, request);
  }
  pumping_ = false;
  arm_waiting();
}

void CqlDispatcher::send(CqlConnection& connection, const RequestPtr& request) {
  Bytes frame = std::exchange(request->first_frame, {});
  if (frame.empty() || request->first_version != connection.version())
    frame = request->encode(connection.version());
  request->frame_bytes = frame.size();
  bytes_in_flight_ += frame.size();
  requests_total_.add();
  connection.send(
      std::move(frame), [weak = weak_from_this(), request, shared = connection.shared_from_this()](
                            Result<CqlConnection::Reply> reply) {
        if (const auto self = weak.lock()) return self->on_reply(shared, request, std::move(reply));
        request->done(fail(Code::Closed, "the CQL client is closed; the outcome is unknown"));
      });
}

void CqlDispatcher::on_reply(const std::shared_ptr<CqlConnection>& connection,
                             const RequestPtr& request, Result<CqlConnection::Reply> reply) {
  bytes_in_flight_ -= request->frame_bytes;
  std::optional<cql::ErrorResponse> error;
  if (reply && reply->header.opcode == cql::Opcode::Error) {
    auto decoded = cql::decode_error(reply->body, reply->header.version);
    if (decoded) {
      error = *std::move(decoded);
    } else {
      reply = fail(decoded.error());
    }
  }
  if (reply && !error) {
    request->done(std::move(reply));
    return pump();
  }
  if (error && error->code == cql::ErrorCode::Unprepared &&
      request->prepared_again < kPreparedAgainMax) {
    prepare_again(connection, request, *error);
    return pump();
  }
  const RetryAction action = closed_
                                 ? RetryAction::Fail
                                 : decide_retry(error, request->idempotent, request->consistency,
                                                request->attempt, config_.retries_max + 1);
  if (action != RetryAction::Fail) {
    retry(request, action, connection);
  } else {
    request->done(fail(error ? cql::from_cql(*error) : reply.error()));
  }
  pump();
}

void CqlDispatcher::retry(const RequestPtr& request, RetryAction action,
                          const std::shared_ptr<CqlConnection>& connection) {
  retries_total_.add();
  ++request->attempt;
  request->avoid = action == RetryAction::NextNode ? connection.get() : nullptr;
  loop_.after(backoff(request->attempt), [weak = weak_from_this(), request] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_)
      return request->done(fail(Code::Closed, "the CQL client is closed; the outcome is unknown"));
    request->give_up = self->loop_.clock().now() + self->config_.request_timeout;
    self->waiting_.push_back(request);
    self->pump();
  });
}

// The server has forgotten a statement (restart, cache full): prepares it there once more and sends
// the request again, which is no retry.
void CqlDispatcher::prepare_again(const std::shared_ptr<CqlConnection>& connection,
                                  const RequestPtr& request, const cql::ErrorResponse& error) {
  PreparedPtr known;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = by_id_.find(error.prepared_id); at != by_id_.end()) known = at->second;
  }
  if (known == nullptr || !connection->can_send()) return request->done(fail(cql::from_cql(error)));
  ++request->prepared_again;
  connection->send(
      encode_prepare(known->text, connection->version()),
      [weak = weak_from_this(), request, connection, known](Result<CqlConnection::Reply> reply) {
        const auto self = weak.lock();
        if (self == nullptr) return request->done(fail(Code::Closed, "the CQL client is closed"));
        const auto result = [&]() -> Result<void> {
          if (!reply) return fail(Error(reply.error()).with("preparing again"));
          if (reply->header.opcode == cql::Opcode::Error) {
            return fail(cql::from_cql(TRY(cql::decode_error(reply->body, reply->header.version)))
                            .with("preparing again"));
          }
          const auto decoded = TRY(cql::decode_result(reply->body, reply->header.version));
          const auto* prepared = std::get_if<cql::PreparedResult>(&decoded);
          if (prepared == nullptr || prepared->id != known->id) {
            return fail(Code::Conflict,
                        "the server prepared '{}' under another id: was the table changed?",
                        known->text);
          }
          return {};
        }();
        if (!result) return request->done(fail(Error(result.error())));
        self->waiting_.push_front(request);
        self->pump();
      });
}

void CqlDispatcher::arm_waiting() {
  if (waiting_.empty() || waiting_timer_ != net::TimerId::None || closed_) return;
  const Duration delay = std::max(Duration(0), waiting_.front()->give_up - loop_.clock().now());
  waiting_timer_ = loop_.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->expire_waiting();
  });
}

void CqlDispatcher::expire_waiting() {
  waiting_timer_ = net::TimerId::None;
  const TimePoint now = loop_.clock().now();
  std::vector<RequestPtr> late;
  std::erase_if(waiting_, [&](const RequestPtr& request) {
    if (request->give_up > now) return false;
    late.push_back(request);
    return true;
  });
  for (const RequestPtr& request : late) {
    // A first try has left no trace; a repeated one may have.
    const Code code = request->attempt == 0 ? Code::Unavailable : Code::Timeout;
    request->done(fail(code, "no CQL server took the request in time: {}", last_error_.message));
  }
  arm_waiting();
}

void CqlDispatcher::close() {
  if (std::exchange(closed_, true)) return;
  loop_.cancel(waiting_timer_);
  loop_.cancel(refresh_timer_);
  fail_everybody({Code::Closed, "the CQL client is closed"});
  for (Place& place : places_) {
    if (const auto connection = std::exchange(place.connection, nullptr)) connection->close();
  }
}

CqlServerInfo CqlDispatcher::info() const {
  const std::lock_guard lock(mutex_);
  return info_;
}

std::int64_t CqlDispatcher::next_timestamp() {
  const std::int64_t now = loop_.clock().wall_micros();
  const std::lock_guard lock(mutex_);
  return last_timestamp_ = std::max(now, last_timestamp_ + 1);
}

void CqlDispatcher::remember(const PreparedPtr& statement) {
  const std::lock_guard lock(mutex_);
  by_text_[cache_key(statement->keyspace, statement->text)] = statement;
  by_id_[statement->id] = statement;
}

PreparedPtr CqlDispatcher::prepared(const std::string& keyspace, const std::string& text) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_text_.find(cache_key(keyspace, text));
  return at == by_text_.end() ? nullptr : at->second;
}

}  // namespace penstock::client
