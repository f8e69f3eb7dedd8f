// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/cql/consistency.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

// The codes of ERROR (spec section 9).
enum class ErrorCode : std::uint32_t {
  ServerError = 0x0000,
  ProtocolError = 0x000A,
  BadCredentials = 0x0100,
  Unavailable = 0x1000,
  Overloaded = 0x1001,
  IsBootstrapping = 0x1002,
  TruncateError = 0x1003,
  WriteTimeout = 0x1100,
  ReadTimeout = 0x1200,
  ReadFailure = 0x1300,      // v4
  FunctionFailure = 0x1400,  // v4
  WriteFailure = 0x1500,     // v4
  CdcWriteFailure = 0x1600,  // v4
  CasWriteUnknown = 0x1700,  // v5
  SyntaxError = 0x2000,
  Unauthorized = 0x2100,
  Invalid = 0x2200,
  ConfigError = 0x2300,
  AlreadyExists = 0x2400,
  Unprepared = 0x2500,
};
std::string_view name(
    ErrorCode code);  // "SyntaxException" and so on, as Cassandra's drivers call them

// The body of ERROR: message data, not an Error of ours. Only the fields that the code has travel;
// the rest stay as they are.
struct ErrorResponse {
  ErrorCode code = ErrorCode::ServerError;
  std::string message;

  Consistency consistency = Consistency::One;  // Unavailable, timeouts, failures
  std::int32_t required = 0;  // Unavailable: replicas required; timeouts and failures: block for
  std::int32_t alive = 0;     // Unavailable
  std::int32_t received = 0;  // timeouts and failures
  std::int32_t failures = 0;  // failures; in v5 as many as there are reasons
  // v5, failures: replicas by address, each with its reason (spec v5, section 8).
  std::vector<std::pair<Bytes, std::uint16_t>> reasons;
  std::uint16_t contentions = 0;  // v5, WriteTimeout of a compare-and-set
  bool data_present = false;      // ReadTimeout, ReadFailure
  std::string write_type;         // WriteTimeout, WriteFailure: "SIMPLE", "BATCH", "BATCH_LOG" ...
  std::string keyspace;           // AlreadyExists, FunctionFailure
  std::string table;  // AlreadyExists (empty: the keyspace exists); FunctionFailure: the function
  std::vector<std::string> argument_types;  // FunctionFailure
  Bytes prepared_id;                        // Unprepared

  friend bool operator==(const ErrorResponse&, const ErrorResponse&) = default;
};

// v3 clients get 1300 as 1200, 1500 as 1100, 1400 and 1600 as 2200, and those below v5 1700 as 1100
// (they know no better).
void write(Writer& to, const ErrorResponse& response);
Result<ErrorResponse> decode_error(BytesView body, std::uint8_t version);

// The one translation of our errors to the wire's; already-exists and unprepared need more than an
// Error and are made by hand.
ErrorResponse to_cql(const Error& error);
// And back, for a client: the kind, and the server's words with the code's name before them.
// Timeouts become Code::Timeout: outcome unknown.
Error from_cql(const ErrorResponse& response);

}  // namespace penstock::cql
