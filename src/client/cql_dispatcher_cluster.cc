// SPDX-License-Identifier: Apache-2.0
// What the dispatcher knows of the cluster: its nodes and their pools, the control connection.
#include <algorithm>
#include <charconv>

#include "base/logging.h"
#include "client/cql_backoff.h"
#include "client/cql_dispatcher.h"
#include "wire/cql/requests.h"
#include "wire/cql/values.h"

namespace penstock::client {
namespace {

constexpr std::string_view kRoom = "cql-client";
constexpr std::string_view kAtomicBatch = "PENSTOCK_ATOMIC_BATCH";
// Nodes announce others before those take connections, and events come in crowds.
constexpr Duration kRefreshDelay = std::chrono::seconds(1);

Bytes encode_query(std::string_view text, std::uint8_t version) {
  auto writer = cql::FrameWriter::request(version, 0, cql::Opcode::Query);
  auto body = writer.body();
  write(body, cql::QueryRequest{text, {}});
  return std::move(writer).finish();
}

std::size_t number_of(const std::vector<std::string>* values, std::size_t index) {
  std::size_t number = 0;
  if (values == nullptr || values->size() <= index) return 0;
  const std::string& text = (*values)[index];
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<ResultSet> to_result(Result<CqlConnection::Reply> reply) {
  if (!reply) return fail(reply.error());
  if (reply->header.opcode == cql::Opcode::Error) {
    return fail(cql::from_cql(TRY(cql::decode_error(reply->body, reply->header.version))));
  }
  return ResultSet::read(Bytes(reply->body), reply->header.version, nullptr);
}

std::string host_of(const cql::Inet& node) {
  return cql::format_value(cql::Kind::Inet, cql::CellValue(node.address));
}

bool changes_schema(const CqlConnection::Reply& reply) {
  constexpr std::int32_t kSchemaChange = 5;  // spec, section 4.2.5
  return reply.header.opcode == cql::Opcode::Result && reply.body.size() >= 4 &&
         load_be<std::int32_t>(reply.body.data()) == kSchemaChange;
}

}  // namespace

CqlDispatcher::PoolPtr CqlDispatcher::add_pool(const net::Address& address) {
  const auto weak = weak_from_this();
  CqlNodePool::Events events;
  events.on_ready = [weak](CqlNodePool& pool, const ConnectionPtr& connection) {
    if (const auto self = weak.lock()) self->on_ready(pool, connection);
  };
  events.on_gone = [weak](CqlNodePool&, const CqlConnection* connection, const Error& why) {
    if (const auto self = weak.lock()) self->on_gone(connection, why);
  };
  events.on_event = [weak](const CqlConnection* from, const cql::ServerEvent& event) {
    if (const auto self = weak.lock()) self->on_server_event(from, event);
  };
  return std::make_shared<CqlNodePool>(config_, loop_, dial_, metrics_, address, version_,
                                       std::move(events));
}

void CqlDispatcher::retire(const PoolPtr& pool) {
  pool->retire();
  retired_.push_back(pool);
}

void CqlDispatcher::start() {
  seed();
}

// Dials the contact points that are no known nodes: at the start, and when no node that was known
// takes requests any more.
void CqlDispatcher::seed() {
  if (closed_) return;
  std::vector<PoolPtr> seeds;
  for (const net::Address& point : config_.contact_points) {
    const bool known =
        std::ranges::any_of(pools_, [&](const PoolPtr& pool) { return pool->address() == point; });
    if (known) continue;
    pools_.push_back(add_pool(point));
    seeds.push_back(pools_.back());
  }
  for (const PoolPtr& pool : seeds) pool->start(1);
}

void CqlDispatcher::seed_later() {
  if (seed_timer_ != net::TimerId::None) return;
  seed_timer_ = loop_.after(backoff(config_, ++seedings_, random_()), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->seed_timer_ = net::TimerId::None;
    if (std::ranges::none_of(self->pools_, &CqlNodePool::connected)) self->seed();
  });
}

void CqlDispatcher::on_ready(CqlNodePool& pool, const ConnectionPtr& connection) {
  const auto* atomic = connection->supported().option(kAtomicBatch);
  version_ = std::min(version_, connection->version());
  {
    const std::lock_guard lock(mutex_);
    info_.protocol_version = connection->version();
    info_.atomic_batch_statements_max = number_of(atomic, 0);
    info_.atomic_batch_bytes_max = number_of(atomic, 1);
  }
  if (!pool.host_id().is_zero()) seedings_ = 0;
  if (control_ == nullptr) take_control(pool.shared_from_this(), connection);
  answer_waiters();
  pump();
}

void CqlDispatcher::on_gone(const CqlConnection* connection, const Error& why) {
  if (closed_) return;
  last_error_ = why;
  if (connection == control_.get()) move_control();
  if (std::ranges::any_of(pools_, &CqlNodePool::connected)) return;
  // These do not go away by waiting, so nobody should.
  if (why.code == Code::Unauthorized || why.code == Code::Unsupported ||
      why.code == Code::InvalidArgument)
    fail_everybody(why);
  seed_later();
}

void CqlDispatcher::fail_everybody(const Error& why) {
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    loop_.cancel(waiter.timer);
    waiter.done(fail(why));
  }
  for (const RequestPtr& request : std::exchange(waiting_, {})) request->done(fail(why));
}

bool CqlDispatcher::usable() const {
  return !misplaced_ && info().topology != nullptr &&
         std::ranges::any_of(pools_, &CqlNodePool::connected);
}

void CqlDispatcher::answer_waiters() {
  if (!usable()) return;
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    loop_.cancel(waiter.timer);
    waiter.done(info());
  }
}

void CqlDispatcher::ask(const ConnectionPtr& connection, std::string text,
                        Function<void(Result<ResultSet>)> done) {
  if (!connection->can_ask())
    return done(fail(Code::Unavailable, "the connection is busy or gone"));
  connection->send(encode_query(text, connection->version()),
                   [done = std::move(done)](Result<CqlConnection::Reply> reply) mutable {
                     done(to_result(std::move(reply)));
                   });
}

void CqlDispatcher::take_control(const PoolPtr& pool, const ConnectionPtr& connection) {
  control_ = connection;
  control_pool_ = pool;
  auto writer = cql::FrameWriter::request(connection->version(), 0, cql::Opcode::Register);
  auto body = writer.body();
  write(body, cql::RegisterRequest{{"TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"}});
  connection->send(std::move(writer).finish(), [](Result<CqlConnection::Reply> reply) {
    if (reply && reply->header.opcode != cql::Opcode::Ready)
      log_debug(kRoom, "the server sends no events");
  });
  // Also what was missed while there was no such connection.
  read_topology();
}

void CqlDispatcher::move_control() {
  control_.reset();
  control_pool_.reset();
  for (const PoolPtr& pool : pools_) {
    if (const ConnectionPtr next = pool->any_ready(); next != nullptr && next->can_send())
      return take_control(pool, next);
  }
}

void CqlDispatcher::read_nodes(const ConnectionPtr& connection,
                               std::function<void(Result<CqlTopology>)> done) {
  const auto weak = weak_from_this();
  ask(connection, "SELECT * FROM system.local WHERE key='local'",
      [weak, connection, this, done = std::move(done)](Result<ResultSet> local) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        if (!local) return done(fail(local.error()));
        const auto finish = [connection, done, rows = *local](const ResultSet& peers) {
          done(CqlTopology::read(rows, peers, connection->address()));
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

void CqlDispatcher::read_topology() {
  const ConnectionPtr connection = control_;
  if (connection == nullptr) return;  // the next one reads it anyway
  read_nodes(connection, [weak = weak_from_this(), connection](Result<CqlTopology> topology) {
    if (const auto self = weak.lock()) self->topology_known(connection, std::move(topology));
  });
}

void CqlDispatcher::topology_known(const ConnectionPtr& from, Result<CqlTopology> topology) {
  if (closed_ || from != control_) return;
  if (!topology && !from->ready()) return;  // another takes over
  if (!topology) {
    last_error_ = topology.error();
    log_warn(kRoom, "could not read the cluster's nodes: {}", topology.error().message);
    return refresh_in(kRefreshDelay);
  }
  const auto known = std::make_shared<const CqlTopology>(*std::move(topology));
  {
    const std::lock_guard lock(mutex_);
    if (!known->nodes().empty()) info_.release_version = known->nodes().front().release_version;
    info_.topology = known;
  }
  refresh_in(config_.refresh_interval);
  const auto local = local_nodes(*known, config_.local_dc.empty() ? datacenter_ : config_.local_dc);
  if (!local) {
    if (!misplaced_) log_warn(kRoom, "{}", local.error().message);
    misplaced_ = local.error();
    return fail_everybody(local.error());
  }
  misplaced_.reset();
  use_nodes(*known, *local);
  read_keyspaces(from);
}

// Last, since requests may go out without.
void CqlDispatcher::read_keyspaces(const ConnectionPtr& from) {
  ask(from, "SELECT keyspace_name, replication FROM system_schema.keyspaces",
      [weak = weak_from_this()](Result<ResultSet> keyspaces) {
        const auto self = weak.lock();
        if (self == nullptr || self->closed_) return;
        if (keyspaces) {
          self->keyspaces_ = read_replications(*keyspaces);
          self->replicas_.clear();
        } else {
          log_warn(kRoom, "could not read the keyspaces, so any node is asked: {}",
                   keyspaces.error().message);
        }
        self->answer_waiters();
        self->pump();
      });
}

void CqlDispatcher::use_nodes(const CqlTopology& topology, const CqlLocalNodes& local) {
  const bool first = datacenter_.empty();
  replicas_.clear();
  pool_of_.assign(topology.nodes().size(), nullptr);
  datacenter_ = local.datacenter;
  std::vector<CqlKnownNode> known;
  for (const PoolPtr& pool : pools_)
    known.push_back({pool->host_id(), pool->address(), pool->connected()});
  const CqlNodeChanges changes = match_nodes(known, topology, local.nodes);
  std::erase_if(retired_, [](const PoolPtr& pool) { return !pool->connected(); });
  const std::vector<PoolPtr> before = std::exchange(pools_, {});
  for (std::size_t i = 0; i < local.nodes.size(); ++i) {
    const CqlNode& node = topology.nodes()[local.nodes[i]];
    if (!changes.kept[i] && !first) log_info(kRoom, "node {} joined", node.address.text());
    pools_.push_back(changes.kept[i] ? before[*changes.kept[i]] : add_pool(node.address));
    pools_.back()->identify(node.host_id);
    pool_of_[local.nodes[i]] = pools_.back();
  }
  for (const std::size_t gone : changes.gone) {
    if (!before[gone]->host_id().is_zero())
      log_info(kRoom, "node {} is used no more", before[gone]->address().text());
    retire(before[gone]);
  }
  for (const PoolPtr& pool : std::vector(pools_)) {
    pool->start(config_.connections_per_node);
    if (nodes_changed_) pool->dial_now();
  }
  nodes_changed_ = false;
  if (std::ranges::find(pools_, control_pool_) == pools_.end()) move_control();
}

void CqlDispatcher::on_server_event(const CqlConnection* from, const cql::ServerEvent& event) {
  if (from != control_.get()) return;  // one that was it before
  if (handler_) handler_(event);
  if (const auto* schema = std::get_if<cql::SchemaChange>(&event)) {
    forget_statements(*schema);
    if (schema->target == "KEYSPACE") refresh_in(kRefreshDelay);
    return;
  }
  if (const auto* status = std::get_if<cql::StatusChange>(&event)) {
    const std::string host = host_of(status->node);
    if (status->change == "DOWN") {
      down_.insert(host);
    } else {
      down_.erase(host);
    }
  }
  refresh_in(kRefreshDelay, true);
}

// Those of a table or type that changed are prepared anew when asked for; those that are in use
// stay known by their ids, until the server says that it forgot them.
void CqlDispatcher::forget_statements(const cql::SchemaChange& change) {
  if (change.change == "CREATED") return;
  const std::lock_guard lock(mutex_);
  std::erase_if(by_text_, [&](const auto& entry) {
    const Prepared& statement = *entry.second;
    const auto& columns = statement.markers.empty() ? *statement.columns : statement.markers;
    if (columns.empty()) return true;  // it does not say what it is about
    const bool table = change.target == "TABLE";
    return columns.front().keyspace == change.keyspace &&
           (!table || columns.front().table == change.object);
  });
}

// Nodes that are away have the schema of before, and nobody waits for them.
bool CqlDispatcher::schema_agrees(const CqlTopology& topology) const {
  return std::ranges::all_of(topology.nodes(), [&](const CqlNode& node) {
    const auto pool = std::ranges::find_if(
        pools_, [&](const PoolPtr& one) { return one->host_id() == node.host_id; });
    const bool up =
        pool != pools_.end() ? (*pool)->connected() : !down_.contains(node.address.host);
    return !up || node.schema_version == topology.nodes().front().schema_version;
  });
}

// Gives the answer; that of DDL once all nodes know of it, so that a statement that follows finds
// the table wherever it goes.
void CqlDispatcher::agree(const ConnectionPtr& connection, const RequestPtr& request,
                          CqlConnection::Reply reply) {
  const auto topology = info().topology;
  const bool alone = topology == nullptr || topology->nodes().size() < 2;
  if (alone || !changes_schema(reply)) return request->done(std::move(reply));
  const std::uint64_t id = ++last_agreeing_;
  agreeing_[id] = {connection,
                   request,
                   reply.header,
                   Bytes(reply.body),
                   std::move(reply.warnings),
                   loop_.clock().now() + config_.schema_agreement_timeout};
  agree_again(id);
}

void CqlDispatcher::agree_again(std::uint64_t id) {
  const auto at = agreeing_.find(id);
  if (at == agreeing_.end()) return;
  if (!at->second.connection->ready() && control_ != nullptr) at->second.connection = control_;
  const auto weak = weak_from_this();
  read_nodes(at->second.connection, [weak, id](const Result<CqlTopology>& topology) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    const auto still = self->agreeing_.find(id);
    if (still == self->agreeing_.end()) return;
    if (topology && self->schema_agrees(*topology)) return self->agreed(id, "");
    if (self->loop_.clock().now() >= still->second.give_up) {
      const auto waited =
          std::chrono::duration_cast<Millis>(self->config_.schema_agreement_timeout);
      return self->agreed(
          id, fmt::format("the statement is done, but after {} ms the nodes do not agree on the "
                          "schema yet{}",
                          waited.count(), topology ? "" : ": " + topology.error().message));
    }
    self->loop_.after(self->config_.schema_agreement_interval, [weak, id] {
      if (const auto alive = weak.lock()) alive->agree_again(id);
    });
  });
}

void CqlDispatcher::agreed(std::uint64_t id, const std::string& warning) {
  auto taken = agreeing_.extract(id);
  Agreeing& held = taken.mapped();
  if (!warning.empty()) {
    log_warn(kRoom, "{}", warning);
    held.warnings.push_back(warning);
  }
  held.request->done(CqlConnection::Reply{held.header, held.body, std::move(held.warnings)});
}

// The sooner of two wishes counts.
void CqlDispatcher::refresh_in(Duration delay, bool nodes_changed) {
  nodes_changed_ = nodes_changed_ || nodes_changed;
  const TimePoint at = loop_.clock().now() + delay;
  if (refresh_timer_ != net::TimerId::None) {
    if (refresh_at_ <= at) return;
    loop_.cancel(refresh_timer_);
  }
  refresh_at_ = at;
  refresh_timer_ = loop_.after(delay, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_) return;
    self->refresh_timer_ = net::TimerId::None;
    self->read_topology();
  });
}

}  // namespace penstock::client
