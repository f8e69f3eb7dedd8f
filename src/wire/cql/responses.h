// SPDX-License-Identifier: Apache-2.0
// What servers send (spec section 4.2), except ERROR (errors.h). READY has no body.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/types.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

struct AuthenticateResponse {
  std::string authenticator;  // Java class name; drivers know
                              // "org.apache.cassandra.auth.PasswordAuthenticator"
};
struct AuthChallengeResponse {
  std::optional<Bytes> token;
};
struct AuthSuccessResponse {
  std::optional<Bytes> token;
};
struct SupportedResponse {
  std::vector<std::pair<std::string, std::vector<std::string>>> options;
  // The values of a key; nullptr if it is not there.
  const std::vector<std::string>* option(std::string_view key) const;
};

struct ColumnSpec {
  std::string keyspace;
  std::string table;
  std::string name;
  TypeRef type;
  friend bool operator==(const ColumnSpec&, const ColumnSpec&) = default;
};

// Metadata of rows, or of the markers of a prepared statement. `column_count` counts also when the
// columns themselves were skipped.
struct RowsMetadata {
  std::vector<ColumnSpec> columns;
  std::int32_t column_count = 0;
  bool columns_skipped = false;  // flag 4: the client has them from PREPARE
  std::optional<Bytes> paging_state;
  // v5, flag 8: the columns are no more what the client was told, and have this id from now on.
  std::optional<Bytes> new_id;
};

// RESULT kinds.
struct VoidResult {};
struct RowsResult {
  RowsMetadata metadata;
  std::int32_t row_count = 0;
  BytesView cells;  // row_count * column_count [bytes], checked to be all there; read with
                    // Reader::bytes()
};
struct SetKeyspaceResult {
  std::string keyspace;
};
struct PreparedResult {
  Bytes id;
  std::vector<ColumnSpec> markers;
  std::vector<std::uint16_t> partition_key_markers;  // v4: for each partition key column, the
                                                     // marker that binds it; empty if one has none
  RowsMetadata rows;           // what executing gives; no columns unless it is a SELECT
  Bytes result_metadata_id{};  // v5: of those columns, to be told with EXECUTE
};
// Also the event of that name.
struct SchemaChange {
  std::string change;  // "CREATED", "UPDATED", "DROPPED"
  std::string target;  // "KEYSPACE", "TABLE", "TYPE", "FUNCTION", "AGGREGATE"
  std::string keyspace;
  std::string object;                       // empty for a keyspace
  std::vector<std::string> argument_types;  // FUNCTION and AGGREGATE
  friend bool operator==(const SchemaChange&, const SchemaChange&) = default;
};
using ResultResponse =
    std::variant<VoidResult, RowsResult, SetKeyspaceResult, PreparedResult, SchemaChange>;

// Events, pushed on stream -1 to connections that have registered for them.
struct TopologyChange {
  std::string change;  // "NEW_NODE", "REMOVED_NODE", "MOVED_NODE"
  Inet node;
};
struct StatusChange {
  std::string change;  // "UP", "DOWN"
  Inet node;
};
using ServerEvent = std::variant<TopologyChange, StatusChange, SchemaChange>;

void write(Writer& to, const AuthenticateResponse& response);
void write(Writer& to, const AuthChallengeResponse& response);
void write(Writer& to, const AuthSuccessResponse& response);
void write(Writer& to, const SupportedResponse& response);
void write(Writer& to, const VoidResult& result);
void write(Writer& to, const SetKeyspaceResult& result);
void write(Writer& to, const PreparedResult& result);
void write_schema_result(Writer& to, const SchemaChange& change);  // as RESULT
void write(Writer& to, const ServerEvent& event);                  // as EVENT

Result<AuthenticateResponse> decode_authenticate(BytesView body, std::uint8_t version);
Result<AuthChallengeResponse> decode_auth_challenge(BytesView body, std::uint8_t version);
Result<AuthSuccessResponse> decode_auth_success(BytesView body, std::uint8_t version);
Result<SupportedResponse> decode_supported(BytesView body, std::uint8_t version);
Result<ResultResponse> decode_result(BytesView body, std::uint8_t version);
Result<ServerEvent> decode_event(BytesView body, std::uint8_t version);

// Builds a Rows result: cells are appended in wire form as they are read from the table, metadata
// goes before them at the end, when the paging state is known. Costs one copy of the cells.
class RowsBuilder {
 public:
  // One cell after another, as many a row as there are columns; unset is not a cell.
  void cell(const CellValue& value) {
    append_be(cells_, value.is_null() ? std::int32_t{-1} : static_cast<std::int32_t>(value.size()));
    cells_.append(value.view());
  }
  void end_row() { ++rows_; }

  std::int32_t rows() const { return rows_; }
  std::size_t bytes() const { return cells_.size(); }

  // The RESULT body. With `skip_columns` only their number goes out; `new_id` is RowsMetadata's.
  void finish(Writer& to, std::span<const ColumnSpec> columns, bool skip_columns = false,
              std::optional<BytesView> paging_state = std::nullopt,
              std::optional<BytesView> new_id = std::nullopt) const;

 private:
  Bytes cells_;
  std::int32_t rows_ = 0;
};

}  // namespace penstock::cql
