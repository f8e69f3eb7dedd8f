// SPDX-License-Identifier: Apache-2.0
#include "client/cql_write_batch.h"

#include <gtest/gtest.h>

#include <memory>

#include "wire/cql/messages.h"

namespace penstock::client {
namespace {

TEST(CqlWriteBatch, EncodedFramesReadBack) {
  auto statement = std::make_shared<Prepared>();
  statement->id = "ID";
  WriteBatch batch;
  batch.statement = statement;
  batch.columns = 3;
  batch.cells = {"a", cql::CellValue::null(), "", "b", cql::CellValue::unset(), "x"};
  batch.timestamps = {5, 6};
  const Bytes frame = encode_batch(batch, 0, 2, true, cql::Consistency::One, 9, 4, false);
  EXPECT_EQ(frame.size(), batch_bytes(batch, 0, 2, true, 4));
  cql::BatchRequest request;
  ASSERT_TRUE(cql::decode_batch(cql::parse_frame(frame)->body, 4, request));
  ASSERT_EQ(request.statements.size(), 2);
  const auto second = request.values_of(request.statements[1]);
  ASSERT_EQ(second.size(), 4);
  EXPECT_TRUE(second[1].is_unset());
  EXPECT_EQ(second[3].view(), BytesView("\0\0\0\0\0\0\0\6", 8));
  const Bytes single = encode_row(batch, 0, cql::Consistency::Two, 9, 4);
  const auto execute = cql::decode_execute(cql::parse_frame(single)->body, 4);
  ASSERT_TRUE(execute);
  EXPECT_EQ(execute->id, "ID");
  EXPECT_EQ(execute->params.values.size(), 4);
  EXPECT_EQ(execute->params.timestamp_micros, 9);
}

TEST(CqlWriteBatch, FramesOfV5ReadBack) {
  auto statement = std::make_shared<Prepared>();
  statement->id = "ID";
  statement->result_metadata_id = "COLUMNS";
  WriteBatch batch;
  batch.statement = statement;
  batch.columns = 2;
  batch.cells = {"a", "1", "b", "2"};
  const Bytes frame = encode_batch(batch, 0, 2, false, cql::Consistency::One, 9, 5, false);
  EXPECT_EQ(frame.size(), batch_bytes(batch, 0, 2, false, 5));
  cql::BatchRequest request;
  ASSERT_TRUE(cql::decode_batch(cql::parse_frame(frame)->body, 5, request));
  EXPECT_EQ(request.values_of(request.statements[1])[1], cql::CellValue("2"));
  EXPECT_EQ(request.timestamp_micros, 9);
  const Bytes single = encode_row(batch, 1, cql::Consistency::Two, 9, 5);
  const auto execute = cql::decode_execute(cql::parse_frame(single)->body, 5);
  ASSERT_TRUE(execute);
  EXPECT_EQ(execute->id, "ID");
  EXPECT_EQ(execute->result_metadata_id, "COLUMNS");
  EXPECT_EQ(execute->params.consistency, cql::Consistency::Two);
  EXPECT_EQ(execute->params.values[0], cql::CellValue("b"));
  EXPECT_EQ(execute->params.timestamp_micros, 9);
}

}  // namespace
}  // namespace penstock::client
