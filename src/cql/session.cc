// SPDX-License-Identifier: Apache-2.0
#include "cql/session.h"

#include <algorithm>

#include "base/logging.h"
#include "cql/session_host.h"
#include "wire/cql/messages.h"
#include "wire/cql/values.h"

namespace penstock::cql_server {
namespace {

// Batches above this are decoded and bound on the pool, so that they do not hold up their loop's
// other connections.
constexpr std::size_t kLargeBatchBytes = 1 << 20;

}  // namespace

struct Session::State {
  std::shared_ptr<Outbox> outbox;
  Caller caller;  // its keyspace changes on the loop only: USE is answered at once
  std::string client_host;
  cql::Compression compression = cql::Compression::None;
};

Session::Session(std::shared_ptr<SessionHost> host, const net::ConnectionPtr& connection)
    : host_(std::move(host)), state_(std::make_shared<State>()) {
  state_->outbox = std::make_shared<Outbox>(connection, host_->config.in_flight_bytes_max);
  state_->caller.local_host = connection->local().host;
  state_->caller.local_port = connection->local().port;
  state_->client_host = connection->peer().host;
}

void Session::on_open(net::Connection&) {
  host_->connections.add(1);
}

void Session::on_close(net::Connection& connection) {
  host_->connections.add(-1);
  host_->unsubscribe(connection.id());
}

void Session::on_bad_frame(net::Connection& connection, BytesView head, const Error& error) {
  const auto version = static_cast<std::uint8_t>(head[0]);
  if (version < cql::kVersionMin || version > cql::kServedVersionMax) {
    // Drivers walk down from their newest version, a connection each; the words of this answer make
    // them.
    connection.send(cql::unsupported_version(head));
  } else {
    cql::FrameHeader header;
    header.version = version;
    if (head.size() >= 4) header.stream = load_be<std::int16_t>(head.data() + 2);
    const auto code =
        error.code == Code::TooLarge ? cql::ErrorCode::Invalid : cql::ErrorCode::ProtocolError;
    send(connection, header,
         error_reply(code, error.code == Code::TooLarge ? "Request is too big: " + error.message
                                                        : error.message));
  }
  connection.close_after_sending();
}

void Session::send(net::Connection& connection, const cql::FrameHeader& header,
                   const Reply& reply) {
  if (reply.is_error()) host_->errors.add();
  connection.send(encode(reply, header.version, header.stream, state_->compression));
}

void Session::protocol_error(net::Connection& connection, const cql::FrameHeader& header,
                             std::string message) {
  send(connection, header, error_reply(cql::ErrorCode::ProtocolError, std::move(message)));
}

void Session::on_frame(net::Connection& connection, BytesView bytes) {
  host_->requests.add();
  const auto frame = cql::parse_frame(bytes);
  if (!frame) {
    protocol_error(connection, {}, frame.error().message);
    return connection.close_after_sending();
  }
  Bytes unpacked;
  auto body =
      cql::unpacked_body(*frame, state_->compression, unpacked, host_->config.frame_bytes_max);
  if (!body) return protocol_error(connection, frame->header, body.error().message);
  if (auto prefix = cql::take_prefix(frame->header, *body); !prefix)
    return protocol_error(connection, frame->header, prefix.error().message);
  dispatch(connection, frame->header, *body, bytes.size());
}

// One answer, with its trace, its time and its place in the count of what is under way.
Respond Session::respond_to(const cql::FrameHeader& header, std::size_t request_bytes,
                            std::string_view query) {
  state_->outbox->begin(request_bytes);
  const Clock& clock = host_->executor.clock();
  std::optional<TracedRequest> trace;
  if ((header.flags & cql::frame_flag::kTracing) != 0) {
    trace = TracedRequest{time_uuid(clock.wall_micros()),
                          state_->client_host,
                          std::string(cql::name(header.opcode)),
                          std::string(query),
                          clock.wall_millis(),
                          0};
  }
  return [host = host_, under = SessionHost::Under(host_), state = state_, version = header.version,
          stream = header.stream, request_bytes, started = clock.now(),
          trace = std::move(trace)](Reply reply) mutable {
    const Duration took = host->executor.clock().now() - started;
    host->seconds.observe(std::chrono::duration<double>(took).count());
    if (reply.is_error()) host->errors.add();
    if (trace) {
      trace->duration_micros =
          static_cast<std::int32_t>(std::max<std::int64_t>(took.count() / 1000, 1));
      reply.tracing_id = trace->id;
      host->executor.add_trace(std::move(*trace));
    }
    if (version < 4) reply.warnings.clear();
    if (const auto* use = std::get_if<cql::SetKeyspaceResult>(&reply.body))
      state->caller.keyspace = use->keyspace;
    state->outbox->push(encode(reply, version, stream, state->compression), request_bytes);
  };
}

void Session::dispatch(net::Connection& connection, const cql::FrameHeader& header, BytesView body,
                       std::size_t request_bytes) {
  using cql::Opcode;
  if (header.opcode == Opcode::Options) {
    auto frame = cql::FrameWriter::response(header.version, header.stream, Opcode::Supported);
    cql::SupportedResponse supported;
    supported.options = {
        {"CQL_VERSION", {"3.4.6"}},
        {"COMPRESSION", {"lz4", "snappy"}},
        {"PROTOCOL_VERSIONS", {"3/v3", "4/v4"}},
        // Ours: a BATCH is all or nothing, up to so many statements and bytes.
        {"PENSTOCK_ATOMIC_BATCH", {"65535", std::to_string(host_->config.frame_bytes_max)}}};
    cql::Writer to = frame.body();
    cql::write(to, supported);
    return connection.send(std::move(frame).finish(state_->compression));
  }
  if (header.opcode == Opcode::Startup) return startup(connection, header, body);
  if (!started_)
    return protocol_error(connection, header,
                          fmt::format("Unexpected message {}, expecting STARTUP or OPTIONS",
                                      cql::name(header.opcode)));

  Executor& executor = host_->executor;
  switch (header.opcode) {
    case Opcode::Query: {
      const auto request = cql::decode_query(body, header.version);
      if (!request) return protocol_error(connection, header, request.error().message);
      return executor.query(state_->caller, *request,
                            respond_to(header, request_bytes, request->query));
    }
    case Opcode::Prepare: {
      const auto request = cql::decode_prepare(body, header.version);
      if (!request) return protocol_error(connection, header, request.error().message);
      return respond_to(header, request_bytes,
                        request->query)(executor.prepare(state_->caller, request->query));
    }
    case Opcode::Execute: {
      const auto request = cql::decode_execute(body, header.version);
      if (!request) return protocol_error(connection, header, request.error().message);
      return executor.execute(state_->caller, *request,
                              respond_to(header, request_bytes, "EXECUTE"));
    }
    case Opcode::Batch: {
      if (body.size() > kLargeBatchBytes) return large_batch(header, body, request_bytes);
      thread_local cql::BatchRequest request;
      if (auto ok = cql::decode_batch(body, header.version, request); !ok)
        return protocol_error(connection, header, ok.error().message);
      return executor.batch(state_->caller, request, respond_to(header, request_bytes, "BATCH"));
    }
    case Opcode::Register:
      return register_events(connection, header, body);
    default:
      break;
  }
  protocol_error(connection, header,
                 fmt::format("Unexpected message {}: authentication is not asked for",
                             cql::name(header.opcode)));
}

void Session::large_batch(const cql::FrameHeader& header, BytesView body,
                          std::size_t request_bytes) {
  host_->pool.run([host = host_, caller = state_->caller, version = header.version,
                   owned = Bytes(body),
                   respond = respond_to(header, request_bytes, "BATCH")]() mutable {
    thread_local cql::BatchRequest request;
    if (auto ok = cql::decode_batch(owned, version, request); !ok)
      return respond(error_reply(cql::ErrorCode::ProtocolError, ok.error().message));
    host->executor.batch(caller, request, std::move(respond));
  });
}

void Session::startup(net::Connection& connection, const cql::FrameHeader& header, BytesView body) {
  const auto request = cql::decode_startup(body, header.version);
  if (!request) return protocol_error(connection, header, request.error().message);
  if (started_)
    return protocol_error(connection, header,
                          "Unexpected message STARTUP: the connection has been started");
  if (request->option("CQL_VERSION").empty())
    return protocol_error(connection, header, "Missing value CQL_VERSION in STARTUP message");
  if (const std::string_view wanted = request->option("COMPRESSION"); !wanted.empty()) {
    const auto compression = cql::compression(wanted);
    if (!compression)
      return protocol_error(
          connection, header,
          fmt::format("Unknown compression algorithm: {} (known are lz4 and snappy)", wanted));
    state_->compression = *compression;
  }
  started_ = true;
  connection.send(
      cql::FrameWriter::response(header.version, header.stream, cql::Opcode::Ready).finish());
}

void Session::register_events(net::Connection& connection, const cql::FrameHeader& header,
                              BytesView body) {
  const auto request = cql::decode_register(body, header.version);
  if (!request) return protocol_error(connection, header, request.error().message);
  SessionHost::Subscriber subscriber;
  subscriber.outbox = state_->outbox;
  subscriber.version = header.version;
  for (const std::string& event : request->events) {
    // One node neither joins nor leaves: who waits for TOPOLOGY_CHANGE has nothing to hear.
    if (event != "TOPOLOGY_CHANGE" && event != "STATUS_CHANGE" && event != "SCHEMA_CHANGE")
      return protocol_error(connection, header, fmt::format("Invalid value '{}' for Type", event));
    subscriber.schema = subscriber.schema || event == "SCHEMA_CHANGE";
    subscriber.status = subscriber.status || event == "STATUS_CHANGE";
  }
  subscriber.node.port = connection.local().port;
  if (auto ok = cql::parse_text(cql::Kind::Inet, connection.local().host, subscriber.node.address);
      !ok)
    subscriber.status = false;  // no address to name
  host_->subscribe(connection.id(), std::move(subscriber));
  connection.send(
      cql::FrameWriter::response(header.version, header.stream, cql::Opcode::Ready).finish());
}

}  // namespace penstock::cql_server
