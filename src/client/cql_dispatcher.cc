// SPDX-License-Identifier: Apache-2.0
#include "client/cql_dispatcher.h"

#include <algorithm>

#include "client/cql_backoff.h"
#include "wire/cql/requests.h"

namespace penstock::client {
namespace {

// A BATCH may name many statements that the server forgot, one an answer.
constexpr int kPreparedAgainMax = 32;

Bytes encode_prepare(std::string_view text, std::uint8_t version) {
  auto writer = cql::FrameWriter::request(version, 0, cql::Opcode::Prepare);
  auto body = writer.body();
  write(body, cql::PrepareRequest{text, std::nullopt});
  return std::move(writer).finish();
}

CqlLoadSign load_sign(cql::ErrorCode code) {
  switch (code) {
    case cql::ErrorCode::Overloaded:
    case cql::ErrorCode::WriteTimeout:
    case cql::ErrorCode::ReadTimeout:
      return CqlLoadSign::TooMuch;
    default:
      return CqlLoadSign::None;
  }
}

std::string cache_key(std::string_view keyspace, std::string_view text) {
  return std::string(keyspace).append(1, '\0').append(text);
}

}  // namespace

CqlDispatcher::CqlDispatcher(const CqlConfig& config, net::Loop& loop, Metrics& metrics, Dial dial)
    : config_(config),
      loop_(loop),
      metrics_(metrics),
      dial_(std::move(dial)),
      retries_total_(metrics.counter("penstock_cql_client_retries_total",
                                     "Requests sent again after a failure.")),
      random_(std::random_device{}()) {}

void CqlDispatcher::when_ready(Duration timeout, Function<void(Result<CqlServerInfo>)> done) {
  if (closed_) return done(fail(Code::Closed, "the CQL client is closed"));
  if (misplaced_) return done(fail(*misplaced_));
  if (usable()) return done(info());
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

std::size_t CqlDispatcher::capacity() const {
  std::size_t requests = 0;
  for (const PoolPtr& pool : pools_) requests += pool->connected() ? pool->in_flight_limit() : 0;
  return std::max<std::size_t>(requests, 1);
}

std::span<const std::uint32_t> CqlDispatcher::replicas_of(const Request& request) {
  if (!request.token || request.statement->markers.empty()) return {};
  const std::string& keyspace = request.statement->markers.front().keyspace;
  auto known = replicas_.find(keyspace);
  if (known == replicas_.end()) {
    const auto replication = keyspaces_.find(keyspace);
    const auto topology = info().topology;
    auto worked_out = replication == keyspaces_.end() || topology == nullptr
                          ? nullptr
                          : std::make_shared<const CqlReplicas>(*topology, replication->second);
    known = replicas_.emplace(keyspace, std::move(worked_out)).first;
  }
  if (known->second == nullptr) return {};
  return known->second->of(*request.token);
}

// The one of two replicas in the local datacenter, chosen by chance, with less to do.
CqlDispatcher::Target CqlDispatcher::pick_replica(const Request& request) {
  const auto replicas = replicas_of(request);
  Target best;
  const std::size_t begin = replicas.empty() ? 0 : random_() % replicas.size();
  int seen = 0;
  for (std::size_t i = 0; i < replicas.size() && seen < 2; ++i) {
    const PoolPtr& pool = pool_of_[replicas[(begin + i) % replicas.size()]];
    if (pool == nullptr || pool.get() == request.avoid) continue;
    CqlConnection* candidate = pool->least_loaded();
    if (candidate == nullptr) continue;
    ++seen;
    if (best.connection == nullptr || candidate->in_flight() < best.connection->in_flight())
      best = {pool, candidate};
  }
  return best;
}

CqlDispatcher::Target CqlDispatcher::pick(const Request& request) {
  if (request.prefer == nullptr) {
    if (const Target replica = pick_replica(request); replica.connection != nullptr) return replica;
  }
  Target best;
  // Beginning anywhere, so that equals are chosen alike.
  const std::size_t begin = pools_.empty() ? 0 : random_() % pools_.size();
  for (std::size_t i = 0; i < pools_.size() && !misplaced_; ++i) {
    const PoolPtr& pool = pools_[(begin + i) % pools_.size()];
    CqlConnection* candidate = pool->least_loaded();
    if (candidate == nullptr) continue;
    if (pool.get() == request.prefer) return {pool, candidate};
    const bool away = pool.get() != request.avoid;
    const bool better = best.connection == nullptr || (best.pool.get() == request.avoid && away) ||
                        (away && candidate->in_flight() < best.connection->in_flight());
    if (better) best = {pool, candidate};
  }
  return best;
}

bool CqlDispatcher::room_for(std::size_t bytes) const {
  return bytes_in_flight_ == 0 || bytes_in_flight_ + bytes <= config_.bytes_in_flight_max;
}

void CqlDispatcher::submit(Request request) {
  if (closed_) return request.done(fail(Code::Closed, "the CQL client is closed"));
  if (misplaced_) return request.done(fail(*misplaced_));
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
    const Target target = pick(*waiting_.front());
    if (target.connection == nullptr) break;
    const RequestPtr request = std::move(waiting_.front());
    waiting_.pop_front();
    send(target, request);
  }
  pumping_ = false;
  arm_waiting();
}

void CqlDispatcher::send(const Target& target, const RequestPtr& request) {
  CqlConnection& connection = *target.connection;
  Bytes frame = std::exchange(request->first_frame, {});
  if (frame.empty() || request->first_version != connection.version())
    frame = request->encode(connection.version());
  request->frame_bytes = frame.size();
  request->prefer = nullptr;
  bytes_in_flight_ += frame.size();
  target.pool->sent();
  connection.send(
      std::move(frame),
      [weak = weak_from_this(), request, pool = target.pool, shared = connection.shared_from_this(),
       began = loop_.clock().now()](Result<CqlConnection::Reply> reply) {
        if (const auto self = weak.lock()) {
          return self->on_reply(pool, shared, request, self->loop_.clock().now() - began,
                                std::move(reply));
        }
        request->done(fail(Code::Closed, "the CQL client is closed; the outcome is unknown"));
      });
}

void CqlDispatcher::on_reply(const PoolPtr& pool, const ConnectionPtr& connection,
                             const RequestPtr& request, Duration after,
                             Result<CqlConnection::Reply> reply) {
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
    pool->answered(after);
    agree(connection, request, *std::move(reply));
    return pump();
  }
  // Nothing is known of the node when the connection broke.
  pool->failed(after, error ? cql::name(error->code) : "unanswered",
               error                 ? load_sign(error->code)
               : connection->ready() ? CqlLoadSign::TooMuch
                                     : CqlLoadSign::None);
  if (error && error->code == cql::ErrorCode::Unprepared &&
      request->prepared_again < kPreparedAgainMax) {
    prepare_again(pool, connection, request, *error);
    return pump();
  }
  const RetryAction action = closed_
                                 ? RetryAction::Fail
                                 : decide_retry(error, request->idempotent, request->consistency,
                                                request->attempt, config_.retries_max + 1);
  if (action != RetryAction::Fail) {
    retry(request, action, pool);
  } else {
    request->done(fail(error ? cql::from_cql(*error) : reply.error()));
  }
  pump();
}

void CqlDispatcher::retry(const RequestPtr& request, RetryAction action, const PoolPtr& pool) {
  retries_total_.add();
  ++request->attempt;
  request->avoid = action == RetryAction::NextNode ? pool.get() : nullptr;
  request->prefer = action == RetryAction::SameNode ? pool.get() : nullptr;
  loop_.after(backoff(config_, request->attempt, random_()), [weak = weak_from_this(), request] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_)
      return request->done(fail(Code::Closed, "the CQL client is closed; the outcome is unknown"));
    request->give_up = self->loop_.clock().now() + self->config_.request_timeout;
    self->waiting_.push_back(request);
    self->pump();
  });
}

// The server has forgotten a statement (restart, cache full) or never heard of it (it was prepared
// on another node): prepares it there once, however many requests found that out, and sends them
// again, which is no retry.
void CqlDispatcher::prepare_again(const PoolPtr& pool, const ConnectionPtr& connection,
                                  const RequestPtr& request, const cql::ErrorResponse& error) {
  PreparedPtr known;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = by_id_.find(error.prepared_id); at != by_id_.end()) known = at->second;
  }
  if (known == nullptr) return request->done(fail(cql::from_cql(error)));
  ++request->prepared_again;
  auto& together = preparing_[{connection.get(), known->id}];
  together.push_back(request);
  if (together.size() > 1) return;
  auto done = [weak = weak_from_this(), request, pool, connection,
               known](Result<CqlConnection::Reply> reply) {
    if (const auto self = weak.lock())
      return self->prepared_again(pool, connection, known, std::move(reply));
    request->done(fail(Code::Closed, "the CQL client is closed"));
  };
  if (!connection->can_ask())
    return done(fail(Code::Unavailable, "the connection is busy or gone"));
  connection->send(encode_prepare(known->text, connection->version()), std::move(done));
}

void CqlDispatcher::prepared_again(const PoolPtr& pool, const ConnectionPtr& connection,
                                   const PreparedPtr& statement,
                                   Result<CqlConnection::Reply> reply) {
  auto requests = preparing_.extract({connection.get(), statement->id});
  if (requests.empty()) return;
  std::optional<cql::ErrorResponse> error;
  const auto result = [&]() -> Result<void> {
    if (!reply) return fail(Error(reply.error()).with("preparing again"));
    if (reply->header.opcode == cql::Opcode::Error) {
      error = TRY(cql::decode_error(reply->body, reply->header.version));
      Error refusal = cql::from_cql(*error).with("preparing again");
      // It was prepared once, so the table is another one now, or was for a moment; what is wrong
      // is nothing that the request brings.
      if (refusal.code == Code::InvalidArgument) refusal.code = Code::Conflict;
      return fail(std::move(refusal));
    }
    const auto decoded = TRY(cql::decode_result(reply->body, reply->header.version));
    const auto* prepared = std::get_if<cql::PreparedResult>(&decoded);
    if (prepared == nullptr || prepared->id != statement->id) {
      return fail(Code::Conflict,
                  "the server prepared '{}' under another id: was the table changed?",
                  statement->text);
    }
    if (prepared->result_metadata_id != statement->result_metadata_id) {
      redescribe(statement, prepared->result_metadata_id,
                 std::make_shared<const std::vector<cql::ColumnSpec>>(prepared->rows.columns));
    }
    return {};
  }();
  for (const RequestPtr& request : requests.mapped()) {
    if (result) {
      request->prefer = pool.get();
      waiting_.push_front(request);
      continue;
    }
    // The server has refused the request itself, so whatever it was, it may be sent again.
    const RetryAction action = closed_ || (reply && !error)
                                   ? RetryAction::Fail
                                   : decide_retry(error, true, request->consistency,
                                                  request->attempt, config_.retries_max + 1);
    if (action == RetryAction::Fail) {
      request->done(fail(Error(result.error())));
    } else {
      retry(request, action, pool);
    }
  }
  pump();
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
  loop_.cancel(seed_timer_);
  fail_everybody({Code::Closed, "the CQL client is closed"});
  while (!agreeing_.empty()) agreed(agreeing_.begin()->first, "");
  control_.reset();
  control_pool_.reset();
  for (auto* pools : {&pools_, &retired_}) {
    for (const PoolPtr& pool : std::exchange(*pools, {})) pool->close();
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

PreparedPtr CqlDispatcher::latest(const PreparedPtr& statement) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(statement->id);
  return at == by_id_.end() ? statement : at->second;
}

void CqlDispatcher::redescribe(const PreparedPtr& statement, Bytes result_metadata_id,
                               std::shared_ptr<const std::vector<cql::ColumnSpec>> columns) {
  auto changed = std::make_shared<Prepared>(*statement);
  changed->result_metadata_id = std::move(result_metadata_id);
  changed->columns = std::move(columns);
  const std::lock_guard lock(mutex_);
  by_id_[changed->id] = changed;
  const auto named = by_text_.find(cache_key(changed->keyspace, changed->text));
  if (named != by_text_.end()) named->second = changed;
}

}  // namespace penstock::client
