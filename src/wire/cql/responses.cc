// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/responses.h"

#include <algorithm>

namespace penstock::cql {
namespace {

enum ResultKind : std::int32_t {
  kVoid = 1,
  kRows = 2,
  kSetKeyspace = 3,
  kPrepared = 4,
  kSchemaChange = 5
};

namespace rows_flag {
constexpr std::int32_t kGlobalTable = 1;
constexpr std::int32_t kMorePages = 2;
constexpr std::int32_t kNoMetadata = 4;
constexpr std::int32_t kMetadataChanged = 8;  // v5
}  // namespace rows_flag

bool one_table(std::span<const ColumnSpec> columns) {
  return std::ranges::all_of(columns, [&](const ColumnSpec& column) {
    return column.keyspace == columns.front().keyspace && column.table == columns.front().table;
  });
}

void write_columns(Writer& to, std::span<const ColumnSpec> columns, bool global) {
  if (global) {
    to.string(columns.front().keyspace);
    to.string(columns.front().table);
  }
  for (const ColumnSpec& column : columns) {
    if (!global) {
      to.string(column.keyspace);
      to.string(column.table);
    }
    to.string(column.name);
    write_type(to, column.type, to.version());
  }
}

std::vector<ColumnSpec> read_columns(Reader& from, std::int32_t count, bool global) {
  std::vector<ColumnSpec> columns;
  std::string keyspace;
  std::string table;
  if (global) {
    keyspace = std::string(from.string());
    table = std::string(from.string());
  }
  for (std::int32_t i = 0; i < count && from.ok(); ++i) {
    ColumnSpec column{keyspace, table, {}, {}};
    if (!global) {
      column.keyspace = std::string(from.string());
      column.table = std::string(from.string());
    }
    column.name = std::string(from.string());
    column.type = read_type(from);
    columns.push_back(std::move(column));
  }
  return columns;
}

std::int32_t read_count(Reader& from) {
  const std::int32_t count = from.i32();
  if (count < 0) from.fail_with("a count is negative");
  return count;
}

RowsMetadata read_rows_metadata(Reader& from) {
  RowsMetadata metadata;
  const std::int32_t flags = from.i32();
  metadata.column_count = read_count(from);
  if ((flags & rows_flag::kMorePages) != 0) {
    if (const CellValue state = from.bytes(); !state.is_null())
      metadata.paging_state = Bytes(state.view());
  }
  if (from.version() >= 5 && (flags & rows_flag::kMetadataChanged) != 0)
    metadata.new_id = Bytes(from.short_bytes());
  metadata.columns_skipped = (flags & rows_flag::kNoMetadata) != 0;
  if (!metadata.columns_skipped) {
    const bool global = (flags & rows_flag::kGlobalTable) != 0 && metadata.column_count > 0;
    metadata.columns = read_columns(from, metadata.column_count, global);
  }
  return metadata;
}

RowsResult read_rows(Reader& from) {
  RowsResult rows;
  rows.metadata = read_rows_metadata(from);
  rows.row_count = read_count(from);
  const auto cells = static_cast<std::int64_t>(rows.row_count) * rows.metadata.column_count;
  // A row without columns has no bytes, so nothing but this would bound their number.
  if (rows.metadata.column_count == 0 && rows.row_count > 0)
    from.fail_with("there are rows but no columns");
  const BytesView all = from.rest();
  for (std::int64_t i = 0; i < cells && from.ok(); ++i) from.bytes();
  rows.cells = all.substr(0, all.size() - from.left());
  return rows;
}

PreparedResult read_prepared(Reader& from) {
  PreparedResult prepared;
  prepared.id = Bytes(from.short_bytes());
  if (from.version() >= 5) prepared.result_metadata_id = Bytes(from.short_bytes());
  const std::int32_t flags = from.i32();
  const std::int32_t count = read_count(from);
  if (from.version() >= 4) {
    for (std::int32_t left = read_count(from); left > 0 && from.ok(); --left) {
      prepared.partition_key_markers.push_back(from.u16());
    }
  }
  prepared.markers = read_columns(from, count, (flags & rows_flag::kGlobalTable) != 0);
  prepared.rows = read_rows_metadata(from);
  return prepared;
}

void write_change(Writer& to, const SchemaChange& change) {
  to.string(change.change);
  to.string(change.target);
  to.string(change.keyspace);
  if (change.target == "KEYSPACE") return;
  to.string(change.object);
  if (change.target == "FUNCTION" || change.target == "AGGREGATE")
    to.string_list(change.argument_types);
}

SchemaChange read_change(Reader& from) {
  SchemaChange change;
  change.change = std::string(from.string());
  change.target = std::string(from.string());
  change.keyspace = std::string(from.string());
  if (change.target == "KEYSPACE") return change;
  change.object = std::string(from.string());
  if (change.target == "FUNCTION" || change.target == "AGGREGATE")
    change.argument_types = from.string_list();
  return change;
}

std::optional<Bytes> read_token(Reader& from) {
  const CellValue token = from.bytes();
  return token.is_null() ? std::nullopt : std::optional<Bytes>(token.view());
}

void write_token(Writer& to, const std::optional<Bytes>& token) {
  to.value(token ? CellValue(*token) : CellValue::null());
}

}  // namespace

const std::vector<std::string>* SupportedResponse::option(std::string_view key) const {
  for (const auto& [name, values] : options) {
    if (name == key) return &values;
  }
  return nullptr;
}

void write(Writer& to, const AuthenticateResponse& response) {
  to.string(response.authenticator);
}
void write(Writer& to, const AuthChallengeResponse& response) {
  write_token(to, response.token);
}
void write(Writer& to, const AuthSuccessResponse& response) {
  write_token(to, response.token);
}
void write(Writer& to, const SupportedResponse& response) {
  to.string_multimap(response.options);
}
void write(Writer& to, const VoidResult&) {
  to.i32(kVoid);
}
void write(Writer& to, const SetKeyspaceResult& result) {
  to.i32(kSetKeyspace);
  to.string(result.keyspace);
}

void write(Writer& to, const PreparedResult& result) {
  to.i32(kPrepared);
  to.short_bytes(result.id);
  if (to.version() >= 5) to.short_bytes(result.result_metadata_id);
  const bool global = !result.markers.empty() && one_table(result.markers);
  to.i32(global ? rows_flag::kGlobalTable : 0);
  to.i32(static_cast<std::int32_t>(result.markers.size()));
  if (to.version() >= 4) {
    to.i32(static_cast<std::int32_t>(result.partition_key_markers.size()));
    for (const std::uint16_t marker : result.partition_key_markers) to.u16(marker);
  }
  write_columns(to, result.markers, global);
  const std::vector<ColumnSpec>& columns = result.rows.columns;
  if (columns.empty()) {
    to.i32(rows_flag::kNoMetadata);
    to.i32(0);
    return;
  }
  to.i32(one_table(columns) ? rows_flag::kGlobalTable : 0);
  to.i32(static_cast<std::int32_t>(columns.size()));
  write_columns(to, columns, one_table(columns));
}

void write_schema_result(Writer& to, const SchemaChange& change) {
  to.i32(kSchemaChange);
  write_change(to, change);
}

void write(Writer& to, const ServerEvent& event) {
  if (const auto* topology = std::get_if<TopologyChange>(&event)) {
    to.string("TOPOLOGY_CHANGE");
    to.string(topology->change);
    to.inet(topology->node);
  } else if (const auto* status = std::get_if<StatusChange>(&event)) {
    to.string("STATUS_CHANGE");
    to.string(status->change);
    to.inet(status->node);
  } else {
    to.string("SCHEMA_CHANGE");
    write_change(to, std::get<SchemaChange>(event));
  }
}

Result<AuthenticateResponse> decode_authenticate(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  AuthenticateResponse response{std::string(from.string())};
  TRY(from.status("AUTHENTICATE"));
  return response;
}

Result<AuthChallengeResponse> decode_auth_challenge(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  AuthChallengeResponse response{read_token(from)};
  TRY(from.status("AUTH_CHALLENGE"));
  return response;
}

Result<AuthSuccessResponse> decode_auth_success(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  AuthSuccessResponse response{read_token(from)};
  TRY(from.status("AUTH_SUCCESS"));
  return response;
}

Result<SupportedResponse> decode_supported(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  SupportedResponse response{from.string_multimap()};
  TRY(from.status("SUPPORTED"));
  return response;
}

Result<ResultResponse> decode_result(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  ResultResponse response;
  switch (from.i32()) {
    case kVoid:
      break;
    case kRows:
      response = read_rows(from);
      break;
    case kSetKeyspace:
      response = SetKeyspaceResult{std::string(from.string())};
      break;
    case kPrepared:
      response = read_prepared(from);
      break;
    case kSchemaChange:
      response = read_change(from);
      break;
    default:
      from.fail_with("there is no such kind of result");
  }
  TRY(from.status("RESULT"));
  return response;
}

Result<ServerEvent> decode_event(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  const std::string_view type = from.string();
  ServerEvent event;
  if (type == "TOPOLOGY_CHANGE") {
    std::string change(from.string());
    event = TopologyChange{std::move(change), from.inet()};
  } else if (type == "STATUS_CHANGE") {
    std::string change(from.string());
    event = StatusChange{std::move(change), from.inet()};
  } else if (type == "SCHEMA_CHANGE") {
    event = read_change(from);
  } else {
    from.fail_with("there is no such event");
  }
  TRY(from.status("EVENT"));
  return event;
}

void RowsBuilder::finish(Writer& to, std::span<const ColumnSpec> columns, bool skip_columns,
                         std::optional<BytesView> paging_state,
                         std::optional<BytesView> new_id) const {
  const bool global = !columns.empty() && one_table(columns);
  to.i32(kRows);
  to.i32((skip_columns ? rows_flag::kNoMetadata
          : global     ? rows_flag::kGlobalTable
                       : 0) |
         (paging_state ? rows_flag::kMorePages : 0) | (new_id ? rows_flag::kMetadataChanged : 0));
  to.i32(static_cast<std::int32_t>(columns.size()));
  if (paging_state) to.value(*paging_state);
  if (new_id) to.short_bytes(*new_id);
  if (!skip_columns) write_columns(to, columns, global);
  to.i32(rows_);
  to.raw(cells_);
}

}  // namespace penstock::cql
