// SPDX-License-Identifier: Apache-2.0
#include "client/cql_client.h"

#include <future>
#include <limits>
#include <span>

#include "base/check.h"
#include "client/cql_dispatcher.h"
#include "wire/cql/requests.h"

namespace penstock::client {
namespace {

using Request = CqlDispatcher::Request;
using Reply = CqlConnection::Reply;

// Unlogged batches of one partition stay this small: larger ones make Cassandra warn, and refuse at
// ten times the size.
constexpr std::size_t kPartitionBatchBytes = 5 << 10;

Dial network_dial(const CqlConfig& config) {
  Result<std::shared_ptr<const net::TlsClient>> tls = nullptr;
  if (config.tls) tls = net::TlsClient::make(*config.tls);
  return [tls = std::move(tls)](net::Loop& loop, const net::Address& address, Duration timeout,
                                const net::ConnectionLimits& limits, net::MakeSession make_session,
                                Function<void(Result<net::ConnectionPtr>)> done) {
    if (!tls) return done(fail(Error(tls.error()).with("TLS")));
    if (*tls == nullptr) {
      return net::connect(loop, address, timeout, cql::response_frame_size, limits,
                          std::move(make_session), std::move(done));
    }
    net::connect(loop, address, timeout, net::any_bytes, limits,
                 (*tls)->session(address.host, timeout, cql::response_frame_size, limits,
                                 std::move(make_session)),
                 std::move(done));
  };
}

template <class Message>
Bytes encode_frame(cql::Opcode opcode, const Message& message, std::uint8_t version,
                   cql::Compression compression) {
  auto writer = cql::FrameWriter::request(version, 0, opcode);
  auto body = writer.body();
  write(body, message);
  return std::move(writer).finish(compression);
}

// What QUERY and EXECUTE need to be encoded, owning its bytes, for repeated tries.
struct OwnedParams {
  cql::QueryParams params;
  std::vector<Bytes> values;
  Bytes paging_state;
};

std::shared_ptr<OwnedParams> own(const std::vector<cql::CellValue>& values,
                                 const QueryOptions& options, const CqlConfig& config,
                                 std::int64_t timestamp) {
  auto owned = std::make_shared<OwnedParams>();
  owned->values.reserve(values.size());
  for (const cql::CellValue& value : values) {
    owned->values.emplace_back(value.view());
    owned->params.values.push_back(value.absent() ? value : cql::CellValue(owned->values.back()));
  }
  owned->params.consistency = options.consistency.value_or(config.consistency);
  owned->params.page_size = options.page_size;
  if (options.paging_state) {
    owned->paging_state = *options.paging_state;
    owned->params.paging_state = owned->paging_state;
  }
  owned->params.timestamp_micros = timestamp;
  return owned;
}

Function<void(Result<Reply>)> to_result_set(Function<void(Result<ResultSet>)> done) {
  return [done = std::move(done)](Result<Reply> reply) mutable {
    if (!reply) return done(fail(std::move(reply).error()));
    done(ResultSet::read(Bytes(reply->body), reply->header.version, nullptr,
                         std::move(reply->warnings)));
  };
}

Result<PreparedPtr> to_prepared(const Reply& reply, std::string keyspace, std::string text) {
  cql::ResultResponse result = TRY(cql::decode_result(reply.body, reply.header.version));
  auto* prepared = std::get_if<cql::PreparedResult>(&result);
  if (prepared == nullptr)
    return fail(Code::Corrupt, "PREPARE was answered with another kind of result");
  auto statement = std::make_shared<Prepared>();
  statement->keyspace = std::move(keyspace);
  statement->text = std::move(text);
  statement->id = std::move(prepared->id);
  statement->result_metadata_id = std::move(prepared->result_metadata_id);
  statement->markers = std::move(prepared->markers);
  statement->partition_key_markers = std::move(prepared->partition_key_markers);
  statement->columns =
      std::make_shared<const std::vector<cql::ColumnSpec>>(std::move(prepared->rows.columns));
  return statement;
}

}  // namespace

// A write to a server without atomic batches: so many requests in flight, then the extras one after
// another. On the loop.
class CqlWriteJob : public std::enable_shared_from_this<CqlWriteJob> {
 public:
  CqlWriteJob(std::shared_ptr<CqlDispatcher> dispatcher, std::shared_ptr<const WriteBatch> batch,
              std::int64_t timestamp, Function<void(Result<WriteOutcome>)> done)
      : dispatcher_(std::move(dispatcher)),
        batch_(std::move(batch)),
        timestamp_(timestamp),
        done_(std::move(done)) {
    groups_ = group_by_partition(*batch_, kPartitionBatchBytes);
    outcome_.rows = batch_->rows();
  }

  void pump() {
    // As many as the nodes take, which changes while it runs.
    const std::size_t in_flight_max = dispatcher_->capacity();
    while (!error_ && next_ < groups_.ends.size() && in_flight_ < in_flight_max)
      send_group(next_++);
    if (in_flight_ > 0 || !done_) return;
    if (error_) return std::exchange(done_, nullptr)(fail(*error_));
    if (next_ < groups_.ends.size()) return;
    if (next_extra_ < batch_->extras.size()) return send_extra(next_extra_++);
    std::exchange(done_, nullptr)(outcome_);
  }

 private:
  void send_group(std::size_t group) {
    const std::uint32_t begin = group == 0 ? 0 : groups_.ends[group - 1];
    const std::uint32_t end = groups_.ends[group];
    submit(batch_->statement, batch_->row(groups_.rows[begin]),
           [batch = batch_, this, begin, end](std::uint8_t version) {
             const cql::Consistency consistency = dispatcher_->config().consistency;
             if (end - begin == 1)
               return encode_row(*batch, groups_.rows[begin], consistency, timestamp_, version);
             WriteBatch part;
             part.statement = batch->statement;
             part.columns = batch->columns;
             for (std::uint32_t i = begin; i < end; ++i) {
               const auto row = batch->row(groups_.rows[i]);
               part.cells.insert(part.cells.end(), row.begin(), row.end());
               if (!batch->timestamps.empty())
                 part.timestamps.push_back(batch->timestamps[groups_.rows[i]]);
             }
             return encode_batch(part, 0, part.rows(), false, consistency, timestamp_, version,
                                 false);
           });
  }

  void send_extra(std::size_t extra) {
    submit(batch_->extras[extra].statement, batch_->extras[extra].values,
           [batch = batch_, this, extra](std::uint8_t version) {
             cql::ExecuteRequest request;
             request.id = batch->extras[extra].statement->id;
             request.result_metadata_id = batch->extras[extra].statement->result_metadata_id;
             request.params.consistency = dispatcher_->config().consistency;
             request.params.values = batch->extras[extra].values;
             request.params.timestamp_micros = timestamp_;
             return encode_frame(cql::Opcode::Execute, request, version, cql::Compression::None);
           });
  }

  // `key` are values among which the statement's partition key is.
  void submit(const PreparedPtr& statement, std::span<const cql::CellValue> key,
              Function<Bytes(std::uint8_t)> encode) {
    ++in_flight_;
    Request request;
    request.statement = statement;
    request.token = routing_token(*statement, key);
    const std::uint8_t version = dispatcher_->info().protocol_version;
    request.first_frame = encode(version);
    request.first_version = version;
    outcome_.bytes += request.first_frame.size();
    ++outcome_.requests;
    request.encode = std::move(encode);
    request.idempotent = true;
    request.consistency = dispatcher_->config().consistency;
    request.done = [self = shared_from_this()](Result<Reply> reply) {
      --self->in_flight_;
      if (!reply && !self->error_) self->error_ = reply.error();
      self->pump();
    };
    dispatcher_->submit(std::move(request));
  }

  std::shared_ptr<CqlDispatcher> dispatcher_;
  std::shared_ptr<const WriteBatch> batch_;
  std::int64_t timestamp_;
  Function<void(Result<WriteOutcome>)> done_;
  WriteGroups groups_;
  std::size_t next_ = 0;
  std::size_t next_extra_ = 0;
  std::size_t in_flight_ = 0;
  std::optional<Error> error_;
  WriteOutcome outcome_;
};

struct CqlClient::Impl : CqlDispatcher {
  using CqlDispatcher::CqlDispatcher;

  std::shared_ptr<Impl> self() { return std::static_pointer_cast<Impl>(shared_from_this()); }

  // On the loop, after submit() was posted from any thread.
  void post(Request request) {
    loop().post([self = self(), request = std::move(request)]() mutable {
      self->submit(std::move(request));
    });
  }

  // One BATCH for everything, built here and now on the calling thread.
  void write_atomically(const CqlServerInfo& server, const std::shared_ptr<const WriteBatch>& batch,
                        std::int64_t timestamp, Function<void(Result<WriteOutcome>)> done) {
    const std::size_t statements = batch->rows() + batch->extras.size();
    const std::size_t bytes = batch_bytes(*batch, 0, batch->rows(), true, server.protocol_version);
    if (statements > server.atomic_batch_statements_max || bytes > server.atomic_batch_bytes_max) {
      return refuse(
          std::move(done),
          {Code::TooLarge,
           fmt::format("{} statements in {} bytes are more than one atomic batch takes ({} in {})",
                       statements, bytes, server.atomic_batch_statements_max,
                       server.atomic_batch_bytes_max)});
    }
    Request request;
    request.consistency = config().consistency;
    request.encode = [batch, timestamp, consistency = request.consistency](std::uint8_t version) {
      return encode_batch(*batch, 0, batch->rows(), true, consistency, timestamp, version, true);
    };
    request.first_version = server.protocol_version;
    request.first_frame = request.encode(request.first_version);
    request.idempotent = true;
    const WriteOutcome outcome{batch->rows(), 1, bytes, true};
    request.done = [outcome, done = std::move(done)](Result<Reply> reply) mutable {
      if (!reply) return done(fail(std::move(reply).error()));
      done(outcome);
    };
    post(std::move(request));
  }

  void refuse(Function<void(Result<WriteOutcome>)> done, Error why) {
    loop().post(
        [done = std::move(done), why = std::move(why)]() mutable { done(fail(std::move(why))); });
  }
};

CqlClient::CqlClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
CqlClient::~CqlClient() {
  close();
}

std::unique_ptr<CqlClient> CqlClient::open(const CqlConfig& config, net::Loop& loop,
                                           Metrics& metrics, Dial dial) {
  CHECK(!config.contact_points.empty(), "a CQL client needs a contact point");
  auto impl =
      std::make_shared<Impl>(config, loop, metrics, dial ? std::move(dial) : network_dial(config));
  loop.post([impl] { impl->start(); });
  return std::unique_ptr<CqlClient>(new CqlClient(std::move(impl)));
}

void CqlClient::when_ready(Duration timeout, Function<void(Result<CqlServerInfo>)> done) {
  impl_->loop().post([impl = impl_, timeout, done = std::move(done)]() mutable {
    impl->when_ready(timeout, std::move(done));
  });
}

CqlServerInfo CqlClient::server() const {
  return impl_->info();
}

void CqlClient::query(std::string text, const QueryOptions& options,
                      Function<void(Result<ResultSet>)> done) {
  const auto owned =
      own({}, options, impl_->config(), options.timestamp_micros.value_or(impl_->next_timestamp()));
  Request request;
  request.idempotent = options.idempotent;
  request.consistency = owned->params.consistency;
  request.encode = [owned, text = std::move(text)](std::uint8_t version) {
    return encode_frame(cql::Opcode::Query, cql::QueryRequest{text, owned->params}, version,
                        cql::Compression::None);
  };
  request.done = to_result_set(std::move(done));
  impl_->post(std::move(request));
}

void CqlClient::prepare(std::string text, Function<void(Result<PreparedPtr>)> done) {
  const std::string& keyspace = impl_->config().keyspace;
  if (PreparedPtr known = impl_->prepared(keyspace, text)) {
    impl_->loop().post(
        [known = std::move(known), done = std::move(done)]() mutable { done(std::move(known)); });
    return;
  }
  Request request;
  request.idempotent = true;
  request.encode = [text](std::uint8_t version) {
    return encode_frame(cql::Opcode::Prepare, cql::PrepareRequest{text, std::nullopt}, version,
                        cql::Compression::None);
  };
  request.done = [impl = impl_, text, keyspace,
                  done = std::move(done)](Result<Reply> reply) mutable {
    if (!reply) return done(fail(std::move(reply).error()));
    Result<PreparedPtr> statement = to_prepared(*reply, keyspace, text);
    if (statement) impl->remember(*statement);
    done(std::move(statement));
  };
  impl_->post(std::move(request));
}

void CqlClient::execute(const PreparedPtr& statement, const std::vector<cql::CellValue>& values,
                        const QueryOptions& options, Function<void(Result<ResultSet>)> done) {
  const auto owned = own(values, options, impl_->config(),
                         options.timestamp_micros.value_or(impl_->next_timestamp()));
  Request request;
  request.statement = statement;
  request.token = routing_token(*statement, values);
  request.idempotent = options.idempotent;
  request.consistency = owned->params.consistency;
  // From v5 on the server leaves out the columns that we say we know, so that a try and its answer
  // must mean the same ones.
  auto known = std::make_shared<PreparedPtr>(statement);
  request.encode = [impl = impl_, owned, known](std::uint8_t version) {
    if (version >= 5) *known = impl->latest(*known);
    const Prepared& now = **known;
    owned->params.skip_metadata = version >= 5 && !now.result_metadata_id.empty();
    return encode_frame(cql::Opcode::Execute,
                        cql::ExecuteRequest{now.id, owned->params, now.result_metadata_id}, version,
                        cql::Compression::None);
  };
  request.done = [impl = impl_, known, done = std::move(done)](Result<Reply> reply) mutable {
    if (!reply) return done(fail(std::move(reply).error()));
    auto set = ResultSet::read(Bytes(reply->body), reply->header.version, (*known)->columns,
                               std::move(reply->warnings));
    if (set && set->new_metadata_id())
      impl->redescribe(*known, *set->new_metadata_id(), set->shared_columns());
    done(std::move(set));
  };
  impl_->post(std::move(request));
}

void CqlClient::write(WriteBatch batch, Function<void(Result<WriteOutcome>)> done) {
  CHECK(batch.columns == 0 || batch.cells.size() % batch.columns == 0,
        "every row has all its cells");
  CHECK(batch.timestamps.empty() || batch.timestamps.size() == batch.rows(), "one timestamp a row");
  const std::int64_t timestamp = batch.timestamp_micros.value_or(impl_->next_timestamp());
  const CqlServerInfo server = impl_->info();
  if (server.protocol_version == 0) {
    // How to write depends on the server, which nobody has met yet.
    when_ready(impl_->config().request_timeout,
               [this, impl = impl_, batch = std::move(batch),
                done = std::move(done)](Result<CqlServerInfo> ready) mutable {
                 if (!ready) return done(fail(std::move(ready).error()));
                 write(std::move(batch), std::move(done));
               });
    return;
  }
  const auto kept = std::make_shared<const WriteBatch>(std::move(batch));
  if (server.atomic_batch_statements_max > 0)
    return impl_->write_atomically(server, kept, timestamp, std::move(done));
  impl_->loop().post([impl = impl_, kept, timestamp, done = std::move(done)]() mutable {
    std::make_shared<CqlWriteJob>(impl, kept, timestamp, std::move(done))->pump();
  });
}

std::size_t CqlClient::atomic_rows_max(std::size_t bytes_per_row) const {
  const CqlServerInfo server = impl_->info();
  if (server.atomic_batch_statements_max == 0) return std::numeric_limits<std::size_t>::max();
  // A tenth is left for the extras and for rows longer than the average.
  const std::size_t by_bytes =
      server.atomic_batch_bytes_max / 10 * 9 / std::max<std::size_t>(bytes_per_row, 1);
  constexpr std::size_t kExtrasMax = 512;
  const std::size_t by_count = server.atomic_batch_statements_max > 2 * kExtrasMax
                                   ? server.atomic_batch_statements_max - kExtrasMax
                                   : server.atomic_batch_statements_max / 2;
  return std::max<std::size_t>(1, std::min(by_bytes, by_count));
}

void CqlClient::on_event(std::function<void(const cql::ServerEvent&)> handler) {
  impl_->loop().post([impl = impl_, handler = std::move(handler)]() mutable {
    impl->CqlDispatcher::on_event(std::move(handler));
  });
}

void CqlClient::close() {
  if (impl_->loop().here()) return impl_->close();
  // Shared with the posted work: a loop that has stopped destroys it, which ends the wait too.
  auto closed = std::make_shared<std::promise<void>>();
  const std::future<void> wait = closed->get_future();
  impl_->loop().post([impl = impl_, closed = std::move(closed)] {
    impl->close();
    closed->set_value();
  });
  wait.wait();
}

namespace {

// Runs a callback-style call and waits for its answer.
template <class T, class Call>
Result<T> waiting(Call call) {
  std::promise<Result<T>> promise;
  call([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

}  // namespace

Result<CqlServerInfo> CqlClient::wait_ready(Duration timeout) {
  return waiting<CqlServerInfo>([&](auto done) { when_ready(timeout, std::move(done)); });
}
Result<ResultSet> CqlClient::query(const std::string& text, const QueryOptions& options) {
  return waiting<ResultSet>([&](auto done) { query(text, options, std::move(done)); });
}
Result<PreparedPtr> CqlClient::prepare(const std::string& text) {
  return waiting<PreparedPtr>([&](auto done) { prepare(text, std::move(done)); });
}
Result<ResultSet> CqlClient::execute(const PreparedPtr& statement,
                                     const std::vector<cql::CellValue>& values,
                                     const QueryOptions& options) {
  return waiting<ResultSet>(
      [&](auto done) { execute(statement, values, options, std::move(done)); });
}
Result<WriteOutcome> CqlClient::write(WriteBatch batch) {
  return waiting<WriteOutcome>([&](auto done) { write(std::move(batch), std::move(done)); });
}

}  // namespace penstock::client
