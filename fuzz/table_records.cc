// SPDX-License-Identifier: Apache-2.0
// What the table room reads back from disk or from clients: rows, keys, range bounds, paging
// states, schema records.
#include <cstdint>
#include <cstdlib>

#include "table/catalog_codec.h"
#include "table/keys.h"
#include "table/position.h"
#include "table/row_format.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(table::RecordKey::parse(bytes));
  static_cast<void>(table::parse_range(bytes));
  if (const auto position = table::Position::parse(bytes); position && position->encode() != bytes)
    std::abort();
  static_cast<void>(
      table::CatalogCodec::decode({{table::CatalogCodec::prefix() + "keyspace/x", Bytes(bytes)}}));

  // A row that is one survives merging with itself, and merging its halves is orderless.
  const std::size_t half = size / 2;
  const BytesView left = bytes.substr(0, half);
  const BytesView right = bytes.substr(half);
  Bytes one;
  Bytes other;
  const BytesView forward[]{left, right};
  const BytesView backward[]{right, left, right};
  const bool merged = table::merge_rows(forward, one).has_value();
  if (merged != table::merge_rows(backward, other).has_value()) std::abort();
  if (merged && (one != other || !table::valid_row(one))) std::abort();
  return 0;
}
