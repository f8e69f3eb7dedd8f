// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/requests.h"

#include <algorithm>

namespace penstock::cql {
namespace {

// One byte until v4, four from v5 on.
namespace query_flag {
constexpr std::uint32_t kValues = 0x01;
constexpr std::uint32_t kSkipMetadata = 0x02;
constexpr std::uint32_t kPageSize = 0x04;
constexpr std::uint32_t kPagingState = 0x08;
constexpr std::uint32_t kSerialConsistency = 0x10;
constexpr std::uint32_t kTimestamp = 0x20;
constexpr std::uint32_t kNames = 0x40;
constexpr std::uint32_t kKeyspace = 0x80;       // v5
constexpr std::uint32_t kNowInSeconds = 0x100;  // v5
}  // namespace query_flag

constexpr std::int32_t kPrepareKeyspace = 0x01;

// What v5 has added; in an older version these bits mean nothing.
bool has_v5_flag(const Reader& from, std::uint32_t flags, std::uint32_t flag) {
  return from.version() >= 5 && (flags & flag) != 0;
}

std::uint32_t read_flags(Reader& from) {
  return from.version() >= 5 ? static_cast<std::uint32_t>(from.i32()) : from.u8();
}

void write_flags(Writer& to, std::uint32_t flags) {
  if (to.version() >= 5) return to.i32(static_cast<std::int32_t>(flags));
  to.u8(static_cast<std::uint8_t>(flags));
}

// The flags of what follows the values and the paging in both QUERY and BATCH, and that itself.
template <class Params>
std::uint32_t trailing_flags(const Params& params, std::uint8_t version) {
  std::uint32_t flags = 0;
  if (params.serial_consistency) flags |= query_flag::kSerialConsistency;
  if (params.timestamp_micros) flags |= query_flag::kTimestamp;
  if (params.keyspace && version >= 5) flags |= query_flag::kKeyspace;
  if (params.now_in_seconds && version >= 5) flags |= query_flag::kNowInSeconds;
  return flags;
}

template <class Params>
void write_trailing(Writer& to, const Params& params) {
  if (params.serial_consistency) to.consistency(*params.serial_consistency);
  if (params.timestamp_micros) to.i64(*params.timestamp_micros);
  if (to.version() < 5) return;
  if (params.keyspace) to.string(*params.keyspace);
  if (params.now_in_seconds) to.i32(*params.now_in_seconds);
}

// Reads a timestamp; the smallest number is what servers use for "none" and so is refused.
std::int64_t read_timestamp(Reader& from) {
  const std::int64_t timestamp = from.i64();
  if (timestamp == INT64_MIN) from.fail_with("the timestamp is out of range");
  return timestamp;
}

template <class Params>
void read_trailing(Reader& from, std::uint32_t flags, Params& params) {
  if ((flags & query_flag::kSerialConsistency) != 0) params.serial_consistency = from.consistency();
  if ((flags & query_flag::kTimestamp) != 0) params.timestamp_micros = read_timestamp(from);
  if (has_v5_flag(from, flags, query_flag::kKeyspace)) params.keyspace = from.string();
  if (has_v5_flag(from, flags, query_flag::kNowInSeconds)) params.now_in_seconds = from.i32();
}

QueryParams read_params(Reader& from) {
  QueryParams params;
  params.consistency = from.consistency();
  const std::uint32_t flags = read_flags(from);
  if ((flags & query_flag::kValues) != 0) {
    const std::uint16_t count = from.u16();
    // Every value takes at least its four bytes of length: a lying count reserves no more than what
    // is there.
    params.values.reserve(std::min<std::size_t>(count, from.left() / 4));
    for (std::uint16_t i = 0; i < count && from.ok(); ++i) {
      if ((flags & query_flag::kNames) != 0) params.names.push_back(from.string());
      params.values.push_back(from.value());
    }
  }
  params.skip_metadata = (flags & query_flag::kSkipMetadata) != 0;
  if ((flags & query_flag::kPageSize) != 0) {
    const std::int32_t page_size = from.i32();
    if (page_size == 0) from.fail_with("the page size is zero");
    if (page_size > 0) params.page_size = page_size;
  }
  if ((flags & query_flag::kPagingState) != 0) {
    if (const CellValue state = from.bytes(); !state.is_null()) params.paging_state = state.view();
  }
  read_trailing(from, flags, params);
  return params;
}

void write_params(Writer& to, const QueryParams& params) {
  to.consistency(params.consistency);
  std::uint32_t flags = trailing_flags(params, to.version());
  const auto set = [&flags](bool wanted, std::uint32_t flag) { flags |= wanted ? flag : 0; };
  set(!params.values.empty(), query_flag::kValues);
  set(!params.names.empty(), query_flag::kNames);
  set(params.skip_metadata, query_flag::kSkipMetadata);
  set(params.page_size.has_value(), query_flag::kPageSize);
  set(params.paging_state.has_value(), query_flag::kPagingState);
  write_flags(to, flags);
  if (!params.values.empty()) {
    to.u16(static_cast<std::uint16_t>(params.values.size()));
    for (std::size_t i = 0; i < params.values.size(); ++i) {
      if (!params.names.empty()) to.string(params.names[i]);
      to.value(params.values[i]);
    }
  }
  if (params.page_size) to.i32(*params.page_size);
  if (params.paging_state) to.value(*params.paging_state);
  write_trailing(to, params);
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::string_view StartupRequest::option(std::string_view key) const {
  for (const auto& [name, value] : options) {
    if (name == key) return value;
  }
  return {};
}

void BatchRequest::clear() {
  type = BatchType::Logged;
  statements.clear();
  values.clear();
  consistency = Consistency::One;
  serial_consistency.reset();
  timestamp_micros.reset();
  keyspace.reset();
  now_in_seconds.reset();
}

Result<StartupRequest> decode_startup(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  StartupRequest request{from.string_map()};
  for (auto& option : request.options)
    std::ranges::transform(option.first, option.first.begin(), upper);
  TRY(from.status("STARTUP"));
  return request;
}

Result<AuthResponseRequest> decode_auth_response(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  const AuthResponseRequest request{from.bytes()};
  TRY(from.status("AUTH_RESPONSE"));
  return request;
}

Result<RegisterRequest> decode_register(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  RegisterRequest request{from.string_list()};
  TRY(from.status("REGISTER"));
  return request;
}

Result<QueryRequest> decode_query(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  QueryRequest request;
  request.query = from.long_string();
  request.params = read_params(from);
  TRY(from.status("QUERY"));
  return request;
}

Result<PrepareRequest> decode_prepare(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  PrepareRequest request{from.long_string(), std::nullopt};
  if (version >= 5 && (from.i32() & kPrepareKeyspace) != 0) request.keyspace = from.string();
  TRY(from.status("PREPARE"));
  return request;
}

Result<ExecuteRequest> decode_execute(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  ExecuteRequest request;
  request.id = from.short_bytes();
  if (version >= 5) request.result_metadata_id = from.short_bytes();
  request.params = read_params(from);
  TRY(from.status("EXECUTE"));
  return request;
}

Result<void> decode_batch(BytesView body, std::uint8_t version, BatchRequest& into) {
  into.clear();
  Reader from(body, version);
  const std::uint8_t type = from.u8();
  if (type > static_cast<std::uint8_t>(BatchType::Counter))
    from.fail_with("there is no such batch type");
  into.type = static_cast<BatchType>(type);
  const std::uint16_t count = from.u16();
  constexpr std::size_t kStatementBytesMin = 5;
  into.statements.reserve(std::min<std::size_t>(count, from.left() / kStatementBytesMin));
  for (std::uint16_t i = 0; i < count && from.ok(); ++i) {
    BatchRequest::Statement statement;
    const std::uint8_t kind = from.u8();
    if (kind > 1) from.fail_with("a statement is neither text nor prepared");
    statement.prepared = kind == 1;
    statement.query_or_id = statement.prepared ? from.short_bytes() : from.long_string();
    statement.values_begin = static_cast<std::uint32_t>(into.values.size());
    statement.values_count = from.u16();
    for (std::uint16_t value = 0; value < statement.values_count && from.ok(); ++value) {
      into.values.push_back(from.value());
    }
    into.statements.push_back(statement);
  }
  into.consistency = from.consistency();
  const std::uint32_t flags = read_flags(from);
  constexpr std::uint32_t kRefused = query_flag::kValues | query_flag::kSkipMetadata |
                                     query_flag::kPageSize | query_flag::kPagingState |
                                     query_flag::kNames;
  if ((flags & kRefused) != 0) from.fail_with("a flag is set that BATCH does not have");
  read_trailing(from, flags, into);
  return from.status("BATCH");
}

void write(Writer& to, const StartupRequest& request) {
  to.string_map(request.options);
}
void write(Writer& to, const AuthResponseRequest& request) {
  to.value(request.token);
}
void write(Writer& to, const RegisterRequest& request) {
  to.string_list(request.events);
}
void write(Writer& to, const QueryRequest& request) {
  to.long_string(request.query);
  write_params(to, request.params);
}
void write(Writer& to, const PrepareRequest& request) {
  to.long_string(request.query);
  if (to.version() < 5) return;
  to.i32(request.keyspace ? kPrepareKeyspace : 0);
  if (request.keyspace) to.string(*request.keyspace);
}
void write(Writer& to, const ExecuteRequest& request) {
  to.short_bytes(request.id);
  if (to.version() >= 5) to.short_bytes(request.result_metadata_id);
  write_params(to, request.params);
}

void write(Writer& to, const BatchRequest& request) {
  to.u8(static_cast<std::uint8_t>(request.type));
  to.u16(static_cast<std::uint16_t>(request.statements.size()));
  for (const BatchRequest::Statement& statement : request.statements) {
    to.u8(statement.prepared);
    if (statement.prepared) {
      to.short_bytes(statement.query_or_id);
    } else {
      to.long_string(statement.query_or_id);
    }
    to.u16(statement.values_count);
    for (const CellValue& value : request.values_of(statement)) to.value(value);
  }
  to.consistency(request.consistency);
  write_flags(to, trailing_flags(request, to.version()));
  write_trailing(to, request);
}

}  // namespace penstock::cql
