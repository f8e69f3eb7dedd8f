// SPDX-License-Identifier: Apache-2.0
#include "cql/reply.h"

namespace penstock::cql_server {
namespace {

void write_body(cql::Writer& to, const Reply& reply) {
  if (const auto* rows = std::get_if<RowsReply>(&reply.body)) {
    std::optional<BytesView> state;
    if (rows->paging_state) state = *rows->paging_state;
    rows->rows.finish(to, *rows->columns, rows->skip_columns, state);
  } else if (const auto* error = std::get_if<cql::ErrorResponse>(&reply.body)) {
    cql::write(to, *error);
  } else if (const auto* keyspace = std::get_if<cql::SetKeyspaceResult>(&reply.body)) {
    cql::write(to, *keyspace);
  } else if (const auto* prepared = std::get_if<cql::PreparedResult>(&reply.body)) {
    cql::write(to, *prepared);
  } else if (const auto* change = std::get_if<cql::SchemaChange>(&reply.body)) {
    cql::write_schema_result(to, *change);
  } else {
    cql::write(to, cql::VoidResult{});
  }
}

}  // namespace

Bytes encode(const Reply& reply, std::uint8_t version, std::int16_t stream,
             cql::Compression compression) {
  std::size_t reserve = 256;
  if (const auto* rows = std::get_if<RowsReply>(&reply.body)) reserve += rows->rows.bytes();
  auto frame = cql::FrameWriter::response(
      version, stream, reply.is_error() ? cql::Opcode::Error : cql::Opcode::Result, reserve);
  if (reply.tracing_id || !reply.warnings.empty()) {
    cql::BodyPrefix prefix;
    prefix.tracing_id = reply.tracing_id;
    prefix.warnings = reply.warnings;
    frame.prefix(prefix);
  }
  cql::Writer body = frame.body();
  write_body(body, reply);
  return std::move(frame).finish(compression);
}

}  // namespace penstock::cql_server
