// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/messages.h"

#include <gtest/gtest.h>

namespace penstock::cql {
namespace {

template <class Message>
Bytes body(const Message& message, std::uint8_t version = 4) {
  Bytes bytes;
  Writer to(bytes, version);
  write(to, message);
  return bytes;
}

// Every cut of the body is refused, not read past its end. (`bytes` must not end in something
// optional.)
template <class Decode>
void expect_every_cut_refused(const Bytes& bytes, Decode decode) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes exact(bytes.data(), size);
    EXPECT_FALSE(decode(exact)) << size << " of " << bytes.size() << " bytes";
  }
}

QueryParams full_params() {
  QueryParams params;
  params.consistency = Consistency::LocalQuorum;
  params.values = {CellValue("one"), CellValue::null(), CellValue::unset(), CellValue("")};
  params.skip_metadata = true;
  params.page_size = 100;
  params.paging_state = "state";
  params.serial_consistency = Consistency::LocalSerial;
  params.timestamp_micros = 1'700'000'000'000'000;
  return params;
}

void expect_same(const QueryParams& a, const QueryParams& b) {
  EXPECT_EQ(a.consistency, b.consistency);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.skip_metadata, b.skip_metadata);
  EXPECT_EQ(a.page_size, b.page_size);
  EXPECT_EQ(a.paging_state, b.paging_state);
  EXPECT_EQ(a.serial_consistency, b.serial_consistency);
  EXPECT_EQ(a.timestamp_micros, b.timestamp_micros);
  EXPECT_EQ(a.keyspace, b.keyspace);
  EXPECT_EQ(a.now_in_seconds, b.now_in_seconds);
}

QueryParams full_v5_params() {
  QueryParams params = full_params();
  params.keyspace = "ks";
  params.now_in_seconds = 1'700'000'000;
  return params;
}

TEST(Requests, QueryAndExecuteCarryEveryParameter) {
  const Bytes query = body(QueryRequest{"SELECT 1", full_params()});
  const auto read = decode_query(query, 4);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->query, "SELECT 1");
  expect_same(read->params, full_params());
  expect_every_cut_refused(query, [](BytesView bytes) { return decode_query(bytes, 4); });

  QueryParams named = full_params();
  named.names = {"a", "b", "c", "d"};
  const Bytes execute = body(ExecuteRequest{"id", named, {}});
  const auto executed = decode_execute(execute, 4);
  ASSERT_TRUE(executed);
  EXPECT_EQ(executed->id, "id");
  expect_same(executed->params, named);
  expect_every_cut_refused(execute, [](BytesView bytes) { return decode_execute(bytes, 4); });
}

TEST(Requests, V5AddsKeyspaceTimeAndTheColumnsThatAreKnown) {
  const Bytes query = body(QueryRequest{"SELECT 1", full_v5_params()}, 5);
  const auto read = decode_query(query, 5);
  ASSERT_TRUE(read);
  expect_same(read->params, full_v5_params());
  expect_every_cut_refused(query, [](BytesView bytes) { return decode_query(bytes, 5); });
  const Bytes execute = body(ExecuteRequest{"id", full_v5_params(), "columns"}, 5);
  const auto executed = decode_execute(execute, 5);
  ASSERT_TRUE(executed);
  EXPECT_EQ(executed->id, "id");
  EXPECT_EQ(executed->result_metadata_id, "columns");
  expect_same(executed->params, full_v5_params());
  expect_every_cut_refused(execute, [](BytesView bytes) { return decode_execute(bytes, 5); });
  const Bytes prepare = body(PrepareRequest{"SELECT", "ks"}, 5);
  EXPECT_EQ(decode_prepare(prepare, 5)->keyspace, "ks");
  expect_every_cut_refused(prepare, [](BytesView bytes) { return decode_prepare(bytes, 5); });
  EXPECT_FALSE(decode_prepare(body(PrepareRequest{"SELECT", {}}, 5), 5)->keyspace);

  // Older servers must not be told: the bits mean nothing to them and the rest would be misread.
  expect_same(decode_query(body(QueryRequest{"SELECT 1", full_v5_params()}), 4)->params,
              full_params());
  EXPECT_EQ(body(ExecuteRequest{"id", {}, "columns"}), body(ExecuteRequest{"id", {}, {}}));
  EXPECT_EQ(body(PrepareRequest{"SELECT", "ks"}), body(PrepareRequest{"SELECT", {}}));
}

// From the specification, byte by byte: an encoder and a decoder of the same mistake would agree.
TEST(Requests, V5FlagsAreFourBytes) {
  QueryParams params;
  params.timestamp_micros = 1;
  params.now_in_seconds = 2;
  EXPECT_EQ(hex(body(QueryRequest{"q", params}, 5)),
            "00 00 00 01 71 00 01 00 00 01 20 00 00 00 00 00 00 00 01 00 00 00 02");
  EXPECT_EQ(hex(body(PrepareRequest{"q", "k"}, 5)), "00 00 00 01 71 00 00 00 01 00 01 6b");
}

TEST(Requests, NullUnsetAndEmptyAreThreeThingsInV4AndTwoInV3) {
  const Bytes query = body(QueryRequest{"", full_params()});
  const auto v4 = decode_query(query, 4)->params.values;
  EXPECT_TRUE(v4[1].is_null());
  EXPECT_TRUE(v4[2].is_unset());
  EXPECT_FALSE(v4[3].absent());
  const auto v3 = decode_query(query, 3)->params.values;
  EXPECT_TRUE(v3[2].is_null());
}

TEST(Requests, WhatTheSpecForbidsIsRefused) {
  QueryParams params;
  params.page_size = 0;
  EXPECT_NE(decode_query(body(QueryRequest{"q", params}), 4).error().message.find("page size"),
            std::string::npos);
  params.page_size = -1;
  EXPECT_FALSE(decode_query(body(QueryRequest{"q", params}), 4)->params.page_size);
  params = {};
  params.timestamp_micros = INT64_MIN;
  EXPECT_FALSE(decode_query(body(QueryRequest{"q", params}), 4));
  params = {};
  params.consistency = static_cast<Consistency>(11);
  EXPECT_FALSE(decode_query(body(QueryRequest{"q", params}), 4));
  EXPECT_FALSE(
      decode_query(Bytes("\0\0\0\1q\0\1\1\0\1\xff\xff\xff\xfd", 14), 4));   // a value of length -3
  EXPECT_TRUE(decode_query(body(QueryRequest{"q", {}}) + "left over", 4));  // must be ignored
}

TEST(Requests, StartupKeysAreUpperCase) {
  const auto startup =
      decode_startup(body(StartupRequest{{{"cql_version", "3.0.0"}, {"Compression", "lz4"}}}), 4);
  EXPECT_EQ(startup->option("CQL_VERSION"), "3.0.0");
  EXPECT_EQ(startup->option("COMPRESSION"), "lz4");
  EXPECT_EQ(startup->option("NONE"), "");
  EXPECT_EQ(decode_register(body(RegisterRequest{{"SCHEMA_CHANGE"}}), 4)->events.front(),
            "SCHEMA_CHANGE");
  EXPECT_EQ(decode_auth_response(body(AuthResponseRequest{"\0u\0p"}), 4)->token,
            CellValue("\0u\0p"));
  EXPECT_EQ(decode_prepare(body(PrepareRequest{"SELECT", {}}), 4)->query, "SELECT");
}

TEST(Batch, StatementsShareOneFlatVectorOfValues) {
  BatchRequest batch;
  batch.type = BatchType::Unlogged;
  for (int i = 0; i < 3; ++i) {
    batch.statements.push_back(
        {i != 1, i == 1 ? "INSERT" : "id", static_cast<std::uint32_t>(batch.values.size()), 2});
    batch.values.push_back("v");
    batch.values.push_back(CellValue::unset());
  }
  batch.timestamp_micros = 5;
  batch.serial_consistency = Consistency::Serial;
  const Bytes bytes = body(batch);
  BatchRequest read;
  read.statements.resize(100);  // a used one
  ASSERT_TRUE(decode_batch(bytes, 4, read));
  EXPECT_EQ(read.type, BatchType::Unlogged);
  ASSERT_EQ(read.statements.size(), 3);
  EXPECT_FALSE(read.statements[1].prepared);
  EXPECT_EQ(read.statements[1].query_or_id, "INSERT");
  EXPECT_TRUE(read.values_of(read.statements[2])[1].is_unset());
  EXPECT_EQ(read.timestamp_micros, 5);
  EXPECT_EQ(read.serial_consistency, Consistency::Serial);
  expect_every_cut_refused(bytes, [&](BytesView cut) { return decode_batch(cut, 4, read); });

  batch.keyspace = "ks";
  batch.now_in_seconds = 7;
  EXPECT_EQ(body(batch), bytes);
  const Bytes v5 = body(batch, 5);
  ASSERT_TRUE(decode_batch(v5, 5, read));
  EXPECT_EQ(read.timestamp_micros, 5);
  EXPECT_EQ(read.keyspace, "ks");
  EXPECT_EQ(read.now_in_seconds, 7);
  expect_every_cut_refused(v5, [&](BytesView cut) { return decode_batch(cut, 5, read); });
}

TEST(Batch, LyingCountsAndFlagsAreRefusedCheaply) {
  BatchRequest read;
  EXPECT_FALSE(decode_batch(Bytes("\1\xff\xff", 3), 4, read));
  EXPECT_LT(read.statements.capacity(), 10);
  EXPECT_FALSE(decode_batch(Bytes("\1\0\1\1\0\1i\xff\xff", 9), 4, read));
  EXPECT_FALSE(decode_batch(Bytes("\1\0\0\0\1\1", 6), 4, read));  // the values flag
  EXPECT_FALSE(decode_batch(Bytes("\3\0\0\0\1\0", 6), 4, read));
  EXPECT_TRUE(decode_batch(Bytes("\1\0\0\0\1\0", 6), 4, read));
}

TEST(Responses, RowsComeBackCellByCell) {
  const std::vector<ColumnSpec> columns = {{"k", "t", "id", Kind::Text},
                                           {"k", "t", "n", Kind::Int}};
  RowsBuilder rows;
  rows.cell("a");
  rows.cell(CellValue::null());
  rows.end_row();
  rows.cell("");
  rows.cell("\0\0\0\1");
  rows.end_row();
  for (const bool skip : {false, true}) {
    Bytes bytes;
    Writer to(bytes, 4);
    rows.finish(to, columns, skip, "next");
    const auto result = decode_result(bytes, 4);
    ASSERT_TRUE(result) << result.error().message;
    const auto& read = std::get<RowsResult>(*result);
    EXPECT_EQ(read.row_count, 2);
    EXPECT_EQ(read.metadata.column_count, 2);
    EXPECT_EQ(read.metadata.columns, skip ? std::vector<ColumnSpec>() : columns);
    EXPECT_EQ(read.metadata.columns_skipped, skip);
    EXPECT_EQ(read.metadata.paging_state, "next");
    Reader cells(read.cells, 4);
    EXPECT_EQ(cells.bytes(), CellValue("a"));
    EXPECT_TRUE(cells.bytes().is_null());
    EXPECT_EQ(cells.bytes(), CellValue(""));
    expect_every_cut_refused(bytes, [](BytesView cut) { return decode_result(cut, 4); });
  }
}

TEST(Responses, RowsSayInV5ThatTheirColumnsHaveChanged) {
  const std::vector<ColumnSpec> columns = {{"k", "t", "id", Kind::Text}};
  RowsBuilder rows;
  rows.cell("a");
  rows.end_row();
  Bytes bytes;
  Writer to(bytes, 5);
  rows.finish(to, columns, false, "next", "columns");
  const auto result = decode_result(bytes, 5);
  ASSERT_TRUE(result) << result.error().message;
  const auto& read = std::get<RowsResult>(*result);
  EXPECT_EQ(read.metadata.new_id, "columns");
  EXPECT_EQ(read.metadata.paging_state, "next");
  EXPECT_EQ(read.metadata.columns, columns);
  expect_every_cut_refused(bytes, [](BytesView cut) { return decode_result(cut, 5); });
}

TEST(Responses, PreparedCarriesKeyMarkersInV4Only) {
  PreparedResult prepared;
  prepared.id = "id";
  prepared.markers = {{"k", "t", "a", Kind::Text}, {"k", "u", "b", TypeRef::list(Kind::Int)}};
  prepared.partition_key_markers = {1, 0};
  prepared.rows.columns = {{"k", "t", "c", Kind::Uuid}};
  prepared.result_metadata_id = "columns";
  for (const std::uint8_t version : {std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{5}}) {
    const auto result = decode_result(body(prepared, version), version);
    ASSERT_TRUE(result) << result.error().message;
    const auto& read = std::get<PreparedResult>(*result);
    EXPECT_EQ(read.id, "id");
    EXPECT_EQ(read.markers, prepared.markers);
    EXPECT_EQ(read.rows.columns, prepared.rows.columns);
    EXPECT_EQ(read.partition_key_markers.size(), version >= 4 ? 2 : 0);
    EXPECT_EQ(read.result_metadata_id, version >= 5 ? "columns" : "");
  }
  const PreparedResult insert{.id = "x", .markers = {}, .partition_key_markers = {}, .rows = {}};
  EXPECT_EQ(std::get<PreparedResult>(*decode_result(body(insert), 4)).rows.column_count, 0);
}

TEST(Responses, TheSmallOnesTravel) {
  EXPECT_TRUE(std::holds_alternative<VoidResult>(*decode_result(body(VoidResult{}), 4)));
  EXPECT_EQ(std::get<SetKeyspaceResult>(*decode_result(body(SetKeyspaceResult{"k"}), 4)).keyspace,
            "k");
  const SchemaChange change{"CREATED", "FUNCTION", "k", "f", {"int"}};
  Bytes bytes;
  Writer to(bytes, 4);
  write_schema_result(to, change);
  EXPECT_EQ(std::get<SchemaChange>(*decode_result(bytes, 4)), change);
  EXPECT_EQ(std::get<SchemaChange>(*decode_event(body(ServerEvent(change)), 4)), change);
  const ServerEvent up = StatusChange{"UP", {Bytes("\x7f\0\0\1", 4), 9042}};
  EXPECT_EQ(std::get<StatusChange>(*decode_event(body(up), 4)).node,
            std::get<StatusChange>(up).node);
  const ServerEvent added = TopologyChange{"NEW_NODE", {Bytes(16, '\1'), 9042}};
  EXPECT_EQ(std::get<TopologyChange>(*decode_event(body(added), 4)).change, "NEW_NODE");
  const auto supported =
      decode_supported(body(SupportedResponse{{{"COMPRESSION", {"lz4"}}, {"X", {}}}}), 4);
  EXPECT_EQ(supported->option("COMPRESSION")->front(), "lz4");
  EXPECT_EQ(supported->option("Y"), nullptr);
  EXPECT_EQ(decode_authenticate(body(AuthenticateResponse{"A"}), 4)->authenticator, "A");
  EXPECT_FALSE(decode_auth_success(body(AuthSuccessResponse{}), 4)->token);
  EXPECT_EQ(decode_auth_challenge(body(AuthChallengeResponse{"x"}), 4)->token, "x");
}

TEST(Responses, RowsWithoutColumnsAreRefused) {
  Bytes bytes;
  for (const std::int32_t number : {2, 4, 0, 0x7fffffff}) append_be(bytes, number);
  EXPECT_FALSE(decode_result(bytes, 4));
}

ErrorResponse full_error(ErrorCode code) {
  ErrorResponse error;
  error.code = code;
  error.message = "why";
  switch (code) {
    case ErrorCode::Unavailable:
      error.consistency = Consistency::Quorum;
      error.required = 2;
      error.alive = 1;
      break;
    case ErrorCode::ReadFailure:
    case ErrorCode::WriteFailure:
      error.failures = 1;
      [[fallthrough]];
    case ErrorCode::ReadTimeout:
    case ErrorCode::WriteTimeout:
      error.required = 2;
      error.received = 1;
      if (code == ErrorCode::ReadTimeout || code == ErrorCode::ReadFailure) {
        error.data_present = true;
      } else {
        error.write_type = "BATCH";
      }
      break;
    case ErrorCode::CasWriteUnknown:
      error.required = 2;
      error.received = 1;
      break;
    case ErrorCode::FunctionFailure:
      error.argument_types = {"int", "text"};
      [[fallthrough]];
    case ErrorCode::AlreadyExists:
      error.keyspace = "k";
      error.table = "t";
      break;
    case ErrorCode::Unprepared:
      error.prepared_id = "id";
      break;
    default:
      break;
  }
  return error;
}

constexpr ErrorCode kCodes[] = {
    ErrorCode::ServerError,     ErrorCode::ProtocolError,   ErrorCode::BadCredentials,
    ErrorCode::Unavailable,     ErrorCode::Overloaded,      ErrorCode::IsBootstrapping,
    ErrorCode::TruncateError,   ErrorCode::WriteTimeout,    ErrorCode::ReadTimeout,
    ErrorCode::ReadFailure,     ErrorCode::FunctionFailure, ErrorCode::WriteFailure,
    ErrorCode::CdcWriteFailure, ErrorCode::SyntaxError,     ErrorCode::Unauthorized,
    ErrorCode::Invalid,         ErrorCode::ConfigError,     ErrorCode::AlreadyExists,
    ErrorCode::Unprepared,
};

TEST(Errors, EveryCodeTravelsWithItsExtras) {
  for (const ErrorCode code : kCodes) {
    const ErrorResponse error = full_error(code);
    const Bytes bytes = body(error);
    EXPECT_EQ(*decode_error(bytes, 4), error) << name(code);
    expect_every_cut_refused(bytes, [](BytesView cut) { return decode_error(cut, 4); });
    EXPECT_NE(name(code), "UnknownError");
  }
}

TEST(Errors, V5SaysWhyReplicasFailedAndWhoWasInTheWay) {
  for (const ErrorCode code : {ErrorCode::ReadFailure, ErrorCode::WriteFailure,
                               ErrorCode::CasWriteUnknown, ErrorCode::WriteTimeout}) {
    ErrorResponse error = full_error(code);
    if (error.failures > 0) error.reasons = {{Bytes("\x7f\0\0\1", 4), 3}};
    if (code == ErrorCode::WriteTimeout) {
      error.write_type = "CAS";
      error.contentions = 2;
    }
    const Bytes bytes = body(error, 5);
    EXPECT_EQ(*decode_error(bytes, 5), error) << name(code);
    expect_every_cut_refused(bytes, [](BytesView cut) { return decode_error(cut, 5); });
  }
  // An answer that says that more failed than it names.
  EXPECT_FALSE(decode_error(Bytes("\0\0\x13\0\0\0\0\1\0\0\0\1\0\0\0\2\x7f\xff\xff\xff\4", 21), 5));
  EXPECT_EQ(from_cql(full_error(ErrorCode::CasWriteUnknown)).code, Code::Timeout);
}

TEST(Errors, OldClientsGetCodesThatTheyKnow) {
  const auto v3 = [](ErrorCode code) { return decode_error(body(full_error(code), 3), 3)->code; };
  EXPECT_EQ(v3(ErrorCode::ReadFailure), ErrorCode::ReadTimeout);
  EXPECT_EQ(v3(ErrorCode::WriteFailure), ErrorCode::WriteTimeout);
  EXPECT_EQ(v3(ErrorCode::FunctionFailure), ErrorCode::Invalid);
  EXPECT_EQ(v3(ErrorCode::CdcWriteFailure), ErrorCode::Invalid);
  const auto v4 = decode_error(body(full_error(ErrorCode::CasWriteUnknown)), 4);
  EXPECT_EQ(v4->code, ErrorCode::WriteTimeout);
  EXPECT_EQ(v4->write_type, "CAS");
}

TEST(Errors, TimeoutsStayOutcomeUnknownThroughTheWire) {
  const ErrorResponse wire = to_cql({Code::Timeout, "too slow"});
  EXPECT_EQ(wire.code, ErrorCode::WriteTimeout);
  EXPECT_EQ(from_cql(wire).code, Code::Timeout);
  EXPECT_EQ(to_cql({Code::InvalidArgument, "no"}).code, ErrorCode::Invalid);
  EXPECT_EQ(from_cql(full_error(ErrorCode::SyntaxError)).message, "SyntaxException: why");
}

}  // namespace
}  // namespace penstock::cql
