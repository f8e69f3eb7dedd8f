// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record: decoded into columns of every type, between two good records that must not
// notice.
#include "stream/json_decoder.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sql::Fields fields{
      {"id", sql::Type::Text, true},       {"n", sql::Type::Int, false},
      {"x", sql::Type::Float, false},      {"ok", sql::Type::Boolean, false},
      {"at", sql::Type::Timestamp, false}, {"key", sql::Type::Uuid, false}};
  static stream::JsonDecoder decoder(fields, {1 << 16, false, false});
  std::vector<sql::Column> columns;
  for (const sql::Field& field : fields) columns.emplace_back(field.type);
  stream::Reject reject;
  if (!decoder.decode(R"({"id":"a","n":1})", columns, reject)) __builtin_trap();
  const bool good = decoder.decode({reinterpret_cast<const char*>(data), size}, columns, reject);
  if (!decoder.decode(R"({"id":"b","x":2})", columns, reject)) __builtin_trap();
  for (const sql::Column& column : columns) {
    if (column.size() != (good ? 3U : 2U)) __builtin_trap();
  }
  if (columns[0].bytes_at(columns[0].size() - 1) != "b" || columns[0].bytes_at(0) != "a")
    __builtin_trap();
  return 0;
}
