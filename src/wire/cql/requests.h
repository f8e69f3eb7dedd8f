// SPDX-License-Identifier: Apache-2.0
// What clients send (spec section 4.1). Decoded requests are views into the frame's body, which
// must outlive them. write() appends a body, decode_*() reads one; both know v3 to v5. Decoders
// take time and memory in proportion to the bytes that are there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/consistency.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

// OPTIONS has no body.

struct StartupRequest {
  std::vector<std::pair<std::string, std::string>> options;  // keys in upper case
  // The value of an upper-case key; empty if it is not there.
  std::string_view option(std::string_view key) const;
};

struct AuthResponseRequest {
  CellValue token;
};

struct RegisterRequest {
  std::vector<std::string> events;  // "SCHEMA_CHANGE" ...
};

// What QUERY and EXECUTE have in common.
struct QueryParams {
  Consistency consistency = Consistency::One;
  std::vector<CellValue> values;
  std::vector<std::string_view> names;  // empty, or one for each value (flag 0x40)
  bool skip_metadata = false;
  std::optional<std::int32_t> page_size;  // positive; a client's "unpaged" (negative) reads as none
  std::optional<BytesView> paging_state;
  std::optional<Consistency> serial_consistency;
  std::optional<std::int64_t> timestamp_micros;
  std::optional<std::string_view> keyspace;    // v5: instead of the connection's
  std::optional<std::int32_t> now_in_seconds;  // v5: the time by which cells expire
};

struct QueryRequest {
  std::string_view query;
  QueryParams params;
};

struct PrepareRequest {
  std::string_view query;
  std::optional<std::string_view> keyspace;  // v5
};

struct ExecuteRequest {
  BytesView id;
  QueryParams params;
  BytesView result_metadata_id;  // v5: of the columns that the client knows
};

enum class BatchType : std::uint8_t { Logged = 0, Unlogged = 1, Counter = 2 };

// A batch of up to 65535 statements, flat: the values of all statements lie in one vector, so
// decoding costs no allocation a value. Reuse one object (decode_batch clears it) and decoding
// costs none at all.
struct BatchRequest {
  struct Statement {
    bool prepared = false;
    std::string_view query_or_id;
    std::uint32_t values_begin = 0;
    std::uint16_t values_count = 0;
  };

  BatchType type = BatchType::Logged;
  std::vector<Statement> statements;
  std::vector<CellValue> values;
  Consistency consistency = Consistency::One;
  std::optional<Consistency> serial_consistency;
  std::optional<std::int64_t> timestamp_micros;
  std::optional<std::string_view> keyspace;    // v5
  std::optional<std::int32_t> now_in_seconds;  // v5

  std::span<const CellValue> values_of(const Statement& statement) const {
    return {values.data() + statement.values_begin, statement.values_count};
  }
  void clear();
};

Result<StartupRequest> decode_startup(BytesView body, std::uint8_t version);
Result<AuthResponseRequest> decode_auth_response(BytesView body, std::uint8_t version);
Result<RegisterRequest> decode_register(BytesView body, std::uint8_t version);
Result<QueryRequest> decode_query(BytesView body, std::uint8_t version);
Result<PrepareRequest> decode_prepare(BytesView body, std::uint8_t version);
Result<ExecuteRequest> decode_execute(BytesView body, std::uint8_t version);
Result<void> decode_batch(BytesView body, std::uint8_t version, BatchRequest& into);

void write(Writer& to, const StartupRequest& request);
void write(Writer& to, const AuthResponseRequest& request);
void write(Writer& to, const RegisterRequest& request);
void write(Writer& to, const QueryRequest& request);
void write(Writer& to, const PrepareRequest& request);
void write(Writer& to, const ExecuteRequest& request);
void write(Writer& to, const BatchRequest& request);

}  // namespace penstock::cql
